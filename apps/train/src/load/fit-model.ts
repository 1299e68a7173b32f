// Makes the model for the data, brings the data's classes into the model's order, and tells whether they go together.

import { type DataOutline, numbersIn, type RunData } from '@bn/command-line';
import {
  BnError,
  type Dataset,
  input,
  type MatchedClasses,
  type Model,
  matchClasses,
  newHead,
  numbered,
  type Objective,
  type OutputSignature,
  type Signature,
  type Spec,
  trace,
} from '@bn/core';
import { relabel } from '@bn/datasets';
import type { RunConfig } from '../config/settings.js';
import { augmented } from './augmented.js';
import { type Frozen, frozenOf } from './frozen.js';
import type { Network } from './load-network.js';
import { unequalClasses } from './unequal-classes.js';

export interface FittedModel {
  readonly model: Model;
  /** What is not trained, and when; null where all is. */
  readonly frozen: Frozen | null;
  /** A model of the same values whose batch normalization takes the statistics of batches, where those are to be recomputed first. */
  readonly averaging: Model | null;
  readonly objective: Objective;
  /** Paths of the layers with a scale and a shift, in the order of the network. */
  readonly batchNormLayers: readonly string[];
  /** Whether training keeps averages that can be recalibrated. */
  readonly hasStates: boolean;
  /** Number of classes, labels or values that it gives for each example. */
  readonly outputs: number;
  /** What the output was before: in the file or the run that the weights are from. */
  readonly known: OutputSignature | null;
}

type FitConfig = Pick<RunConfig, 'augment' | 'newHead' | 'freeze' | 'unfreezeAfter' | 'bnImported' | 'epochs'>;

/** @throws BnError `shape` when the data does not fit through the network; whatever a network of the user's own throws */
export function fitModel(
  network: Network,
  objective: Objective,
  { train, outputs: wanted }: DataOutline,
  { known, ...config }: FitConfig & { readonly known: OutputSignature | null },
): FittedModel {
  if (known) requireTask(objective, known);
  const { shape, dtype } = train.features;
  const data = { shape: shape as number[], outputs: known?.size ?? wanted };
  const modelOf = (bn: FitConfig['bnImported']) => {
    const own = network.modelFor(data, bn === 'trained' ? 'trained' : 'frozen');
    return augmented(config.newHead ? newHead(own, data.outputs) : own, config.augment);
  };
  const model = modelOf(config.bnImported);
  const frozen = frozenOf(model, config);
  const trainable = frozen ? (path: string) => frozen.trainable(path, Infinity) : undefined;
  const traced = trace({ ...model, trainable }, input('features', [2, ...shape], dtype), { training: true });
  const outputs = traced.output.shape.at(-1) ?? 1;
  const labels: Spec = train.labels ?? { shape: [], dtype: 'int32' };
  objective.requireFits(
    traced.output,
    labels.shape.length > 0 ? { ...labels, shape: [known?.size ?? wanted] } : labels,
  );
  // With names on both sides, or numbers for names, matching tells more.
  if (outputs < wanted && !known?.names) {
    const problem = `the network gives ${outputs} values for an example, but the data has ${wanted} classes`;
    throw new BnError('shape', `${problem}; let it end in dense(${wanted}), or correct the labels`);
  }
  const paths = [...traced.parameters.keys()];
  return {
    ...{ model, frozen, objective, outputs, known },
    averaging: config.bnImported === 'recalibrated' ? modelOf('trained') : null,
    batchNormLayers: paths
      .filter((path) => path.endsWith('.gamma') && traced.parameters.has(path.replace(/gamma$/, 'beta')))
      .map((path) => path.slice(0, -'.gamma'.length)),
    hasStates: traced.updates.size > 0,
  };
}

function requireTask({ task, gives }: Objective, { kind }: OutputSignature): void {
  if (kind === gives.kind || (kind === 'logits' && task !== 'regress')) return;
  const fitting = { logits: 'classify', probabilities: 'classify', scores: 'multilabel', values: 'regress' }[kind];
  const needed = `--task ${task} needs ${gives.kind}`;
  throw new BnError('argument', `the model gives ${kind}, but ${needed}; give --task ${fitting}`);
}

/** Data whose classes have the indices that the model gives them, and what should be known of that. */
export interface MatchedData {
  readonly data: RunData;
  readonly signature: Signature;
  readonly warnings: readonly string[];
}

type MatchConfig = Pick<RunConfig, 'batchSize' | 'classWeights' | 'sampling'>;

/** @throws BnError `data` when the data has classes that the model lacks */
export function matchData(fitted: FittedModel, data: RunData, config: MatchConfig): MatchedData {
  const { index, names, note } = classesOf(fitted, data);
  const isSame = index.every((to, from) => to === from) && index.length === names.length;
  const moved = (part: Dataset) => (isSame ? part : relabel(part, index, names));
  // Without names the classes are called by their numbers: data that has those as names finds them.
  const validation = data.validation && moved(data.validation);
  const parts = { train: moved(data.train), validation, test: moved(data.test) };
  const matched = { ...data, ...parts, outputs: fitted.outputs, names };
  return {
    data: matched,
    signature: signatureOf(fitted, matched),
    warnings: [...(note ? [note] : []), ...oddities(fitted, matched, config)],
  };
}

/** Data of fewer classes than a network has outputs, where it has no names, leaves the others with their numbers. */
function classesOf({ known, outputs }: FittedModel, data: RunData): MatchedClasses {
  const { train, validation, test, names, outputs: count } = data;
  const parts = [train, test, ...(validation ? [validation] : [])];
  const from = { names, count, present: names ? undefined : numbersIn(...parts), what: 'the data' };
  const isNumeric = names?.every((name) => /^\d+$/.test(name)) ?? true;
  if (!known?.names && count <= outputs && !(isNumeric && count < outputs)) {
    const index = Int32Array.from({ length: count }, (_, i) => i);
    const all = [...(names ?? []), ...numbered(outputs).slice(names?.length ?? 0)];
    if (!known || count < outputs) return { index, names: all, note: null };
  }
  try {
    return matchClasses(from, { names: known?.names ?? null, count: outputs, what: 'the model' });
  } catch (cause) {
    if (!(cause instanceof BnError)) throw cause;
    const advice = 'or train a new last layer for those of the data, with --new-head';
    throw new BnError(cause.code, `${cause.message}, ${advice}`, { cause });
  }
}

/** What the run's model takes and gives: pixels as the network gets them, and what an exported model answers. */
function signatureOf({ model, objective, outputs }: FittedModel, { train, names }: RunData): Signature {
  const { shape, dtype } = train.features;
  const [channels, height, width] = shape as readonly number[];
  const isImage = dtype === 'uint8' && shape.length === 3 && (channels === 1 || channels === 3);
  const scale = { range: [0, model.input.dtype === 'uint8' ? 255 : 1], mean: [], deviation: [] } as const;
  const image = isImage ? ({ channels, height: height!, width: width!, order: 'CHW', ...scale } as const) : null;
  const { kind } = objective.gives;
  return {
    input: { name: 'features', dtype: model.input.dtype, shape: shape as readonly number[], image },
    output: { name: kind, kind, size: outputs, names },
  };
}

/** What is odd, but does not prevent training. */
function oddities(
  { objective, outputs: classes }: FittedModel,
  { train, names }: RunData,
  { batchSize, classWeights, sampling }: MatchConfig,
): string[] {
  const isBalanced = classWeights !== null || sampling !== null;
  const warnings = [];
  if (objective.task === 'classify') {
    const counts = new Array<number>(classes).fill(0);
    for (let i = 0; i < train.length; i++) counts[train.get(i).label as number]!++;
    const absent = (names ?? numbered(classes)).filter((_, i) => counts[i] === 0);
    if (absent.length === classes - 1) {
      warnings.push('all training examples are of one class: there is nothing to learn');
    } else if (absent.length > 0) {
      const listed = `${absent.slice(0, 10).join(', ')}${absent.length > 10 ? ' …' : ''}`;
      warnings.push(`classes without training examples: ${listed}`);
    }
    const unequal = unequalClasses(counts.map((examples, i) => ({ name: (names ?? numbered(classes))[i]!, examples })));
    if (unequal && !isBalanced) {
      const cure = '--class-weights balanced or --sampling balanced makes classes count alike';
      warnings.push(`the classes are unequal: ${unequal}; ${cure}`);
    }
    if (train.length < 10 * classes) {
      const few = `${train.length} training examples for ${classes} classes are few`;
      warnings.push(`${few}: expect a network that does not generalize`);
    }
  }
  if (batchSize > train.length) {
    warnings.push(`the batch size ${batchSize} is above the ${train.length} training examples: an epoch is one step`);
  }
  return warnings;
}
