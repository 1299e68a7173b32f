// Records what the trainer tells: a checkpoint and a line of metrics after every epoch.

import type {
  Checkpoint,
  EpochEvent,
  EvaluationEvent,
  Signature,
  Trainer,
  TrainerEvent,
  ValidationEvent,
} from '@bn/core';
import type { BatchNormValues, EpochRecord } from '../run-record.js';
import type { Fingerprint } from './fingerprint.js';
import type { KeepRule } from './learning-rule.js';
import { appendMetrics } from './metrics-file.js';
import { type RunFolder, writeCheckpoint } from './run-folder.js';

export interface Recorder {
  /** To be called, and waited for, with each event before the trainer goes on. */
  record(event: TrainerEvent): Promise<void>;
  /** All epochs of the run so far. */
  readonly epochs: readonly EpochRecord[];
  /** The last evaluation of the trainer, if there was one since the start or resume. */
  readonly evaluation: EvaluationEvent | null;
}

/** What a recorder is told of the run. */
export interface Recorded {
  readonly batchNormLayers: readonly string[];
  readonly signature: Signature;
  readonly fingerprint: Fingerprint;
  /** The epochs before a resume. */
  readonly history: readonly EpochRecord[];
  /** Which epochs are kept beside the last; null for none. By the figures of the validation data. */
  readonly keeps: KeepRule | null;
}

/** @param folder null where another process writes the same */
export function createRecorder(
  folder: RunFolder | null,
  trainer: Trainer,
  { batchNormLayers, signature, fingerprint, history, keeps }: Recorded,
): Recorder {
  const epochs = [...history];
  let epoch: EpochEvent | null = null;
  let evaluation: EvaluationEvent | null = null;
  let validation: ValidationEvent | null = null;
  return {
    epochs,
    get evaluation() {
      return evaluation;
    },
    async record(event) {
      if (event.type === 'epoch') epoch = event;
      else if (event.type === 'validation') validation = event;
      else if (event.type === 'evaluation') evaluation = event;
      else if (event.type === 'checkpoint') {
        const checkpoint = await trainer.checkpoint();
        const isWhole = event.reason === 'epoch' && epoch && evaluation;
        const before = epochs.flatMap((one) => one.validation ?? []);
        const isKept = Boolean(isWhole && validation && keeps?.(before, validation));
        const kept = keeps ? isKept : undefined;
        const finished = isWhole
          ? epochRecord(epoch!, { validation, kept }, evaluation!, checkpoint, batchNormLayers)
          : null;
        // The checkpoint first: a line for which there is no checkpoint would be trained, and written, once more.
        const lastEpoch = finished ?? epochs.at(-1) ?? null;
        if (folder) await writeCheckpoint(folder, { checkpoint, signature, fingerprint, lastEpoch }, isKept);
        if (!finished) return;
        epochs.push(finished);
        if (folder) await appendMetrics(folder.metrics, finished);
      }
    },
  };
}

function epochRecord(
  { epoch, loss, metrics, learningRate, examplesPerSecond, seconds, waited, examples }: EpochEvent,
  { validation, kept }: { validation: ValidationEvent | null; kept: boolean | undefined },
  { loss: testLoss, metrics: testMetrics }: EvaluationEvent,
  checkpoint: Checkpoint,
  batchNormLayers: readonly string[],
): EpochRecord {
  return {
    ...{ epoch, loss, metrics, test: { loss: testLoss, metrics: testMetrics } },
    ...(validation && { validation: { loss: validation.loss, metrics: validation.metrics } }),
    ...(kept !== undefined && { kept }),
    ...{ learningRate, examplesPerSecond, seconds, waited, examples },
    batchNorm: Object.fromEntries(batchNormLayers.map((layer) => [layer, batchNormValues(checkpoint, layer)])),
  };
}

function batchNormValues({ tensors }: Checkpoint, layer: string): BatchNormValues {
  const values = (name: string) => Array.from(tensors.get(`${layer}.${name}`)!.data);
  return { gamma: values('gamma'), beta: values('beta') };
}
