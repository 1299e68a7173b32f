// A checkpoint is an ordinary safetensors file: Python's own reader takes it.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const python = process.env.BN_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import safetensors.numpy']).status === 0;

const reader = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], 'numpy') as f:
    shapes = {name: list(f.get_tensor(name).shape) for name in f.keys()}
    print(json.dumps({'shapes': shapes, 'position': json.loads(f.metadata()['position'])}))
`;

test('Python reads the checkpoint of a run: parameters, running statistics, slots, position', ({ skip }) => {
  skip(
    !found,
    `${python} has no packages safetensors and numpy; pip install them, or name another Python in BN_PYTHON`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'bn-checkpoint-'));
  const out = join(folder, 'run');
  execFileSync(process.execPath, [program, '--limit', '600', '--epochs', '1', '--momentum', '0.5', '--out', out], {
    stdio: 'pipe',
  });
  const { shapes, position } = JSON.parse(
    execFileSync(python, ['-c', reader, join(out, 'checkpoint.safetensors')], { encoding: 'utf8' }),
  ) as { shapes: Record<string, number[]>; position: Record<string, number> };
  rmSync(folder, { recursive: true });
  expect(shapes).toMatchObject({
    'conv1.weight': [6, 1, 5, 5],
    'bn4.gamma': [84],
    'bn1.runningVariance': [6],
    'optimizer.velocity.dense3.weight': [10, 84],
  });
  expect(position).toMatchObject({ epoch: 1, step: 0, steps: 3 });
});
