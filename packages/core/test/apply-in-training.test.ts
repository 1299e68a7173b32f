// What augmentations make of pictures, against what a training step computes.

import { createBackend } from '@bn/reference';
import { describe, expect, it } from 'vitest';
import {
  applyInTraining,
  colorJitter,
  createTrainer,
  defineModel,
  ones,
  ops,
  randomAffine,
  regression,
  sequential,
  sgd,
} from '../src/index.js';

describe('applyInTraining', () => {
  it('gives what a step of a run sees', async () => {
    const augment = sequential({
      affine: randomAffine({ rotate: 20, flip: true }),
      jitter: colorJitter({ brightness: 0.5 }),
    });
    const input = { shape: [null, 1, 4, 4], dtype: 'float32' } as const;
    const features = Uint8Array.from({ length: 32 }, (_, i) => 8 * i);
    const backend = await createBackend({});
    // A network whose output is what it sees, and whose step can be observed.
    const learn = { objective: regression(), optimizer: sgd(), backend, seed: 7 };
    const model = defineModel(
      (x, scope) => ops.mul(ops.reshape(augment(x, scope), [2, 16]), scope.parameter('one', [1], ones())),
      { input },
    );
    const trainer = await createTrainer({ model, ...learn });
    const labels = new Float32Array(32);
    const seen: number[][] = [];
    for (let step = 0; step < 2; step++) {
      const observed = await trainer.observe({ features, labels }, { learningRate: 0.1 });
      seen.push(Array.from(observed.find(({ kind, layer }) => kind === 'activation' && layer === 'jitter')!.data));
      await trainer.step({ features, labels }, { learningRate: 1e-9 });
    }
    await trainer.dispose();
    const applied = await applyInTraining(augment, { backend, input, features, seed: 7, steps: [0, 1] });
    expect(applied.map((one) => [...one])).toEqual(seen);
    expect(applied[0]).not.toEqual(applied[1]);
    expect(backend.liveValues).toBe(0);
  });
});
