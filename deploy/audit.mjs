// Asks the registry for known vulnerabilities of what the published packages install. The exit code is 0 without any, 1 with
// some, and 2 where the registry does not answer: then nothing is known.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const args = ['-y', packageManager, 'audit', '--prod', ...process.argv.slice(2)];
const { status, stdout, stderr } = spawnSync('npx', args, { cwd: root, shell: true, encoding: 'utf8', maxBuffer: 1e8 });
const failure = /ERR_PNPM_AUDIT.*/s.exec(stdout + stderr)?.[0];
if (failure) {
  const reason = failure.replaceAll(/[\s×│├╰─▶]+/g, ' ').trim();
  console.error(`error: nothing was audited, since the registry does not answer the question: ${reason}`);
  process.exit(2);
}
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exit(status ?? 1);
