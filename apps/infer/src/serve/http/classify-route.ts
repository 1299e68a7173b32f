// `POST /classify`: image files in, the probabilities of their classes out.

import { type Answer, answerFrom } from '@bn/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { flawOf } from '../../classify/flaw.js';
import { HttpError } from '../http-error.js';
import {
  type DecodingOptions,
  decodeImages,
  type EncodedImage,
  imageModel,
  maxImages,
  untilTimeUp,
} from '../images.js';
import type { Models, ServedModel } from '../models/served-model.js';
import type { AppOptions } from './create-app.js';
import { described } from './documentation.js';
import { type FormFile, readForm } from './read-form.js';
import { useModel } from './use-model.js';

const query = z.strictObject({
  model: z.string().optional().describe('its name; may be left out where there is only one'),
  top: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('how many classes, the most probable first; all, if left out'),
  invert: z
    .enum(['', 'true', 'false'])
    .default('false')
    .transform((given) => given !== 'false')
    .describe('light becomes dark: for dark things on white ground'),
});

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
  description: `The image file (PNG, JPEG, WebP, GIF, TIFF, AVIF) as the body, or a form with up to ${maxImages} files.`,
  tags: ['images'],
  query,
  body: {
    'application/octet-stream': null,
    'multipart/form-data': z.object({ file: z.array(z.string().meta({ format: 'binary' })).max(maxImages) }),
  },
  answer: { 'application/json': answer },
  errors: [400, 404, 413, 500, 503, 504],
});

export function addClassifyRoute(app: FastifyInstance, { models, timeout, budgets }: AppOptions): void {
  app.post('/classify', { schema, config: { isInference: true } }, async (request) => {
    const { record } = request;
    const { model = onlyModel(models), top, invert } = parseQuery(request.query);
    return useModel(models, record, { name: model }, async (model) => {
      return untilTimeUp(record, timeout, async (caller) => {
        const images = await imagesOf(request);
        const answers = await classify(model, images, top, {
          ...{ invert, budget: budgets.decoding, caller },
          requireRoom: () => model.requireRoom('answer'),
        });
        if (images.length === 1) return { model: model.name, ...answers[0] };
        return { model: model.name, images: images.map(({ file }, i) => ({ file, ...answers[i] })) };
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
  if (names.length === 0) throw new HttpError(404, 'no model is loaded');
  throw new HttpError(400, `query: model is missing; there are ${names.join(', ')}`);
}

/** Without a form, `file` is empty. */
type Image = FormFile & EncodedImage;

/** The body, or the files of a form. */
async function imagesOf({ headers, body }: FastifyRequest): Promise<Image[]> {
  const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0);
  const isForm = headers['content-type']?.startsWith('multipart/form-data');
  const given = isForm ? await readForm(bytes, headers, maxImages) : [{ file: '', bytes }];
  const images = given.map((one, i) => ({ ...one, site: given.length > 1 ? `file ${i + 1} ('${one.file}'): ` : '' }));
  const empty = images.find((image) => image.bytes.length === 0);
  if (images.length > 0 && !empty) return images;
  throw new HttpError(400, `${empty?.site ?? ''}expected an image as the body, or a form with files; got nothing`);
}

async function classify(
  model: ServedModel,
  images: readonly Image[],
  top: number | undefined,
  options: DecodingOptions,
): Promise<Answer[]> {
  const { input, output } = imageModel(model);
  const decoded = await decodeImages(images, input, options);
  const answers = decoded.map(async (pixels, i) => {
    const outputs = await model.predict('answer', input.features(pixels), 1, options.caller);
    const row = outputs.get('answer')!.data as Float32Array;
    const flaw = flawOf(row, output);
    if (flaw !== null) throw new HttpError(500, images[i]!.site + flaw);
    return answerFrom(row, output, top);
  });
  return Promise.all(answers);
}
