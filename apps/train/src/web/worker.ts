// Loads the model and answers, beside the page, which stays alive meanwhile.

import { type Answer, loadModel, type Model, type RgbaImage } from './model.js';

/** A question: an image, and a number for the answer. */
export interface Question {
  readonly id: number;
  readonly image: RgbaImage;
  readonly invert: boolean;
}

export type FromWorker =
  | { readonly type: 'ready'; readonly signature: Model['signature']; readonly metadata: Model['metadata'] }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly type: 'failed'; readonly id: number | null; readonly message: string };

const tell = (message: FromWorker) => postMessage(message);

const loading = loadModel(fetch(new URL('model.wasm', import.meta.url)));
loading.then(
  ({ signature, metadata }) => tell({ type: 'ready', signature, metadata }),
  ({ message }: Error) => tell({ type: 'failed', id: null, message }),
);

addEventListener('message', async ({ data: { id, image, invert } }: MessageEvent<Question>) => {
  try {
    tell({ type: 'answer', id, answer: (await loading).classify(image, { invert }) });
  } catch (error) {
    tell({ type: 'failed', id, message: (error as Error).message });
  }
});
