// Weights to PyTorch and back: the textbook's nn.Sequential takes them, predicts the same, and its own file comes back.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { openModel } from '@bn/onnxruntime-cuda';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const images = fileURLToPath(
  new URL('../../../packages/fashion-mnist/data/t10k-images-idx3-ubyte.gz', import.meta.url),
);
const python = process.env.BN_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import torch, safetensors.torch']).status === 0;

const reader = `
import gzip, json, sys
import torch
from safetensors.torch import load_file, save_file
from torch import nn
images, weights, out = sys.argv[1:]
net = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(2),
    nn.Conv2d(6, 16, kernel_size=5), nn.BatchNorm2d(16), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
    nn.Linear(256, 120), nn.BatchNorm1d(120), nn.Sigmoid(), nn.Linear(120, 84), nn.BatchNorm1d(84), nn.Sigmoid(),
    nn.Linear(84, 10))
net.load_state_dict(load_file(weights))
net.eval()
pixels = torch.frombuffer(bytearray(gzip.open(images).read()[16:]), dtype=torch.uint8).reshape(-1, 1, 28, 28)
with torch.no_grad():
    print(json.dumps(net(pixels[:64].float() / 255).flatten().tolist()))
save_file(net.state_dict(), out)
`;

test('nn.Sequential takes the weights and predicts the same, and its own come back', async ({ skip }) => {
  skip(!found, `${python} lacks torch or safetensors; pip install them, or name another Python in BN_PYTHON`);
  const folder = mkdtempSync(join(tmpdir(), 'bn-torch-'));
  const train = (...args: readonly string[]) =>
    execFileSync(process.execPath, [program, ...args], { cwd: folder, stdio: 'pipe' });
  const bytesOf = (...path: string[]) => new Uint8Array(readFileSync(join(folder, ...path)));
  train('--limit', '1000', '--epochs', '1', '--out', 'run', '--export', 'model.onnx');
  train('export', 'run', '--format', 'torch', '--names', 'sequential', '--out', 'torch.safetensors');
  const output = execFileSync(python, ['-c', reader, images, 'torch.safetensors', 'back.safetensors'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const inTorch = JSON.parse(output) as number[];

  const { test: data } = await fashionMnist();
  const pixels = Uint8Array.from(Array.from({ length: 64 }, (_, i) => Array.from(data.get(i).features)).flat());
  const model = await openModel(bytesOf('model.onnx'));
  const { logits } = await model.run({ features: { data: pixels, spec: { shape: [64, 1, 28, 28], dtype: 'uint8' } } });
  await model.dispose();
  expect(Math.max(...inTorch.map((v, i) => Math.abs(v - logits!.data[i]!)))).toBeLessThan(1e-4);

  // A step so small that it changes nothing worth mentioning, from PyTorch's file: the weights are those of the run.
  const flags = ['--limit', '256', '--epochs', '1', '--learning-rate', '1e-9', '--bn-momentum', '0.999999'];
  train(...flags, '--weights', 'back.safetensors', '--out', 'again');
  const weights = (run: string) => decodeSafetensors(bytesOf(run, 'checkpoint.safetensors')).tensors;
  const again = weights('again');
  for (const [path, { data }] of weights('run')) {
    expect(Math.max(...data.map((v, i) => Math.abs(v - again.get(path)!.data[i]!))), path).toBeLessThan(1e-5);
  }
  rmSync(folder, { recursive: true });
});
