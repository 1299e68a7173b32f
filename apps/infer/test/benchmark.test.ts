// `infer benchmark`: what is measured and printed; never how fast it is.

import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { timeRuns } from '../src/benchmark/time-runs.js';
import { infer, testFolder, whereTheLightIs } from './small-model.js';

const quick = ['--backend', 'reference', '--seconds', '0.01'];
const folder = () => testFolder({ 'model.onnx': whereTheLightIs({ input: 'float32' }), 'a.csv': '' });

it('prints a table: a row per batch size', async () => {
  const { code, stdout } = await infer(folder(), ['benchmark', 'model.onnx', ...quick, '--batch-sizes', '1,3']);
  expect(code).toBe(0);
  const [title, machine, , head, ...rows] = stdout.trimEnd().split('\n');
  expect(title).toBe('model, by reference on cpu (1 thread)');
  expect(machine).toMatch(/, \d+ cores?, Node \d+\.\d+\.\d+ on \w+ \w+$/);
  expect(head!.trim().split(/ {2,}/)).toEqual(['batch', 'examples/s', 'p50 ms', 'p90 ms', 'p99 ms', 'runs']);
  expect(rows.map((row) => row.trim().split(/ +/)[0])).toEqual(['1', '3']);
  for (const row of rows) expect(row).toMatch(/^ +\d+ +[\d,]+( +\d+\.\d{3}){3} +[\d,]+$/);
});

it('without a named backend takes the one that training takes, and with --exact its mode of the same bits', async () => {
  const args = ['benchmark', 'model.onnx', '--seconds', '0.01', '--batch-sizes', '1'];
  expect((await infer(folder(), [...args, '--device', 'cpu'])).stdout).toMatch(/^model, by wasm on cpu \(/);
  expect((await infer(folder(), [...args, '--exact'])).stdout).toMatch(/^model, by wasm on cpu \(WebAssembly, SIMD, /);
});

it('prints a line of JSON per batch size, whose figures agree', async () => {
  const { stdout } = await infer(folder(), ['benchmark', 'model.onnx', ...quick, '--json']);
  const [start, ...lines] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(start).toMatchObject({ type: 'start', model: 'model', backend: expect.stringContaining('reference') });
  expect(lines.map(({ batchSize }) => batchSize)).toEqual([1, 8, 32, 256]);
  for (const { type, batchSize, runs, seconds, examplesPerSecond, latencyMilliseconds } of lines) {
    expect(type).toBe('benchmark');
    expect(examplesPerSecond).toBeCloseTo((batchSize * runs) / seconds, 6);
    expect(latencyMilliseconds.p50).toBeLessThanOrEqual(latencyMilliseconds.p90);
    expect(latencyMilliseconds.p90).toBeLessThanOrEqual(latencyMilliseconds.p99);
  }
});

it('Ctrl-C ends it after the batch sizes that are done', async () => {
  const { code, stdout } = await infer(folder(), ['benchmark', 'model.onnx', ...quick, '--json'], {
    stopAt: /"batchSize":8/,
  });
  expect(code).toBe(130);
  expect(stdout.trimEnd().split('\n')).toHaveLength(3);
});

it.each([
  ['--batch-sizes 1,x', "--batch-sizes: expected a whole number from 1 to 65536, got 'x'"],
  ['--batch-sizes 0', '--batch-sizes: expected a whole number from 1 to 65536'],
  ['--seconds 0', '--seconds: expected a number above 0'],
])('%s is an error', async (line, message) => {
  const { code, stderr } = await infer(folder(), ['benchmark', 'model.onnx', ...line.split(' ')]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

describe('runs', () => {
  const { signal } = new AbortController();

  it('are ten at least, after some that are not timed', async () => {
    let count = 0;
    const timing = await timeRuns(async () => count++, { seconds: 1e-9, signal });
    expect(timing!.runs).toBe(10);
    expect(count).toBeGreaterThan(10);
  });

  it('end soon when they are stopped, though they never wait for anything', async () => {
    const stop = new AbortController();
    setImmediate(() => stop.abort());
    expect(await timeRuns(async () => {}, { seconds: 20, signal: stop.signal })).toBeNull();
  });

  it('are timed in milliseconds, the slow ones among them in the 99th percentile', async () => {
    let count = 0;
    const timing = await timeRuns(() => setTimeout(++count === 12 ? 60 : 2), { seconds: 1e-9, signal });
    const { p50, p99 } = timing!.latency;
    expect(p50).toBeGreaterThan(1);
    expect(p50).toBeLessThan(p99);
    expect(p99).toBeGreaterThan(50);
    expect(timing!.seconds * 1000).toBeGreaterThan(p99);
  });
});
