// How the programs start: an old Node is refused in words.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: root });

/** A module that makes a program believe in another Node. */
const pretend = (version: string) =>
  `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;

test.each(['build.cjs', 'apps/train/dist/index.js', 'apps/infer/dist/index.js'])(
  '%s refuses a Node that is too old, before it imports what that cannot read',
  async (program) => {
    for (const version of ['18.20.8', '20.18.3']) {
      const refusal = `error: this needs Node 20.19 or newer, and this is ${version}; https://nodejs.org has it\n`;
      await expect(node('--import', pretend(version), program)).rejects.toMatchObject({ code: 1, stderr: refusal });
    }
  },
);
