// Grad-CAM against PyTorch's autograd (data/torch_grad_cam.py), and what it refuses.

import { createBackend } from '@bn/reference';
import { describe, expect, it } from 'vitest';
import {
  batchNorm,
  type ClassActivationOptions,
  classActivations,
  conv2d,
  defineModel,
  dense,
  flatten,
  maxPool2d,
  relu,
  sequential,
} from '../src/index.js';
import golden from './data/torch-grad-cam.json' with { type: 'json' };

const network = sequential({
  conv1: conv2d(4, { kernelSize: 3, padding: 1 }),
  bn1: batchNorm({ convention: 'torch' }),
  relu1: relu(),
  pool1: maxPool2d(2),
  conv2: conv2d(5, { kernelSize: 3 }),
  relu2: relu(),
  flatten: flatten(),
  dense: dense(3),
});
const model = defineModel(network, { input: { shape: [null, 3, 8, 8], dtype: 'float32' } });
const values = new Map(
  Object.entries(golden.values).map(([path, { shape, data }]) => [path, { shape, data: Float32Array.from(data) }]),
);

async function activationsOf(options: Partial<ClassActivationOptions> = {}) {
  const backend = await createBackend({});
  const features = Float32Array.from(golden.features.data);
  const classes = Int32Array.from(golden.classes);
  try {
    const result = await classActivations({ model, backend, values, features, classes, ...options });
    expect(backend.liveValues, 'nothing is left on the backend').toBe(0);
    return result;
  } finally {
    await backend.dispose();
  }
}

describe('classActivations', () => {
  it.each(Object.entries(golden.maps))("has PyTorch's maps of %s", async (layer, { shape, data }) => {
    const result = await activationsOf({ layer });
    expect(result).toMatchObject({ layer, shape });
    expect(Math.max(...data)).toBeGreaterThan(0.05);
    expect([...result.maps]).toEqual(data.map((value) => expect.closeTo(value, 5)));
  });

  it('looks at the last layer that gives pictures, of which the class is to be seen', async () => {
    const last = await activationsOf();
    expect(last).toEqual(await activationsOf({ layer: 'relu2' }));
    expect((await activationsOf({ classes: Int32Array.of(1, 1, 1) })).maps).not.toEqual(last.maps);
  });

  it('refuses layers that give no pictures, and networks without any', async () => {
    await expect(activationsOf({ layer: 'dense' })).rejects.toThrow(
      "no layer 'dense' gives [batch, channels, height, width]; those that do: conv1, bn1, relu1, pool1, conv2, relu2",
    );
    const flat = defineModel(sequential({ flatten: flatten(), out: dense(3) }), { input: model.input });
    await expect(activationsOf({ model: flat })).rejects.toThrow('those that do: none');
    await expect(activationsOf({ classes: Int32Array.of(1) })).rejects.toThrow('1 classes for 3 examples');
    await expect(activationsOf({ values: new Map() })).rejects.toThrow("the values have no 'conv1.weight'");
  });
});
