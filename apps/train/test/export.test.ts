// `train export`: files for other programs, checked before they are there.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { decodeCheckpoint, decodeSafetensors, decodeSignature, describeSignature } from '@bn/core';
import { readMetadata } from '@bn/onnx';
import { openModel } from '@bn/onnxruntime-cuda';
import type { loadModel as load } from '@bn/wasm/loader';
import { expect, it, onTestFinished } from 'vitest';
import { metricsOf, smallFlags, smallFolder, train } from './small-run.js';

/** A folder with a finished run in it. */
async function folderWithRun(flags: readonly string[] = []): Promise<string> {
  const folder = smallFolder();
  const { code, stderr } = await train(folder, [...smallFlags, '--out', 'run', ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return folder;
}

const bytesOf = (...path: string[]) => new Uint8Array(readFileSync(join(...path)));

it('a training run writes its model, with what is known of it', async () => {
  const folder = smallFolder();
  const { stdout } = await train(folder, [...smallFlags, '--out', 'run', '--export', 'mine.onnx']);
  expect(stdout).toMatch(/exported to mine\.onnx \(\d+ KB\): test acc 0\.\d+, largest error \d\.\de[-+]\d+ against/);
  const metadata = readMetadata(bytesOf(folder, 'mine.onnx'));
  expect(metadata).toMatchObject({
    producer: '@bn/train',
    classNames: '["0","1","2"]',
    largestError: expect.stringMatching(/^\d\.\de[-+]\d+ on 30 test examples$/),
  });
  expect(describeSignature(decodeSignature(metadata.signature!))).toBe(
    "takes 8×8 grey, pixels 0..255; gives probabilities of 3 classes (output 'probabilities')",
  );
  // Training ends with recalibrated statistics; what is exported is the checkpoint, so that both say the same.
  const { stdout: later } = await train(folder, ['export', 'run']);
  expect(later).toContain('exported to run/model.onnx');
  expect(readMetadata(bytesOf(folder, 'run', 'model.onnx'))).toEqual(metadata);
});

it('a folder for Triton: the configuration, the names of classes, and the same model as its version 1', async () => {
  const folder = await folderWithRun();
  await train(folder, ['export', 'run', '--out', 'model.onnx']);
  const { stdout } = await train(folder, ['export', 'run', '--format', 'triton', '--out', 'models/clothes']);
  expect(stdout).toContain(`exported to ${join('models', 'clothes', '1', 'model.onnx')}`);
  expect(readdirSync(join(folder, 'models', 'clothes')).sort()).toEqual(['1', 'config.pbtxt', 'labels.txt']);
  expect(bytesOf(folder, 'models', 'clothes', '1', 'model.onnx')).toEqual(bytesOf(folder, 'model.onnx'));
  expect(readFileSync(join(folder, 'models', 'clothes', 'labels.txt'), 'utf8')).toBe('0\n1\n2\n');
  expect(readFileSync(join(folder, 'models', 'clothes', 'config.pbtxt'), 'utf8')).toBe(`backend: "onnxruntime"
max_batch_size: 64
input [
  { name: "features", data_type: TYPE_UINT8, dims: [ 1, 8, 8 ] }
]
output [
  { name: "logits", data_type: TYPE_FP32, dims: [ 3 ] },
  { name: "probabilities", data_type: TYPE_FP32, dims: [ 3 ], label_filename: "labels.txt" }
]
dynamic_batching { }
`);
  const { code, stderr } = await train(folder, ['export', 'run', '--format', 'triton', '--training-step']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('--training-step has no effect on a model for Triton')]);
  const onFile = await train(folder, ['export', 'run', '--format', 'triton', '--out', 'model.onnx']);
  expect([onFile.code, onFile.stderr]).toEqual([1, expect.stringContaining('a file has that name')]);
});

it('a folded model, and one that takes numbers, predict the same', async () => {
  const folder = await folderWithRun();
  await train(folder, ['export', 'run', '--out', 'plain.onnx']);
  await train(folder, ['export', 'run', '--out', 'folded.onnx', '--fold', '--license', 'CC0-1.0']);
  await train(folder, ['export', 'run', '--out', 'numbers.onnx', '--input', 'float32']);
  expect(readMetadata(bytesOf(folder, 'folded.onnx')).license).toBe('CC0-1.0');
  const pixels = Uint8Array.from({ length: 3 * 64 }, (_, i) => (i * 37) % 256);
  const logits = async (name: string, data: Uint8Array | Float32Array, dtype: 'uint8' | 'float32') => {
    const model = await openModel(bytesOf(folder, name));
    onTestFinished(() => model.dispose());
    return Array.from((await model.run({ features: { data, spec: { shape: [3, 1, 8, 8], dtype } } })).logits!.data);
  };
  const plain = await logits('plain.onnx', pixels, 'uint8');
  const folded = await logits('folded.onnx', pixels, 'uint8');
  const numbers = await logits(
    'numbers.onnx',
    Float32Array.from(pixels, (v) => v / 255),
    'float32',
  );
  plain.forEach((value, i) => {
    expect(folded[i]).toBeCloseTo(value, 4);
    expect(numbers[i]).toBeCloseTo(value, 4);
  });
});

it('recalibrated statistics are other statistics', async () => {
  const folder = await folderWithRun();
  await train(folder, ['export', 'run', '--out', 'a.onnx']);
  await train(folder, ['export', 'run', '--out', 'b.onnx', '--recalibrated']);
  expect(bytesOf(folder, 'a.onnx')).not.toEqual(bytesOf(folder, 'b.onnx'));
});

it('the training step goes on in ONNX Runtime as it would have here', async () => {
  const folder = await folderWithRun(['--momentum', '0.5']);
  const { stdout } = await train(folder, ['export', 'run', '--training-step']);
  expect(stdout).toContain('exported the training step of 32 examples to run/train.onnx');
  const { tensors, position } = decodeCheckpoint(bytesOf(folder, 'run', 'train.safetensors'));
  const step = await openModel(bytesOf(folder, 'run', 'train.onnx'));
  onTestFinished(() => step.dispose());
  expect(readMetadata(bytesOf(folder, 'run', 'train.onnx'))).toMatchObject({
    batchSize: '32',
    learningRate: '0.1',
    steps: String(position.steps),
  });
  const values = [...tensors].map(
    ([path, { shape, data }]) => [path, { data, spec: { shape, dtype: 'float32' } }] as const,
  );
  const outputs = await step.run({
    ...Object.fromEntries(values.filter(([path]) => step.inputNames.includes(path))),
    features: { data: new Uint8Array(32 * 64).map((_, i) => i % 251), spec: { shape: [32, 1, 8, 8], dtype: 'uint8' } },
    labels: { data: new Int32Array(32), spec: { shape: [32], dtype: 'int32' } },
    learningRate: { data: Float32Array.of(0.1), spec: { shape: [], dtype: 'float32' } },
  });
  expect(Object.keys(outputs)).toEqual(
    expect.arrayContaining([
      'loss',
      'sum:accuracy',
      'conv.weight.next',
      'bn.runningMean.next',
      'optimizer.velocity.bn.gamma.next',
    ]),
  );
});

/** A backend whose predictions are off by a little. */
function wrongBackend(folder: string, error: number): string {
  const name = `wrong-by-${error}.mjs`; // each module is loaded once
  const reference = fileURLToPath(new URL('../../../packages/reference/dist/index.js', import.meta.url));
  writeFileSync(
    join(folder, name),
    `import { createBackend as createReference } from ${JSON.stringify(pathToFileURL(reference).href)};
    export async function createBackend(options) {
      const backend = await createReference(options);
      const download = backend.download.bind(backend);
      backend.download = async (value) => {
        const data = await download(value);
        return value.spec.shape.length === 2 && value.spec.shape[1] === 3 ? data.map((v, i) => v + ${error} * (i % 3)) : data;
      };
      return backend;
    }`,
  );
  return `./${name}`;
}

it('what does not compute the same is not written, and what was there stays', async () => {
  const folder = await folderWithRun();
  const out = ['--out', 'model.onnx'];
  writeFileSync(join(folder, 'model.onnx'), 'earlier');
  const before = readdirSync(folder).length;
  const wrong = await train(folder, ['export', 'run', ...out, '--backend', wrongBackend(folder, 0.01)]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('the exported model computes something else than the trainer');
  expect(readFileSync(join(folder, 'model.onnx'), 'utf8')).toBe('earlier');
  expect(readdirSync(folder).length).toBe(before + 1);
  const slightly = await train(folder, ['export', 'run', ...out, '--backend', wrongBackend(folder, 1e-6)]);
  expect(slightly.code).toBe(0);
});

it.each([
  ['export', "missing required argument 'run'"],
  ['export nowhere', 'nowhere: the folder holds no run'],
  ['export a b', 'too many arguments'],
  ['export data --input int8', "--input: expected one of uint8, float32, got 'int8'"],
  ['export data --names paths', '--names has no effect on an ONNX file'],
  ['export data --format torch --fold', '--fold has no effect on weights for PyTorch'],
  ['export data --training-step --fold', '--fold has no effect on a training step'],
])('%s', async (line, message) => {
  const { code, stderr } = await train(smallFolder(), line.split(' '));
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

it('a run without a checkpoint cannot be exported', async () => {
  const folder = await folderWithRun();
  for (const name of ['checkpoint', 'best']) rmSync(join(folder, 'run', `${name}.safetensors`));
  const older = await train(folder, ['export', 'run']);
  expect(older.stderr).toMatch(/warning: .*checkpoint\.safetensors is missing; .* takes its place, from after epoch/);
  for (const name of readdirSync(join(folder, 'run'))) {
    if (name.endsWith('.safetensors')) rmSync(join(folder, 'run', name));
  }
  expect((await train(folder, ['export', 'run'])).stderr).toContain('is missing, but the run has metrics');
  writeFileSync(join(folder, 'run', 'metrics.jsonl'), '');
  const { code, stderr } = await train(folder, ['export', 'run']);
  expect(code).toBe(2);
  expect(stderr).toContain('the run has no checkpoint yet');
});

it('weights go out under names of PyTorch, and a training starts from them', async () => {
  const folder = await folderWithRun();
  await train(folder, ['export', 'run', '--format', 'torch', '--names', 'sequential']);
  const { tensors } = decodeSafetensors(bytesOf(folder, 'run', 'torch.safetensors'));
  expect([...tensors.keys()]).toEqual([
    ...['0.weight', '0.bias', '1.weight', '1.bias', '4.weight', '4.bias', '1.running_mean', '1.running_var'],
  ]);
  const from = (file: string, out: string) =>
    train(folder, [...smallFlags, '--epochs', '1', '--weights', file, '--out', out]);
  await from('run/torch.safetensors', 'a');
  await from('run/checkpoint.safetensors', 'b');
  expect(metricsOf(join(folder, 'a'))).toEqual(metricsOf(join(folder, 'b')));
  expect(metricsOf(join(folder, 'a'))[0]!.loss).toBeLessThan(metricsOf(join(folder, 'run'))[0]!.loss);

  const { code, stderr } = await from('net.ts', 'c');
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('net.ts: the file is not a complete safetensors'),
  });
  expect((await from('nowhere', 'c')).stderr).toContain('nowhere: there is no such file');
});

it.each(['frozen', 'trained'])('an exported model is trained further, its batch normalization %s', async (mode) => {
  const folder = await folderWithRun(['--export', 'model.onnx']);
  const flags = ['--epochs', '2', '--model', 'model.onnx', '--bn-imported', mode, '--out', 'tuned'];
  const { code, stderr } = await train(folder, [...smallFlags, ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(metricsOf(join(folder, 'tuned'))[0]!.loss).toBeLessThan(metricsOf(join(folder, 'run'))[0]!.loss);
  const mean = (run: string) =>
    decodeSafetensors(bytesOf(folder, run, 'checkpoint.safetensors')).tensors.get('bn.runningMean');
  if (mode === 'frozen') expect(mean('tuned')).toEqual(mean('run'));
  else expect(mean('tuned')).not.toEqual(mean('run'));

  writeFileSync(join(folder, 'broken.onnx'), bytesOf(folder, 'model.onnx').subarray(0, 300));
  const broken = await train(folder, [...smallFlags, '--model', 'broken.onnx']);
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('broken.onnx: ') });
});

it('a WebAssembly module with its loader predicts what the trainer does', async () => {
  const folder = await folderWithRun();
  const { stdout } = await train(folder, ['export', 'run', '--wasm', 'model.wasm', '--license', 'CC0-1.0']);
  expect(stdout).toMatch(
    /^exported to model\.wasm \(\d+ KB\) with its loader model\.js: test acc 0\.\d+, largest error \d\.\de-\d+ against the trainer on 30 test/,
  );
  expect(readdirSync(folder).filter((name) => name.startsWith('model'))).toEqual([
    'model.d.ts',
    'model.js',
    'model.wasm',
  ]);
  const { loadModel } = (await import(pathToFileURL(join(folder, 'model.js')).href)) as {
    loadModel: typeof load;
  };
  const model = await loadModel(bytesOf(folder, 'model.wasm'));
  expect(model.metadata).toMatchObject({ producer: '@bn/train', license: 'CC0-1.0' });
  expect(model.signature.output.names).toEqual(['0', '1', '2']);
  await train(folder, ['export', 'run', '--out', 'model.onnx']);
  const pixels = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
  const onnx = await openModel(bytesOf(folder, 'model.onnx'));
  onTestFinished(() => onnx.dispose());
  const outputs = await onnx.run({ features: { data: pixels, spec: { shape: [1, 1, 8, 8], dtype: 'uint8' } } });
  const expected = Array.from(outputs.probabilities!.data, (value) => expect.closeTo(value, 5));
  expect(Array.from(model.predict(pixels))).toEqual(expected);
  const { code, stderr } = await train(folder, ['export', 'run', '--wasm', 'model.wasm', '--out', 'x.onnx']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('--out has no effect beside --wasm')]);
});

it('a page: small, with the model and all its files listed for use without a network; only into a folder of its own', async () => {
  const folder = await folderWithRun();
  const { stdout, stderr } = await train(folder, ['export', 'run', '--web', 'site']);
  expect(stderr).toBe('');
  expect(stdout).toMatch(
    /^exported to site \(\d+ KB of model and \d+ KB of page\), for any file server: test acc 0\.\d+/,
  );
  const files = readdirSync(join(folder, 'site'));
  const offline = readFileSync(join(folder, 'site', 'offline.js'), 'utf8');
  const listed = JSON.parse(/JSON\.parse\('(.*)'\)/.exec(offline)![1]!) as string[];
  expect([...listed, 'offline.js'].sort()).toEqual(files.sort());
  const page = files.filter((name) => name !== 'model.wasm').map((name) => bytesOf(folder, 'site', name).length);
  expect(page.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(40_000);
  const version = /version = '(\w+)'/.exec(offline)![1];
  expect((await train(folder, ['export', 'run', '--web', 'site', '--fold'])).code).toBe(0);
  expect(readFileSync(join(folder, 'site', 'offline.js'), 'utf8')).not.toContain(version);
  const other = await train(folder, ['export', 'run', '--web', 'data']);
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringContaining('--web: data has other files in it, such as'),
  ]);
});
