// The tensor operations, one namespace: `import { ops } from '@bn/core'`.

export * from './composed.js';
export * from './convolution.js';
export * from './elementwise.js';
export * from './fused.js';
export * from './matmul.js';
export * from './pooling.js';
export * from './reduction.js';
export * from './shape.js';
