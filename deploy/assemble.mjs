// Puts the program bn-infer and all that it needs into a folder, which then runs anywhere with Node: what the container has.
// Run as: node deploy/assemble.mjs <folder>

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));
const [folder] = process.argv.slice(2).map((path) => resolve(path));
if (folder === undefined || existsSync(folder)) {
  console.error(`error: expected a folder that does not exist yet, got ${folder ?? 'nothing'}`);
  process.exit(2);
}

pnpm('install', '--frozen-lockfile');
pnpm('run', 'build');
// Copies: links would share the modes of files with the store.
pnpm('--filter', '@bn/infer', 'deploy', '--prod', '--config.package-import-method=copy', `"${folder}"`);

function pnpm(...args) {
  const { status } = spawnSync('npx', ['-y', packageManager, ...args], { cwd: root, shell: true, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
