// Softmax: the kernels take it along the last axis of a matrix.

import { channelsLastAxis } from '../image-layouts.js';
import type { Rule } from '../rule.js';

export const softmax: Rule<'softmax'> = (node, lowering) => {
  const { builder } = lowering;
  const layout = lowering.layout(node);
  const x = lowering.ref(node.inputs[0], layout);
  const axis = layout === 'plain' ? node.attributes.axis : channelsLastAxis[node.attributes.axis];
  const axes = x.shape.map((_, i) => i);
  const last = axes.filter((i) => i !== axis).concat(axis);
  const turned = builder.transpose(x, last);
  const size = x.shape[axis];
  const rows = x.shape.reduce((product, n) => product * n, 1) / size;
  const shares = builder.call('Softmax', [builder.reshape(turned, [rows, size])], { dim: 1 }, [rows, size]);
  return builder.transpose(
    builder.reshape(shares, turned.shape),
    axes.map((i) => last.indexOf(i)),
  );
};
