// A knob as an option, with its help.

import { flagOption } from '@bn/command-line';
import type { Option } from 'commander';
import { flagOf, type KnobName, knobs } from './knobs.js';

export function optionOf(name: KnobName): Option {
  return flagOption(flagOf(name), knobs[name]);
}
