// The geometry of windows that slide over an image: all that convolution and pooling share.

import type { PoolingGeometry } from '@bn/core';

/** Tap t: window `window[t]` sees image element `image[t]` through kernel element `kernel[t]`; padding has no tap. */
export interface Taps {
  readonly count: number;
  readonly window: Int32Array;
  readonly kernel: Int32Array;
  readonly image: Int32Array;
}

/** The taps of one channel, in row-major order of the windows, then of the kernel. Sizes are [height, width]. */
export function tapsOf(
  imageSize: readonly number[],
  windowCount: readonly number[],
  { kernelSize, stride, padding, dilation }: PoolingGeometry,
): Taps {
  const [height, width] = imageSize;
  const taps: { window: number[]; kernel: number[]; image: number[] } = { window: [], kernel: [], image: [] };
  for (let i = 0; i < windowCount[0]; i++) {
    for (let j = 0; j < windowCount[1]; j++) {
      for (let k = 0; k < kernelSize[0]; k++) {
        for (let l = 0; l < kernelSize[1]; l++) {
          const row = i * stride[0] - padding[0] + k * dilation[0];
          const column = j * stride[1] - padding[1] + l * dilation[1];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          taps.window.push(i * windowCount[1] + j);
          taps.kernel.push(k * kernelSize[1] + l);
          taps.image.push(row * width + column);
        }
      }
    }
  }
  return {
    count: taps.window.length,
    window: Int32Array.from(taps.window),
    kernel: Int32Array.from(taps.kernel),
    image: Int32Array.from(taps.image),
  };
}
