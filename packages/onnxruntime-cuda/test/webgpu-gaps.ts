// What ONNX Runtime on WebGPU does not do, on any GPU.

import type { Gap } from '@bn/conformance';

export const webgpuGaps: readonly Gap[] = [
  { reason: 'the WebGPU provider has no Scan', cases: ['several steps'] },
  {
    reason: 'WGSL promises neither NaN nor infinities',
    cases: ['exp: infinities and NaN', 'log: outside its domain', 'sigmoid: saturated without overflow'],
    undefinedValues: true,
  },
];
