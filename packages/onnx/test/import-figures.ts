// How much of what others export is imported: ONNX's own tests of operators, each against the values that come with it, and
// whole networks beside ONNX Runtime.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Backend, BnError, joinArrays, type Shape, sizeOf, type TypedArray } from '@bn/core';
import { openModel } from '@bn/onnxruntime-cuda';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, type TensorProto, TensorProtoSchema } from '../src/generated/onnx_pb.js';
import { outputsOf } from '../src/import/import-inference.js';
import { readGraph } from '../src/import/read-graph.js';
import { readTensor } from '../src/import/read-tensor.js';
import { rules } from '../src/import/rules.js';
import { embedExternalData, importInference } from '../src/index.js';
import { valueInfo } from '../src/model-proto.js';

export interface Figure {
  readonly name: string;
  readonly operators: readonly string[];
  /** `passed`, or why not: what the import says, or the difference. */
  readonly outcome: string;
}

/** All operators are imported, as far as their names say. */
export function isClaimed({ operators }: Pick<Figure, 'operators'>): boolean {
  return operators.every((operator) => Object.hasOwn(rules, operator) || operator === 'Constant');
}

/** The tests in a folder of folders with `model.onnx`, `input_0.pb` and `output_0.pb` that are of operators that are imported. */
export async function backendFigures(folder: string, backend: Backend): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of readdirSync(folder).sort()) {
    const model = fromBinary(ModelProtoSchema, readFileSync(join(folder, name, 'model.onnx')));
    const operators = [
      ...new Set(model.graph!.node.map(({ domain, opType }) => (domain ? `${domain}.${opType}` : opType))),
    ];
    if (!isClaimed({ operators })) {
      figures.push({ name, operators, outcome: 'not claimed' });
      continue;
    }
    const outcome = await outcomeOf(model, join(folder, name), backend).catch((error: unknown) => {
      if (error instanceof BnError) return error.message;
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    });
    figures.push({ name, operators, outcome });
  }
  return figures;
}

async function outcomeOf(model: ModelProto, folder: string, backend: Backend): Promise<string> {
  const graph = model.graph!;
  const read = (kind: string, i: number) =>
    fromBinary(TensorProtoSchema, readFileSync(join(folder, `${kind}_${i}.pb`)));
  const given = graph.input.map(({ name }, i) => ({ name, proto: read('input', i) }));
  // One input is fed, a float one if there is one; the others are constants, as shapes and axes are.
  const isFed = ({ proto }: (typeof given)[number]) => [2, 6, 9].includes(proto.dataType);
  const isFloat = ({ proto }: (typeof given)[number]) => [1, 10, 11, 16].includes(proto.dataType);
  const full = given.filter(({ proto }) => sizeOf(shapeOf(proto)) > 0);
  const fed = full.find((one) => isFloat(one) && one.proto.dims.length > 0) ?? full.find(isFed);
  for (const { name, proto } of given) if (name !== fed?.name) graph.initializer.push({ ...proto, name });
  graph.input = fed ? graph.input.filter(({ name }) => name === fed.name) : [valueInfo('nothing', 'float32', [1])];
  const imported = readGraph(toBinary(ModelProtoSchema, model), { shape: fed ? shapeOf(fed.proto) : [1] });
  const { dtype, shape } = imported.input;
  const whole = outputsOf(imported);
  const executable = await backend.compile(whole);
  const inputs = [...whole.inputs.keys()].map((name) => {
    const { data } = readTensor(fed!.proto, 'the input');
    return [name, backend.upload(typed(data as readonly number[], dtype), { shape, dtype })] as const;
  });
  const outputs = await executable.run(new Map(inputs));
  for (const [i, { name }] of graph.output.entries()) {
    const result = outputs.get(name)!;
    const expected = readTensor(read('output', i), 'the output');
    const wrong = difference(expected.data as readonly number[], await backend.download(result));
    if (`${result.spec.shape}` !== `${expected.shape}`)
      return `WRONG shape [${result.spec.shape}], not [${expected.shape}]`;
    if (wrong) return `WRONG ${wrong}`;
  }
  return 'passed';
}

function shapeOf({ dims }: TensorProto): Shape & readonly number[] {
  return dims.map(Number);
}

function typed(data: ArrayLike<number>, dtype: string): TypedArray {
  if (dtype === 'float32') return Float32Array.from(data);
  return dtype === 'int32' ? Int32Array.from(data) : Uint8Array.from(data);
}

/** As ONNX's own runner compares. */
function difference(expected: ArrayLike<number>, actual: ArrayLike<number>): string | null {
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), Number(expected[i])];
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= 1e-5 + 1e-3 * Math.abs(b))) return `${a} instead of ${b} at ${i}`;
  }
  return null;
}

/** The model files in a folder, by what they compute of two images beside ONNX Runtime, which gets one after the other. */
export async function* modelFigures(folder: string, createBackend: () => Promise<Backend>): AsyncGenerator<Figure> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.onnx'));
  for (const file of files.sort()) {
    const outcome = await modelOutcome(join(folder, file), createBackend).catch(messageOf);
    yield { name: basename(file, '.onnx'), operators: [], outcome };
  }
}

function messageOf(error: unknown): string {
  return error instanceof BnError ? error.message : ((error as Error).stack ?? String(error));
}

/** torchvision's classifiers by both exporters, one network at a time: its files are written, looked at, and deleted. */
export async function* torchvisionFigures(
  python: string,
  names: readonly string[],
  createBackend: () => Promise<Backend>,
): AsyncGenerator<Figure> {
  const script = fileURLToPath(new URL('torchvision_models.py', import.meta.url));
  const write = (...args: string[]) => execFileSync(python, [script, ...args], { encoding: 'utf8', stdio: 'pipe' });
  for (const name of names.length > 0 ? names : write().trim().split(/\s+/)) {
    const folder = mkdtempSync(join(tmpdir(), 'bn-torchvision-'));
    try {
      write(folder, name);
      for (const file of readdirSync(folder).filter((file) => file.endsWith('.failed'))) {
        const outcome = `not exported: ${readFileSync(join(folder, file), 'utf8')}`;
        yield { name: basename(file, '.failed'), operators: [], outcome };
      }
      yield* modelFigures(folder, createBackend);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

async function modelOutcome(file: string, createBackend: () => Promise<Backend>): Promise<string> {
  const read = async (path: string) => new Uint8Array(readFileSync(path));
  const bytes = await embedExternalData(await read(file), (name) => read(join(dirname(file), basename(name))));
  const { graph, input } = importInference(bytes);
  const shape = input.spec.shape.slice(1) as number[];
  const count = 2;
  const size = sizeOf(shape);
  const images = Array.from({ length: count }, (_, k) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * (1.7 + k)) + Math.cos(i / 50)),
  );
  const backend = await createBackend();
  const executable = await backend.compile(graph);
  const fed = backend.upload(joinArrays(images), { shape: [count, ...shape], dtype: 'float32' });
  const runtime = await openModel(bytes);
  try {
    const outputs = await executable.run(new Map([[input.name, fed]]));
    const results = await Promise.all(
      [...outputs].map(async ([name, value]) => [name, await backend.download(value)] as const),
    );
    for (const value of outputs.values()) backend.release(value);
    let largest = 0;
    for (const [k, data] of images.entries()) {
      const expected = await runtime.run({ [input.name]: { data, spec: { shape: [1, ...shape], dtype: 'float32' } } });
      for (const [name, both] of results) {
        const own = both.subarray((k * both.length) / count, ((k + 1) * both.length) / count);
        const other = Array.from(expected[name]!.data);
        const scale = other.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-6);
        largest = other.reduce((most, v, i) => Math.max(most, Math.abs(v - own[i]!) / scale), largest);
        if (own.length !== other.length || !Number.isFinite(largest))
          return `WRONG: ${own.length} values instead of ${other.length}`;
      }
    }
    return largest < 1e-3 ? `passed, ${largest.toExponential(1)}` : `WRONG by ${largest.toExponential(1)}`;
  } finally {
    await backend.dispose();
    await runtime.dispose();
  }
}
