// Inverted residual blocks (Sandler et al., 2018), with squeeze and excitation (Hu et al., 2017), as MobileNet V3 and
// EfficientNet have them.

import { conv2d, defineLayer, heNormal, type Layer, ops, sequential, stochasticDepth, type Tensor } from '@bn/core';
import type { convolutions } from './network.js';

export interface InvertedResidual {
  readonly inputs: number;
  /** Channels of the depthwise convolution. */
  readonly hidden: number;
  readonly outputs: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly activation: Layer;
  /** Channels that squeezing leaves, and the activations after its two layers; null for none. */
  readonly squeeze: { readonly channels: number; readonly activation: Layer; readonly scale: Layer } | null;
  /** Share of the examples for which training leaves the block out; default 0. */
  readonly dropRate?: number;
}

export function invertedResidual(
  { unit }: ReturnType<typeof convolutions>,
  { inputs, hidden, outputs, kernelSize, stride, activation, squeeze, dropRate = 0 }: InvertedResidual,
): Layer {
  const block = sequential([
    ...(hidden === inputs ? [] : [unit(hidden, { kernelSize: 1 }, activation)]),
    unit(hidden, { kernelSize, stride, groups: hidden }, activation),
    ...(squeeze ? [squeezeAndExcitation(hidden, squeeze)] : []),
    unit(outputs, { kernelSize: 1 }),
  ]);
  return plusInput('block', block, stride === 1 && inputs === outputs, dropRate);
}

/** The body under its name; where the shapes allow it, added to its input. */
export function plusInput(name: string, body: Layer, adds: boolean, dropRate = 0): Layer {
  const drop = stochasticDepth(dropRate);
  return defineLayer((x, scope) => {
    const y = body(x, scope.child(name));
    return adds ? ops.add(drop(y, scope), x) : y;
  });
}

/** Scales each channel by what a small network makes of all channels' means. */
function squeezeAndExcitation(
  channels: number,
  { channels: squeezed, activation, scale }: NonNullable<InvertedResidual['squeeze']>,
): Layer {
  const point = (filters: number) => conv2d(filters, { kernelSize: 1, weightInitializer: heNormal() });
  const mean = (x: Tensor) => ops.mean(x, [2, 3], { keepDims: true });
  const gate = sequential({ avgpool: mean, fc1: point(squeezed), activation, fc2: point(channels), scale });
  return defineLayer((x, scope) => ops.mul(x, gate(x, scope)));
}
