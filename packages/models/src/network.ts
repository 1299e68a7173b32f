// What the networks of this package have in common.

import { type BatchNormOptions, conv2d, heNormal, type Layer, sequential } from '@bn/core';

/** Makes a normalization layer. `own` is what batch normalization has in this network, where that is not the default. */
export type Normalization = (own: BatchNormOptions) => Layer;

export interface NetworkOptions {
  /** Number of classes; default 10. */
  classes?: number | undefined;
  /** Makes the layer after each convolution, e.g. `batchNorm`; null for none. */
  normalization?: Normalization | null | undefined;
}

export interface SmallImageOptions extends NetworkOptions {
  /** True: the first convolution keeps the size of the image. Default: for images below 64 pixels. */
  smallImages?: boolean | undefined;
}

export interface Geometry {
  /** Default 3. Odd: the size of the image is kept, or divided by the stride. */
  readonly kernelSize?: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default 1. */
  readonly groups?: number;
}

/**
 * Makes convolutions and what follows them, with the network's normalization.
 *
 * @param bias of convolutions; by default those have none whose normalization would remove it
 */
export function convolutions(
  normalization: Normalization | null,
  own: BatchNormOptions,
  bias = normalization === null,
) {
  /** A normalization layer under a name, to be spread among the layers of a `sequential`; nothing where there is none. */
  const normalize = (name: string): Record<string, Layer> => (normalization ? { [name]: normalization(own) } : {});
  const conv = (filters: number, { kernelSize = 3, stride = 1, groups = 1 }: Geometry = {}): Layer =>
    conv2d(filters, {
      ...{ kernelSize, stride, groups, padding: (kernelSize - 1) / 2 },
      ...{ bias, weightInitializer: heNormal() },
    });
  /** Convolution, normalization and activation, in a list as in PyTorch's `Conv2dNormActivation`. */
  const list = (filters: number, geometry?: Geometry, activation?: Layer): Layer[] => [
    ...[conv(filters, geometry), ...Object.values(normalize('norm'))],
    ...(activation ? [activation] : []),
  ];
  const unit = (filters: number, geometry?: Geometry, activation?: Layer) =>
    sequential(list(filters, geometry, activation));
  return { normalize, conv, list, unit };
}

/** One of two layers, made for large or for small images. */
export function bySize(smallImages: boolean | undefined, make: (isSmall: boolean) => Layer): Layer {
  const [large, small] = [make(false), make(true)];
  return (x, scope) => {
    const isSmall = smallImages ?? x.shape.slice(2).some((size) => size! < 64);
    return (isSmall ? small : large)(x, scope);
  };
}

/** Channels as networks for phones count them: a multiple of eight, at most a tenth below `channels`. */
export function multipleOfEight(channels: number): number {
  const rounded = Math.max(8, 8 * Math.floor((channels + 4) / 8));
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
