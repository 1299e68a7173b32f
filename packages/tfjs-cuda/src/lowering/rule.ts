// What a rule is: how one operation becomes calls of kernels.

import type { OperationName, Tensor } from '@bn/core';
import type { Ref } from '../program/kernels.js';
import type { Lowering } from './lowering.js';

/** Returns the node's value in the layout that `lowering.layout(node)` says. */
export type Rule<Op extends OperationName> = (node: Tensor<Op>, lowering: Lowering) => Ref;
