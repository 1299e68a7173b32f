// From flags, environment and files to the complete settings of a run, checked against each other.

import { dirname, join, resolve } from 'node:path';
import { type DataOptions, fileToWrite, isPath, requireExactMode, UsageError } from '@bn/command-line';
import { builtInNames, normOf } from '../load/built-in.js';
import { flagOf, type KnobName, type KnobValues, knobNames, knobs } from './knobs.js';
import { presetsFor } from './photographs.js';
import { valuesFromEnvironment, valuesFromFile } from './read-values.js';
import { absoluteModule, before, requireResumable, valuesToKeep } from './resume.js';

/** What config.json holds: everything that decides the run's result. */
export type RunConfig = Omit<
  KnobValues,
  'out' | 'export' | 'tensorboard' | 'dashboard' | 'json' | 'learningRate' | 'keep'
> & {
  readonly learningRate: number;
  readonly keep: 'best' | 'last';
  /** The run was begun by version 0.1.0, whose data it goes on with: see `ReadingOptions`. */
  readonly earlier?: boolean;
};

export interface Settings {
  readonly config: RunConfig;
  /** Folder to continue, or to create; null for a new one by the time. Absolute. */
  readonly resume: string | null;
  readonly out: string | null;
  /** File to export the trained model to; null for none. Absolute. */
  readonly export: string | null;
  /** Whether TensorBoard's event files are written. */
  readonly tensorboard: boolean;
  /** Port on which the run is shown while it trains, 0 for one that is free; null for not at all. */
  readonly dashboard: number | null;
  readonly json: boolean;
}

/** What `loadData` takes of a configuration. */
export function dataOptions({ imageSize, channels, target, ...config }: RunConfig): DataOptions {
  return {
    ...config,
    size: imageSize === null ? null : [imageSize, imageSize],
    channels: channels === null ? null : (Number(channels) as 1 | 3),
    validation: isValidated(config),
    targets: target?.split(',').map((name) => name.trim()) ?? null,
  };
}

/** Whether a part of the data is for comparing epochs. */
function isValidated({ keep, patience, schedule }: Pick<KnobValues, 'keep' | 'patience' | 'schedule'>): boolean {
  return keep === 'best' || patience !== null || schedule === 'plateau';
}

/** Knobs that were given as flags, and what flags may hold besides. */
export type Flags = Partial<KnobValues> & { readonly config?: string; readonly resume?: string };

/**
 * Flags win over the environment, that over the configuration file (with `--resume`, the run's own), that over the
 * defaults, which are other ones for photographs. Paths in any of them are relative to the working folder.
 */
export async function readSettings(
  { config: configFile, resume: run, ...fromFlags }: Flags,
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Settings> {
  const resume = run === undefined ? null : resolve(cwd, run);
  if (resume !== null) requireResumable(resume, fromFlags, configFile);
  const file = resume !== null ? join(resume, 'config.json') : configFile && resolve(cwd, configFile);
  const fromFile = file ? await valuesFromFile(file) : {};
  // Tasks are recorded since.
  const earlier = fromFile.earlier ?? (resume !== null && fromFile.task === undefined);
  const fromEnvironment = valuesFromEnvironment(env);
  const given = {
    ...(resume === null ? fromFile : { ...before, ...valuesToKeep(fromFile, fromFlags, fromEnvironment, cwd) }),
    ...fromEnvironment,
    ...fromFlags,
  };
  const values = {
    ...(Object.fromEntries(knobNames.map((name) => [name, knobs[name].preset])) as KnobValues),
    ...(resume === null && (await presetsFor(given, cwd))),
    ...given,
  };
  const keep = values.keep ?? (values.data !== 'fashion-mnist' || isValidated(values) ? 'best' : 'last');
  requireSense({ ...values, keep });
  const { out: folder, export: exported, tensorboard, dashboard, json, ...config } = values;
  const out = folder === null ? null : resolve(cwd, folder);
  const learningRate = config.learningRate ?? defaultRate(config);
  return {
    config: { ...config, keep, learningRate, ...absolutePaths(config, cwd), ...(earlier && { earlier }) },
    resume,
    out,
    export: exported === null ? null : exportedFile(exported, out, cwd),
    tensorboard,
    dashboard,
    json,
  };
}

/**
 * The textbook's networks stand large steps: batch normalization or sigmoids bound what goes through them. A new head alone stands
 * larger ones than a network, and learns little in 20 epochs of smaller ones.
 */
function defaultRate({ optimizer, model, freeze }: Pick<KnobValues, 'optimizer' | 'model' | 'freeze'>): number {
  if (optimizer !== 'sgd') return freeze === 'backbone' ? 0.01 : 0.001;
  return model.startsWith('lenet') ? 1 : 0.1;
}

/** A file in the run's folder need not wait for the folder, which the run makes. */
function exportedFile(path: string, out: string | null, cwd: string): string {
  const file = resolve(cwd, path);
  return dirname(file) === out ? file : fileToWrite('--export', path, cwd);
}

/** Knobs that have no effect beside others are mistakes, told before anything starts. */
function requireSense(values: KnobValues): void {
  const { backend, exact, optimizer, model } = values;
  const require = (name: KnobName, sense: boolean, where: string) => {
    if (values[name] === knobs[name].preset || sense) return;
    throw new UsageError(`${flagOf(name)} has no effect here: ${where}; leave it out`);
  };
  if (exact) requireExactMode(backend);
  require('microBatch', values.microBatch! < values.batchSize, `a batch has ${values.batchSize} images`);
  // Photographs have another optimizer by default.
  require('momentum', optimizer === 'sgd' || optimizer === 'rmsprop', `it is for sgd and rmsprop, not ${optimizer}`);
  const norm = normOf(values);
  require('norm', norm !== null, `it is for built-in networks, and ${model} is none`);
  const isLayer = norm === 'batch' || norm === 'renorm' || norm === 'ghost';
  const followed = 'it is for built-in networks with batch normalization, also renorm and ghost';
  // The textbook's convention is what earlier runs have recorded for all networks.
  require('bnConvention', isLayer || values.bnConvention === 'd2l', followed);
  require('bnMomentum', isLayer || norm === 'scratch', followed);
  require('bnEpsilon', isLayer || norm === 'scratch', followed);
  const isFile = model.endsWith('.onnx');
  for (const name of ['output', 'gives'] as const) require(name, isFile, 'it is for models from .onnx files');
  const takesPixels = isFile || builtInNames.includes(model);
  require('pixels', takesPixels, 'it is for built-in networks and models from .onnx files');
  require('bnImported', isFile || values.freeze !== null, 'it is for models from .onnx files, and for frozen layers');
  const isTrained = isFile || isPath(model) || values.weights !== null;
  for (const name of ['newHead', 'freeze'] as const) {
    require(name, isTrained, `${model} starts from random weights without --weights`);
  }
  require('unfreezeAfter', values.freeze !== null, 'it is for layers that --freeze names');
  const unvalidated = 'there is no validation: it is for --keep best, --patience and --schedule plateau';
  require('keepBy', isValidated(values), unvalidated);
  require('warmupEpochs', values.schedule !== 'one-cycle', 'one-cycle has a rise of its own');
  for (const name of ['classWeights', 'sampling'] as const) {
    require(name, values.task === 'classify', 'it is for the task classify');
  }
  require('target', values.task !== 'classify', 'it is for the tasks multilabel and regress');
}

/**
 * @param processes that train together
 * @throws UsageError for shares of batches that are not divided
 */
export function requireShares({ syncBn, microBatch }: Pick<RunConfig, 'syncBn' | 'microBatch'>, processes = 1): void {
  if (syncBn === 'on' || microBatch !== null || processes > 1) return;
  const where = 'one process computes whole batches';
  throw new UsageError(
    `--sync-bn off has no effect here: ${where}; give --micro-batch, start several processes with mpirun, or leave it out`,
  );
}

/** Paths as a resumed run needs them, whatever folder it is resumed from. */
function absolutePaths(config: Pick<KnobValues, 'backend' | 'model' | 'weights' | 'data' | 'testData'>, cwd: string) {
  const data = (name: string) => (name === 'fashion-mnist' ? name : resolve(cwd, name));
  return {
    backend: absoluteModule(config.backend, cwd),
    model: absoluteModule(config.model, cwd),
    weights: config.weights === null ? null : resolve(cwd, config.weights),
    data: data(config.data),
    testData: config.testData === null ? null : data(config.testData),
  };
}
