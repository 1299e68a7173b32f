// The residual block (He et al., 2016).

import { add } from '../ops/elementwise.js';
import { type Layer, within } from '../scope.js';
import { formatShape, sameShape } from '../spec.js';
import { shapeError } from '../tensor.js';

/**
 * body(x) + shortcut(x); without a shortcut, body(x) + x. Inner paths: `body`, `shortcut`.
 *
 * @throws `shape` if the two are not of one shape; give a shortcut that fits, e.g. a 1×1 convolution.
 */
export function residual(body: Layer, shortcut?: Layer): Layer {
  return (x, scope) =>
    within(scope, () => {
      const inner = (name: string, layer: Layer) => {
        const child = scope.child(name);
        return within(child, () => layer(x, child), layer);
      };
      const main = inner('body', body);
      const side = shortcut ? inner('shortcut', shortcut) : x;
      if (!sameShape(main.shape, side.shape)) {
        const seen = `the body gives ${formatShape(main.shape)}, the shortcut ${formatShape(side.shape)}`;
        throw shapeError('residual', `${seen}; give a shortcut that fits, e.g. conv2d with kernelSize 1`);
      }
      return add(main, side);
    });
}
