// Engines compile, and processors keep, small code only.

import { batchNorm, classification, defineModel, type Layer, sgd, trainingStepGraph } from '@bn/core';
import { batchNormFromScratch, lenet } from '@bn/models';
import { expect, test } from 'vitest';
import { compile } from '../src/compile.js';
import { allPasses } from '../src/pipeline.js';
import { innermostLoops } from './loop-bodies.js';

const normalizations: Readonly<Record<string, (() => Layer) | undefined>> = {
  none: undefined,
  'the layer': () => batchNorm(),
  'from scratch': () => batchNormFromScratch(),
};

test.each(Object.keys(normalizations))('a training step of LeNet is small, and so is each of its loops: %s', (name) => {
  const network = lenet({ normalization: normalizations[name] });
  const model = defineModel(network, { input: { shape: [null, 1, 28, 28], dtype: 'float32' } });
  const graph = trainingStepGraph(model, classification(), sgd(), {
    features: { shape: [250, 1, 28, 28], dtype: 'uint8' },
    labels: { shape: [250], dtype: 'int32' },
  });
  const { bytes } = compile(graph, 1, {
    ...{ relaxed: true, threads: 2, passes: allPasses, countsRows: false, profile: false },
    memory: { maximum: 65_536, shared: true },
    reserve: () => 1_048_576,
  });
  expect(bytes.length).toBeLessThan(100_000);
  const loops = innermostLoops(bytes);
  expect(loops.length).toBeGreaterThan(50);
  expect(Math.max(...loops)).toBeLessThan(2000);
});
