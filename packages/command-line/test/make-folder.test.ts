import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../src/index.js';

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bn-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('makes folders within each other, also when several do so at once, and keeps those that are there', async () => {
  const path = join(temporary(), 'a', 'b', 'c');
  await Promise.all([makeFolder(path), makeFolder(path)]);
  await makeFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

test('a file is in the way', async () => {
  const folder = temporary();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await expect(makeFolder(file)).rejects.toThrow(`${file}: cannot be written: a file has that name; choose another`);
  const below = join(file, 'a', 'b');
  await expect(makeFolder(below)).rejects.toThrow(`${file}: cannot be written: a file has that name; choose another`);
});

test('where nobody can make folders, it says so instead of trying forever', async (context) => {
  if (!existsSync('/proc/self')) context.skip('there is no /proc');
  const problem = '/proc/nowhere: no folder can be made in /proc; choose another';
  await expect(makeFolder('/proc/nowhere/run')).rejects.toMatchObject({ code: 'file', message: problem });
});
