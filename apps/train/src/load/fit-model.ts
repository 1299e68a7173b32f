// Makes the model for the data, and tells before training whether they go together.

import { type DataOutline, labelOf, type RunData } from '@bn/command-line';
import { BnError, type Dataset, formatShape, input, type Model, trace } from '@bn/core';
import type { Network } from './load-network.js';

export interface FittedModel {
  readonly model: Model;
  /** Paths of the layers with a scale and a shift, in the order of the network. */
  readonly batchNormLayers: readonly string[];
  /** Whether training keeps averages that can be recalibrated. */
  readonly hasStates: boolean;
  /** Number of its outputs: labels are below. */
  readonly classes: number;
}

/** @throws BnError `shape` when the data does not fit through the network; whatever a network of the user's own throws */
export function fitModel(network: Network, { train, classes }: DataOutline): FittedModel {
  const { shape, dtype } = train.features;
  const model = network.modelFor({ shape: shape as number[], classes });
  const traced = trace(model, input('features', [2, ...shape], dtype), { training: true });
  const outputs = traced.output.shape;
  if (outputs.length !== 2 || outputs[1] === null) {
    throw new BnError(
      'shape',
      `the network gives ${formatShape(outputs)} for a batch of 2, expected [2, classes]; let it end in flatten() and dense(classes)`,
    );
  }
  const paths = [...traced.parameters.keys()];
  return {
    model,
    batchNormLayers: paths
      .filter((path) => path.endsWith('.gamma') && traced.parameters.has(path.replace(/gamma$/, 'beta')))
      .map((path) => path.slice(0, -'.gamma'.length)),
    hasStates: traced.updates.size > 0,
    classes: outputs[1]!,
  };
}

/**
 * @returns what is odd, but does not prevent training
 * @throws BnError `data` when a label is not below the network's number of outputs
 */
export function checkData({ classes }: FittedModel, data: RunData, batchSize: number): string[] {
  requireLabelsBelow(classes, data);
  return oddities(data.train, classes, batchSize);
}

function requireLabelsBelow(classes: number, data: RunData): void {
  for (const part of ['train', 'test'] as const) {
    for (let i = 0; i < data[part].length; i++) {
      const label = labelOf(data[part], i);
      if (label < classes) continue;
      throw new BnError(
        'data',
        `${part} example ${i} has the label ${label}, but the network has ${classes} outputs, for labels 0 to ${classes - 1}; correct the labels, or the size of the network's last layer`,
      );
    }
  }
}

function oddities(train: Dataset, classes: number, batchSize: number): string[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < train.length; i++) counts[labelOf(train, i)]!++;
  const names = counts.map((_, i) => train.classNames?.[i] ?? String(i));
  const absent = names.filter((_, i) => counts[i] === 0);
  const warnings = [];
  if (absent.length === classes - 1) warnings.push('all training examples are of one class: there is nothing to learn');
  else if (absent.length > 0)
    warnings.push(
      `classes without training examples: ${absent.slice(0, 10).join(', ')}${absent.length > 10 ? ' …' : ''}`,
    );
  if (train.length < 10 * classes) {
    warnings.push(
      `${train.length} training examples for ${classes} classes are few: expect a network that does not generalize`,
    );
  }
  if (batchSize > train.length) {
    warnings.push(`the batch size ${batchSize} is above the ${train.length} training examples: an epoch is one step`);
  }
  return warnings;
}
