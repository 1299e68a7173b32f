// The camera, and what it sees as the network takes it.

import { pixelsOf } from '@bn/core';
import { side } from './settings.js';

const canvas = document.createElement('canvas');
const context = canvas.getContext('2d', { willReadFrequently: true })!;

/** @throws Error that says what to do, if there is none or it is not allowed */
export async function openCamera(video: HTMLVideoElement): Promise<void> {
  if (!navigator.mediaDevices)
    throw new Error('Browsers have the camera on https: and localhost alone; open the page there.');
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    const isRefused = (error as Error).name === 'NotAllowedError';
    throw new Error(
      isRefused ? 'Allow the camera beside the address, and try again.' : 'There is no camera that is free.',
    );
  }
  await video.play();
}

/** uint8 `[3, side, side]` */
export function look(video: HTMLVideoElement): Uint8Array {
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  context.drawImage(video, 0, 0);
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  return pixelsOf(image, { channels: 3, height: side, width: side });
}
