// The worker with the model, as the page calls it.

import type { Answer, Model, RgbaImage } from './model.js';
import type { FromWorker, Question } from './worker.js';

export interface Predictor extends Pick<Model, 'signature' | 'metadata'> {
  /** The image's data is handed over: it is empty here afterwards. */
  classify(image: RgbaImage, invert: boolean): Promise<Answer>;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** @throws Error if the worker or the model cannot be loaded */
export async function startPredictor(): Promise<Predictor> {
  const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  const ready = await new Promise<Extract<FromWorker, { type: 'ready' }>>((resolve, reject) => {
    worker.addEventListener('error', ({ message }) => reject(new Error(message || 'the worker could not be loaded')));
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'ready') resolve(data);
      else if (data.type === 'answer') waiting.get(data.id)?.resolve(data.answer);
      else if (data.id === null) reject(new Error(data.message));
      else waiting.get(data.id)?.reject(new Error(data.message));
      if (data.type !== 'ready' && data.id !== null) waiting.delete(data.id);
    });
  });
  return {
    ...{ signature: ready.signature, metadata: ready.metadata },
    classify: (image, invert) =>
      new Promise((resolve, reject) => {
        const question: Question = { id: asked++, image, invert };
        waiting.set(question.id, { resolve, reject });
        worker.postMessage(question, [image.data.buffer]);
      }),
  };
}
