// Writes the training step as an ONNX file, and the values it starts from beside it.

import { writeAtomically } from '@bn/command-line';
import { type Checkpoint, encodeCheckpoint } from '@bn/core';
import { exportTrainingStep } from '@bn/onnx';
import type { RunConfig } from '../config/settings.js';
import { shortPath } from '../run/describe-run.js';
import { optimizerOf } from '../run/learning-rule.js';
import type { Loaded } from '../run/with-trainer.js';

export interface StepExport extends Pick<Loaded, 'data' | 'fitted'> {
  readonly config: RunConfig;
  readonly checkpoint: Checkpoint;
  /** The ONNX file to write. Absolute. */
  readonly path: string;
  readonly workingFolder: string;
  /** What the step takes; by default what the data set holds. */
  readonly input?: 'uint8' | 'float32';
}

/** @returns what to tell of it, a line */
export async function exportStep(options: StepExport): Promise<string> {
  const { data, fitted, config, checkpoint, path, workingFolder } = options;
  const { features, labels } = data.train;
  const { shape, dtype } = features;
  const size = Math.min(config.batchSize, data.train.length);
  const metadata = {
    producer: '@bn/train',
    batchSize: String(size),
    learningRate: String(config.learningRate),
    steps: String(checkpoint.position.steps),
  };
  const step = exportTrainingStep(fitted.model, {
    objective: fitted.objective,
    optimizer: optimizerOf(config),
    features: { shape: [size, ...shape], dtype: options.input ?? dtype },
    labels: { shape: [size, ...(labels?.shape ?? [])], dtype: labels?.dtype ?? 'int32' },
    metadata,
  });
  const values = path.replace(/(\.onnx)?$/, '.safetensors');
  await writeAtomically(values, encodeCheckpoint(checkpoint));
  await writeAtomically(path, step);
  const [model, initial] = [path, values].map((file) => shortPath(file, workingFolder));
  return `exported the training step of ${size} examples to ${model}, and the values it goes on from to ${initial}`;
}
