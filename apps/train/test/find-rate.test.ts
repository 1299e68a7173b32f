// `find-rate`: what losses suggest, and the command from flags to the next one.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { balancedSampling, epochOrder } from '@bn/core';
import { MemoryDataset } from '@bn/datasets';
import { describe, expect, it } from 'vitest';
import { type RateRecord, ratesOf, smooth, suggestRate } from '../src/find-rate/record.js';
import { batchesOf } from '../src/load/load-steps.js';
import { smallFolder, train } from './small-run.js';

const pointsOf = (lossAt: (rate: number) => number) => {
  const rates = ratesOf(161);
  const losses = rates.map((rate) => lossAt(rate));
  const smoothed = smooth(rates, losses);
  return rates.map((rate, i) => ({ rate, loss: losses[i]!, smoothed: smoothed[i]! }));
};

describe('a suggestion', () => {
  /** Falls by a logistic curve around a rate of 0.01, and rises from 1 on; alternating noise of 0.1. */
  const typical = (rate: number) =>
    2.3 - 1.5 / (1 + (0.01 / rate) ** 1.5) + 0.5 * Math.max(0, Math.log10(rate)) + 0.1 * Math.sin(1e6 * Math.log(rate));

  it('is where a noisy loss falls most steeply, and where it is lowest', () => {
    const { steepest, lowest } = suggestRate(pointsOf(typical))!;
    expect(steepest).toBeGreaterThan(0.006);
    expect(steepest).toBeLessThan(0.016);
    expect(lowest).toBeGreaterThan(0.1);
    expect(lowest).toBeLessThan(2);
  });

  it('is none where the loss does not fall', () => {
    expect(suggestRate(pointsOf((rate) => 2.3 + Math.max(0, Math.log10(rate))))).toBeNull();
  });
});

const small = ['--backend', 'reference', '--data', 'data', '--model', 'net.ts', '--batch-size', '32'];

it('find-rate tells the rates and the next command, draws the losses, and records nothing', async () => {
  const folder = smallFolder();
  const flags = [...small, '--optimizer', 'adam', '--clip', '1'];
  const { code, stdout, stderr } = await train(folder, ['find-rate', ...flags, '--steps', '60', '--html', 'r.html']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^net\.ts on data, .* by reference: \d+ steps of 32 examples\n/);
  expect(stdout).toMatch(/━━ loss .*━━ smoothed .*\n( *(\d\.?\d*)? [│┤].*\n){13}.*└─.*\n rate .*1e-5 .*1e-1 /);
  const [, rate] = /falls most steeply at a learning rate of ([\d.e-]+), and is lowest at [\d.e-]+\./.exec(stdout)!;
  expect(stdout).toContain(`  npx -y pnpm@12.21.0 train ${flags.join(' ')} --learning-rate ${rate}\n`);
  expect(existsSync(join(folder, 'runs'))).toBe(false);
  expect(readFileSync(join(folder, 'r.html'), 'utf8')).toContain(`The loss falls most steeply at ${rate}`);
});

it('for programs it is one line, the same each time, up to where the loss diverges', async () => {
  const folder = smallFolder();
  const flags = ['find-rate', ...small, '--json', '--steps', '80'];
  const { stdout } = await train(folder, flags);
  const { type, points, suggestion }: RateRecord & { type: string } = JSON.parse(stdout);
  expect(type).toBe('rates');
  expect(points.length).toBeGreaterThan(30);
  expect(points.length).toBeLessThan(80);
  expect(points[0]!.rate).toBe(1e-6);
  expect(suggestion!.lowest).toBeGreaterThan(suggestion!.steepest);
  expect((await train(folder, flags)).stdout).toBe(stdout);
});

it('flags that decide nothing here are mistakes', async () => {
  const { code, stderr } = await train('/', ['find-rate', '--epochs', '3']);
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option '--epochs'") });
});

it('trains on the batches that the training will have, with --sampling too', () => {
  const labels = Int32Array.from({ length: 40 }, (_, i) => Number(i < 4));
  const data = new MemoryDataset({ features: Uint8Array.from(labels.keys()), shape: [1], labels });
  const config = { seed: 3, batchSize: 40, sampling: 'balanced' } as const;
  const batch = batchesOf(data, config).next().value;
  expect(batch.labels.filter((label) => label === 1)).toHaveLength(20);
  expect([...batch.features]).toEqual([...epochOrder(40, config.seed, 0, balancedSampling(labels))]);
});
