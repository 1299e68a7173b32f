// A training that Node began: the step as an ONNX model, and the values that each run of it takes and gives.

import { decodeSafetensors, encodeSafetensors, type TypedArray } from '@bn/core';
import { readMetadata } from '@bn/onnx';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';

// Each thread loads these: they must be files of their own, not parts of the page's program.
env.wasm.wasmPaths = { mjs, wasm };
env.wasm.numThreads = navigator.hardwareConcurrency;

export interface StepResult {
  /** Counted on from Node's. */
  readonly step: number;
  readonly loss: number;
  /** Right answers in the batch. */
  readonly correct: number;
}

export interface Training {
  /** Of the features in a batch: `[batch, channels, height, width]`. */
  readonly shape: readonly number[];
  /** Node's. */
  readonly learningRate: number;
  /** @param features pixels from 0 to 255, a whole batch */
  step(features: TypedArray, labels: TypedArray, learningRate: number): Promise<StepResult>;
  /** The values as they are now, as a safetensors file. */
  save(): Uint8Array<ArrayBuffer>;
}

/**
 * @param model train.onnx, as `train export --training-step` writes it
 * @param values the .safetensors file that it writes beside it
 * @throws Error when one of the files is something else
 */
export async function openTraining(model: Uint8Array, values: Uint8Array): Promise<Training> {
  const { learningRate, steps } = readMetadata(model);
  const { tensors } = decodeSafetensors(values);
  const session = await InferenceSession.create(model);
  const inputs = new Map(session.inputMetadata.flatMap((input) => (input.isTensor ? [[input.name, input]] : [])));
  const features = inputs.get('features');
  if (!features || learningRate === undefined) throw new Error('the .onnx file is no training step');
  const current = new Map<string, Tensor>(
    [...tensors].map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)] as const),
  );
  let step = Number(steps);

  return {
    shape: features.shape as number[],
    learningRate: Number(learningRate),
    async step(pixels, labels, rate) {
      step++;
      const given = new Map<string, Tensor>([
        ['features', featuresTensor(pixels, features)],
        ['labels', new Tensor('int32', Int32Array.from(labels), [labels.length])],
        ['learningRate', new Tensor('float32', [rate], [])],
        ['step', new Tensor('float32', [step], [])],
      ]);
      const feeds = [...inputs].map(([name, input]) => [
        name,
        given.get(name) ?? current.get(name) ?? randomTensor(input),
      ]);
      const results = await session.run(Object.fromEntries(feeds));
      for (const name of current.keys()) {
        const next = results[`${name}.next`];
        if (next) current.set(name, next);
      }
      return { step, loss: numberIn(results.loss), correct: numberIn(results['sum:accuracy']) };
    },
    save() {
      const now = [...current].map(
        ([name, { data, dims }]) => [name, { data: data as Float32Array, shape: dims }] as const,
      );
      return encodeSafetensors(new Map(now));
    },
  };
}

/** What the step takes: pixels as they are, or divided by 255. */
function featuresTensor(pixels: TypedArray, { type, shape }: InferenceSession.TensorValueMetadata): Tensor {
  if (type === 'uint8') return new Tensor('uint8', Uint8Array.from(pixels), shape as number[]);
  return new Tensor(
    'float32',
    Float32Array.from(pixels, (pixel) => pixel / 255),
    shape as number[],
  );
}

/** Uniform numbers, for dropout. */
function randomTensor({ name, shape }: InferenceSession.TensorValueMetadata): Tensor {
  if (!name.startsWith('random.'))
    throw new Error(`the .safetensors file lacks ${name}: take the one of this .onnx file`);
  const size = (shape as number[]).reduce((product, n) => product * n, 1);
  return new Tensor('float32', Float32Array.from({ length: size }, Math.random), shape as number[]);
}

function numberIn(tensor: Tensor | undefined): number {
  return Number(tensor?.data[0]);
}
