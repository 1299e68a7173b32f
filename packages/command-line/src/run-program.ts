// Runs a program as this process.

import { dirname } from 'node:path';
import type { Program } from './program.js';
import { stopSignal } from './stop-signal.js';

/** Runs the program with the process's arguments, streams and signals, and sets the exit code. */
export async function runProgram(program: Program): Promise<void> {
  const { argv, env, stdout, stderr } = process;
  const io = { cwd: workingFolder(env), env, stdout, stderr, signal: stopSignal() };
  process.exitCode = await program.main(argv.slice(2), io);
}

/** pnpm runs a script in the folder of its package.json, and says in INIT_CWD where the user is. */
function workingFolder(env: NodeJS.ProcessEnv): string {
  const scriptFolder = env.npm_package_json && dirname(env.npm_package_json);
  return scriptFolder === process.cwd() && env.INIT_CWD ? env.INIT_CWD : process.cwd();
}
