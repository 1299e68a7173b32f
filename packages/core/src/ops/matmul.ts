// Matrix products.

import { apply, type Definitions, requireDType } from '../primitive.js';
import { formatShape, type Shape, sameShape } from '../spec.js';
import { shapeError, type Tensor } from '../tensor.js';
import { broadcastShapes } from './elementwise.js';
import { broadcastTo } from './shape.js';

export interface MatmulAttributes {
  /** [..., m, k] × [..., k, n] → [..., m, n]; leading axes equal; `transposeA` takes a as [..., k, m], `transposeB` b as [..., n, k]. */
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
}

export const matrixProduct: Definitions<'matmul'> = {
  matmul: {
    spec: ([a, b], { transposeA, transposeB }, op) => {
      const dtype = requireDType(op, [a, b], 'float32');
      const [m, k] = matrixShape(a.shape, transposeA);
      const [k2, n] = matrixShape(b.shape, transposeB);
      if (k === undefined || k !== k2 || !sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2))) {
        const text = (x: Tensor, transposed: boolean) => formatShape(x.shape) + (transposed ? ' (transposed)' : '');
        const seen = `${text(a, transposeA)} × ${text(b, transposeB)}`;
        throw shapeError(op, `${seen} do not fit; expected [..., m, k] × [..., k, n]`);
      }
      return { dtype, shape: [...a.shape.slice(0, -2), m!, n!] };
    },
    gradient: ({ inputs: [a, b], attributes: { transposeA: ta, transposeB: tb } }, dy) => [
      // y = A·B with A = a or aᵀ: dA = dy·Bᵀ
      ta ? matmul(b, dy, { transposeA: tb, transposeB: true }) : matmul(dy, b, { transposeB: !tb }),
      // dB = Aᵀ·dy
      tb ? matmul(dy, a, { transposeA: true, transposeB: ta }) : matmul(a, dy, { transposeA: !ta }),
    ],
  },
};

/** Matrix product over the last two axes; leading axes broadcast. float32. */
export function matmul(
  a: Tensor,
  b: Tensor,
  {
    transposeA = false,
    transposeB = false,
  }: { readonly transposeA?: boolean | undefined; readonly transposeB?: boolean | undefined } = {},
): Tensor {
  const leading = broadcastShapes('matmul', [{ shape: a.shape.slice(0, -2) }, { shape: b.shape.slice(0, -2) }]);
  const stretch = (x: Tensor) => broadcastTo(x, [...leading, ...x.shape.slice(-2)]);
  return apply(matrixProduct, 'matmul', [stretch(a), stretch(b)], { transposeA, transposeB });
}

function matrixShape(shape: Shape, transposed: boolean): Shape {
  return transposed ? [shape.at(-1)!, shape.at(-2)!] : shape.slice(-2);
}
