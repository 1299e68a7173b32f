// Models of other programs, made by chance, and data for them, against ONNX Runtime in Python: the probability of each class
// by its name. 500 pairs; BN_FUZZ_PAIRS=5000 is the whole test, BN_FUZZ_SEED another start. What the product does not say is
// never wrong, and what it cannot know is right once the flags that its messages name say it. Needs Python with numpy and
// onnxruntime.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BnError, type Dataset } from '@bn/core';
import { MemoryDataset } from '@bn/datasets';
import type { SignatureOptions } from '@bn/onnx';
import { afterAll, expect, test } from 'vitest';
import { targetsOf } from '../src/evaluate/targets.js';
import { imageInput } from '../src/model/image-input.js';
import { openModel } from '../src/model/open-model.js';
import { type Chance, chanceOf, type ForeignModel, foreignModel } from './foreign-models.js';

const python = process.env.BN_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import numpy, onnxruntime']).status === 0;
const pairs = Number(process.env.BN_FUZZ_PAIRS ?? 500);
const firstSeed = Number(process.env.BN_FUZZ_SEED ?? 1);
const folder = mkdtempSync(join(tmpdir(), 'bn-foreign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const images = 3;

interface Pair {
  readonly seed: number;
  readonly file: string;
  readonly model: ForeignModel;
  /** uint8 [images, channels, height, width]. */
  readonly pixels: Uint8Array;
  readonly chance: Chance;
}

function pairOf(seed: number): Pair {
  const chance = chanceOf(seed);
  const model = foreignModel(chance);
  const { channels, height, width } = model.image;
  const pixels = Uint8Array.from({ length: images * channels * height * width }, () => chance.below(256));
  const file = join(folder, `${seed}.onnx`);
  writeFileSync(file, model.bytes);
  return { seed, file, model, pixels, chance };
}

// What the files mean, without a line of this toolkit.
const program = `
import json, sys
import numpy as np, onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
options.log_severity_level = 3
results = []
for job in json.load(open(sys.argv[1])):
    c, h, w = job['shape']
    p = np.array(job['pixels'], np.uint8).reshape(-1, c, h, w)
    if job['dtype'] == 'float32':
        black, white = job['range']
        p = p.astype(np.float64) / 255 * (white - black) + black
        if job['mean']: p = (p - np.reshape(job['mean'], (c, 1, 1))) / np.reshape(job['deviation'], (c, 1, 1))
        p = p.astype(np.float32)
    p = {'CHW': p, 'HWC': p.transpose(0, 2, 3, 1), 'HW': p[:, 0], 'flat': p.reshape(len(p), -1)}[job['order']]
    session = ort.InferenceSession(job['file'], options, providers=['CPUExecutionProvider'])
    y = session.run([job['output']], {'x': np.ascontiguousarray(p)})[0].reshape(len(p), -1).astype(np.float64)
    if job['finish'] == 'softmax':
        e = np.exp(y - y.max(1, keepdims=True))
        y = e / e.sum(1, keepdims=True)
    if job['finish'] == 'sigmoid': y = 1 / (1 + np.exp(-y))
    results.append(y.tolist())
json.dump(results, open(sys.argv[2], 'w'))
`;

async function inPython(all: readonly Pair[]): Promise<number[][][]> {
  const jobs = all.map(({ file, pixels, model }) => {
    const { image, dtype, output, finish } = model;
    const { channels, height, width, ...rest } = image;
    return { ...rest, file, dtype, output, finish, shape: [channels, height, width], pixels: [...pixels] };
  });
  const [asked, answered] = [join(folder, 'jobs.json'), join(folder, 'results.json')];
  writeFileSync(asked, JSON.stringify(jobs));
  await promisify(execFile)(python, ['-c', program, asked, answered]);
  return JSON.parse(readFileSync(answered, 'utf8'));
}

/** Data with some of the model's classes, or with all of its labels or values, in another order. */
function dataFor({ model, pixels, chance }: Pair): { data: Dataset; order: readonly number[] } {
  const { size, kind, names, image } = model;
  const { channels, height, width } = image;
  const features = { features: pixels, shape: [channels, height, width] };
  const all = [...Array(size).keys()];
  const isClasses = kind === 'logits' || kind === 'probabilities';
  if (!names) {
    if (isClasses) return namelessClasses(size, features, chance);
    const several = new Float32Array(images * size);
    return { data: new MemoryDataset({ ...features, labels: several }), order: all };
  }
  const mixed = chance.shuffled(all);
  const order = isClasses ? mixed.slice(0, 1 + chance.below(size)) : mixed;
  const own = order.map((i) => names[i]!);
  if (isClasses) {
    const labels = Int32Array.from({ length: images }, () => chance.below(order.length));
    return { data: new MemoryDataset({ ...features, labels, classNames: own }), order };
  }
  const labels = new Float32Array(images * size);
  const named = kind === 'values' ? { valueNames: own } : { classNames: own };
  return { data: new MemoryDataset({ ...features, labels, ...named }), order };
}

/** Classes for a model that has only numbers for them: numbers, names that are numbers, or as many names in its order. */
function namelessClasses(size: number, features: { features: Uint8Array; shape: readonly number[] }, chance: Chance) {
  const all = [...Array(size).keys()];
  const form = chance.of(['numbers', 'numeric names', 'names'] as const);
  const order = form === 'numeric names' ? chance.shuffled(all).slice(0, Math.max(1, size - 1)) : all;
  const names = { numbers: null, 'numeric names': order.map(String), names: all.map((i) => `class ${i}`) }[form];
  const labels = Int32Array.from({ length: images }, () => chance.below(order.length));
  return { data: new MemoryDataset({ ...features, labels, ...(names && { classNames: names }) }), order };
}

interface Answers {
  /** For each image, by the place in the model's outputs that the data's classes were given. */
  readonly rows: readonly (readonly number[])[];
  readonly assumptions: readonly string[];
  readonly isSame: { readonly pixels: boolean; readonly gives: boolean; readonly output: boolean };
  /** What becomes of data with a class that the model does not have. */
  readonly stranger: string | null;
}

/** What the product answers, by the classes of the data. */
async function answersOf(pair: Pair, options: SignatureOptions): Promise<Answers> {
  const { file, model, pixels, seed } = pair;
  const backend = seed % 4 === 0 ? 'wasm' : 'reference';
  const opened = await openModel(file, { ...options, backend, threads: 1, workingFolder: folder });
  try {
    const { input, output } = opened.signature;
    const rows = await opened.answer(imageInput(opened.name, opened.signature).features(pixels));
    const isSame = {
      pixels: JSON.stringify(input.image) === JSON.stringify(model.image),
      gives:
        output.kind === model.kind ||
        (model.finish !== 'sigmoid' && output.kind === 'probabilities' && model.kind === 'logits'),
      output: output.name === model.output,
    };
    const { data, order } = dataFor({ ...pair, chance: chanceOf(seed + 1e6) });
    const list = Array.from(rows);
    const all = Array.from({ length: images }, (_, i) => list.slice(i * output.size, (i + 1) * output.size));
    // Data of the true kind does not go with a model that is taken for something else.
    if (!isSame.gives || output.size !== model.size)
      return { rows: all, assumptions: opened.assumptions, isSame, stranger: null };
    return {
      rows: placed(all, data, order, opened.signature.output),
      assumptions: opened.assumptions,
      isSame,
      stranger: strangerTo(model, opened.signature.output),
    };
  } finally {
    await opened.dispose();
  }
}

type Output = Parameters<typeof targetsOf>[1];

/** The answers in the order of the file's outputs, as the data's names find them. */
function placed(rows: readonly number[][], data: Dataset, order: readonly number[], output: Output): number[][] {
  // One-hot data tells where each of its classes, labels or values is put.
  const width = order.length;
  const isClasses = (data.labels?.shape.length ?? 0) === 0;
  const labels = isClasses
    ? Int32Array.from({ length: width }, (_, i) => i)
    : Float32Array.from({ length: width * width }, (_, i) => Number(Math.floor(i / width) === i % width));
  const { classNames, valueNames } = data;
  const oneHot = new MemoryDataset({
    ...{ features: new Uint8Array(width), shape: [1], labels },
    ...(classNames && { classNames }),
    ...(valueNames && { valueNames }),
  });
  const { values } = targetsOf(oneHot, output);
  const size = isClasses ? 1 : width;
  return rows.map((row) => {
    const found = [...row];
    for (const [i, to] of order.entries()) {
      const own = Array.from({ length: size }, (_, j) => values[i * size + j]!);
      found[to] = row[isClasses ? own[0]! : own.indexOf(1)]!;
    }
    return found;
  });
}

function strangerTo({ names, kind, size }: ForeignModel, output: Output): string | null {
  if (!names || kind === 'values' || kind === 'scores') return null;
  const data = new MemoryDataset({
    features: new Uint8Array(2),
    shape: [1],
    labels: Int32Array.of(0, 1),
    classNames: [names[0]!, 'stranger'],
  });
  try {
    targetsOf(data, output);
    return `'stranger' is taken for one of ${size}`;
  } catch (error) {
    const { message } = error as Error;
    const isFit =
      error instanceof BnError && message.includes('stranger') && names.every((name) => message.includes(name));
    return isFit ? null : message;
  }
}

const isNear = (rows: readonly (readonly number[])[], expected: readonly (readonly number[])[]) =>
  rows.every(
    (row, i) =>
      row.length === expected[i]!.length &&
      row.every((value, j) => Math.abs(value - expected[i]![j]!) <= 1e-4 * Math.max(1, Math.abs(expected[i]![j]!))),
  );

/** Flags that say what the file does not show, as a user who knows it would. */
function flagsFor({ shows, output, kind, pixels }: ForeignModel): SignatureOptions {
  return {
    ...(!shows.output && { output }),
    ...(!shows.gives && { gives: kind }),
    ...(!shows.pixels && { pixels }),
  };
}

/** A message without what differs from file to file. */
const kindOf = (message: string) =>
  message
    .replace(/^.*?\.onnx: /, '')
    .replace(/'[^']*'( [a-z]+\d* \[[^\]]*\])?/g, '…')
    .slice(0, 70);

test(`${pairs} models and data by chance give what ONNX Runtime gives for each class`, async ({ skip }) => {
  if (!found) skip(`${python} has no numpy and onnxruntime; pip install them, or name another Python in BN_PYTHON`);
  const all = Array.from({ length: pairs }, (_, i) => pairOf(firstSeed + i));
  const expected = await inPython(all);
  const figures: Record<string, number> = {};
  const count = (what: string) => {
    figures[what] = (figures[what] ?? 0) + 1;
  };
  const wrong: string[] = [];
  let refused = 0;
  for (const [i, pair] of all.entries()) {
    const { model, seed } = pair;
    const { shows } = model;
    const fail = (what: string) => wrong.push(`seed ${seed}, ${model.about}: ${what}`);
    const first = await answersOf(pair, {}).catch((error: unknown) => {
      if (!(error instanceof BnError)) throw error;
      return error;
    });
    if (!(first instanceof BnError)) {
      if (first.stranger !== null) fail(first.stranger);
      if (isNear(first.rows, expected[i]!)) {
        count(first.assumptions.length > 0 ? 'right, by what is said to be assumed' : 'right');
      } else {
        const said = first.assumptions.join('; ');
        const unsaid = [
          ...(first.isSame.pixels || (!shows.pixels && said.includes('--pixels')) ? [] : ['pixels']),
          ...(first.isSame.gives || (!shows.gives && said.includes('--gives')) ? [] : ['what it gives']),
          ...(first.isSame.output ? [] : ['output']),
        ];
        const isAllSame = first.isSame.pixels && first.isSame.gives && first.isSame.output;
        if (unsaid.length > 0 || isAllSame) fail(`wrong without a word: ${unsaid.join(', ') || 'numbers'} (${said})`);
        else count('wrong where the file cannot show it, and said so');
      }
    } else {
      refused++;
      count(`refused: ${kindOf(first.message)}`);
      if (shows.output && shows.gives) fail(`refused: ${first.message}`);
    }
    if (shows.pixels && shows.gives && shows.output) continue;
    const told = await answersOf(pair, flagsFor(model)).catch((error: Error) => error);
    if (told instanceof Error) fail(`with flags: ${told.message}`);
    else if (!isNear(told.rows, expected[i]!))
      fail(`with flags: wrong ${JSON.stringify({ got: told.rows, expected: expected[i] })}`);
    else count('right with flags');
  }
  console.log(JSON.stringify({ pairs, wrong: wrong.length, refused, ...figures }, null, 1));
  expect(wrong).toEqual([]);
  // What a file leaves open has to be asked for, and no more.
  expect(refused).toBeLessThan(0.2 * pairs);
});
