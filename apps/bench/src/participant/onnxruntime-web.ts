// ONNX Runtime's WebAssembly, which predicts: with the network as @bn/onnx exports it.

import { loadBackend } from '@bn/command-line';
import { classification, createTrainer, defineModel, sgd } from '@bn/core';
import { exportInference } from '@bn/onnx';
import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import { build } from '../networks.js';
import type { Contestant } from './contestant.js';
import { batchOf, loadImages } from './data.js';
import type { Settings } from './exchange.js';

export async function create(settings: Settings): Promise<Contestant> {
  const { shape, seed, threads } = settings;
  const model = defineModel(build(settings), { input: { shape: [null, ...shape], dtype: 'float32' } });
  const loading = loadImages(shape, 1);
  const bytes = exportInference(model, await initialValues(model, seed), { fold: true });
  env.wasm.numThreads = threads;
  const session = await InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const { test } = await loading;
  const reason = 'ONNX Runtime has no training in JavaScript';
  const refuse = () => Promise.reject(new Error(reason));
  return {
    introduction: {
      name: 'ONNX Runtime Web',
      version: env.versions.common,
      runtime: `Node ${process.versions.node}`,
      cannot: { train: reason },
    },
    ...{ examples: 0, train: refuse, step: refuse },
    async predictions(batch) {
      const { features } = batchOf(test, batch);
      return {
        async once() {
          const { logits } = await session.run({ features: new Tensor('uint8', features, [batch, ...shape]) });
          return Array.from({ length: batch }, (_, i) => highest(logits!.data as Float32Array, 10 * i));
        },
      };
    },
    dispose: () => session.release(),
  };
}

async function initialValues(model: ReturnType<typeof defineModel>, seed: number) {
  const backend = await loadBackend('wasm', process.cwd(), { device: 'cpu', threads: 1 });
  const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed });
  const values = await trainer.values();
  await backend.dispose();
  return values;
}

function highest(logits: Float32Array, from: number): number {
  const row = logits.subarray(from, from + 10);
  return row.indexOf(Math.max(...row));
}
