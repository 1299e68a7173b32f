// LeNet's probabilities with made-up weights as constants, and their signature.

import {
  bindInputs,
  createGraph,
  defineModel,
  type Graph,
  type HostTensor,
  input,
  type Layer,
  ops,
  type Signature,
  trace,
} from '@bn/core';
import { lenet } from '@bn/models';

export const names = Array.from({ length: 10 }, (_, i) => `class ${i}`);

export function classifier(normalization?: () => Layer): { readonly graph: Graph; readonly signature: Signature } {
  const shape = [null, 1, 28, 28] as const;
  const model = defineModel(lenet({ normalization }), { input: { shape, dtype: 'float32' } });
  const { output, parameters, states } = trace(model, input('features', shape, 'uint8'));
  const values = new Map<string, HostTensor>();
  for (const [path, { shape }] of [...parameters, ...states]) {
    const size = (shape as number[]).reduce((product, n) => product * n, 1);
    const data = Float32Array.from(
      { length: size },
      (_, i) => Math.abs(Math.sin(i * 12.9898)) * 0.2 + 0.01 - (i % 3) * 0.07,
    );
    values.set(path, { shape: shape as number[], data: path.endsWith('Variance') ? data.map(Math.abs) : data });
  }
  const graph = bindInputs(createGraph({ probabilities: ops.softmax(output, 1) }), values);
  const image = { channels: 1, height: 28, width: 28, order: 'CHW', range: [0, 255], mean: [], deviation: [] } as const;
  const signature: Signature = {
    input: { name: 'features', dtype: 'uint8', shape: [1, 28, 28], image },
    output: { name: 'probabilities', kind: 'probabilities', size: 10, names },
  };
  return { graph, signature };
}

/** An image that LeNet takes. */
export const pixels = (seed: number) => Uint8Array.from({ length: 784 }, (_, i) => (i * seed * 7919) % 251);
