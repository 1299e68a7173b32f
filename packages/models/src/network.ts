// What the networks of this package have in common.

import { type BatchNormOptions, conv2d, heNormal, type Layer, sequential } from '@bn/core';

/** Makes a normalization layer. `own` is what the network's batch normalization has where its paper or PyTorch departs. */
export type Normalization = (own: BatchNormOptions) => Layer;

export interface NetworkOptions {
  /** Number of classes; default 10. */
  classes?: number | undefined;
  /** Makes the layer after each convolution, e.g. `batchNorm` or `() => groupNorm()`; null for none. */
  normalization?: Normalization | null | undefined;
}

export interface SmallImageOptions extends NetworkOptions {
  /** True: the first convolution keeps the size of the image, and what follows it does. Default: for images below 64 pixels. */
  smallImages?: boolean | undefined;
}

/** A normalization layer under a name, to be spread among the layers of a `sequential`; nothing where there is none. */
export function normalizer(normalization: Normalization | null, own: BatchNormOptions) {
  return (name: string): Record<string, Layer> => (normalization ? { [name]: normalization(own) } : {});
}

/** A convolution as it stands before normalization: without a bias, and without zeros that change the size. */
export function convolution(filters: number, { kernelSize = 3, stride = 1, groups = 1, bias = false } = {}): Layer {
  return conv2d(filters, {
    ...{ kernelSize, stride, groups, bias },
    padding: (kernelSize - 1) / 2,
    weightInitializer: heNormal(),
  });
}

/** The first layers of a network, made for large or for small images. */
export function stem(
  smallImages: boolean | undefined,
  make: (isSmall: boolean) => Readonly<Record<string, Layer>>,
): Layer {
  const [large, small] = [sequential(make(false)), sequential(make(true))];
  return (x, scope) => {
    const isSmall = smallImages ?? x.shape.slice(2).some((size) => size! < 64);
    return (isSmall ? small : large)(x, scope);
  };
}
