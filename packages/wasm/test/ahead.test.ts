// Models as modules that stand alone: the numbers of the backend, without compiling where they run.

import { readFileSync } from 'node:fs';
import { createContext, Script } from 'node:vm';
import { type Backend, batchNorm } from '@bn/core';
import { compileAhead, createBackend } from '@bn/wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createModel, loadModel } from '../src/loader.js';
import { classifier, names, pixels } from './made-up-classifier.js';

/** The engine's, of which tests have no types. */
const { compile } = (globalThis as unknown as { WebAssembly: { compile: Compile } }).WebAssembly;
type Compile = (bytes: Uint8Array) => Promise<object>;

let backend: Backend;
beforeAll(async () => {
  backend = await createBackend({ threads: 1, exact: true });
});
afterAll(() => backend.dispose());

async function onBackend({ graph }: ReturnType<typeof classifier>, features: Uint8Array): Promise<number[]> {
  const executable = await backend.compile(graph);
  const value = backend.upload(features, { shape: [1, 1, 28, 28], dtype: 'uint8' });
  const outputs = await executable.run(new Map([['features', value]]));
  const result = await backend.download(outputs.get('probabilities')!);
  await executable.dispose();
  return Array.from(result);
}

test.each([
  ['without batch normalization', undefined],
  ['with it', () => batchNorm()],
])('a module computes to the last bit what the backend does, again and again: %s', async (_, normalization) => {
  const made = classifier(normalization);
  const model = await loadModel(compileAhead(made.graph, made.signature));
  expect(model.signature).toEqual(made.signature);
  for (const seed of [1, 2, 1]) {
    const features = pixels(seed);
    expect(Array.from(model.predict(features))).toEqual(await onBackend(made, features));
  }
  expect(() => model.predict(new Uint8Array(3))).toThrow('expected 784 features, got 3');
});

test('an image of the size, as a canvas has it, is answered by names', async () => {
  const made = classifier();
  const model = await loadModel(compileAhead(made.graph, made.signature));
  const grey = pixels(3);
  const data = Uint8ClampedArray.from({ length: 4 * 784 }, (_, i) => (i % 4 === 3 ? 255 : grey[i >> 2]));
  const answer = model.classify({ data, width: 28, height: 28 });
  const row = await onBackend(made, grey);
  expect('classes' in answer && answer.classes[0]).toEqual({
    class: names[row.indexOf(Math.max(...row))],
    index: row.indexOf(Math.max(...row)),
    probability: expect.closeTo(Math.max(...row), 6),
  });
});

test('runs from a module where nothing may be compiled, neither text nor WebAssembly', async () => {
  const made = classifier(() => batchNorm());
  const module = await compile(compileAhead(made.graph, made.signature));
  const codeGeneration = { strings: false, wasm: false };
  const context = createContext({ TextDecoder }, { codeGeneration });
  const inside = (text: string) => new Script(text).runInContext(context);
  expect(() => inside("eval('1')")).toThrow('Code generation from strings disallowed');
  expect(() => inside('new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))')).toThrow('disallowed');
  // The loader as it is copied beside models, with what it exports as its value.
  const loader = readFileSync(new URL('../dist/loader.js', import.meta.url), 'utf8');
  const { createModel } = inside(loader.replace(/export\{(\w+) as createModel,.*$/s, '({ createModel: $1 })'));
  expect(Array.from(createModel(module).predict(pixels(5)))).toEqual(await onBackend(made, pixels(5)));
});

test('what is no such module, or no such graph, is refused', async () => {
  const empty = await compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  expect(() => createModel(empty)).toThrow('the module is not a model of this loader');
  const { graph, signature } = classifier();
  const other = { ...signature, output: { ...signature.output, size: 9 } };
  expect(() => compileAhead(graph, other)).toThrow('the graph is not the one of the signature');
});
