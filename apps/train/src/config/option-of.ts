// A knob as an option of commander's, with its help.

import { Option } from 'commander';
import { flagOf, type KnobName, knobs } from './knobs.js';

export function optionOf(name: KnobName): Option {
  const { placeholder, choices, preset, what, why } = knobs[name] as (typeof knobs)[KnobName] & {
    choices?: readonly string[];
  };
  const values = choices ? ` (${choices.join(', ')})` : '';
  const value = preset === null || preset === false ? '' : ` ${preset}`;
  return new Option(`${flagOf(name)} ${placeholder}`.trim(), `${what}${values} [default${value}: ${why}]`);
}
