// The commands of @bn/train.

import { defineProgram, type Program } from '@bn/command-line';

export const program: Program = defineProgram({
  commands: new URL('commands/', import.meta.url),
  standard: 'train',
  standardTakesArguments: false,
});
