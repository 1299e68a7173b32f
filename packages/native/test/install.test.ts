// Fetching from an index on this machine, and installing what it gives.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { install, installed, uninstall } from '../src/install.js';
import { PackageIndex } from '../src/package-index.js';
import type { Progress } from '../src/setup-options.js';
import { archive, cutOff, smallIndex, wheel } from './small-index.js';

let root = '';
let lines: string[] = [];
const say = (line: string) => void lines.push(line);
const record = { small: '1.0' };

beforeEach(() => {
  lines = [];
  root = join(mkdtempSync(join(tmpdir(), 'bn-native-')), 'cache');
  vi.stubEnv('BN_NATIVE_DIR', root);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(join(root, '..'), { recursive: true });
});

const installFrom = (url: string, wheels = [wheel], finish?: (folder: string) => Promise<void>) =>
  install({ name: 'small-1.0', wheels, record, source: new PackageIndex(url), finish }, { say });
const partFile = () => join(root, 'downloads', `${wheel.file}.part`);

test.each([{ html: false }, { html: true }])('installs what the table names, from an index %o', async (form) => {
  const { url } = await smallIndex(form);
  await installFrom(url);
  expect(readdirSync(join(root, 'small-1.0'), { recursive: true }).sort()).toEqual([
    'lib',
    join('lib', 'libsmall.so.1'),
    'licences',
    join('licences', 'small'),
    join('licences', 'small', 'License.txt'),
    'setup.json',
    'tool',
  ]);
  expect(readFileSync(join(root, 'small-1.0', 'lib', 'libsmall.so.1'), 'utf8')).toHaveLength(90_000);
  expect(installed('small-1.0')).toEqual(record);
  // Nothing is left of the way there.
  expect(readdirSync(root).sort()).toEqual(['downloads', 'small-1.0']);
  expect(readdirSync(join(root, 'downloads'))).toEqual([]);
});

test.skipIf(process.platform === 'win32')('programs are executable, libraries are not', async () => {
  const { url } = await smallIndex();
  await installFrom(url);
  const mode = (path: string) => statSync(join(root, 'small-1.0', path)).mode & 0o111;
  expect(mode('tool')).not.toBe(0);
  expect(mode('lib/libsmall.so.1')).toBe(0);
});

test('says what is fetched, from where, how large, under which licence, and where it goes', async () => {
  const { url } = await smallIndex();
  const progress: Progress[] = [];
  await install(
    { name: 'small-1.0', wheels: [wheel], record, source: new PackageIndex(url) },
    { say, progress: (event) => progress.push(event) },
  );
  const text = lines.join('\n');
  for (const part of [new URL(url).host, 'small 1.0', '91 kB', 'MIT', '100 kB on disk', join(root, 'small-1.0')]) {
    expect(text).toContain(part);
  }
  expect(progress.at(-1)).toMatchObject({ received: archive.length, total: archive.length });
});

test('a dry run fetches nothing', async () => {
  const { url, ranges } = await smallIndex();
  await install({ name: 'small-1.0', wheels: [wheel], record, source: new PackageIndex(url) }, { say, dryRun: true });
  expect(lines.join('\n')).toContain('small 1.0');
  expect(ranges).toEqual([]);
  expect(existsSync(root)).toBe(false);
});

test('does nothing when all is there; another record is replaced', async () => {
  const { url, ranges } = await smallIndex();
  await installFrom(url);
  await installFrom(url);
  expect(ranges).toHaveLength(1);
  expect(lines.at(-1)).toContain('nothing to do');
  writeFileSync(join(root, 'small-1.0', 'setup.json'), '{"small":"0.9"}');
  await installFrom(url);
  expect(ranges).toHaveLength(2);
  expect(installed('small-1.0')).toEqual(record);
});

test('goes on where an earlier setup stopped', async () => {
  const { url, ranges } = await smallIndex();
  mkdirSync(join(root, 'downloads'), { recursive: true });
  writeFileSync(partFile(), archive.subarray(0, 1000));
  await installFrom(url);
  expect(ranges).toEqual(['bytes=1000-']);
});

test('goes on after a connection that was cut off', async () => {
  const fault = (_: unknown, response: Parameters<typeof cutOff>[0], count: number) => count === 0 && cutOff(response);
  const { url, ranges } = await smallIndex({ fault });
  await installFrom(url);
  expect(ranges).toEqual(['all', expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
});

test('a server without ranges sends all of it again', async () => {
  const { url } = await smallIndex({ ranges: false });
  mkdirSync(join(root, 'downloads'), { recursive: true });
  writeFileSync(partFile(), archive.subarray(0, 1000));
  await installFrom(url);
  expect(installed('small-1.0')).toEqual(record);
});

test('a file that is not the one meant is deleted, and nothing is installed', async () => {
  const { url } = await smallIndex();
  const other = { ...wheel, sha256: '0'.repeat(64) };
  await expect(installFrom(url, [other])).rejects.toMatchObject({
    code: 'file',
    message: expect.stringMatching(/is not the file that was published.*Run the setup again/),
  });
  expect(readdirSync(join(root, 'downloads'))).toEqual([]);
  expect(readdirSync(root)).toEqual(['downloads']);
});

test('a server that refuses ends the setup at once', async () => {
  const { url, ranges } = await smallIndex({
    fault: (_, response) => {
      response.writeHead(403).end();
      return true;
    },
  });
  await expect(installFrom(url)).rejects.toThrow(/answers 403; run the setup again/);
  expect(ranges).toHaveLength(1);
});

test('an index that is not there, or lacks the project or the file', async () => {
  await expect(installFrom('http://127.0.0.1:1/simple')).rejects.toThrow(/does not answer.*check the network/);
  const { url } = await smallIndex();
  await expect(installFrom(url, [{ ...wheel, project: 'large' }])).rejects.toThrow(/answers 404 for large/);
  await expect(installFrom(url, [{ ...wheel, file: 'small-2.whl' }])).rejects.toThrow(/has no small-2\.whl/);
});

test('a disk that is too small is noticed before', async () => {
  const { url, ranges } = await smallIndex();
  await expect(installFrom(url, [{ ...wheel, unpackedBytes: 1e18 }])).rejects.toThrow(/is free; free some space/);
  expect(ranges).toEqual([]);
});

test('what fails after unpacking leaves what was there, and the downloads', async () => {
  const { url } = await smallIndex();
  await installFrom(url);
  writeFileSync(join(root, 'small-1.0', 'setup.json'), '{"small":"0.9"}');
  const failing = installFrom(url, [wheel], () => Promise.reject(new Error('no compiler')));
  await expect(failing).rejects.toThrow('no compiler');
  expect(installed('small-1.0')).toEqual({ small: '0.9' });
  expect(readdirSync(root).sort()).toEqual(['downloads', 'small-1.0']);
  expect(readdirSync(join(root, 'downloads'))).toEqual([wheel.file]);
});

test('what is needed is asked for before anything is fetched', async () => {
  const { url, ranges } = await smallIndex();
  const prepare = () => Promise.reject(new Error('no compiler'));
  const source = new PackageIndex(url);
  await expect(install({ name: 'small-1.0', wheels: [wheel], record, source, prepare }, { say })).rejects.toThrow(
    'no compiler',
  );
  expect(ranges).toEqual([]);
});

test('one setup at a time; a lock of a process that died is taken over', async () => {
  const { url } = await smallIndex();
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, '.setup.lock'), String(process.ppid));
  await expect(installFrom(url)).rejects.toThrow(new RegExp(`process ${process.ppid} is running a setup`));
  writeFileSync(join(root, '.setup.lock'), String(2 ** 22 + 1));
  await installFrom(url);
  expect(existsSync(join(root, '.setup.lock'))).toBe(false);
});

test('uninstalling deletes the folder', async () => {
  const { url } = await smallIndex();
  await installFrom(url);
  await uninstall('small-1.0', { say });
  expect(readdirSync(root)).toEqual([]);
  await uninstall('small-1.0', { say });
  expect(lines.at(-1)).toContain('nothing in');
});

test('uninstalling deletes what an interrupted setup has left, too', async () => {
  mkdirSync(join(root, 'downloads'), { recursive: true });
  writeFileSync(partFile(), 'a part');
  await uninstall('small-1.0', { say, dryRun: true });
  expect(lines.at(-1)).toBe(`would delete ${join(root, 'downloads')}`);
  await uninstall('small-1.0', { say });
  expect(readdirSync(root)).toEqual([]);
});
