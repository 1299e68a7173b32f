// The suite: what @bn/core asks of a backend, as tests.

import type { Backend } from '@bn/core';
import { describe } from 'vitest';
import { allLiteralCases } from './literal-cases.js';
import { randomCases } from './random-cases.js';
import { describeWith, type Requirement } from './requirement.js';
import { Suite, type SuiteOptions } from './suite.js';
import { testBatchNorm } from './test-batch-norm.js';
import { testErrors } from './test-errors.js';
import { testGradients } from './test-gradients.js';
import { testSteps } from './test-steps.js';
import { testSymbolicBatch } from './test-symbolic-batch.js';
import { testTrainingSteps } from './test-training-steps.js';
import { testValues } from './test-values.js';

export interface ConformanceOptions extends SuiteOptions {
  /** Without it the suite is one skipped test, or a failure if `BN_REQUIRE` names it. */
  readonly requirement?: Requirement | undefined;
}

/**
 * Defines the tests that every backend passes, in the vitest file that calls it.
 *
 * @param name for the report, e.g. `onnxruntime-cuda on the CPU`.
 * @param createBackend makes a new backend; called a few times.
 */
export function conformance(
  name: string,
  createBackend: () => Promise<Backend>,
  options: ConformanceOptions = {},
): void {
  describeWith(name, options.requirement, () => {
    const suite = new Suite(createBackend, options);
    describe('literal values', () => {
      for (const literal of allLiteralCases) suite.literalTest(literal);
    });
    describe('random values', () => {
      for (const computation of randomCases()) suite.oracleTest(computation);
    });
    describe('symbolic batch', () => testSymbolicBatch(suite));
    describe('gradients', () => testGradients(suite));
    describe('batch normalization', () => testBatchNorm(suite));
    describe('training', () => testTrainingSteps(suite));
    describe('steps', () => testSteps(suite));
    describe('values', () => testValues(suite));
    describe('errors', () => testErrors(suite, createBackend));
    describe('afterwards', () => suite.testEnd());
  });
}
