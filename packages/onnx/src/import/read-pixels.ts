// Which pixels a model takes, as far as its first operations prove it: they scale and shift them.

import { type Graph, isOp, type PixelForm, type Tensor } from '@bn/core';
import { createEvaluator } from '../evaluate-constant.js';

/** @returns null where nothing is proven */
export function readPixels({ inputs, outputs, nodes }: Graph, channels: number): PixelForm | null {
  const evaluate = createEvaluator(new Map());
  const results = new Set(outputs.values());
  /** The input is scaled to scale · x + shift. */
  let [scale, shift] = [Array<number>(channels).fill(1), Array<number>(channels).fill(0)];
  const perChannel = (x: Tensor | undefined): readonly number[] | undefined => {
    const data = x && evaluate(x)?.data;
    if (data?.length !== 1 && data?.length !== channels) return undefined;
    return Array.from(scale, (_, i) => data[data.length === 1 ? 0 : i]!);
  };
  const scaleBy = (factor: readonly number[]) => {
    scale = scale.map((v, i) => v * factor[i]!);
    shift = shift.map((v, i) => v * factor[i]!);
  };
  const shiftBy = (addend: readonly number[], sign = 1) => {
    shift = shift.map((v, i) => v + sign * addend[i]!);
  };
  const range = () => rangeOf(mean(scale), mean(shift.map((v, i) => -v / scale[i]!)));
  let [x]: Iterable<Tensor> = inputs.values();
  while (x && !results.has(x)) {
    const current: Tensor = x;
    const users: Tensor[] = nodes.filter((node) => node.inputs.includes(current));
    const [next] = users;
    if (!next || users.length > 1) break;
    const other = perChannel(next.inputs.find((y) => y !== current));
    if (isOp(next, 'batchNormalize')) {
      // Means that a layer has learned of 0..1 and of -1..1 may be the same: only those of 0..255 prove anything.
      const [before, means] = [range(), perChannel(next.inputs[1])];
      if (before !== null || !means) return before;
      shiftBy(means, -1);
      return range() === '0..255' ? '0..255' : null;
    }
    if (isOp(next, 'mul') && other) scaleBy(other);
    else if (isOp(next, 'div') && other && next.inputs[0] === current) scaleBy(other.map((v) => 1 / v));
    else if (isOp(next, 'add') && other) shiftBy(other);
    else if (isOp(next, 'sub') && other && next.inputs[0] === current) shiftBy(other, -1);
    else if (!['cast', 'reshape', 'transpose'].includes(next.op)) break;
    x = next;
  }
  return range();
}

/** Of scale · (x − centre): the range whose numbers that brings to about −4 to 4, or whose middle it is. */
function rangeOf(scale: number, centre: number): PixelForm | null {
  if (!(scale > 0)) return null;
  if (Math.abs(centre + 1) < 0.01) return '-1..1';
  if (centre > 2 && centre < 254) return '0..255';
  // Down from 255 to something of size 1, as 1/255 does.
  if (centre === 0 && scale > 1 / 300 && scale < 1 / 50) return '0..255';
  // (x − 0.5) / 0.5, ImageNet's mean and deviation; or up to 0..255.
  return (centre > 0.01 && centre < 1 && scale > 1.5) || (centre >= 0 && centre < 1 && scale > 100) ? '0..1' : null;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
