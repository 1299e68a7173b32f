// `POST /classify`: an image file in, the probabilities of its classes out.

import { BnError, type OutputSignature } from '@bn/core';
import { decodeImage } from '@bn/datasets';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Answer, answerFrom, flawOf } from '../../classify/answers.js';
import { type ImageInput, imageInput } from '../../model/image-input.js';
import { HttpError } from '../http-error.js';
import type { Models, ServedModel } from '../models/served-model.js';
import type { AppOptions } from './create-app.js';
import { described } from './documentation.js';
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

const named = { model: z.string() };
const answer = z.union([
  z.object({ ...named, classes: z.array(z.object({ class: z.string(), index: z.int(), probability: z.number() })) }),
  z
    .object({
      ...named,
      labels: z.array(z.string()),
      scores: z.array(z.object({ label: z.string(), index: z.int(), score: z.number() })),
    })
    .describe('of a model of several labels: those with a score of 0.5 or more, and all scores'),
  z
    .object({ ...named, values: z.array(z.object({ name: z.string(), value: z.number() })) })
    .describe('of a model of values'),
]);

const schema = described({
  summary: 'The classes of an image, the most probable first',
  description: 'The image file (PNG, JPEG, WebP, GIF, TIFF, AVIF) as the body, or as the file of a form.',
  tags: ['images'],
  query,
  body: {
    'application/octet-stream': null,
    'multipart/form-data': z.object({ file: z.string().meta({ format: 'binary' }) }),
  },
  answer: { 'application/json': answer },
  errors: [400, 404, 413, 500, 503, 504],
});

export async function addClassifyRoute(app: FastifyInstance, { models, maxBody }: AppOptions): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(multipart, { limits: { fileSize: maxBody, files: 1, parts: 10 } });
    scope.post('/classify', { schema, config: { isInference: true } }, async (request, reply) => {
      const { model = onlyModel(models), top, invert } = parseQuery(request.query);
      const image = await imageOf(request);
      return useModel(models, request, { name: model }, async (model) => {
        const answer = await classify(model, image, { top, invert }, goneSignal(reply));
        return { model: model.name, ...answer };
      });
    });
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

/** The body, or the first file of a form. */
async function imageOf(request: FastifyRequest): Promise<Buffer> {
  const image = request.isMultipart() ? await fileOf(request) : (request.body as Buffer | undefined);
  if (image !== undefined && image.length > 0) return image;
  throw new HttpError(400, 'expected an image as the body, or a form with a file; got nothing');
}

async function fileOf(request: FastifyRequest): Promise<Buffer | undefined> {
  try {
    return await (await request.file())?.toBuffer();
  } catch (error) {
    // The reader of forms has a status for what is too large, and none for what is broken.
    if ('statusCode' in (error as Error)) throw error;
    throw new HttpError(400, `the form is broken: ${(error as Error).message}`);
  }
}

async function classify(
  model: ServedModel,
  image: Buffer,
  { top, invert }: Pick<z.infer<typeof query>, 'top' | 'invert'>,
  signal: AbortSignal,
): Promise<Answer> {
  const { input, output } = imagesOf(model);
  const { channels, height, width } = input;
  const pixels = await decodeImage(image, { channels, size: [height, width], invert }).catch((error) => {
    throw error instanceof BnError && error.code === 'data' ? new HttpError(400, error.message) : error;
  });
  const outputs = await model.predict('answer', input.features(pixels), 1, signal);
  const row = outputs.get('answer')!.data as Float32Array;
  const flaw = flawOf(row, output);
  if (flaw !== null) throw new HttpError(500, flaw);
  return answerFrom(row, output, top);
}

function imagesOf({ name, signature, assumptions }: ServedModel): { input: ImageInput; output: OutputSignature } {
  if (!signature) throw new HttpError(400, `model '${name}': ${assumptions[0]}`);
  try {
    return { input: imageInput(name, signature), output: signature.output };
  } catch (error) {
    throw new HttpError(400, (error as Error).message);
  }
}
