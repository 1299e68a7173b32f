// The table of rules: one for each primitive, so that any graph runs.

import type { PrimitiveName, Tensor } from '@bn/core';
import { contraction } from './contraction.js';
import { elementwise } from './elementwise.js';
import { patchTransformRule } from './patch-transform.js';
import { pooling } from './pooling.js';
import { reduction } from './reduction.js';
import type { Form, Rule } from './rule.js';
import { shapeOperations } from './shape.js';
import { tapTransformRule } from './tap-transform.js';

const rules: { readonly [P in PrimitiveName]: Rule<P> } = {
  ...elementwise,
  ...reduction,
  ...shapeOperations,
  ...contraction,
  ...pooling,
};

const all = { ...rules, patchTransform: patchTransformRule, tapTransform: tapTransformRule } as Readonly<
  Record<string, Rule<PrimitiveName>>
>;

export function ruleOf({ op }: Tensor): Rule<PrimitiveName> {
  return all[op];
}

export function formOf(node: Tensor): Form {
  const rule = ruleOf(node);
  if (rule.form) return rule.form(node as never);
  return rule.element ? 'element' : rule.reduce ? 'reduce' : 'nests';
}

/** Whether a node is there before anything runs; others have a rule. */
export function isLeaf({ op }: Tensor): boolean {
  return op === 'input' || op === 'constant';
}
