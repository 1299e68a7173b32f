// Classes keep their names: whatever a class is called, in whatever order or form the data comes, with however few of the
// classes, the same images have the same accuracy, in evaluation, further training, and behind the server.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSignature } from '@bn/core';
import { addMetadata, readMetadata } from '@bn/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsOf, train } from '../../train/test/small-run.js';
import { chanceOf } from './foreign-models.js';
import { type Example, forms, pngOf } from './forms-of-data.js';
import { startServer } from './serve-process.js';
import { infer } from './small-model.js';

const folder = mkdtempSync(join(tmpdir(), 'bn-classes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chance = chanceOf(7);
const side = 4;
/** More than ten: as names, numbers are then in another order. */
const kinds = 11;

/** A class is where the light is, and for some classes that is hard to see. */
function examples(each: number, classes = kinds): Example[] {
  return Array.from({ length: each * classes }, (_, i) => {
    const kind = i % classes;
    const noise = 60 + 18 * kind;
    const pixels = Uint8Array.from({ length: side * side }, (_, at) => {
      return Math.min(255, chance.below(noise) + (at === kind ? 110 : 0));
    });
    return { pixels, kind };
  });
}

const training = examples(8);
const testing = examples(4);
/** The names that the model is trained with: in the sorted order they are other classes' numbers. */
const words = ['zebra', 'ant', 'Übel', 'moth', 'cat', 'a b', 'dog', 'elk', '7 up', 'fox', 'gnu'];
const numbers = words.map((_, i) => String(i));
const wordOf = (kind: number) => words[kind]!;
const reference = ['--backend', 'reference'];

/** Right answers for each class. */
type Right = readonly number[];
let rightBy: { words: Right; numbers: Right };
let count = 0;

interface Written {
  readonly form: string;
  readonly path: string;
}

async function write(form: string, all: readonly Example[], nameOf: (kind: number) => string): Promise<Written> {
  const { ending, write } = forms[form]!;
  const path = join(folder, `data${count++}${ending}`);
  await write(path, all, nameOf);
  return { form, path };
}

interface Evaluated {
  readonly accuracy: number;
  /** By the name of the class. */
  readonly right: ReadonlyMap<string, number>;
}

async function evaluate(model: string, data: string): Promise<Evaluated> {
  const { code, stdout, stderr } = await infer(folder, ['evaluate', model, '--data', data, ...reference, '--json']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { accuracy, classes } = JSON.parse(stdout) as {
    accuracy: number;
    classes: { class: string; recall: number | null; support: number }[];
  };
  const right = classes.flatMap(({ class: name, recall, support }) =>
    recall === null ? [] : [[name, Math.round(recall * support)] as const],
  );
  return { accuracy, right: new Map(right) };
}

async function trainOn(data: string, flags: readonly string[], rate = '1e-30'): Promise<void> {
  const all = [
    '--data',
    data,
    ...flags,
    ...reference,
    '--keep',
    'last',
    '--epochs',
    '1',
    '--batch-size',
    '32',
    '--learning-rate',
    rate,
  ];
  const { code, stderr } = await train(folder, all);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

const accuracyOf = (run: string) => metricsOf(join(folder, run)).at(-1)!.test.metrics.accuracy;
const exported = (run: string) => join(folder, run, 'model.onnx');

beforeAll(async () => {
  writeFileSync(
    join(folder, 'net.mjs'),
    `import { dense, flatten, sequential } from '@bn/core';
    export default sequential({ flatten: flatten(), out: dense(${kinds}) });`,
  );
  const flags = ['--model', 'net.mjs', '--optimizer', 'adam', '--test-data'];
  const made = async (form: string, nameOf: (kind: number) => string, out: string): Promise<Right> => {
    const [learned, tested] = [await write(form, training, nameOf), await write(form, testing, nameOf)];
    const more = ['--out', out, '--export', exported(out)];
    const settings = [
      ...flags,
      tested.path,
      ...more,
      ...reference,
      '--epochs',
      '15',
      '--keep',
      'last',
      '--batch-size',
      '16',
    ];
    const { code, stderr } = await train(folder, ['--data', learned.path, ...settings, '--learning-rate', '0.05']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { accuracy, right } = await evaluate(exported(out), tested.path);
    expect(accuracy).toBe(accuracyOf(out));
    return [...Array(kinds).keys()].map((kind) => right.get(nameOf(kind))!);
  };
  rightBy = { words: await made('folders', wordOf, 'words'), numbers: await made('a table', String, 'numbers') };
  for (const right of Object.values(rightBy)) {
    // Else any matching would do.
    expect(new Set(right).size).toBeGreaterThan(3);
    expect(accuracyWith(right, testing)).toBeGreaterThan(0.6);
  }
}, 60_000);

/** What is right of examples of some of the classes. */
function accuracyWith(right: Right, some: readonly Example[]): number {
  const present = new Set(some.map(({ kind }) => kind));
  return [...present].reduce((sum, kind) => sum + right[kind]!, 0) / some.length;
}

/** Some of the classes, at least two. */
function someOf(all: readonly Example[]): Example[] {
  const chosen = new Set(chance.shuffled([...Array(kinds).keys()]).slice(0, 2 + chance.below(kinds - 2)));
  return all.filter(({ kind }) => chosen.has(kind));
}

/** The model with words, its classes called otherwise: the data's order of them is then another one. */
function renamed(nameOf: (word: string) => string, run = 'words'): string {
  const bytes = new Uint8Array(readFileSync(exported(run)));
  const { input, output } = decodeSignature(readMetadata(bytes).signature!);
  const names = output.names!.map(nameOf);
  const path = join(folder, `renamed${count++}.onnx`);
  const signature = JSON.stringify({ input, output: { ...output, names } });
  writeFileSync(path, addMetadata(bytes, { signature, classNames: JSON.stringify(names) }));
  return path;
}

/** Other names for the words: by chance, words or numbers. */
function otherNames(): (kind: number) => string {
  const pool = chance.of([words, ['100', '20', '3', '07', '11', '1', '2', '33', '5', '8', '60']]);
  const mixed = chance.shuffled(pool);
  return (kind) => mixed[kind]!;
}

const named = Object.keys(forms).filter((form) => !forms[form]!.isNumeric);

describe('a model with names', () => {
  it.each(named)('has the same accuracy on %s, of all classes and of some', async (form) => {
    for (const all of [testing, someOf(testing), someOf(testing)]) {
      const { path } = await write(form, chance.shuffled(all), wordOf);
      const { accuracy, right } = await evaluate(exported('words'), path);
      expect(accuracy).toBeCloseTo(accuracyWith(rightBy.words, all), 12);
      for (const kind of new Set(all.map(({ kind }) => kind)))
        expect(right.get(wordOf(kind))).toBe(rightBy.words[kind]);
    }
  });

  it.each(named)('has it when its classes are called otherwise, on %s', async (form) => {
    for (let i = 0; i < 4; i++) {
      const nameOf = otherNames();
      const model = renamed((word) => nameOf(words.indexOf(word)));
      const all = i === 0 ? testing : someOf(testing);
      // A number is the same with zeros before it.
      const written = (kind: number) => (chance.is(0.5) ? nameOf(kind) : nameOf(kind).replace(/^0(?=\d)/, ''));
      const { path } = await write(form, all, memo(written));
      expect((await evaluate(model, path)).accuracy).toBeCloseTo(accuracyWith(rightBy.words, all), 12);
    }
  });

  it('keeps it in further training, of all classes and of some, from the model and from the weights', async () => {
    const tested = await write('a table', testing, wordOf);
    for (const [i, form] of [...named, 'folders'].entries()) {
      const all = i % 2 === 0 ? someOf(training) : training;
      const { path } = await write(form, all, wordOf);
      const some = someOf(testing);
      const subset = await write(
        chance.of(named),
        all.length === training.length ? some : onlyOf(testing, all),
        wordOf,
      );
      const from =
        i === 4 ? ['--model', 'net.mjs', '--weights', 'words/checkpoint.safetensors'] : ['--model', exported('words')];
      const out = `tuned${i}`;
      await trainOn(path, [...from, '--test-data', subset.path, '--out', out, '--export', exported(out)]);
      const seen = all.length === training.length ? some : onlyOf(testing, all);
      expect(accuracyOf(out)).toBeCloseTo(accuracyWith(rightBy.words, seen), 12);
      expect((await evaluate(exported(out), tested.path)).accuracy).toBeCloseTo(
        accuracyWith(rightBy.words, testing),
        12,
      );
      if (i > 1) continue;
      const { code } = await train(folder, ['--resume', out, '--epochs', '2']);
      expect(code).toBe(0);
      expect(metricsOf(join(folder, out))).toHaveLength(2);
      expect(accuracyOf(out)).toBeCloseTo(accuracyWith(rightBy.words, seen), 12);
    }
  });

  it('has it behind the server, and in `infer`', async () => {
    const nameOf = otherNames();
    const model = renamed((word) => nameOf(words.indexOf(word)));
    const { url } = await startServer([model, ...reference]);
    const asked = testing.filter((_, i) => i % 3 === 0);
    const bodies = await Promise.all(
      Array.from({ length: Math.ceil(asked.length / 30) }, async (_, part) => {
        const form = new FormData();
        for (const [i, one] of asked.slice(part * 30, part * 30 + 30).entries())
          form.append('files', new Blob([new Uint8Array(await pngOf(one))]), `${i}.png`);
        const answer = await fetch(`${url}/classify?top=1`, { method: 'POST', body: form });
        return (await answer.json()) as { images: { classes: { class: string }[] }[] };
      }),
    );
    const served = bodies.flatMap(({ images }) => images.map(({ classes }) => classes[0]!.class));
    const { path } = await write('a list of files', asked, nameOf);
    const files = asked.map((_, i) => `${path}.files/${i}.png`);
    const { stdout } = await infer(folder, [model, ...files, ...reference, '--json']);
    const shown = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { class: string }).class);
    expect(shown).toEqual(served);
    const right = served.filter((name, i) => name === nameOf(asked[i]!.kind)).length;
    expect(right / asked.length).toBeCloseTo((await evaluate(model, path)).accuracy, 12);
  });
});

/** Those of the classes that the others have. */
function onlyOf(all: readonly Example[], others: readonly Example[]): Example[] {
  const present = new Set(others.map(({ kind }) => kind));
  return all.filter(({ kind }) => present.has(kind));
}

/** One name for each class. */
function memo(nameOf: (kind: number) => string): (kind: number) => string {
  const names = Array.from({ length: kinds }, (_, kind) => nameOf(kind));
  return (kind) => names[kind]!;
}

describe('a model with numbers', () => {
  it.each(Object.keys(forms))('has the same accuracy on %s, of all classes and of some', async (form) => {
    for (const all of [testing, someOf(testing), someOf(testing)]) {
      const { path } = await write(form, all, (kind) => numbers[kind]!);
      expect((await evaluate(exported('numbers'), path)).accuracy).toBeCloseTo(accuracyWith(rightBy.numbers, all), 12);
    }
  });

  it.each(Object.keys(forms))('keeps it in further training on %s', async (form) => {
    const [learned, tested] = [await write(form, training, String), await write('a table', testing, String)];
    const fromWeights = ['--model', 'net.mjs', '--weights', 'numbers/checkpoint.safetensors'];
    const from = chance.is(0.5) ? fromWeights : ['--model', exported('numbers')];
    const [out, expected] = [`on ${form}`, accuracyWith(rightBy.numbers, testing)];
    await trainOn(learned.path, [...from, '--test-data', tested.path, '--out', out, '--export', exported(out)]);
    expect(accuracyOf(out)).toBeCloseTo(expected, 12);
    expect((await evaluate(exported(out), tested.path)).accuracy).toBeCloseTo(expected, 12);
  });
});

describe('classes that the model does not have', () => {
  const all = testing.filter(({ kind }) => kind < 3);
  const nameOf = (kind: number) => (kind === 1 ? 'stranger' : wordOf(kind));
  const sorted = [...words].sort().join(', ');

  it.each(named)('are refused with both lists: %s', async (form) => {
    const { path } = await write(form, all, nameOf);
    const own = [0, 1, 2].map(nameOf).sort().join(', ');
    const message = `the data has the classes ${own}, but the model ${sorted}`;
    const { code, stderr } = await infer(folder, ['evaluate', exported('words'), '--data', path, ...reference]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
    for (const from of [
      ['--model', exported('words')],
      ['--model', 'net.mjs', '--weights', 'words/checkpoint.safetensors'],
    ]) {
      const refused = await train(folder, ['--data', path, ...from, ...reference, '--out', 'never']);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    }
    const { path: known } = await write(form, training, wordOf);
    const flags = ['--data', known, '--test-data', path, '--model', 'net.mjs', ...reference, '--out', 'never'];
    const odd = await train(folder, flags);
    expect(odd).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the test data has the classes ${own}, but the training data ${sorted}`),
    });
  });
});
