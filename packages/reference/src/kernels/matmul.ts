// Matrix products, batched over the leading axes. Sums accumulate in double precision.

import type { KernelTable } from '../kernel.js';

export const matrixProduct = {
  matmul: (y, [a, b], { transposeA, transposeB }) => {
    const [m, n] = y.shape.slice(-2);
    const k = a.shape.at(transposeA ? -2 : -1)!;
    const batch = y.data.length / (m * n);
    // Steps between rows and between columns of the matrices as they are multiplied.
    const [aRow, aColumn] = transposeA ? [1, m] : [k, 1];
    const [bRow, bColumn] = transposeB ? [1, k] : [n, 1];
    let at = 0;
    for (let matrix = 0; matrix < batch; matrix++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const aStart = matrix * m * k + i * aRow;
          const bStart = matrix * k * n + j * bColumn;
          let sum = 0;
          for (let l = 0; l < k; l++) sum += a.data[aStart + l * aColumn] * b.data[bStart + l * bRow];
          y.data[at++] = sum;
        }
      }
    }
  },
} satisfies Partial<KernelTable>;
