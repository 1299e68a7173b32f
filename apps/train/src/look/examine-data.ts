// Looks at all examples of data, and at their files: counts, sizes, duplicates, spread.

import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { type DataParts, kindOf, labelsOf } from '@bn/command-line';
import { type Dataset, numbered, sizeOf, type Task } from '@bn/core';
import { readImageFacts } from '@bn/datasets';
import { unequalClasses } from '../load/unequal-classes.js';
import { isPicture } from '../report/picture.js';
import { shortPath } from '../run/describe-run.js';
import type { DataRecord, Duplicate, PartRecord, Spread } from './record.js';

interface Part {
  readonly name: PartRecord['name'];
  readonly data: Dataset;
  readonly files: readonly string[];
}

/** Parts in the order in which they are shown. */
export function partsOf({ train, test, files }: DataParts): Part[] {
  const parts: Part[] = [{ name: 'train', data: train, files: files?.train ?? [] }];
  if (test) parts.push({ name: 'test', data: test, files: files?.test ?? [] });
  return parts;
}

export async function examineData(name: string, data: DataParts, task: Task): Promise<DataRecord> {
  const parts = partsOf(data);
  const records: PartRecord[] = [];
  for (const part of parts) records.push(await examinePart(part, task));
  // As they are shorter to read, and say nothing of the machine.
  const nameOf = (file: string) => shortPath(file, dirname(resolve(name)));
  const duplicates = duplicatesIn(parts, task, nameOf);
  const repeats = (part: PartRecord['name']) => {
    const counts = duplicates.map(({ examples }) => examples.filter((one) => one.part === part).length);
    return counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  };
  const leaked = duplicates.filter(({ examples }) => examples.some(({ part }) => part === 'train'));
  const inBoth = leaked.flatMap(({ examples }) => examples.filter(({ part }) => part === 'test')).length;
  return {
    data: basename(resolve(name)),
    task,
    parts: records,
    repeated: { train: repeats('train'), test: repeats('test') },
    ...{ inBoth, duplicates },
    skipped: (data.skipped ?? []).map(({ file, reason }) => ({ file: nameOf(file), reason })),
    warnings: [...(data.warnings ?? []), ...oddities(records, duplicates, inBoth, task)],
  };
}

async function examinePart({ name, data, files }: Part, task: Task): Promise<PartRecord> {
  const shape = data.features.shape as readonly number[];
  const labels = labelsOf(data);
  const names = data.classNames ?? numbered(task === 'classify' ? 1 + Math.max(...labels.flat()) : labels[0]!.length);
  const count = (of: (label: readonly number[]) => boolean) => labels.filter(of).length;
  const isOf = (i: number) => (label: readonly number[]) => (task === 'classify' ? label[0] === i : label[i] === 1);
  return {
    name,
    examples: data.length,
    columns: sizeOf(shape) + labels[0]!.length,
    shape,
    dtype: data.features.dtype,
    kind: kindOf(data),
    classes: task === 'regress' ? [] : names.map((one, i) => ({ name: one, examples: count(isOf(i)) })),
    values: task === 'regress' ? labels[0]!.map((_, i) => valueSpread(data, labels, i)) : [],
    channels: channelSpreads(data),
    files: files.length > 0 ? await examineFiles(files) : null,
  };
}

function valueSpread({ valueNames }: Dataset, labels: readonly number[][], at: number): Spread {
  const spread = new Spreading();
  for (const label of labels) spread.add(label[at]!);
  return spread.named(valueNames?.[at] ?? String(at));
}

function channelSpreads(data: Dataset): Spread[] {
  const { shape, dtype } = data.features;
  const names = isPicture(shape) ? (shape[0] === 3 ? ['red', 'green', 'blue'] : ['grey']) : ['all'];
  const area = sizeOf(shape) / names.length;
  const scale = dtype === 'uint8' ? 255 : 1;
  const spreads = names.map(() => new Spreading());
  for (let i = 0; i < data.length; i++) {
    const { features } = data.get(i);
    for (const [channel, spread] of spreads.entries()) spread.addAll(features, channel * area, (channel + 1) * area);
  }
  return spreads.map((spread, i) => spread.named(names[i]!, scale));
}

/** Mean and deviation of many numbers. Sums are kept for each run of numbers, which keeps them exact. */
class Spreading {
  #count = 0;
  #mean = 0;
  /** Sum of squared differences from the mean. */
  #squares = 0;
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.addAll([value], 0, 1);
  }

  /** Joins means and squares as Chan, Golub and LeVeque do (1983). */
  addAll(values: ArrayLike<number>, from: number, to: number): void {
    const count = to - from;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      sum += value;
      if (value < this.#least) this.#least = value;
      if (value > this.#greatest) this.#greatest = value;
    }
    const mean = sum / count;
    let squares = 0;
    for (let i = from; i < to; i++) squares += (values[i]! - mean) ** 2;
    const all = this.#count + count;
    this.#squares += squares + ((mean - this.#mean) ** 2 * this.#count * count) / all;
    this.#mean += ((mean - this.#mean) * count) / all;
    this.#count = all;
  }

  /** @param scale what the numbers are divided by */
  named(name: string, scale = 1): Spread {
    return {
      name,
      least: this.#least / scale,
      mean: this.#mean / scale,
      deviation: Math.sqrt(this.#squares / this.#count) / scale,
      greatest: this.#greatest / scale,
    };
  }
}

async function examineFiles(files: readonly string[]): Promise<PartRecord['files']> {
  const [formats, sizes] = [new Map<string, number>(), new Map<string, number>()];
  let bytes = 0;
  const more = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const file of files) {
    const facts = await readImageFacts(file);
    bytes += facts.bytes;
    more(formats, facts.format);
    more(sizes, facts.size.join());
  }
  const sorted = (counts: Map<string, number>) => [...counts].sort(([, a], [, b]) => b - a);
  return {
    bytes,
    formats: sorted(formats).map(([format, count]) => ({ format, files: count })),
    sizes: sorted(sizes).map(([size, count]) => {
      const [height, width] = size.split(',').map(Number) as [number, number];
      return { width, height, files: count };
    }),
  };
}

function duplicatesIn(parts: readonly Part[], task: Task, nameOf: (file: string) => string): Duplicate[] {
  const found = new Map<string, { part: Part; index: number }[]>();
  for (const part of parts) {
    for (let index = 0; index < part.data.length; index++) {
      const { features } = part.data.get(index);
      const bytes = part.data.features.dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features);
      const hash = createHash('sha256').update(bytes).digest('base64');
      const same = found.get(hash);
      if (same) same.push({ part, index });
      else found.set(hash, [{ part, index }]);
    }
  }
  return [...found.values()]
    .filter(({ length }) => length > 1)
    .map((same) => ({
      examples: same.map(({ part: { name, data, files }, index }) => {
        const file = files[index];
        return {
          part: name,
          index,
          ...(file !== undefined && { file: nameOf(file) }),
          label: labelText(data, index, task),
        };
      }),
    }));
}

function labelText(data: Dataset, index: number, task: Task): string {
  const { label } = data.get(index);
  if (typeof label === 'number') return data.classNames?.[label] ?? String(label);
  const values = Array.from(label);
  if (task === 'regress') return values.map((value) => value.toPrecision(4)).join(', ');
  const names = data.classNames ?? numbered(values.length);
  return names.filter((_, i) => values[i] === 1).join(', ') || 'none';
}

function oddities(
  parts: readonly PartRecord[],
  duplicates: readonly Duplicate[],
  inBoth: number,
  task: Task,
): string[] {
  const warnings: string[] = [];
  for (const { name, classes } of parts) {
    const found = task === 'classify' ? unequalClasses(classes) : null;
    if (found) warnings.push(`the classes of the ${name === 'train' ? 'training' : 'test'} data are unequal: ${found}`);
  }
  if (inBoth > 0) {
    const problem = `${inBoth} test ${inBoth === 1 ? 'example is' : 'examples are'} in the training data too`;
    warnings.push(`${problem}: the test is easier than it looks`);
  }
  const contrary = duplicates.filter(({ examples }) => new Set(examples.map(({ label }) => label)).size > 1).length;
  if (contrary > 0) {
    const what = task === 'regress' ? 'values' : task === 'classify' ? 'classes' : 'labels';
    warnings.push(
      `${contrary === 1 ? 'one image has' : `${contrary} images have`} several ${what}: see the duplicates`,
    );
  }
  return warnings;
}
