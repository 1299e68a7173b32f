import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { program } from '../dist/program.js';
import { networks } from '../src/networks.js';

function run(...args: string[]) {
  const cwd = mkdtempSync(join(tmpdir(), 'bn-bench-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (written[name] += text) });
  const io = { cwd, env: process.env, stdout: stream('stdout'), stderr: stream('stderr') };
  const code = program.main(args, { ...io, signal: new AbortController().signal });
  return code.then((code) => ({ code, cwd, ...written }));
}

const brief = ['--rounds', '1', '--prediction-seconds', '0.05', '--threads', '1', '--participants'];

test('every network trains on two backends to the same loss: what is compared is the same work', async () => {
  // Of the named networks, which are tested in @bn/models, the lightest.
  const some = Object.entries(networks).filter(
    ([name, { named }]) => named === undefined || name.startsWith('shuffle'),
  );
  for (const [network, { named }] of some) {
    const size = ['--examples', '64', '--batch-size', '32', '--out', 'report.md'];
    const { code, cwd, stderr } = await run('--networks', network, ...size, ...brief, 'wasm,onnxruntime-cuda');
    expect(code, stderr).toBe(0);
    const { results } = JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8'));
    const [ours, other] = results[0].measured;
    // In the gradients of fifty layers, values next to zero fall on either side of a ReLU.
    const apart = named === undefined ? 0.005 : 0.15;
    expect(Math.abs(ours.firstLoss - other.firstLoss), network).toBeLessThan(apart);
    expect(ours.epochs[0].examplesPerSecond).toBeGreaterThan(0);
  }
}, 300_000);

test.for(['torch', 'jax', 'keras'])(
  '%s trains the residual network, about as we do',
  { timeout: 240_000 },
  async (peer, { skip }) => {
    const size = ['--examples', '512', '--batch-size', '64', '--out', 'report.md'];
    const { code, cwd, stderr } = await run('--networks', 'residual', ...size, ...brief, `wasm,${peer}`);
    skip(/has no (torch|jax|keras)/.test(stderr), stderr.trim());
    expect(code, stderr).toBe(0);
    const [ours, theirs] = JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8')).results[0].measured;
    // Other random numbers, the same network: guessing gives a loss of 2.3.
    expect(Math.abs(theirs.firstLoss - ours.firstLoss)).toBeLessThan(0.15);
  },
);

test('torch trains torchvision’s network of that name, about as we do', { timeout: 240_000 }, async ({ skip }) => {
  const size = ['--examples', '128', '--batch-size', '64', '--out', 'report.md'];
  const { code, cwd, stderr } = await run('--networks', 'shufflenet_v2_x1_0', ...size, ...brief, 'wasm,torch');
  skip(/has no torch/.test(stderr), stderr.trim());
  expect(code, stderr).toBe(0);
  const [ours, theirs] = JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8')).results[0].measured;
  skip(theirs.cannot !== undefined, theirs.cannot?.train);
  expect(Math.abs(theirs.firstLoss - ours.firstLoss)).toBeLessThan(0.15);
});

test('peers in JavaScript train LeNet about as we do, or predict and say why they cannot train', async () => {
  const size = ['--examples', '1024', '--batch-size', '128', '--out', 'report.md'];
  const peers = 'wasm,jax-js,tfjs-wasm,onnxruntime-web';
  const { code, cwd, stderr, stdout } = await run('--networks', 'lenet-bn', ...size, ...brief, peers);
  expect(code, stderr).toBe(0);
  const { measured } = JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8')).results[0];
  const [ours, jax, ...predictors] = measured;
  // Other random numbers at a learning rate of 1: guessing gives a loss of 2.3.
  expect(Math.abs(jax.firstLoss - ours.firstLoss)).toBeLessThan(0.3);
  expect(jax.firstLoss).toBeLessThan(1.9);
  for (const { cannot, epochs, predictionsPerSecond } of predictors) {
    expect(cannot.train).toBeTypeOf('string');
    expect(epochs).toEqual([]);
    expect(predictionsPerSecond).toBeGreaterThan(0);
  }
  expect(stdout).toContain("cannot train: Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'.");
}, 240_000);

test('TensorFlow.js trains the residual network on libtensorflow, about as we do', async ({ skip }) => {
  const size = ['--examples', '256', '--batch-size', '64', '--out', 'report.md'];
  const { code, cwd, stderr } = await run('--networks', 'residual', ...size, ...brief, 'wasm,tfjs');
  skip(/libtensorflow is not installed/.test(stderr), stderr.trim());
  expect(code, stderr).toBe(0);
  const [ours, theirs] = JSON.parse(readFileSync(join(cwd, 'report.json'), 'utf8')).results[0].measured;
  expect(Math.abs(theirs.firstLoss - ours.firstLoss)).toBeLessThan(0.3);
}, 240_000);

test('contention: times of images and steps beside a busy process, which ends with the command', async () => {
  const small = ['--busy', '0,1', '--threads', '1', '--rounds', '1', '--seconds', '0.1', '--batch-size', '32'];
  const { code, stdout, stderr } = await run('contention', ...small, '--participants', 'wasm');
  expect(code, stderr).toBe(0);
  expect(stdout.match(/\| @bn\/wasm, Node \S+, 1 thread \| [\d.]+, [\d.]+ \| [\d.]+, [\d.]+ \|/g)).toHaveLength(2);
}, 120_000);

test('a participant that fails is named with its reason, and nothing is left running', async () => {
  const { code, stderr } = await run(...brief, 'nothing-of-that-name');
  expect(code).toBe(1);
  expect(stderr).toMatch(/nothing-of-that-name ended with exit code 1: .*unknown backend/);
});
