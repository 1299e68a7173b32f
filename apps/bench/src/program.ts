// The commands of @bn/bench.

import { defineProgram, type Program } from '@bn/command-line';

export const program: Program = defineProgram({
  commands: new URL('commands/', import.meta.url),
  standard: 'bench',
  standardTakesArguments: false,
});
