// What a model file takes and gives: by its metadata if this toolkit wrote it, else as far as its graph proves it, else as
// is usual, which is said.

import {
  BnError,
  decodeSignature,
  formatSpec,
  type Graph,
  type ImageSignature,
  type InputSignature,
  isOp,
  numbered,
  type OutputKind,
  type OutputSignature,
  ops,
  type PixelForm,
  pixelForm,
  type Signature,
  type Spec,
  sameShape,
  type Tensor,
} from '@bn/core';
import type { ImportedInference } from './import-inference.js';
import { type Head, readHead } from './read-head.js';
import { readPixels } from './read-pixels.js';

/** What the user knows of a file that does not say it itself. */
export interface SignatureOptions {
  /** Name of the output that counts. */
  readonly output?: string | undefined;
  readonly gives?: OutputKind | undefined;
  readonly pixels?: PixelForm | undefined;
}

export interface Signed {
  readonly signature: Signature;
  /** What is neither written in the file nor proven, a sentence each. */
  readonly assumptions: readonly string[];
}

/**
 * @throws BnError `unsupported` if no output is one line of numbers per example, or it is not clear which or what it is:
 * the message names the option that helps; `argument` for options that contradict the file
 */
export function signatureOf(model: ImportedInference, options: SignatureOptions = {}): Signed {
  const written = writtenIn(model);
  const { input, ...taken } = written ? { input: written.input, assumption: null } : readInput(model, options.pixels);
  if (written) requirePixels(written.input, options.pixels);
  const isWritten = written && (options.output ?? written.output.name) === written.output.name;
  const given = isWritten
    ? { output: written.output, assumption: requireKind(written.output, written.output.kind, options.gives) }
    : readOutput(model, options);
  return {
    signature: { input, output: given.output },
    assumptions: [taken.assumption, given.assumption].filter((one) => one !== null),
  };
}

/** What the output says: the softmax of logits, the sigmoid of what was said to be scores and is none, else itself. */
export function answerOf(x: Tensor, { kind, size }: OutputSignature): Tensor {
  const flat = ops.reshape(x, [x.shape[0]!, size]);
  if (kind === 'logits') return ops.softmax(flat, 1);
  return kind === 'scores' && isRaw(readHead(x)) ? ops.sigmoid(flat) : flat;
}

/**
 * What the output is made of by a softmax or sigmoid, which losses bring themselves.
 *
 * @throws BnError `unsupported` for probabilities that are not a softmax of anything
 */
export function trainableOf(x: Tensor, { name, kind }: OutputSignature): Tensor {
  const { kind: proven, size, logits, isLinear } = readHead(x)!;
  if (kind === 'values') return ops.reshape(x, [x.shape[0]!, size]);
  if (kind === 'logits' || proven === kind || isLinear) return logits;
  const source = `what they are the ${kind === 'scores' ? 'sigmoid' : 'softmax'} of is not found`;
  const cure = 'nothing can be trained through it; export the model with logits';
  throw new BnError('unsupported', `the output '${name}' gives ${kind}, and ${source}: ${cure}`);
}

/** Nothing has made it lie between 0 and 1. */
function isRaw(head: Head | null): boolean {
  return head?.kind === null && head.isLinear;
}

function writtenIn({ graph, input: { name, spec }, metadata }: ImportedInference): Signature | null {
  if (metadata.signature === undefined) return null;
  const signature = decodeSignature(metadata.signature);
  const { input, output } = signature;
  const result = graph.outputs.get(output.name);
  const isInput = input.name === name && input.dtype === spec.dtype && sameShape(input.shape, spec.shape.slice(1));
  if (isInput && isOf(input) && result && readHead(result)?.size === output.size) return signature;
  throw new BnError('data', 'the signature in the metadata is not that of this model; export the model again');
}

/** Whether images of such a kind have that shape. */
function isOf({ image, shape }: InputSignature): boolean {
  if (!image) return true;
  const { channels: c, height: h, width: w, order } = image;
  return sameShape({ CHW: [c, h, w], HWC: [h, w, c], HW: [h, w], flat: [c * h * w] }[order], shape);
}

function readInput(
  { graph, input: { name, spec }, metadata }: ImportedInference,
  wanted: SignatureOptions['pixels'],
): { input: InputSignature; assumption: string | null } {
  const { dtype } = spec;
  const shape = spec.shape.slice(1) as number[];
  const layout = imageOf(spec);
  if (!layout) {
    if (wanted === undefined) return { input: { name, dtype, shape, image: null }, assumption: null };
    throw new BnError('argument', `pixels: the model takes ${formatSpec(spec)}, which is not an image; leave it out`);
  }
  const ownExport = metadata.input?.endsWith('pixels divided by 255') ? '0..1' : null;
  const proven = dtype === 'uint8' ? '0..255' : (readPixels(graph, layout.channels) ?? ownExport);
  const input = (pixels: PixelForm): InputSignature => {
    return { name, dtype, shape, image: { ...layout, ...pixelForm(pixels) } };
  };
  if (proven !== null) {
    const own = input(proven);
    requirePixels(own, wanted);
    return { input: own, assumption: null };
  }
  if (wanted === 'imagenet' && layout.channels !== 3) {
    throw new BnError('argument', "pixels: 'imagenet' has the mean of three channels, the model takes one; use 0..1");
  }
  const assumption = `the file does not say which pixels '${name}' takes: 0..1 is assumed; say --pixels 0..1, 0..255, -1..1 or imagenet`;
  return { input: input(wanted ?? '0..1'), assumption: wanted === undefined ? assumption : null };
}

function requirePixels({ name, image }: InputSignature, wanted: SignatureOptions['pixels']): void {
  const own = image && (image.mean.length > 0 ? 'imagenet' : image.range.join('..'));
  if (wanted === undefined || wanted === own) return;
  throw new BnError('argument', `pixels ${wanted}: the file itself shows that '${name}' takes ${own}; leave it out`);
}

/** `[channels, height, width]`, `[height, width, channels]`, `[height, width]`, or a square in one line; else null. */
function imageOf({ shape: [, ...sizes] }: Spec): Omit<ImageSignature, 'range' | 'mean' | 'deviation'> | null {
  const [a, b, c] = sizes as [number, number, number];
  if (sizes.length === 1) {
    const side = Math.sqrt(a);
    return Number.isInteger(side) && side >= 4 ? { channels: 1, height: side, width: side, order: 'flat' } : null;
  }
  if (sizes.length === 2) return { channels: 1, height: a, width: b, order: 'HW' };
  if (sizes.length !== 3) return null;
  if (a === 1 || a === 3) return { channels: a, height: b, width: c, order: 'CHW' };
  return c === 1 || c === 3 ? { channels: c, height: a, width: b, order: 'HWC' } : null;
}

function readOutput(
  { graph, metadata }: ImportedInference,
  { output: wanted, gives }: SignatureOptions,
): { output: OutputSignature; assumption: string | null } {
  const chosen = chooseOutput(graph, wanted);
  const { name, head } = chosen;
  const { kind, assumption } = kindOf(chosen, gives);
  return { output: { name, kind, size: head.size, names: namesIn(metadata, head.size) }, assumption };
}

interface Candidate {
  readonly name: string;
  readonly head: Head;
}

function chooseOutput({ outputs, nodes }: Graph, wanted: string | undefined): Candidate {
  const listed = [...outputs].map(([name, spec]) => `'${name}' ${formatSpec(spec)}`).join(', ');
  const heads = [...outputs].flatMap(([name, x]) => {
    const head = x.shape[0] === null ? readHead(x) : null;
    return head ? [{ name, head, x }] : [];
  });
  if (wanted !== undefined) {
    const found = heads.find(({ name }) => name === wanted);
    if (found) return found;
    const what = outputs.has(wanted) ? 'is not a line of float32 numbers per example' : 'is not there';
    throw new BnError('argument', `the output '${wanted}' ${what}; the outputs are ${listed}`);
  }
  // What goes through further weights is on the way to another output, as an embedding is.
  const inner = weighed(nodes);
  const rank = ({ name, head: { kind }, x }: (typeof heads)[number]): number => {
    if (/prob/i.test(name)) return 0;
    if (kind === 'probabilities') return 1;
    if (kind === 'scores') return 2;
    if (kind === 'logits' || /logit/i.test(name)) return 3;
    return inner.has(x) || /embed|feat/i.test(name) ? 5 : 4;
  };
  const best = Math.min(...heads.map(rank));
  const [first, ...others] = heads.filter((one) => rank(one) === best);
  if (first && others.every(({ x }) => x === first.x)) return first;
  throw new BnError(
    'unsupported',
    first
      ? `the outputs ${listed} could each be the answer; name one by --output`
      : `the model has no output [batch, classes] of float32, but ${listed}; export it with one`,
  );
}

/** What products are computed from. */
function weighed(nodes: readonly Tensor[]): ReadonlySet<Tensor> {
  const inner = new Set<Tensor>();
  for (const node of [...nodes].reverse()) {
    if (inner.has(node) || isOp(node, 'matmul') || isOp(node, 'conv2d')) for (const y of node.inputs) inner.add(y);
  }
  return inner;
}

function kindOf({ name, head }: Candidate, wanted?: OutputKind): { kind: OutputKind; assumption: string | null } {
  const { kind: proven, size, isLinear } = head;
  if (proven !== null) {
    requireKind({ name }, proven, wanted);
    return { kind: wanted ?? proven, assumption: null };
  }
  if (wanted !== undefined) {
    const assumption = `'${name}' ends without a sigmoid: one is put on it, as scores are from 0 to 1`;
    return { kind: wanted, assumption: wanted === 'scores' && isRaw(head) ? assumption : null };
  }
  const kind = size === 1 ? 'values' : isLinear ? 'logits' : /prob/i.test(name) ? 'probabilities' : null;
  const flag = 'say --gives logits, probabilities, scores or values';
  if (kind !== null)
    return { kind, assumption: `the file does not say what '${name}' gives: ${kind} are assumed; ${flag}` };
  throw new BnError('unsupported', `it is not clear what the output '${name}' gives; ${flag}`);
}

/** Numbers may always be taken as what they are. */
function requireKind({ name }: Pick<OutputSignature, 'name'>, proven: OutputKind, wanted: OutputKind = proven): null {
  if (wanted === proven || (wanted === 'values' && proven !== 'logits')) return null;
  throw new BnError('argument', `gives ${wanted}: the file itself shows that '${name}' gives ${proven}; leave it out`);
}

/** The `classNames` that earlier exports have, with numbers for outputs that no class of the data had. */
function namesIn({ classNames = 'null' }: ImportedInference['metadata'], size: number): readonly string[] | null {
  try {
    const names: unknown = JSON.parse(classNames);
    const isList = Array.isArray(names) && names.length <= size && names.every((name) => typeof name === 'string');
    return isList ? [...names, ...numbered(size).slice(names.length)] : null;
  } catch {
    return null;
  }
}
