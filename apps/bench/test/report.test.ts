import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Contended } from '../src/measure/contention.js';
import type { Measured } from '../src/measure/measure.js';
import { summarize } from '../src/measure/summarize.js';
import { benchReport } from '../src/report/bench-report.js';
import { contentionReport } from '../src/report/contention-report.js';
import { scalingChart } from '../src/report/scaling-chart.js';
import { speedChart } from '../src/report/speed-chart.js';

const epoch = (examplesPerSecond: number, foreignLoad = 0) => ({ examplesPerSecond, foreignLoad });

test('epochs that other programs disturbed do not count, so that a busy machine is not taken for a slow backend', () => {
  const epochs = [epoch(100), epoch(20, 0.5), epoch(120), epoch(110)];
  expect(summarize(epochs)).toEqual({ median: 110, lowest: 100, highest: 120, disturbed: 1 });
  expect(summarize([epoch(20, 0.5), epoch(40, 0.3)])).toMatchObject({ median: 30, disturbed: 2 });
});

test('the report gives ratios to the first, and what could not be measured as a dash', () => {
  const measured = (name: string, speed: number): Measured => ({
    ...{ id: name, name, version: '1.2', runtime: 'Node 20', epochs: [epoch(speed)], firstLoss: 0.5 },
    ...{ firstStepSeconds: 0.25, latency: { p50: 40e-6, p90: 52e-6, p99: 0.0012 }, predictionsPerSecond: null },
    limits:
      name === 'PyTorch'
        ? { peakBytes: null, peak: null, operations: null }
        : { peakBytes: null, peak: 100e9, operations: 1e6 },
  });
  const machine = { processor: 'a processor', processors: 2, memoryBytes: 8 * 2 ** 30, system: 'linux' };
  const [ours, peer] = [measured('@bn/wasm', 48_612), measured('PyTorch', 16_204)];
  const result = { network: 'lenet-bn', batchSize: 256, threads: 2, examples: 60_000, measured: [ours, peer] };
  const text = benchReport({ machine, date: '2026-01-01', results: [result] });
  expect(text).toContain(
    '| @bn/wasm, Node 20 | 48,600 [48,600 to 48,600] | 1.00 | – | 40, 52, 1200 | 0.25 | – | 0.500 |',
  );
  expect(text).toContain('@bn/wasm, Node 20: 100 GFLOP/s, at most 100,000 examples/s, of which 49 % are reached.');
  expect(text).toContain('| PyTorch 1.2 | 16,200 [16,200 to 16,200] | 0.33 |');
});

test('who cannot train has a row that says so, and the reason below it', () => {
  const limits = { peakBytes: null, peak: null, operations: null };
  const predictor: Measured = {
    ...{
      id: 'tfjs-wasm',
      name: 'TensorFlow.js',
      version: '4',
      runtime: 'Node 20',
      cannot: { train: 'no such kernel' },
    },
    ...{ epochs: [], firstLoss: null, firstStepSeconds: null, limits, predictionsPerSecond: 1000 },
    latency: { p50: 1e-3, p90: 1e-3, p99: 1e-3 },
  };
  const machine = { processor: 'a processor', processors: 2, memoryBytes: 8 * 2 ** 30, system: 'linux' };
  const result = { network: 'lenet-bn', batchSize: 256, threads: 2, examples: 60_000, measured: [predictor] };
  const text = benchReport({ machine, date: '2026-01-01', results: [result] });
  expect(text).toContain('| TensorFlow.js 4 | cannot | – | 1,000 | 1000, 1000, 1000 | – | – | – |');
  expect(text).toContain('TensorFlow.js 4 cannot train: no such kernel.');
});

test('times beside busy processes: a row per participant and number of threads, a column per number of processes', () => {
  const one = (busy: number, threads: number, seconds: number): Contended => ({
    ...{ id: 'wasm', name: '@bn/wasm', version: '1', runtime: 'Node 20', threads, busy },
    ...{ image: { p50: seconds, p90: 2 * seconds, p99: 1 }, step: null },
  });
  const machine = { processor: 'a processor', processors: 2, memoryBytes: 8 * 2 ** 30, system: 'linux' };
  const results = [one(0, 1, 30e-6), one(2, 1, 50e-6), one(0, 2, 20e-6), one(2, 2, 90e-6)];
  const text = contentionReport({ machine, date: '2026-01-01', batchSize: 256, results });
  expect(text).toContain('|  | 0 busy processes | 2 busy processes |');
  expect(text).toContain('| @bn/wasm, Node 20, 1 thread | 30, 60 | 50, 100 |');
  expect(text).toContain('| @bn/wasm, Node 20, 2 threads | 20, 40 | 90, 180 |');
  expect(text).toContain('| @bn/wasm, Node 20, 1 thread | cannot | cannot |');
});

test('the chart has a panel per axis and a line per participant', async () => {
  const points = ['batch', 'width'].flatMap((axis) =>
    ['@bn/wasm', 'PyTorch'].flatMap((name) => [32, 64].map((size) => ({ axis, size, name, examplesPerSecond: size }))),
  );
  const svg = await scalingChart(points);
  expect(svg.match(/mark-line role-mark/g)).toHaveLength(4);
  expect(svg).toContain('PyTorch');
});

test('the chart of speeds has a bar for everyone who trains', async () => {
  const data = JSON.parse(readFileSync(new URL('../../../docs/benchmarks/lenet.json', import.meta.url), 'utf8'));
  const svg = await speedChart(data);
  expect(svg.match(/aria-roledescription="bar"/g)).toHaveLength(8);
  expect(svg).toContain('PyTorch 2.15.0+cu132, eager');
});
