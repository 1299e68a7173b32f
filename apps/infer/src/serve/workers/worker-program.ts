// The program of a worker thread: holds models and runs batches, one task after another.

import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { carryOut, type TaskTable } from '@bn/command-line';
import { BnError, createArray, formatShape, type Spec, sizeOf } from '@bn/core';
import { describeBackend } from '../../model/describe-model.js';
import {
  compileModel,
  type InferenceModel,
  mixingWarning,
  type OpenModelOptions,
  type OutputValue,
} from '../../model/open-model.js';
import type { Tasks } from './messages.js';

const models = new Map<number, InferenceModel>();

const tasks: TaskTable<Tasks> = {
  async load({ model: number, source, sizes }) {
    const model = await compileModel(source.path, source.bytes, workerData as OpenModelOptions);
    let slowest: number;
    try {
      requireBatches(model, source.path);
      slowest = await warmUp(model, sizes);
    } catch (error) {
      await model.dispose();
      throw error;
    }
    models.set(number, model);
    const { input, signature, assumptions, metadata } = model;
    // Not the outputs themselves: they hang on the whole graph.
    const outputs = new Map([...model.outputs].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
    return { input, outputs, signature, assumptions, metadata, backend: describeBackend(model), slowest };
  },
  async unload({ model: number }) {
    const model = models.get(number);
    models.delete(number);
    await model?.dispose();
  },
  async probe({ model: number }) {
    await warmUp(models.get(number)!, [1]);
  },
  async run({ model: number, computation, features }) {
    const model = models.get(number)!;
    if (computation === 'outputs') return model.run(features);
    const data = await model.answer(features);
    const { size } = model.signature!.output;
    const spec: Spec = { dtype: 'float32', shape: [data.length / size, size] };
    return new Map([['answer', { data, spec }]]);
  },
};

function requireBatches({ outputs, mixesExamples }: InferenceModel, path: string): void {
  // Requests share batches.
  if (mixesExamples) throw new BnError('unsupported', `${path}: ${mixingWarning}: it cannot be served`);
  for (const [name, { shape }] of outputs) {
    if (shape[0] === null) continue;
    const problem = `the output '${name}' ${formatShape(shape)} has no row per example`;
    throw new BnError('unsupported', `${path}: ${problem}: it cannot be served in batches`);
  }
}

/** @returns milliseconds of the slowest batch */
async function warmUp(model: InferenceModel, sizes: readonly number[]): Promise<number> {
  const { dtype, shape } = model.input.spec;
  let slowest = 0;
  for (const size of sizes) {
    const start = performance.now();
    const zeros = createArray(dtype, sizeOf([size, ...shape.slice(1)]));
    try {
      await model.run(zeros);
      if (model.signature) await model.answer(zeros);
    } catch (error) {
      // Zeros need not be what the model takes.
      if (!(error instanceof BnError) || error.code !== 'data') throw error;
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  return slowest;
}

parentPort!.on(
  'message',
  carryOut(tasks, (reply) => parentPort!.postMessage(reply, 'answer' in reply ? memoryOf(reply.answer) : [])),
);

/** The outputs' memory: moved instead of copied. */
function memoryOf(answer: unknown): Transferable[] {
  if (!(answer instanceof Map)) return [];
  return [...new Set([...(answer as Map<string, OutputValue>).values()].map(({ data }) => data.buffer as ArrayBuffer))];
}
