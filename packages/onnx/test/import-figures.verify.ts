// How much of what others export is imported, and computed as it should be: the figures of the README. ONNX's own tests are
// written by Python's onnx, torchvision's networks by torchvision_models.py.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBackend } from '@bn/reference';
import { createBackend as createWasm } from '@bn/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backendFigures, type Figure, isClaimed, modelFigures, torchvisionFigures } from './import-figures.js';

const python = process.env.BN_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import onnx']).status === 0;
const lacking = `${python} has no package onnx; pip install onnx, or name another Python in BN_PYTHON`;
const torchvision = process.env.BN_TORCHVISION;

/** What is not imported, and why not. */
const kinds: readonly (readonly [why: string, what: RegExp])[] = [
  ['element types that classifiers do not have (int8, uint16, bfloat16, float8 …)', /element type/],
  ['volumes', /not three or four axes/],
  ['results that are empty tensors', /empty/],
  ['integers that are divided or raised by the data, remainders', /div: expected|powers of integers|a remainder/],
  ['dropout that drops', /drops values at random/],
  ['opset 1', /has opset 1;/],
  ['places of largest values (MaxPool)', /output 'z'/],
  ['numbers of a Range that depend on the data', /Range.*must not depend/],
  ["downsampling with align_corners, where ONNX Runtime's values are followed", /^WRONG/],
];

describe('what the onnx package brings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bn-figures-'));
  beforeAll(() => {
    if (found) execFileSync(python, [fileURLToPath(new URL('backend_tests.py', import.meta.url)), folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of ONNX’s tests of operators, all pass but those of a few kinds', async ({ skip }) => {
    skip(!found, lacking);
    const claimed = (await backendFigures(join(folder, 'node'), await createBackend({}))).filter(isClaimed);
    const failed = claimed.filter(({ outcome }) => outcome !== 'passed');
    const kindOf = ({ outcome }: Figure) => kinds.find(([, what]) => what.test(outcome))?.[0];
    const passed = claimed.length - failed.length;
    console.log(`${claimed.length} tests of imported operators, ${passed} pass`);
    for (const [why] of kinds) console.log(`${failed.filter((one) => kindOf(one) === why).length} ${why}`);
    expect(failed.filter((one) => !kindOf(one))).toEqual([]);
    const wrong = failed.filter(({ outcome }) => outcome.startsWith('WRONG')).map(({ name }) => name);
    expect(wrong.every((name) => /^test_resize_downsample_scales_(linear|cubic)_align_corners$/.test(name))).toBe(true);
    const ofOurTypes = failed.filter((one) => kindOf(one) !== kinds[0]![0]).length;
    expect(passed / (passed + ofOurTypes)).toBeGreaterThan(0.95);
  });

  test('ONNX’s light networks compute what they do in ONNX Runtime', { timeout: 600_000 }, async ({ skip }) => {
    skip(!found, lacking);
    const figures = await shown(modelFigures(join(folder, 'light'), () => createWasm({})));
    expect(figures.length).toBeGreaterThanOrEqual(9);
    expect(figures.filter(({ outcome }) => !outcome.startsWith('passed'))).toEqual([]);
  });
});

test('torchvision’s classifiers compute what they do in ONNX Runtime', { timeout: 36_000_000 }, async ({ skip }) => {
  skip(!torchvision, 'takes hours; BN_TORCHVISION=all, or names of networks with commas between them');
  const names = torchvision === 'all' ? [] : torchvision!.split(',');
  const figures = await shown(torchvisionFigures(python, names, () => createWasm({})));
  const isTooLarge = ({ name, outcome }: Figure) => /^(vit_h_14|regnet_y_128gf)\./.test(name) && /2 Gi?B/.test(outcome);
  expect(figures.filter((one) => !one.outcome.startsWith('passed') && !isTooLarge(one))).toEqual([]);
});

async function shown(figures: AsyncIterable<Figure>): Promise<Figure[]> {
  const all: Figure[] = [];
  for await (const figure of figures) {
    all.push(figure);
    console.log(`${figure.name}: ${figure.outcome}`);
  }
  return all;
}
