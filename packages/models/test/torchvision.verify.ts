import { expect, test } from 'vitest';
import { normalizedNetworks } from '../src/index.js';
import { compareWithTorchvision, goldenNetworks } from './torchvision.js';

test.each(goldenNetworks)(
  '%s has the logits and the training step of torchvision',
  async (name) => {
    const apart = await compareWithTorchvision(name, normalizedNetworks[name]!);
    expect(apart.logits).toBeLessThan(1e-5);
    expect(apart.loss).toBeLessThan(1e-5);
    expect(apart.changes.apart, apart.changes.name).toBeLessThan(1e-4);
  },
  120_000,
);
