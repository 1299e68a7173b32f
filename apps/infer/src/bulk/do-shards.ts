// The work itself: a shard's images through the model, and its part, whole, beside the others.

import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { readModelFile, writeAtomically } from '@bn/command-line';
import { BnError } from '@bn/core';
import { classifyImages } from '../classify/classify-images.js';
import { answerLine, answerOf, errorLine } from '../classify/show.js';
import { type OpenedModel, type OpenModelOptions, openReadModel, readModel } from '../model/open-model.js';
import { imagesOf } from './inputs.js';
import { exists, inputsOf, isDone, type Plan, partFile, planIn } from './work-folder.js';

/** A shard as a worker gets it, on whichever machine. */
export interface ShardTask {
  readonly folder: string;
  /** Of the plan: a folder may get another one. */
  readonly plan: string;
  readonly shard: number;
}

/** What doing a shard took. All in milliseconds. */
export interface ShardFigures {
  /** That were predicted: none if it was done already. */
  readonly images: number;
  readonly milliseconds: number;
  /** How long the model waited for images to be read and decoded. */
  readonly waited: number;
}

/** Whoever does shards: a process with the model of the last one. */
export class ShardWorker {
  readonly #backend: OpenModelOptions;
  #open: { readonly key: string; readonly plan: Plan; readonly model: OpenedModel } | null = null;

  constructor(backend: OpenModelOptions) {
    this.#backend = backend;
  }

  /**
   * Doing a shard twice does no harm: its part is the same. A shard of a plan that has been replaced is not done.
   *
   * @returns null if the signal ended it
   * @throws BnError `file` if the folder is not on this machine, or there is no model; `data` if the model is not the plan's
   */
  async do({ folder, plan: id, shard }: ShardTask, signal: AbortSignal): Promise<ShardFigures | null> {
    const start = performance.now();
    const { plan, model } = (await this.#opened(folder, id)) ?? {};
    if (!plan || !model || (await isDone(folder, shard))) return { images: 0, milliseconds: 0, waited: 0 };
    const { settings, workingFolder } = plan;
    const { invert, top, batchSize } = settings;
    const shown = { output: model.signature.output, top };
    const begun = performance.now();
    const images = await imagesOf(await inputsOf(folder, plan.shards[shard]!), workingFolder);
    const lines: string[] = [];
    let waited = performance.now() - begun;
    for await (const batch of classifyImages(model, images, { invert, batchSize, signal })) {
      waited += batch.waited;
      for (const one of batch.results)
        lines.push('error' in one ? errorLine(one.image, one.error) : answerLine(one.image, answerOf(one.row, shown)));
    }
    if (lines.length < images.length) return null;
    await writeAtomically(partFile(folder, shard), lines.map((line) => `${line}\n`).join(''));
    return { images: images.length, milliseconds: performance.now() - start, waited };
  }

  async dispose(): Promise<void> {
    await this.#open?.model.dispose();
    this.#open = null;
  }

  /** Null if the plan has been replaced. */
  async #opened(folder: string, id: string) {
    const key = JSON.stringify([folder, id]);
    if (this.#open?.key === key) return this.#open;
    await this.dispose();
    const plan = await planIn(folder);
    if (plan?.id !== id) {
      if (await exists(dirname(folder))) return null;
      const problem = `${dirname(folder)} is not on this machine`;
      throw new BnError('file', `${problem}; mount it, and the folders of model and images, under the same paths`);
    }
    const { path, sha256: planned } = plan.model;
    const bytes = await readModelFile(path);
    if (sha256(bytes) !== planned) {
      throw new BnError('data', `${path}: not the model that the call was begun with; put that one there again`);
    }
    const { output, gives, pixels } = plan.settings;
    const options = { ...this.#backend, output, gives, pixels };
    this.#open = { key, plan, model: await openReadModel(path, readModel(path, bytes, options), options) };
    return this.#open;
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
