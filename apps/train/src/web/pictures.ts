// Files and camera frames to pixels in memory.

/** Browsers of phones have no larger canvases. */
const mostPixels = 16_000_000;

/**
 * A file's picture, turned as its EXIF data says.
 *
 * @throws Error if the browser cannot read it
 */
export async function readPicture(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new Error('this browser cannot read it as a picture');
  }
}

/** A picture's pixels; a huge one is made smaller. */
export function pixelsOf(picture: ImageBitmap | HTMLVideoElement): ImageData {
  const [width, height] = 'videoWidth' in picture ? [picture.videoWidth, picture.videoHeight] : sizeOf(picture);
  const scale = Math.min(1, Math.sqrt(mostPixels / width / height));
  const context = draw(picture, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

/** A small copy to look at. */
export function thumbnail(picture: ImageBitmap | HTMLVideoElement): HTMLCanvasElement {
  const [width, height] = 'videoWidth' in picture ? [picture.videoWidth, picture.videoHeight] : sizeOf(picture);
  const scale = 192 / Math.max(width, height);
  const { canvas } = draw(picture, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  canvas.setAttribute('role', 'img');
  return canvas;
}

function sizeOf({ width, height }: ImageBitmap): [number, number] {
  return [width, height];
}

function draw(picture: CanvasImageSource, width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return context;
}
