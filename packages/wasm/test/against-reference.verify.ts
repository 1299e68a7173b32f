// A few hundred more random graphs and training steps than the fast tests have.

import { test } from 'vitest';
import { compare } from './compare-with-reference.js';
import { randomGraph, randomTraining } from './random-graphs.js';

test('random graphs', { timeout: 120_000 }, async () => {
  for (let seed = 36; seed < 236; seed++) await compare(`graph ${seed}`, randomGraph(seed), 2e-4);
});

test('training steps of random networks', { timeout: 120_000 }, async () => {
  for (let seed = 24; seed < 124; seed++) await compare(`network ${seed}`, randomTraining(seed), 2e-3);
});
