// A few hundred more random graphs and training steps than the fast tests have.

import { test } from 'vitest';
import { compare } from './compare-with-reference.js';
import { randomGraph, randomPrediction, randomTraining } from './random-graphs.js';

test('random graphs', { timeout: 300_000 }, async () => {
  for (let seed = 20; seed < 236; seed++) await compare(`graph ${seed}`, randomGraph(seed), 2e-4);
});

test('training steps of random networks', { timeout: 300_000 }, async () => {
  for (let seed = 12; seed < 124; seed++) await compare(`network ${seed}`, randomTraining(seed), 2e-3);
});

test('predictions of random networks with known filters, for fewer images than lanes', {
  timeout: 300_000,
}, async () => {
  for (let seed = 8; seed < 48; seed++) await compare(`prediction ${seed}`, randomPrediction(seed), 2e-4);
});
