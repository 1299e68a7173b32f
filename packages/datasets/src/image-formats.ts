// The formats of images that are read: raster formats that the decoder takes from strangers without harm.

interface ImageFormat {
  readonly name: string;
  /** Endings of file names, in lower case. */
  readonly endings: readonly string[];
  /** Matches the first 12 bytes, read as latin1. */
  readonly signature: RegExp;
}

// The decoder would also take SVG, which can refer to other files and costs what its author likes.
const formats: readonly ImageFormat[] = [
  { name: 'PNG', endings: ['png'], signature: /^\x89PNG/ },
  { name: 'JPEG', endings: ['jpg', 'jpeg'], signature: /^\xff\xd8\xff/ },
  { name: 'WebP', endings: ['webp'], signature: /^RIFF.{4}WEBP/s },
  { name: 'GIF', endings: ['gif'], signature: /^GIF8/ },
  { name: 'TIFF', endings: ['tif', 'tiff'], signature: /^(II[*+]\0|MM\0[*+])/ },
  { name: 'AVIF', endings: ['avif'], signature: /^.{4}ftyp(avif|avis|mif1)/s },
  { name: 'BMP', endings: ['bmp'], signature: /^BM/ },
];

/** For messages: `PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP`. */
export const formatNames: string = formats
  .map(({ name }) => name)
  .join(', ')
  .replace(/, (\w+)$/, ' or $1');

/** Endings of the names of images, in lower case and without the dot. */
export const imageEndings: readonly string[] = formats.flatMap(({ endings }) => endings);

/** The format that the bytes begin as; undefined for none of these. */
export function formatOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  return formats.find(({ signature }) => signature.test(start))?.name;
}
