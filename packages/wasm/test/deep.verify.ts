// Networks so deep that a call within a call for each layer would not end well.

import { expect, test } from 'vitest';
import { compile } from '../src/compile.js';
import { allPasses } from '../src/pipeline.js';
import { deepStep } from './deep-step.js';

test('1,500 layers with batch normalization between them compile', () => {
  let end = 1024;
  const program = compile(deepStep(750), 10, {
    ...{ relaxed: false, threads: 1, passes: allPasses, countsRows: false, profile: false },
    memory: { maximum: 65_536, shared: false },
    reserve: (_, bytes) => {
      end += bytes;
      return end - bytes;
    },
  });
  expect(program.outputs.length).toBeGreaterThan(4 * 750);
});
