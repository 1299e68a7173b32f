// Starts a browser that is not driven: it opens an address in an empty profile, and is ended with all its processes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FoundBrowser } from './find-browser.js';

export interface StartedBrowser {
  /** Fails if the browser ends before `end` is called. */
  readonly failed: Promise<never>;
  end(): Promise<void>;
}

export function startBrowser(
  { command }: Pick<FoundBrowser, 'command'>,
  address: string,
  env: NodeJS.ProcessEnv = {},
): StartedBrowser {
  const profile = mkdtempSync(join(tmpdir(), 'bn-profile-'));
  const [program, ...args] = command(address, profile);
  // A process group of its own, which ends with it.
  const browser = spawn(program!, args, { detached: true, stdio: 'ignore', env: { ...process.env, ...env } });
  const failed = new Promise<never>((_, reject) => {
    browser.on('exit', (code) => reject(new Error(`the browser ended with ${code}`)));
    browser.on('error', reject);
  });
  failed.catch(() => {});
  return {
    failed,
    async end() {
      if (browser.exitCode === null && browser.pid !== undefined) {
        const ended = once(browser, 'exit');
        if (process.platform === 'win32') browser.kill();
        else process.kill(-browser.pid);
        await ended;
      }
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
