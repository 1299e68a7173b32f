// A knob as an option, with its help.

import { checkedOption } from '@bn/command-line';
import type { Option } from 'commander';
import { flagOf, type KnobName, knobs } from './knobs.js';

export function optionOf(name: KnobName): Option {
  const { preset, what, why } = knobs[name];
  // No default of the option's own, which would win over the configuration file.
  const value = preset === null || preset === false ? '' : ` ${preset}`;
  return checkedOption(flagOf(name), knobs[name], `${what} [default${value}: ${why}]`);
}
