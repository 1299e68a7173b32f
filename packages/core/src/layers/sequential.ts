// Layers one after another.

import { BnError } from '../errors.js';
import { type Layer, within } from '../scope.js';

/**
 * The layers in their order; their names become the parameter paths (`conv1.weight`, `bn1.gamma`). In a list they are named
 * by position (`0.weight`), as in PyTorch's `nn.Sequential`.
 *
 * @throws `argument` for given names that look like integers: JavaScript would move them to the front.
 */
export function sequential(layers: Readonly<Record<string, Layer>> | readonly Layer[]): Layer {
  const integer = Array.isArray(layers) ? undefined : Object.keys(layers).find((name) => /^\d+$/.test(name));
  if (integer !== undefined) {
    const why = 'JavaScript sorts integers first';
    const cure = `use e.g. 'layer${integer}', or a list of layers, whose names are their positions`;
    throw new BnError('argument', `sequential: '${integer}' cannot name a layer (${why}); ${cure}`);
  }
  return (x, scope) => {
    let y = x;
    for (const [name, layer] of Object.entries<Layer>(layers)) {
      const child = scope.child(name);
      y = within(child, () => layer(y, child), layer);
    }
    return y;
  };
}
