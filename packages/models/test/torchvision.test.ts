// The two networks that move channels about, beside torchvision's; torchvision.verify.ts has all, and how they learn.

import { expect, test } from 'vitest';
import { mobilenetV3Small, shufflenetV2 } from '../src/index.js';
import { compareLogits } from './torchvision.js';

test.each([
  ['shufflenet_v2_x1_0', shufflenetV2],
  ['mobilenet_v3_small', mobilenetV3Small],
] as const)('%s has the logits of torchvision', async (name, build) => {
  expect(await compareLogits(name, build)).toBeLessThan(1e-5);
});
