// The geometry of windows that slide over an image: all that convolution and pooling share.

import type { PoolingGeometry } from '@bn/core';

/** Through one kernel element, window `window[t]` sees image element `image[t]`; padding is not seen. */
export interface Taps {
  readonly window: Int32Array;
  readonly image: Int32Array;
}

/** The taps of each kernel element, in row-major order, for one channel. Sizes are [height, width]. */
export function tapsOf(
  imageSize: readonly number[],
  windowCount: readonly number[],
  { kernelSize, stride, padding, dilation }: PoolingGeometry,
): Taps[] {
  const taps: Taps[] = [];
  for (let k = 0; k < kernelSize[0]; k++) {
    for (let l = 0; l < kernelSize[1]; l++) {
      const window: number[] = [];
      const image: number[] = [];
      for (let i = 0; i < windowCount[0]; i++) {
        for (let j = 0; j < windowCount[1]; j++) {
          const row = i * stride[0] - padding[0] + k * dilation[0];
          const column = j * stride[1] - padding[1] + l * dilation[1];
          if (row < 0 || row >= imageSize[0] || column < 0 || column >= imageSize[1]) continue;
          window.push(i * windowCount[1] + j);
          image.push(row * imageSize[1] + column);
        }
      }
      taps.push({ window: Int32Array.from(window), image: Int32Array.from(image) });
    }
  }
  return taps;
}
