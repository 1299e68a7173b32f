// What the names of nodes tell, which @bn/onnx makes: `layer/direction/operation/Operator`.

import type { Origin } from '@bn/core';

export interface NodeOrigin {
  readonly origin: Origin;
  /** Of the graph. */
  readonly operation: string;
}

/** Null for nodes that ONNX Runtime has added, or named itself. */
export function readNodeName(name: string): NodeOrigin | null {
  const [, layer = '', direction, operation] =
    /^(?:([^/]+)\/)?(forward|backward|update)\/([^/]+)\/[^/]+$/.exec(name) ?? [];
  return operation === undefined ? null : { origin: { layer, direction: direction as Origin['direction'] }, operation };
}

/** The same for all nodes of an operation in a layer and direction. */
export function keyOf({ origin, operation }: NodeOrigin): string {
  return `${origin.layer}/${origin.direction}/${operation}`;
}
