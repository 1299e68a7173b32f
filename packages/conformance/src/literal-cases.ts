// All cases with literal expected values.

import { arithmeticCases, choiceCases } from './cases/arithmetic.js';
import { castCases, comparisonCases } from './cases/comparison.js';
import { convolutionCases } from './cases/convolution.js';
import { batchNormalizeCases, reluCases, softmaxCases } from './cases/fused.js';
import { matmulCases } from './cases/matmul.js';
import { poolingCases } from './cases/pooling.js';
import { maxCases, sumCases } from './cases/reduction.js';
import { constantCases, moveCases } from './cases/shape.js';
import { transcendentalCases } from './cases/transcendental.js';
import type { LiteralCase } from './literal-case.js';

export const allLiteralCases: readonly LiteralCase[] = [
  ...arithmeticCases,
  ...choiceCases,
  ...transcendentalCases,
  ...comparisonCases,
  ...castCases,
  ...sumCases,
  ...maxCases,
  ...moveCases,
  ...constantCases,
  ...matmulCases,
  ...convolutionCases,
  ...poolingCases,
  ...batchNormalizeCases,
  ...softmaxCases,
  ...reluCases,
];
