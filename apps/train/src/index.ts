// The program @bn/train.

import { dirname } from 'node:path';
import { main } from './main.js';
import { stopSignal } from './stop-signal.js';

const { env, stdout, stderr } = process;
process.exitCode = await main(process.argv.slice(2), {
  cwd: workingFolder(),
  env,
  stdout,
  stderr,
  signal: stopSignal(),
});

/** pnpm runs a script in the folder of its package.json, and says in INIT_CWD where the user is. */
function workingFolder(): string {
  const scriptFolder = env.npm_package_json && dirname(env.npm_package_json);
  return scriptFolder === process.cwd() && env.INIT_CWD ? env.INIT_CWD : process.cwd();
}
