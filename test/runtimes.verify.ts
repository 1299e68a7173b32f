// The packed packages in Deno and Bun, fetched from npm: a training, threads and data included, to Node's numbers.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPacked, packPackages } from './pack-packages.js';
import { trainingPackages, trainingProgram } from './training-program.js';

const outside = mkdtempSync(join(tmpdir(), 'bn-runtimes-'));
const folder = join(outside, 'program');
afterAll(() => rmSync(outside, { recursive: true, force: true }));

beforeAll(async () => {
  await installPacked(await packPackages(outside), folder, trainingPackages, ['deno@2.9.6', 'bun@1.4.5']);
  // Puts Bun's program, which npm has fetched, into its place.
  await promisify(execFile)(process.execPath, ['install.js'], { cwd: join(folder, 'node_modules', 'bun') });
  writeFileSync(join(folder, 'program.mjs'), trainingProgram);
});

async function losses(command: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)(command, [], { cwd: folder, shell: true });
  const { device, losses } = JSON.parse(stdout);
  expect(device.description).toContain('2 threads');
  return losses;
}

test.for([
  ['Deno', 'npx --no-install deno run --allow-all program.mjs'],
  ['Bun', 'npx --no-install bun program.mjs'],
] as const)("%s trains to Node's numbers: with exact to the last bit", async ([, command]) => {
  const node = `"${process.execPath}" program.mjs`;
  expect(await losses(`${command} exact`)).toEqual(await losses(`${node} exact`));
  // Engines may round a multiply-add once or twice.
  expect(await losses(command)).toEqual((await losses(node)).map((loss) => expect.closeTo(loss, 4)));
});
