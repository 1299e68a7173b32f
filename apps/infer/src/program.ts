// The commands of @bn/infer.

import { defineProgram, type Program } from '@bn/command-line';

export const program: Program = defineProgram({
  commands: new URL('commands/', import.meta.url),
  standard: 'classify',
  standardTakesArguments: true,
});
