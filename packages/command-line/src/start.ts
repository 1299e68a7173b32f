// Starts a program, or refuses an old Node in words: modules that it cannot read are imported only after that.

import type { Program } from './program.js';

const oldest = [20, 19] as const;

export function start(load: () => Promise<{ readonly program: Program }>): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    console.error(
      `error: this needs Node ${oldest.join('.')} or newer, and this is ${process.versions.node}; https://nodejs.org has it`,
    );
    process.exitCode = 1;
    return;
  }
  void Promise.all([import('./run-program.js'), load()]).then(([{ runProgram }, { program }]) => runProgram(program));
}
