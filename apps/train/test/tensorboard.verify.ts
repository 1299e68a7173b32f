// TensorBoard's own reader on the event files of a run: what they hold, and that a resumed run takes back what it repeats.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { EpochRecord } from '../src/run-record.js';
import { smallFlags, smallFolder, train } from './small-run.js';

const python = process.env.BN_PYTHON ?? 'python3';
const reader = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
log = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'histograms': 0})
log.Reload()
tags = log.Tags()
histogram = lambda e: {'step': e.step, **{k: getattr(e.histogram_value, k) for k in ('min', 'max', 'num', 'sum', 'sum_squares', 'bucket_limit', 'bucket')}}
print(json.dumps({
  'scalars': {tag: [[e.step, e.value] for e in log.Scalars(tag)] for tag in tags['scalars']},
  'histograms': {tag: [histogram(e) for e in log.Histograms(tag)] for tag in tags['histograms']},
}))
`;

interface Read {
  readonly scalars: Record<string, [step: number, value: number][]>;
  readonly histograms: Record<
    string,
    Record<'step' | 'min' | 'max' | 'num' | 'sum' | 'sum_squares', number>[] &
      Record<'bucket' | 'bucket_limit', number[]>[]
  >;
}

it('reads scalars of every step and epoch and the histograms, each step once after a crash', async ({ skip }) => {
  const found = spawnSync(python, ['-c', 'import tensorboard']).status === 0;
  if (!found) skip(`${python} lacks tensorboard; pip install it, or name another Python in BN_PYTHON`);
  const folder = smallFolder();
  const run = join(folder, 'run');
  const flags = [...smallFlags, '--tensorboard', '--out', 'run', '--json'];
  await train(folder, flags, { stopAt: /"type":"step","epoch":2,"step":2,/ });
  // As if it had crashed before the last checkpoint: the two steps of the second epoch are done again.
  rmSync(join(run, 'checkpoint.safetensors'));
  const { code, stderr } = await train(folder, ['--resume', 'run', '--tensorboard']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

  const { scalars, histograms }: Read = JSON.parse(execFileSync(python, ['-c', reader, run], { encoding: 'utf8' }));
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  const epochs = lines.map((line) => JSON.parse(line) as EpochRecord);
  const everyStep = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  for (const tag of ['loss/step', 'accuracy/step', 'learning_rate']) {
    expect(scalars[tag]!.map(([step]) => step)).toEqual(everyStep);
  }
  const near = (value: number) => expect.closeTo(value, 6);
  expect(scalars['loss/train']).toEqual(epochs.map(({ epoch, loss }) => [3 * epoch, near(loss)]));
  expect(scalars['accuracy/test']).toEqual(epochs.map(({ epoch, test }) => [3 * epoch, near(test.metrics.accuracy!)]));

  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  expect(Object.keys(histograms).sort()).toEqual([
    ...['activation/act', 'activation/bn', 'activation/conv', 'activation/flatten', 'activation/out'],
    ...['beta/bn', 'gamma/bn'],
  ]);
  for (const [i, { epoch, batchNorm }] of epochs.entries()) {
    const { gamma } = batchNorm.bn!;
    expect(histograms['gamma/bn']![i]).toMatchObject({
      ...{ step: 3 * epoch, num: 2, min: near(Math.min(...gamma)), max: near(Math.max(...gamma)) },
      ...{ sum: near(sum(gamma)), sum_squares: near(sum(gamma.map((value) => value ** 2))) },
    });
    // 16 examples, 2 channels of 6 × 6.
    const { num, min, max, bucket, bucket_limit: limits } = histograms['activation/bn']![i]!;
    expect({ num, count: sum(bucket) }).toEqual({ num: 1152, count: 1152 });
    expect(limits).toEqual([...limits].sort((a, b) => a - b));
    expect([min, max]).toEqual([expect.any(Number), limits.at(-1)]);
  }
});
