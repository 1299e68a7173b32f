// What a model takes and gives, as one value: made when training starts, kept in the run, the checkpoint and the ONNX file.

import { BnError } from './errors.js';
import type { DType } from './spec.js';

/** `scores` are independent, each from 0 to 1; `values` are numbers of any size. */
export type OutputKind = 'logits' | 'probabilities' | 'scores' | 'values';

export const outputKinds: readonly OutputKind[] = ['logits', 'probabilities', 'scores', 'values'];

/** How an image becomes the numbers that a model takes. */
export interface ImageSignature {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Order of an example's numbers: channels (RGB) first or last; images of one channel may lack its axis, or all axes. */
  readonly order: 'CHW' | 'HWC' | 'HW' | 'flat';
  /** The numbers that black and full light become. */
  readonly range: readonly [black: number, white: number];
  /** For each channel, taken off after that; none where empty. */
  readonly mean: readonly number[];
  /** For each channel, divided by after that; none where empty. */
  readonly deviation: readonly number[];
}

export interface InputSignature {
  readonly name: string;
  readonly dtype: DType;
  /** Of one example, as the model takes it. */
  readonly shape: readonly number[];
  /** null if the input is not an image. */
  readonly image: ImageSignature | null;
}

export interface OutputSignature {
  readonly name: string;
  readonly kind: OutputKind;
  /** Number of classes, labels or values. */
  readonly size: number;
  /** Their names, in the order of the output; null where none are known. */
  readonly names: readonly string[] | null;
}

export interface Signature {
  readonly input: InputSignature;
  readonly output: OutputSignature;
}

/** ImageNet's mean and deviation, of RGB from 0 to 1, as torchvision's networks expect. */
export const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** What networks take pixels as: black and white as the numbers of a range, or from 0 to 1 and then by ImageNet's mean and deviation. */
export type PixelForm = '0..1' | '0..255' | '-1..1' | 'imagenet';

export const pixelForms: readonly PixelForm[] = ['0..1', '0..255', '-1..1', 'imagenet'];

/** A form of pixels in the terms of a signature. */
export function pixelForm(form: PixelForm): Pick<ImageSignature, 'range' | 'mean' | 'deviation'> {
  if (form === 'imagenet') return { range: [0, 1], ...imageNet };
  return { range: form.split('..').map(Number) as [number, number], mean: [], deviation: [] };
}

/** Pixels 0..255 as the numbers that the model takes: scale · pixel + offset, for each channel. */
export function pixelScaling({
  channels,
  range: [black, white],
  mean,
  deviation,
}: Pick<ImageSignature, 'channels' | 'range' | 'mean' | 'deviation'>): {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
} {
  const each = Array.from({ length: channels }, (_, i) => ({ shift: mean[i] ?? 0, unit: deviation[i] ?? 1 }));
  return {
    scale: each.map(({ unit }) => (white - black) / 255 / unit),
    offset: each.map(({ shift, unit }) => (black - shift) / unit),
  };
}

/** A line for people: `takes 64×64 RGB, pixels 0..1; gives probabilities of 4 classes (output 'prob')`. */
export function describeSignature({ input, output }: Signature): string {
  return `takes ${describeInput(input)}; gives ${describeOutput(output)}`;
}

function describeInput({ image, dtype, shape }: InputSignature): string {
  if (!image) return `${dtype} [${shape.join(', ')}]`;
  const { channels, height, width, order, range, mean, deviation } = image;
  const normalized =
    mean.length + deviation.length === 0 ? '' : `, mean ${list(mean, 0)} and deviation ${list(deviation, 1)}`;
  const last = order === 'HWC' && channels > 1 ? ', channels last' : '';
  return `${width}×${height} ${channels === 1 ? 'grey' : 'RGB'}, pixels ${range.join('..')}${normalized}${last}`;
}

function describeOutput({ name, kind, size, names }: OutputSignature): string {
  const named = kind === 'values' && names ? ` (${names.join(', ')})` : '';
  const plural = size === 1 ? '' : 's';
  const of = kind === 'scores' ? `label${plural}` : size === 1 ? 'class' : 'classes';
  const counted = kind === 'values' ? `${size} value${plural}` : `${kind} of ${size} ${of}`;
  return `${counted}${named} (output '${name}')`;
}

function list(values: readonly number[], none: number): string {
  return values.length === 0 ? String(none) : values.map((value) => Number(value.toPrecision(4))).join(' ');
}

/**
 * Reads a signature from the JSON in a file's metadata.
 *
 * @throws `data` if the text is not a signature
 */
export function decodeSignature(text: string): Signature {
  try {
    const { input, output } = JSON.parse(text) as Signature;
    if (isInput(input) && isOutput(output)) return { input, output };
  } catch {
    // falls through to the one message
  }
  throw new BnError('data', 'the signature in the metadata is damaged; export the model again');
}

function isInput({ name, dtype, shape, image }: InputSignature): boolean {
  const isText = typeof name === 'string' && typeof dtype === 'string';
  return isText && isList(shape, isCount) && (image === null || isImage(image));
}

function isImage({ channels, height, width, order, range, mean, deviation }: ImageSignature): boolean {
  const isPerChannel = (list: unknown) => isList(list, Number.isFinite) && [0, channels].includes(list.length);
  const isNormalization = isPerChannel(mean) && isPerChannel(deviation) && deviation.every((d) => d !== 0);
  const isSize = (channels === 1 || channels === 3) && isCount(height) && isCount(width);
  const isRange = isList(range, Number.isFinite) && range.length === 2 && range[0] !== range[1];
  return isSize && isRange && isNormalization && ['CHW', 'HWC', 'HW', 'flat'].includes(order);
}

function isOutput({ name, kind, size, names }: OutputSignature): boolean {
  const areNames = names === null || (isList(names, (one) => typeof one === 'string') && names.length === size);
  return typeof name === 'string' && outputKinds.includes(kind) && isCount(size) && areNames;
}

function isList(value: unknown, check: (one: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(check);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
