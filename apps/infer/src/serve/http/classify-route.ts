// `POST /classify`: image files in, the probabilities of their classes out.

import { BnError, type OutputSignature } from '@bn/core';
import { decodeImage } from '@bn/datasets';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Answer, answerFrom, flawOf } from '../../classify/answers.js';
import { type ImageInput, imageInput } from '../../model/image-input.js';
import { HttpError, timeUp } from '../http-error.js';
import type { Models, ServedModel } from '../models/served-model.js';
import { Budget } from './budget.js';
import type { AppOptions } from './create-app.js';
import { described } from './documentation.js';
import { type FormFile, readForm } from './read-form.js';
import { goneSignal, useModel } from './use-model.js';

const query = z.strictObject({
  model: z.string().optional().describe('its name; may be left out where there is only one'),
  top: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('how many classes, the most probable first; all, if left out'),
  invert: z
    .stringbool()
    .or(z.literal('').transform(() => true))
    .default(false)
    .describe('light becomes dark: for dark things on white ground'),
});

/** Bytes that decoding may take at a time, and those that each image counts for at least. */
const [mostDecoded, leastDecoded] = [2 ** 30, 2 ** 20];

/** Of a form. */
const maxFiles = 32;

const classes = z.array(z.object({ class: z.string(), index: z.int(), probability: z.number() }));
const labels = z.array(z.string()).describe('those with a score of 0.5 or more');
const scores = z.array(z.object({ label: z.string(), index: z.int(), score: z.number() }));
const values = z.array(z.object({ name: z.string(), value: z.number() }));
/** By what the model gives, with more beside it. */
const answers = <T extends z.ZodRawShape>(more: T) =>
  z.union([z.object({ ...more, classes }), z.object({ ...more, labels, scores }), z.object({ ...more, values })]);
const answer = z.union([
  answers({ model: z.string() }).describe('for one image'),
  z
    .object({ model: z.string(), images: z.array(answers({ file: z.string() })) })
    .describe('for a form with several files: in their order, with their names'),
]);

const schema = described({
  summary: 'The classes of images, the most probable first',
  description: `The image file (PNG, JPEG, WebP, GIF, TIFF, AVIF) as the body, or a form with up to ${maxFiles} files.`,
  tags: ['images'],
  query,
  body: {
    'application/octet-stream': null,
    'multipart/form-data': z.object({ file: z.array(z.string().meta({ format: 'binary' })).max(maxFiles) }),
  },
  answer: { 'application/json': answer },
  errors: [400, 404, 413, 500, 503, 504],
});

export function addClassifyRoute(app: FastifyInstance, { models, timeout }: AppOptions): void {
  const decoding = new Budget(mostDecoded);
  app.post('/classify', { schema, config: { isInference: true } }, async (request, reply) => {
    const { model = onlyModel(models), top, invert } = parseQuery(request.query);
    return useModel(models, request, { name: model }, async (model) => {
      const signal = AbortSignal.any([goneSignal(reply), AbortSignal.timeout(timeout)]);
      const work = async () => {
        const images = await imagesOf(request);
        const answers = await classify(model, images, { top, invert }, decoding, signal);
        if (images.length === 1) return { model: model.name, ...answers[0] };
        return { model: model.name, images: images.map(({ file }, i) => ({ file, ...answers[i] })) };
      };
      return Promise.race([work(), refusedWhenAborted(signal, timeout)]);
    });
  });
}

/** Decoding itself goes on: nothing stops it. */
function refusedWhenAborted(signal: AbortSignal, timeout: number): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(timeUp(timeout)), { once: true });
  });
}

function parseQuery(given: unknown): z.infer<typeof query> {
  const parsed = query.safeParse(given);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new HttpError(400, `query: ${[...path, message].join(': ')}`);
}

function onlyModel({ names }: Models): string {
  if (names.length === 1) return names[0]!;
  throw new HttpError(400, `query: model is missing; there are ${names.join(', ')}`);
}

/** Without a form, `file` is empty. */
interface Image extends FormFile {
  /** How messages begin: which of several it is. */
  readonly site: string;
}

/** The body, or the files of a form. */
async function imagesOf({ headers, body }: FastifyRequest): Promise<Image[]> {
  const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0);
  const isForm = headers['content-type']?.startsWith('multipart/form-data');
  const given = isForm ? await readForm(bytes, headers, maxFiles) : [{ file: '', bytes }];
  const images = given.map((one, i) => ({ ...one, site: given.length > 1 ? `file ${i + 1} ('${one.file}'): ` : '' }));
  const empty = images.find((image) => image.bytes.length === 0);
  if (images.length > 0 && !empty) return images;
  throw new HttpError(400, `${empty?.site ?? ''}expected an image as the body, or a form with files; got nothing`);
}

async function classify(
  model: ServedModel,
  images: readonly Image[],
  { top, invert }: Pick<z.infer<typeof query>, 'top' | 'invert'>,
  decoding: Budget,
  signal: AbortSignal,
): Promise<Answer[]> {
  const { input, output } = inputOf(model);
  const { channels, height, width } = input;
  const decoded: Uint8Array[] = [];
  // One after another: a form takes no more memory than an image.
  for (const { bytes, site } of images) {
    signal.throwIfAborted();
    model.requireRoom('answer');
    const share = decoding.share();
    const admit = (cost: number) => share.take(Math.max(cost, leastDecoded));
    const pixels = decodeImage(bytes, { channels, size: [height, width], invert, admit });
    decoded.push(await pixels.catch((error) => refuse(site, error)).finally(share.release));
  }
  const answers = decoded.map(async (pixels, i) => {
    const outputs = await model.predict('answer', input.features(pixels), 1, signal);
    const row = outputs.get('answer')!.data as Float32Array;
    const flaw = flawOf(row, output);
    if (flaw !== null) throw new HttpError(500, images[i]!.site + flaw);
    return answerFrom(row, output, top);
  });
  return Promise.all(answers);
}

function refuse(site: string, error: Error): never {
  throw error instanceof BnError && error.code === 'data' ? new HttpError(400, site + error.message) : error;
}

function inputOf({ name, signature, assumptions }: ServedModel): { input: ImageInput; output: OutputSignature } {
  if (!signature) throw new HttpError(400, `model '${name}': ${assumptions[0]}`);
  try {
    return { input: imageInput(name, signature), output: signature.output };
  } catch (error) {
    throw new HttpError(400, (error as Error).message);
  }
}
