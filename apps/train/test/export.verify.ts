// Exported files in Python: ONNX's checker, a training that goes on.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { batchNorm, classification, createTrainer, decodeCheckpoint, defineModel, sgd } from '@bn/core';
import { fashionMnist } from '@bn/fashion-mnist';
import { lenet } from '@bn/models';
import { createBackend } from '@bn/onnxruntime-cuda';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
const python = process.env.BN_PYTHON ?? 'python3';
const folder = mkdtempSync(join(tmpdir(), 'bn-export-'));
const inFolder = (name: string) => join(folder, name);
const train = (...args: readonly string[]) =>
  execFileSync(process.execPath, [program, ...args], { cwd: folder, stdio: 'pipe' });

beforeAll(() => {
  train('--limit', '2000', '--epochs', '1', '--learning-rate', '0.5', '--momentum', '0.5', '--out', 'run');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Why a test that needs these packages of Python cannot run; empty if it can. */
function lacking(...packages: readonly string[]): string {
  const found = spawnSync(python, ['-c', `import ${packages.join(', ')}`]).status === 0;
  return found
    ? ''
    : `${python} lacks one of ${packages.join(', ')}; install them, or name another Python in BN_PYTHON`;
}

test("Triton's own definition reads the configuration, and it is that of the ONNX file", ({ skip }) => {
  const reason = lacking('tritonclient.grpc', 'onnx');
  if (reason) skip(reason);
  train('export', 'run', '--format', 'triton', '--out', 'clothes');
  const script = `
import json, onnx
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb
config = text_format.Parse(open('clothes/config.pbtxt').read(), pb.ModelConfig())
graph = onnx.load('clothes/1/model.onnx').graph
types = {onnx.TensorProto.UINT8: pb.TYPE_UINT8, onnx.TensorProto.FLOAT: pb.TYPE_FP32}
def of(values):
    tensors = [(value.name, value.type.tensor_type) for value in values]
    return [(name, types[t.elem_type], [d.dim_value for d in t.shape.dim][1:]) for name, t in tensors]
def told(tensors):
    return [(t.name, t.data_type, list(t.dims)) for t in tensors]
assert told(config.input) == of(graph.input), (config, graph.input)
assert told(config.output) == of(graph.output), (config, graph.output)
labels = [t.label_filename for t in config.output if t.label_filename]
print(json.dumps([config.backend, config.max_batch_size, config.HasField('dynamic_batching'), labels]))
`;
  const said = execFileSync(python, ['-c', script], { cwd: folder, encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual(['onnxruntime', 64, true, ['labels.txt']]);
  expect(readFileSync(inFolder('clothes/labels.txt'), 'utf8').trim().split('\n')).toHaveLength(10);
});

test.for([
  ['a model', []],
  ['a folded model', ['--fold']],
  ['a model that takes numbers', ['--input', 'float32']],
  ['a training step', ['--training-step']],
] as const)("ONNX's checker accepts %s", ([, flags], { skip }) => {
  const reason = lacking('onnx');
  skip(reason !== '', reason);
  train('export', 'run', '--out', 'checked.onnx', ...flags);
  const check = 'import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True); print("accepted")';
  expect(execFileSync(python, ['-c', check, inFolder('checked.onnx')], { encoding: 'utf8' })).toContain('accepted');
});

test('Python goes on training with the losses that Node would have had', async ({ skip }) => {
  const reason = lacking('numpy', 'onnxruntime', 'safetensors');
  skip(reason !== '', reason);
  train('export', 'run', '--training-step');
  const data = (name: string) => path(`packages/fashion-mnist/data/${name}.gz`);
  const output = execFileSync(
    python,
    [
      path('examples/python/continue_training.py'),
      inFolder('run/train.onnx'),
      ...[data('train-images-idx3-ubyte'), data('train-labels-idx1-ubyte')],
      ...['--steps', '20', '--out', inFolder('continued.safetensors')],
    ],
    { encoding: 'utf8' },
  );
  const inPython = [...output.matchAll(/loss ([\d.]+)/g)].map((match) => Number(match[1]));

  const backend = await createBackend({ device: 'cpu' });
  const network = lenet({ normalization: () => batchNorm() });
  const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const trainer = await createTrainer({
    model,
    backend,
    objective: classification(),
    optimizer: sgd({ momentum: 0.5 }),
  });
  trainer.restore(decodeCheckpoint(new Uint8Array(readFileSync(inFolder('run/train.safetensors')))));
  const { train: images } = await fashionMnist();
  const inNode: number[] = [];
  for (let step = 0; step < 20; step++) {
    const examples = Array.from({ length: 256 }, (_, i) => images.get(step * 256 + i));
    const features = Uint8Array.from(examples.flatMap((example) => Array.from(example.features)));
    const labels = Int32Array.from(examples, ({ label }) => label as number);
    inNode.push((await trainer.step({ features, labels }, { learningRate: 0.5 })).loss);
  }
  await trainer.dispose();
  await backend.dispose();
  expect(inPython).toHaveLength(20);
  expect(Math.max(...inPython.map((loss, i) => Math.abs(loss - inNode[i]!)))).toBeLessThan(1e-3);
});
