// Which epoch's weights count, when a run stops early, and that all of it goes on to the same bits.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCheckpoint, decodeSafetensors, encodeCheckpoint } from '@bn/core';
import { expect, it } from 'vitest';
import { keepRule } from '../src/run/learning-rule.js';
import { metricsOf, resultOf, smallFlags, smallFolder, train } from './small-run.js';

const checkpointOf = (run: string, name: string) => decodeCheckpoint(new Uint8Array(readFileSync(join(run, name))));

/** Trains ever faster, so that the best epoch in validation is neither the last nor, with 9 examples in it, the one that is kept. */
const wild = [...smallFlags, '--learning-rate', '10', '--warmup-epochs', '7', '--epochs', '7'];

it('the last epoch that validation does not tell from the best is what the report and exports are of, and the last of all what goes on', async () => {
  const folder = smallFolder();
  const run = join(folder, 'run');
  const { code, stdout, stderr } = await train(folder, [...wild, '--out', 'run']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const epochs = metricsOf(run);
  const losses = epochs.map(({ validation }) => validation!.loss);
  const best = epochs.filter((_, i) => losses[i]! - losses[i]! / Math.sqrt(9) <= Math.min(...losses)).at(-1)!;
  const { loss } = best.validation!;
  expect([best.epoch, loss]).not.toEqual([7, Math.min(...losses)]);
  expect(epochs.findLast(({ kept }) => kept)).toEqual(best);
  expect(stdout).toContain('81 training, 9 validation and 30 test examples');
  expect(stdout).toMatch(/^epoch 7\/7 {2}loss .* {2}train acc .* {2}val acc .* {2}test acc /m);
  expect(stdout).toContain(
    `epoch ${best.epoch} is kept: the last whose validation loss, ${loss.toFixed(3)}, is the best but for chance\n`,
  );
  expect(stdout).toContain(`test acc with moving averages         ${best.test.metrics.accuracy!.toFixed(3)}\n`);
  const kept = checkpointOf(run, 'best.safetensors');
  expect(kept.position).toMatchObject({ epoch: best.epoch, scores: losses.slice(0, best.epoch) });
  expect(checkpointOf(run, 'checkpoint.safetensors').position.epoch).toBe(7);
  const report = readFileSync(join(run, 'report.html'), 'utf8');
  expect(report).toContain(`validation loss: ${loss.toFixed(3)}`);

  const exported = async () => {
    const { code, stderr } = await train(folder, ['export', 'run', '--format', 'torch', '--out', 'w.safetensors']);
    expect(code).toBe(0);
    const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(join(folder, 'w.safetensors'))));
    return { weight: tensors.get('conv.weight'), stderr };
  };
  expect(await exported()).toEqual({ weight: kept.tensors.get('conv.weight'), stderr: '' });
  rmSync(join(run, 'best.safetensors'));
  const last = await exported();
  expect(last.weight).toEqual(checkpointOf(run, 'checkpoint.safetensors').tensors.get('conv.weight'));
  expect(last.stderr).toContain('best.safetensors is missing; the last epoch takes the place of the best one');
});

it('epochs are compared by any figure, and an unknown one is a mistake', async () => {
  const folder = smallFolder();
  const wilder = [...wild, '--learning-rate', '100'];
  const kept = [];
  for (const by of ['loss', 'accuracy']) {
    await train(folder, [...wilder, '--keep-by', by, '--out', by]);
    kept.push(checkpointOf(join(folder, by), 'best.safetensors').position.epoch);
  }
  const shown = metricsOf(join(folder, 'loss')).map(({ validation }) => validation!);
  expect(kept[0]).toBe(shown.findIndex(({ loss }) => loss === Math.min(...shown.map(({ loss }) => loss))) + 1);
  expect(kept[1]).toBeGreaterThan(kept[0]!);
  expect(shown[kept[1]! - 1]!.metrics.accuracy).toBe(Math.max(...shown.map(({ metrics }) => metrics.accuracy!)));
  const unknown = await train(folder, [...wild, '--keep-by', 'f1']);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(unknown.stderr).toBe('error: --keep-by f1: the figures of this task are loss, accuracy; give one of them\n');
});

it.each([
  // Errors: 1.3 − 1.3 / √16 = 0.975.
  ['loss', 16, [1, 1.3], true],
  ['loss', 16, [1, 1.4], false],
  ['absoluteError', 1600, [1, 1.3], false],
  ['loss', 16, [1.3, 1], true],
  // Shares: 0.8 + √(0.8 · 0.2 / 16) = 0.9.
  ['accuracy', 16, [0.89, 0.8], true],
  ['accuracy', 16, [0.91, 0.8], false],
  ['top5', 1600, [0.89, 0.8], false],
  ['accuracy', 16, [1, 1], true],
])('%s of %i examples: after others, %j is kept or not by its standard error', (by, examples, figures, isKept) => {
  const all = figures.map((figure) => ({ loss: figure, metrics: { [by]: figure } }));
  expect(keepRule(by, examples)(all.slice(0, -1), all.at(-1)!)).toBe(isKept);
});

it('a run that stops early says so, and goes on with more patience', async () => {
  const folder = smallFolder();
  const run = join(folder, 'run');
  const { stdout } = await train(folder, [...wild, '--epochs', '20', '--patience', '2', '--out', 'run']);
  const losses = metricsOf(run).map(({ validation }) => validation!.loss);
  const { length } = losses;
  expect(length).toBeLessThan(20);
  expect(stdout).toContain('stopped early: no epoch of the last 2 was better in validation\n');
  expect(losses.indexOf(Math.min(...losses)) + 1).toBe(length - 2);
  expect((await train(folder, ['--resume', 'run'])).code).toBe(0);
  expect(metricsOf(run)).toHaveLength(length);
  expect((await train(folder, ['--resume', 'run', '--patience', '3'])).code).toBe(0);
  expect(metricsOf(run).length).toBeGreaterThan(length);
});

it('--keep last has no validation part, and only the last epoch', async () => {
  const folder = smallFolder();
  const { stdout } = await train(folder, [...wild, '--keep', 'last', '--out', 'run']);
  expect(stdout).toContain('90 training and 30 test examples');
  expect(stdout).not.toContain('is kept');
  expect(() => checkpointOf(join(folder, 'run'), 'best.safetensors')).toThrow(/ENOENT/);
});

it('augmented, averaged, clipped and stopped early, a run goes on from the middle of an epoch to the same bytes', async () => {
  const folder = smallFolder();
  const flags = [
    ...[...smallFlags, '--epochs', '6', '--patience', '2', '--average', 'swa', '--schedule', 'plateau'],
    ...['--optimizer', 'adamw', '--weight-decay', '0.1', '--clip', '0.5', '--augment', 'light'],
  ];
  await train(folder, [...flags, '--out', 'whole']);
  const whole = resultOf(join(folder, 'whole'));
  expect([...whole.tensors.keys()]).toContain('optimizer.average.conv.weight');
  const stopAt = /"type":"step","epoch":2,"step":1,/;
  expect((await train(folder, [...flags, '--out', 'parts', '--json'], { stopAt })).code).toBe(130);
  expect((await train(folder, ['--resume', 'parts'])).code).toBe(0);
  expect(resultOf(join(folder, 'parts'))).toEqual(whole);
  for (const name of ['checkpoint.safetensors', 'best.safetensors']) {
    // All bytes but what the clock says.
    const [one, other] = ['whole', 'parts'].map((run) => {
      const { metadata, tensors, position } = checkpointOf(join(folder, run), name);
      const { seconds, examplesPerSecond, waited, ...lastEpoch } = JSON.parse(metadata.lastEpoch!);
      const timeless = { ...metadata, crc32: '', lastEpoch: JSON.stringify(lastEpoch) };
      return encodeCheckpoint({ tensors, position: { ...position, seconds: 0, waited: 0 } }, timeless);
    });
    expect(one).toEqual(other);
  }
});

it('weights of a run that averages are its averages', async () => {
  const folder = smallFolder();
  await train(folder, [...smallFlags, '--average', 'ema', '--keep', 'last', '--out', 'run']);
  const { tensors } = checkpointOf(join(folder, 'run'), 'checkpoint.safetensors');
  const flags = [...smallFlags, '--learning-rate', '1e-30', '--epochs', '1', '--keep', 'last'];
  await train(folder, [...flags, '--weights', 'run/checkpoint.safetensors', '--out', 'next']);
  const next = checkpointOf(join(folder, 'next'), 'checkpoint.safetensors').tensors;
  expect(next.get('conv.weight')).toEqual(tensors.get('optimizer.average.conv.weight'));
  expect(next.get('conv.weight')).not.toEqual(tensors.get('conv.weight'));
  // A step for other programs goes on with the weights themselves.
  expect((await train(folder, ['export', 'run', '--training-step', '--out', 'step.onnx'])).code).toBe(0);
  const step = decodeSafetensors(new Uint8Array(readFileSync(join(folder, 'step.safetensors')))).tensors;
  expect(step.get('conv.weight')).toEqual(tensors.get('conv.weight'));
  expect([...step.keys()].filter((path) => path.includes('average'))).toEqual([]);
});
