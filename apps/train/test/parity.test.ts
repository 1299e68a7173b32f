// `parity` as a process of its own, whose children are the built program: agreement, a mistake that is found, failures.

import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Verdict } from '../src/parity/record.js';
import { type Outcome, smallFolder, train } from './small-run.js';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const wrong = fileURLToPath(new URL('data/wrong-backend.mjs', import.meta.url));
const small = ['--data', 'data', '--model', 'net.ts', '--batch-size', '32', '--steps', '2', '--learning-rate', '0.1'];

function parity(cwd: string, ...flags: string[]): Promise<Outcome> {
  const env = { ...process.env, INIT_CWD: cwd, TMPDIR: cwd };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'parity', ...small, ...flags], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('backends that agree', () => {
  it('are told so, layer by layer; the page needs nothing else; no files are left over', async () => {
    const folder = smallFolder();
    const { code, stdout, stderr } = await parity(
      folder,
      ...['--backends', 'reference,onnxruntime-cuda', '--device', 'cpu', '--html', 'map.html'],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^step 2\/2 {2}loss \d\.\d+ {2}reference \d\.\de-\d+ {2}onnxruntime-cuda \d\.\de-\d+$/m);
    expect(stdout.match(/agrees with the reference/g)).toHaveLength(2);
    for (const layer of ['conv', 'bn', 'act', 'flatten', 'out', 'loss']) {
      expect(stdout).toMatch(new RegExp(`^${layer} +\\d\\.\\de-\\d`, 'm'));
    }
    expect(stdout).not.toMatch(/!|departs/);
    expect(readdirSync(folder).filter((name) => name.startsWith('bn-parity'))).toEqual([]);

    const page = readFileSync(join(folder, 'map.html'), 'utf8');
    expect(page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(
      /https?:|src="|href=|url\((?!#)|<script|<link| style=/,
    );
    expect(page).toContain("default-src 'none'; style-src 'sha256-");
    expect(page.match(/<title>Largest [^<]*/g)?.map((title) => title.slice(7))).toEqual([
      'Largest relative difference by layer and step: reference',
      'Largest relative difference by layer and step: onnxruntime-cuda',
    ]);
  });

  it('are with --exact those that have such a mode, in that mode', async () => {
    const { code, stdout } = await parity(smallFolder(), '--exact', '--json');
    expect(code).toBe(0);
    const device = expect.stringMatching(/^cpu \(WebAssembly, SIMD, /);
    expect(lines(stdout)[0].backends).toEqual([expect.objectContaining({ label: 'wasm', device })]);
  });

  it('are told as JSON', async () => {
    const { code, stdout } = await parity(smallFolder(), '--backends', 'reference', '--json');
    expect(code).toBe(0);
    const [start, ...rest] = lines(stdout);
    expect(start).toMatchObject({ type: 'start', steps: 2, batchSize: 32, tolerances: { stepwise: 1e-4 } });
    expect(start.backends).toEqual([expect.objectContaining({ label: 'reference', device: 'cpu (1 thread)' })]);
    expect(rest.map(({ type, step }) => step ?? type)).toEqual([1, 2, 'finish']);
    const first = rest[0].backends[0].differences;
    expect(first).toContainEqual({
      ...{ layer: 'bn', kind: 'gradient', name: 'bn.gamma', step: 1 },
      difference: expect.closeTo(0, 5),
    });
    const { agrees, backends } = rest[2];
    expect(agrees).toBe(true);
    expect(backends[0]).toMatchObject({ label: 'reference', agrees: true, stepwise: { departure: null } });
  });
});

describe('a wrong operation', () => {
  it.each([
    ['relu', 'act', { kind: 'activation', name: 'act' }],
    ['conv2dFilterGradient', 'conv', { kind: 'gradient', name: 'conv.weight' }],
    ['conv2d', 'conv', { kind: 'activation', name: 'conv' }],
  ])('%s is found in the layer %s', async (operation, layer, found) => {
    const folder = smallFolder();
    const { code, stdout, stderr } = await parity(folder, '--backends', `${wrong}:${operation}`, '--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const { agrees, backends } = lines(stdout).at(-1);
    expect(agrees).toBe(false);
    const { departure } = (backends as Verdict[])[0]!.stepwise;
    expect(departure).toMatchObject({ layer, ...found, step: 1, difference: expect.closeTo(1e-3, 4) });
  });

  it('stands in the table', async () => {
    const { code, stdout } = await parity(smallFolder(), '--backends', `${wrong}:relu`);
    expect(code).toBe(1);
    expect(stdout).toContain('departs from the reference');
    expect(stdout).toMatch(/^act +1\.0e-3!/m);
    expect(stdout).toMatch(/^ {2}first departs: act, by 1\.0e-3, activation of act in step 1$/m);
    expect(stdout).toMatch(/^ {2}first departs: the loss of step \d$/m);
  });
});

describe('failures', () => {
  it.each([
    [['--backends', 'reference,nowhere'], /unknown backend 'nowhere'/],
    [['--backends', 'reference, '], /--backends: expected some text, got ''/],
    [['--backends', 'reference,reference'], /reference is there twice/],
    [['--backends', 'wasm,reference', '--exact'], /--exact: reference has no such mode, only wasm has/],
    [['--steps', '0'], /--steps: expected a whole number of at least 1, got '0'/],
    [['--html', 'nowhere/map.html'], /--html nowhere\/map\.html: there is no folder/],
    [['--html', '--seed'], /--html: the value is missing before --seed/],
    [['--epochs', '3'], /unknown option '--epochs'/],
  ])('%s is a mistake in the call', async (flags, message) => {
    const { code, stdout, stderr } = await train(smallFolder(), ['parity', ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('of a model is told once, as a mistake in the call', async () => {
    const { code, stdout, stderr } = await parity(smallFolder(), '--model', './nowhere.ts', '--backends', 'reference');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: unknown model .*\n$/);
  });

  it.each([
    ['process.exit(3)', /^error: \.\/bad\.mjs: its process ended \(exit code 3\): last words; try another/],
    ['throw new Error("no luck")', /^error: \.\/bad\.mjs: no luck \(BN_DEBUG=1 shows where\)\n$/],
  ])('of a backend (%s) name it', async (statement, message) => {
    const folder = smallFolder();
    const source = `export async function createBackend() { process.stderr.write('last words'); ${statement}; }`;
    writeFileSync(join(folder, 'bad.mjs'), source);
    const { code, stderr } = await parity(folder, '--backends', './bad.mjs');
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('an engine that a backend does not have is told', async () => {
    const { code, stderr } = await parity(smallFolder(), '--backends', 'reference:turbo');
    expect(code).toBe(1);
    expect(stderr).toBe(
      "error: reference:turbo: there is no engine 'turbo' in reference: it has only one; leave out the engine\n",
    );
  });

  it('Ctrl-C ends the children too', async () => {
    const cwd = smallFolder();
    const flags = [...small, '--backends', 'reference', '--steps', '100000', '--json'];
    const env = { ...process.env, INIT_CWD: cwd, TMPDIR: cwd };
    const child = spawn(process.execPath, [program, 'parity', ...flags], { cwd, env });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.once('data', () => child.kill('SIGINT'));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
    expect(readdirSync(cwd).filter((name) => name.startsWith('bn-parity'))).toEqual([]);
  });
});
