// The suite: what @bn/core asks of a backend, as tests.

import type { Backend } from '@bn/core';
import { describe } from 'vitest';
import { allLiteralCases } from './literal-cases.js';
import { randomCases } from './random-cases.js';
import { Suite, type SuiteOptions } from './suite.js';
import { testGradients } from './test-gradients.js';
import { testTrainingSteps } from './test-training-steps.js';

export function conformance(name: string, createBackend: () => Promise<Backend>, options: SuiteOptions = {}): void {
  describe(name, () => {
    const suite = new Suite(createBackend, options);
    describe('literal values', () => {
      for (const literal of allLiteralCases) suite.literalTest(literal);
    });
    describe('random cases', () => {
      for (const computation of randomCases()) suite.oracleTest(computation);
    });
    describe('gradients', () => testGradients(suite));
    describe('training', () => testTrainingSteps(suite));
    suite.testGaps();
  });
}
