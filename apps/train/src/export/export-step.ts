// Writes the training step as an ONNX file, and the values it starts from beside it.

import { writeAtomically } from '@bn/command-line';
import { averagePath, encodeCheckpoint } from '@bn/core';
import { exportTrainingStep } from '@bn/onnx';
import { shortPath } from '../run/describe-run.js';
import { optimizerOf } from '../run/learning-rule.js';
import type { ExportTarget } from './export-model.js';

/** @returns what to tell of it, a line */
export async function exportStep({ trainer, data, fitted, config, ...target }: ExportTarget): Promise<string> {
  const { path, workingFolder, input } = target;
  const checkpoint = await trainer.checkpoint();
  const { features, labels } = data.train;
  const { shape, dtype } = features;
  const { steps, phase = { epoch: 0, steps: 0 } } = checkpoint.position;
  const { frozen } = fitted;
  const trainable = frozen ? (name: string) => frozen.trainable(name, phase.epoch) : undefined;
  const size = Math.min(config.batchSize, data.train.length);
  const metadata = {
    producer: '@bn/train',
    batchSize: String(size),
    learningRate: String(config.learningRate),
    steps: String(steps - phase.steps),
  };
  const step = exportTrainingStep(
    { ...fitted.model, trainable },
    {
      objective: fitted.objective,
      optimizer: optimizerOf(config),
      features: { shape: [size, ...shape], dtype: input ?? dtype },
      labels: { shape: [size, ...(labels?.shape ?? [])], dtype: labels?.dtype ?? 'int32' },
      metadata,
    },
  );
  const values = path.replace(/(\.onnx)?$/, '.safetensors');
  // The step goes on with the values themselves.
  const tensors = new Map([...checkpoint.tensors].filter(([path]) => !path.startsWith(averagePath(''))));
  await writeAtomically(values, encodeCheckpoint({ ...checkpoint, tensors }));
  await writeAtomically(path, step);
  const [model, initial] = [path, values].map((file) => shortPath(file, workingFolder));
  return `exported the training step of ${size} examples to ${model}, and the values it goes on from to ${initial}`;
}
