// An exported model on a backend: the same outputs as in ONNX Runtime, and probabilities whatever the file calls them.

import { join } from 'node:path';
import { constant, createGraph, input, ops, type Tensor } from '@bn/core';
import { type SignatureOptions, toOnnx } from '@bn/onnx';
import { openModel as openInRuntime } from '@bn/onnxruntime-cuda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileModel, type OpenedModel, type OutputValue, openModel } from '../src/model/open-model.js';
import { corners, testFolder, whereTheLightIs } from './small-model.js';

async function open(bytes: Uint8Array, backend = 'reference', options: SignatureOptions = {}): Promise<OpenedModel> {
  const folder = testFolder({ 'my.model.onnx': bytes });
  const model = await openModel(join(folder, 'my.model.onnx'), { backend, workingFolder: folder, ...options });
  onTestFinished(() => model.dispose());
  return model;
}

/** A model of uint8 [batch, 2, 3], whose outputs are what the function makes of it as float32 [batch, 6]. */
function fileOf(outputs: (x: Tensor) => Record<string, Tensor>, metadata: Record<string, string> = {}): Uint8Array {
  const pixels = input('pixels', [null, 2, 3], 'uint8');
  return toOnnx(createGraph(outputs(ops.reshape(ops.cast(pixels, 'float32'), [null, 6]))), { metadata });
}

const pixels = Uint8Array.of(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 0, 0, 7, 0, 0, 0);

describe('run', () => {
  it.each(['reference', 'wasm'])('gives what ONNX Runtime gives, by name, shape and type, on %s', async (backend) => {
    const bytes = fileOf((x) => ({
      scores: ops.mul(x, 0.1),
      best: ops.argmax(x, 1),
      mean: ops.mean(x, [1]),
      bright: ops.cast(x, 'int32'),
    }));
    const model = await open(bytes, backend, { output: 'scores' });
    const runtime = await openInRuntime(bytes, { threads: 1 });
    onTestFinished(() => runtime.dispose());
    for (const count of [1, 3]) {
      const features = pixels.subarray(0, count * 6);
      const expected = await runtime.run({
        pixels: { data: features, spec: { shape: [count, 2, 3], dtype: 'uint8' } },
      });
      const outputs: ReadonlyMap<string, OutputValue> = await model.run(features);
      expect([...outputs.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [name, { data, spec }] of outputs) {
        expect(spec, name).toEqual({ ...expected[name]!.spec, shape: [...expected[name]!.spec.shape] });
        expect(data.constructor, name).toBe(expected[name]!.data.constructor);
        for (const [i, value] of expected[name]!.data.entries()) expect(data[i], name).toBeCloseTo(value, 5);
      }
    }
  });

  it.each(['reference', 'wasm'])('an index outside a table is an error and no value, on %s', async (backend) => {
    const table = constant([10, 11, 12, 13], [4]);
    const model = await open(
      fileOf((x) => ({ picked: ops.gather(table, ops.cast(x, 'int32')) })),
      backend,
      { gives: 'values' },
    );
    const run = async (...values: number[]) => (await model.run(Uint8Array.from(values))).get('picked')!.data;
    await expect(run(0, 1, 2, 3, 4, 0)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('index 4 is not in 0 … 3'),
    });
    expect([...(await run(3, 2, 1, 0, 0, 3))]).toEqual([13, 12, 11, 10, 10, 13]);
  });

  it.each<[string, boolean, (x: Tensor) => Tensor]>([
    ['each example for itself', false, (x) => ops.softmax(ops.sub(x, ops.mean(x, [1], { keepDims: true })))],
    ['entries of a table', false, (x) => ops.gather(constant([1, 2, 3], [3]), ops.cast(x, 'int32'))],
    ['the mean of the batch', true, (x) => ops.sub(x, ops.mean(x, [0]))],
    ['a softmax over the batch', true, (x) => ops.softmax(x, 0)],
  ])('tells whether examples have a part in each other: %s', async (_, mixes, build) => {
    expect(
      (
        await open(
          fileOf((x) => ({ y: build(x) })),
          'reference',
          { gives: 'values' },
        )
      ).mixesExamples,
    ).toBe(mixes);
  });

  it('tells the input and the outputs, and keeps no value', async () => {
    const model = await open(fileOf((x) => ({ scores: x, best: ops.argmax(x, 1) })));
    expect(model.name).toBe('my.model');
    expect(model.input).toEqual({ name: 'pixels', spec: { dtype: 'uint8', shape: [null, 2, 3] } });
    expect(Object.fromEntries([...model.outputs].map(([name, { dtype, shape }]) => [name, { dtype, shape }]))).toEqual({
      scores: { dtype: 'float32', shape: [null, 6] },
      best: { dtype: 'int32', shape: [null] },
    });
    const before = model.backend.liveValues;
    await model.run(pixels);
    await model.answer(pixels);
    expect(model.backend.liveValues).toBe(before);
  });
});

describe('the answer', () => {
  const softmax = (values: readonly number[]) => {
    const sum = values.reduce((total, v) => total + Math.exp(v), 0);
    return values.map((v) => Math.exp(v) / sum);
  };
  const expected = softmax([...pixels.subarray(0, 6)]);

  it.each<[string, (x: Tensor) => Record<string, Tensor>]>([
    ['takes the output called probabilities', (x) => ({ logits: ops.neg(x), probabilities: ops.softmax(x, 1) })],
    ['takes the logits through a softmax', (x) => ({ other: ops.neg(x), logits: x })],
    ['takes the first scores that there are', (x) => ({ best: ops.argmax(x, 1), scores: ops.mul(x, 1) })],
    ['takes a softmax as it is', (x) => ({ prediction: ops.softmax(x, 1) })],
  ])('%s', async (_, outputs) => {
    const result = await (await open(fileOf(outputs))).answer(pixels.subarray(0, 6));
    expect(result).toHaveLength(6);
    for (const [i, value] of expected.entries()) expect(result[i]).toBeCloseTo(value, 6);
  });

  it('knows the names of the classes', async () => {
    expect((await open(whereTheLightIs())).signature.output.names).toEqual(corners);
    expect((await open(whereTheLightIs({ metadata: { classNames: '{' } }))).signature.output.names).toBeNull();
  });

  it('of one score is that', async () => {
    const model = await open(fileOf((x) => ({ y: ops.sigmoid(ops.sub(ops.mean(x, [1], { keepDims: true }), 4)) })));
    expect(model.signature.output).toEqual({ name: 'y', kind: 'scores', size: 1, names: null });
    expect((await model.answer(pixels.subarray(0, 6)))[0]).toBeCloseTo(1 / (1 + Math.exp(4 - 23 / 6)), 6);
  });

  it('of scores without a sigmoid gets one, of values stays as it is', async () => {
    const bytes = fileOf((x) => ({ y: ops.mul(x, 0.5) }));
    const opened = (gives: 'scores' | 'values') =>
      compileModel('y.onnx', bytes, { backend: 'reference', workingFolder: process.cwd(), gives });
    for (const [gives, expected] of [
      ['scores', 1 / (1 + Math.exp(-1.5))],
      ['values', 1.5],
    ] as const) {
      const model = await opened(gives);
      onTestFinished(() => model.dispose());
      expect((await model.answer(pixels.subarray(0, 6)))[0]).toBeCloseTo(expected, 6);
    }
  });

  it('is refused by a model without numbers', async () => {
    await expect(open(fileOf((x) => ({ output: ops.argmax(x, 1) })))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(
        /my\.model\.onnx: the model has no output \[batch, classes\] of float32, but 'output'/,
      ),
    });
  });

  it('is all that a model without scores cannot do, where it need not', async () => {
    const options = { backend: 'reference', workingFolder: process.cwd() };
    const model = await compileModel(
      'sum.onnx',
      fileOf((x) => ({ sum: ops.cast(ops.sum(x, [1]), 'int32') })),
      options,
    );
    onTestFinished(() => model.dispose());
    expect([...(await model.run(pixels.subarray(0, 6))).get('sum')!.data]).toEqual([23]);
    expect(model.signature).toBeNull();
    await expect(model.answer(pixels)).rejects.toMatchObject({ code: 'unsupported' });
  });
});
