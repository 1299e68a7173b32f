// Resizing as libvips does it, which training and `infer` use: boxes, then Lanczos, rounded to bytes after each.

/** How far from its centre a kernel reaches, and its value there. */
interface Kernel {
  readonly reach: number;
  readonly at: (x: number) => number;
}

const lanczos3: Kernel = { reach: 3, at: (x) => sinc(x) * sinc(x / 3) };

/** Catmull-Rom's cubic. */
const bicubic: Kernel = {
  reach: 2,
  at: (x) => {
    const d = Math.abs(x);
    if (d >= 2) return 0;
    return d < 1 ? 1 + d * d * (1.5 * d - 2.5) : 2 + d * (-4 + d * (2.5 - d / 2));
  },
};

/** Whatever is larger is first averaged in whole pixels to at least this many times the wanted size. */
const gap = 2;

/** `[outer, from, inner]` becomes `[outer, to, inner]`. */
interface Axis {
  readonly outer: number;
  readonly from: number;
  readonly inner: number;
  readonly to: number;
}

type Size = readonly [height: number, width: number];

/** An image of bytes [height, width, channels] stretched to another size. An image that has the size is returned itself. */
export function resize(image: Uint8Array, from: Size, to: Size): Uint8Array {
  const least: Size = [Math.min(from[0], to[0]), Math.min(from[1], to[1])];
  const small = onBothAxes(image, from, least, shrink);
  return to[0] > from[0] || to[1] > from[1] ? onBothAxes(small, least, to, enlarge) : small;
}

function onBothAxes(
  image: Uint8Array,
  [height, width]: Size,
  [toHeight, toWidth]: Size,
  change: (image: Uint8Array, axis: Axis) => Uint8Array,
): Uint8Array {
  const channels = image.length / height / width;
  const lines = change(image, { outer: 1, from: height, inner: width * channels, to: toHeight });
  return change(lines, { outer: toHeight, from: width, inner: channels, to: toWidth });
}

function shrink(image: Uint8Array, axis: Axis): Uint8Array {
  const { from, to } = axis;
  if (from === to) return image;
  const box = Math.max(1, Math.floor(from / to / gap));
  const step = from / to / box;
  const averaged = { ...axis, from: Math.ceil(from / box) };
  return filter(average(image, axis, box), averaged, { step, start: (step - 1) / 2, kernel: lanczos3 });
}

/** libvips puts the edges of pixels, not their centres, on each other: also along an axis that keeps its size. */
function enlarge(image: Uint8Array, axis: Axis): Uint8Array {
  return filter(image, axis, { step: axis.from / axis.to, start: -0.5, kernel: bicubic });
}

/** Means of `box` elements along the axis; the last one has the end of the image repeated. */
function average(image: Uint8Array, { outer, from, inner }: Axis, box: number): Uint8Array {
  if (box === 1) return image;
  const to = Math.ceil(from / box);
  const result = new Uint8Array(outer * to * inner);
  const sums = new Uint32Array(inner);
  for (let o = 0; o < outer; o++) {
    for (let y = 0; y < to; y++) {
      sums.fill(box >> 1);
      for (let i = 0; i < box; i++) {
        const start = (o * from + Math.min(y * box + i, from - 1)) * inner;
        for (let x = 0; x < inner; x++) sums[x]! += image[start + x]!;
      }
      const start = (o * to + y) * inner;
      for (let x = 0; x < inner; x++) result[start + x] = sums[x]! / box;
    }
  }
  return result;
}

/** Where results are taken. */
interface Sampling {
  /** Elements of `from` per element of `to`; the kernel is as much wider, if it is more than one. */
  readonly step: number;
  /** Where the first is. */
  readonly start: number;
  readonly kernel: Kernel;
}

function filter(
  image: Uint8Array,
  { outer, from, inner, to }: Axis,
  { step, start: origin, kernel }: Sampling,
): Uint8Array {
  const result = new Uint8ClampedArray(outer * to * inner);
  const scale = Math.max(1, step);
  const sums = new Float32Array(inner);
  for (let y = 0; y < to; y++) {
    const centre = origin + y * step;
    const first = Math.ceil(centre - kernel.reach * scale);
    const count = Math.floor(centre + kernel.reach * scale) - first + 1;
    const weights = Array.from({ length: count }, (_, i) => kernel.at((first + i - centre) / scale));
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    for (let o = 0; o < outer; o++) {
      sums.fill(0);
      for (let i = 0; i < count; i++) {
        const weight = weights[i]! / all;
        const start = (o * from + Math.min(Math.max(first + i, 0), from - 1)) * inner;
        for (let x = 0; x < inner; x++) sums[x]! += weight * image[start + x]!;
      }
      result.set(sums, (o * to + y) * inner);
    }
  }
  return new Uint8Array(result.buffer);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
