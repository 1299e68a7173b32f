// A server as a child process, to be asked over loopback.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { BnError } from '@bn/core';

export interface ServerChild {
  readonly url: string;
  end(): Promise<void>;
}

const program = fileURLToPath(new URL('../index.js', import.meta.url));

/**
 * Starts `infer serve` on a free port.
 *
 * @param args what follows `serve`
 * @throws BnError `backend` with what it said, if it does not start
 */
export async function startServerChild(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<ServerChild> {
  const { BN_API_KEY: _, ...open } = env;
  const child = spawn(process.execPath, [program, 'serve', ...args, '--port', '0', '--log-level', 'error'], {
    ...{ cwd, env: open, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  const exit = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const address = / on (http:\S+)/.exec(text)?.[1];
      if (address) resolve(address);
    });
    void exit.then(() =>
      reject(new BnError('backend', `the server does not start: ${said.trim().replace(/^error: /, '')}`)),
    );
  });
  return {
    url,
    async end() {
      child.kill();
      await exit;
    },
  };
}
