// The work itself: a shard's images through the model, and its part, whole, beside the others.

import { createHash } from 'node:crypto';
import { readModelFile, writeAtomically } from '@bn/command-line';
import { BnError } from '@bn/core';
import { classifyImages } from '../classify/classify-images.js';
import { answerLine, answerOf, errorLine } from '../classify/show.js';
import { type OpenModelOptions, openReadModel, readModel } from '../model/open-model.js';
import { imagesOf } from './inputs.js';
import { inputsOf, isDone, partFile, readPlan } from './work-folder.js';

/** What doing a shard took. All in milliseconds. */
export interface ShardFigures {
  /** That were predicted: none if it was done already. */
  readonly images: number;
  readonly milliseconds: number;
  /** How long the model waited for images to be read and decoded. */
  readonly waited: number;
}

export interface ShardWorker {
  /** Doing a shard twice does no harm: its part is the same. @returns null if the signal ended it */
  do(shard: number, signal: AbortSignal): Promise<ShardFigures | null>;
  dispose(): Promise<void>;
}

/**
 * A worker for the plan in a folder.
 *
 * @throws BnError `file` without a plan or a model, `data` if the model is not the plan's
 */
export async function openShardWorker(folder: string, backend: OpenModelOptions): Promise<ShardWorker> {
  const { model: planned, settings, shards, workingFolder } = await readPlan(folder);
  const bytes = await readModelFile(planned.path);
  if (sha256(bytes) !== planned.sha256) {
    throw new BnError('data', `${planned.path}: not the model that the call was begun with; put that one there again`);
  }
  const { output, gives, pixels, invert, top, batchSize } = settings;
  const options = { ...backend, output, gives, pixels };
  const model = await openReadModel(planned.path, readModel(planned.path, bytes, options), options);
  const shown = { output: model.signature.output, top };
  return {
    async do(shard, signal) {
      const start = performance.now();
      if (await isDone(folder, shard)) return { images: 0, milliseconds: performance.now() - start, waited: 0 };
      const images = await imagesOf(await inputsOf(folder, shards[shard]!), workingFolder);
      const lines: string[] = [];
      let waited = performance.now() - start;
      for await (const batch of classifyImages(model, images, { invert, batchSize, signal })) {
        waited += batch.waited;
        for (const one of batch.results)
          lines.push(
            'error' in one ? errorLine(one.image, one.error) : answerLine(one.image, answerOf(one.row, shown)),
          );
      }
      if (lines.length < images.length) return null;
      await writeAtomically(partFile(folder, shard), lines.map((line) => `${line}\n`).join(''));
      return { images: images.length, milliseconds: performance.now() - start, waited };
    },
    dispose: () => model.dispose(),
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
