// Runs a program as this process.

import { dirname } from 'node:path';
import type { Program } from './program.js';
import { stopSignal } from './stop-signal.js';

/** Runs the program with the process's arguments, streams and signals, and sets the exit code. */
export async function runProgram(program: Program): Promise<void> {
  const { argv, env, stdout, stderr } = process;
  const fail = (message: string) => {
    stderr.write(`error: ${message}\n`);
    process.on('exit', () => {
      process.exitCode = 1;
    });
  };
  const stop = stopSignal(({ message }) => fail(`standard output cannot be written: ${message}; nothing more is done`));
  const io = {
    ...{ cwd: workingFolder(env), env, stdout, stderr },
    get signal() {
      return stop();
    },
  };
  let idle = 0;
  const onIdle = () => {
    // Once more round the loop: what waits there may know better what it waits for.
    if (++idle === 1) setImmediate(() => {});
    else fail('nothing is left to do, but the work is not done: what it waits for never comes');
  };
  process.on('beforeExit', onIdle);
  process.exitCode = await program.main(argv.slice(2), io);
  process.off('beforeExit', onIdle);
}

/** pnpm runs a script in the folder of its package.json, and says in INIT_CWD where the user is. */
function workingFolder(env: NodeJS.ProcessEnv): string {
  const scriptFolder = env.npm_package_json && dirname(env.npm_package_json);
  return scriptFolder === process.cwd() && env.INIT_CWD ? env.INIT_CWD : process.cwd();
}
