// Layers one after another.

import { BnError } from '../errors.js';
import { type Layer, within } from '../scope.js';

/**
 * The layers in their order; their names become the parameter paths (`conv1.weight`, `bn1.gamma`).
 *
 * @throws `argument` for names that look like integers: JavaScript would move them to the front.
 */
export function sequential(layers: Readonly<Record<string, Layer>>): Layer {
  const integer = Object.keys(layers).find((name) => /^\d+$/.test(name));
  if (integer !== undefined) {
    const why = 'JavaScript sorts integers first';
    throw new BnError('argument', `sequential: '${integer}' cannot name a layer (${why}); use e.g. 'layer${integer}'`);
  }
  return (x, scope) => {
    let y = x;
    for (const [name, layer] of Object.entries(layers)) {
      const child = scope.child(name);
      y = within(child, () => layer(y, child), layer);
    }
    return y;
  };
}
