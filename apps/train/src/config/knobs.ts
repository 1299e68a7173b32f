// Every knob of a training run, its default and why. Flags, configuration files and `--help` are made of this table.

import {
  backendFlags,
  type Flag,
  flag,
  flagOption,
  fraction,
  type Kind,
  notNegative,
  oneOf,
  optional,
  positive,
  share,
  text,
  toggle,
  wholeNumber,
} from '@bn/command-line';
import { outputKinds, pixelForms } from '@bn/core';
import type { Option } from 'commander';
import { builtInNames } from '../load/built-in.js';
import { type Augmentation, augmentation } from './augmentation.js';

export const knobs = {
  // What computes.
  backend: knobOf(backendFlags.backend, { resumable: true }),
  device: knobOf(backendFlags.device, { resumable: true }),
  engine: knobOf(backendFlags.engine, { resumable: true }),
  threads: knobOf(backendFlags.threads, { resumable: true }),
  exact: knobOf(backendFlags.exact),

  // What is trained, and on what.
  model: knob(
    text('<name>'),
    'lenet-bn',
    `${builtInNames.join(', ')}, a file or package whose default export is a network, or an .onnx file`,
    "the textbook's network",
  ),
  output: knob(text('<name>'), null, 'output of an .onnx file that is trained', 'the one that classifies'),
  gives: knob(oneOf(...outputKinds), null, 'what that output is', 'what the file proves, else logits'),
  pixels: knob(
    oneOf(...pixelForms),
    null,
    'what the network takes pixels as: for an .onnx file, and for built-in networks, whose weights from PyTorch want imagenet as a rule',
    'what the file proves, else 0..1',
  ),
  weights: knob(
    text('<file>'),
    null,
    'weights to start from: a .safetensors file, of a run or of PyTorch',
    'random ones, by the seed',
  ),
  newHead: knob(
    toggle,
    false,
    "the network's last layer is replaced by a new one for the classes of the data",
    'it keeps its classes',
  ),
  freeze: knob(
    text('<layers>'),
    null,
    'what is not trained: backbone (all before the last layer), or names of layers or parameters with commas between, * for anything',
    'all is trained',
  ),
  unfreezeAfter: knob(
    wholeNumber(1),
    null,
    'epochs after which all is trained, with a tenth of the learning rate',
    'never: what is frozen stays so',
  ),
  data: knob(
    text('<name>'),
    'fashion-mnist',
    'fashion-mnist, a folder of IDX files, a .csv, or a folder with one folder of images per class',
    'comes with the program',
  ),
  testData: knob(
    text('<name>'),
    null,
    'data to test on, in the same forms',
    "the data's own test part, else a tenth of the data, held out by the seed",
  ),
  task: knob(
    oneOf('classify', 'multilabel', 'regress'),
    'classify',
    'one class of several, any of several labels, or numbers',
    'as in the textbook',
  ),
  target: knob(
    text('<names>'),
    null,
    'columns of a .csv that hold labels or numbers, with commas between',
    'all but the image',
  ),
  imageSize: knob(wholeNumber(1, 4096), null, 'height and width of images', 'what the network or the data says'),
  channels: knob(oneOf('1', '3'), null, 'images in grey (1) or in colour (3)', 'what the network or the data says'),
  augment: knob<Augmentation, Augmentation>(
    augmentation,
    'none',
    'training images are changed a little each time: light mirrors and moves them; standard also turns and scales them, changes their light and covers parts; strong also mixes them',
    'as in the textbook',
  ),
  classWeights: knob(
    oneOf('balanced'),
    null,
    'how much the examples of each class count in the loss: balanced makes up for classes of unequal size',
    'all alike',
  ),
  sampling: knob(
    oneOf('balanced'),
    null,
    'which examples an epoch takes: balanced as many of each class, of small classes the same ones several times',
    'each once',
  ),
  strict: knob(toggle, false, 'stop at the first file that cannot be read', 'it is left out, and listed'),
  limit: knob(wholeNumber(1), null, 'train on the first so many images only: a quick try', 'all'),

  // How: the textbook's values (d2l 0.17, section 7.5).
  epochs: knob(wholeNumber(1), 10, 'passes over the training data', 'LeNet gains little after that', {
    resumable: true,
  }),
  batchSize: knob(wholeNumber(1), 256, 'images per step', "enough for a batch's mean and variance to be steady"),
  microBatch: knob(
    wholeNumber(1),
    null,
    'images computed at a time, at most: the same result, to rounding, with statistics and gradients of the whole batch, in less memory and more time',
    'the whole batch',
    { resumable: true },
  ),
  syncBn: knob(
    oneOf('on', 'off'),
    'on',
    'off: batch normalization takes the statistics of each part of --micro-batch alone, or of the share of each of several processes',
    'of the whole batch, whoever computes it',
  ),
  learningRate: knob(
    positive,
    null,
    'step size',
    'with sgd 1 for the networks named lenet, 0.1 for others; else 0.001, or 0.01 with --freeze backbone',
  ),
  optimizer: knob(oneOf('sgd', 'adam', 'adamw', 'rmsprop'), 'sgd', 'how gradients are used', 'as in the textbook'),
  momentum: knob(share, null, 'of sgd or rmsprop', 'none, as in the textbook'),
  weightDecay: knob(
    notNegative,
    null,
    'pulls the weights towards 0, but not gamma, beta and biases',
    '0.01 with adamw, else none',
  ),
  decayAll: knob(
    toggle,
    false,
    'weight decay also of gamma, beta and biases',
    'spared: they set the scale of the rest',
  ),
  clip: knob(positive, null, 'scale gradients down to this norm, of all of them together', 'they stay as they are'),
  schedule: knob(
    oneOf('constant', 'step', 'cosine', 'one-cycle', 'plateau'),
    'constant',
    'how the learning rate changes: step divides it by ten after each third of the epochs, cosine lowers it to 0, one-cycle raises it first, plateau divides it by ten after 3 epochs without a new best one in validation',
    'as in the textbook',
  ),
  warmupEpochs: knob(notNegative, 0, 'epochs in which the learning rate rises from 0', 'only large batches need it'),

  // Which weights count.
  keep: knob(
    oneOf('best', 'last'),
    null,
    'epoch whose weights the report and `export` take: the last that validation does not tell from the best, or the last of all',
    'best; for fashion-mnist last, as in the textbook, unless something else needs validation',
  ),
  keepBy: knob(
    text('<metric>'),
    'loss',
    'figure of the validation data that epochs are compared by',
    'all tasks have it',
  ),
  patience: knob(
    wholeNumber(1),
    null,
    'stop after this many epochs in a row without a new best one in validation',
    'all epochs',
    { resumable: true },
  ),
  average: knob(
    oneOf('none', 'ema', 'swa'),
    'none',
    'average of the weights over steps (ema) or over the last quarter of the epochs (swa), which is what counts then',
    'as in the textbook',
  ),

  // Batch normalization in the built-in models, and in those from elsewhere.
  norm: knob(
    oneOf('batch', 'group', 'layer', 'instance', 'renorm', 'ghost', 'frn', 'none'),
    null,
    'what normalizes in a built-in network: batch normalization, by groups of channels, by example, by channel of an example, batch renormalization, ghost batch or filter response normalization, or nothing',
    "the network's own",
  ),
  bnConvention: knob(
    oneOf('d2l', 'onnx', 'torch', 'keras'),
    null,
    'whose meaning of momentum, and whose defaults, batch normalization has',
    "the textbook's (d2l) for lenet, where momentum weighs the old value; PyTorch's for others",
  ),
  bnMomentum: knob(fraction, null, 'weight in the moving averages', "the network's or the convention's, 0.9 in d2l"),
  bnEpsilon: knob(positive, null, 'added to the variance', "the network's or the convention's, 1e-5 in d2l"),
  bnImported: knob(
    oneOf('frozen', 'trained', 'recalibrated'),
    'frozen',
    'batch normalization in a model from an .onnx file, and in frozen layers: with the statistics it has, with those of its batches, or with those of the training images, computed once',
    'fine-tuning sees few images',
  ),

  // The run.
  seed: knob(wholeNumber(0, 2 ** 31 - 1), 0, 'of weights, order and held-out images', 'the same run each time'),
  out: knob(text('<folder>'), null, 'folder to record the run in', 'a new one in runs/, named by the time'),
  export: knob(text('<file>'), null, 'file to write the trained model to, as ONNX', 'none; `export` does it later', {
    resumable: true,
  }),
  tensorboard: knob(toggle, false, "write TensorBoard's event files into the run's folder", 'none', {
    resumable: true,
  }),
  dashboard: knob(
    optional('0', wholeNumber(0, 65_535)),
    null,
    'show this run and those beside it in a browser while it trains; the port, or 0 for 8090 or a free one',
    'none',
    { resumable: true },
  ),
  json: knob(toggle, false, 'print one line of JSON per event, for programs', 'text for people', {
    resumable: true,
  }),
} as const satisfies Record<string, Knob<unknown>>;

export interface Knob<T> extends Flag<T> {
  /** May be given anew with `--resume`. */
  readonly resumable: boolean;
}

export type KnobName = keyof typeof knobs;
/** A value for every knob; `null` where none was given and there is no default. */
export type KnobValues = { readonly [K in KnobName]: (typeof knobs)[K]['preset'] };

export const knobNames: readonly KnobName[] = Object.keys(knobs) as KnobName[];

/** `batchSize` → `--batch-size`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A knob as an option, with its help. */
export function optionOf(name: KnobName): Option {
  return flagOption(flagOf(name), knobs[name]);
}

function knob<T, P extends T | null>(
  kind: Kind<T>,
  preset: P,
  what: string,
  why: string,
  traits: { resumable?: true } = {},
): Knob<P extends null ? T | null : T> {
  return knobOf(flag(kind, preset, what, why), traits);
}

function knobOf<T>(flag: Flag<T>, traits: { resumable?: true } = {}): Knob<T> {
  return { resumable: false, ...traits, ...flag };
}
