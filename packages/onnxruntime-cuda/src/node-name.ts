// What the names of nodes tell, which @bn/onnx makes: `layer/direction/operation/Operator`.

import type { Origin } from '@bn/core';

/** Null for nodes that ONNX Runtime has added, or named itself. */
export function readNodeName(name: string): { readonly origin: Origin; readonly operation: string } | null {
  const [, layer = '', direction, operation] =
    /^(?:([^/]+)\/)?(forward|backward|update)\/([^/]+)\/[^/]+$/.exec(name) ?? [];
  return operation === undefined ? null : { origin: { layer, direction: direction as Origin['direction'] }, operation };
}
