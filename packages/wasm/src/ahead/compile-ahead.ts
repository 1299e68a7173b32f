// A model as one WebAssembly module that stands alone: code, weights and signature. `loader.ts` runs it.

import { BnError, type Graph, type Signature, sameShape, sizeOf } from '@bn/core';
import { compileFunctions, type Program } from '../compile.js';
import { Code } from '../emit/code.js';
import { encodeModule, type ModuleFunction } from '../emit/module.js';
import { numbersOf } from '../ir/constant.js';
import { allPasses } from '../pipeline.js';
import { unoptimized } from '../run/engine.js';
import { firstAddress, pageBytes, slack } from '../run/heap.js';
import { type Contents, sectionName } from './contents.js';

/**
 * Compiles a graph that predicts, for one example at a time, on one thread. Multiplications and additions are rounded one by
 * one: the module runs wherever WebAssembly has SIMD (all browsers since 2023, Node, edge workers), and computes to the last
 * bit what `createBackend({ exact: true })` does for a batch of 1.
 *
 * @param graph with weights as constants, one input `[batch, ...signature.input.shape]` and one output of
 *   `[batch, signature.output.size]` float32, as `importPredictor` of @bn/onnx makes it
 * @param metadata texts that go into the module
 * @returns the module; `@bn/wasm/loader` runs it
 * @throws BnError `argument` if the graph is not what the signature says
 */
export function compileAhead(
  graph: Graph,
  signature: Signature,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  requireSigned(graph, signature);
  let end = firstAddress;
  const take = (bytes: number): number => {
    const address = end;
    end += Math.ceil(bytes / 64) * 64;
    return address;
  };
  const { functions, ...program } = unoptimized(() =>
    compileFunctions(graph, 1, {
      ...{ relaxed: false, passes: allPasses, threads: 1, countsRows: false, profile: false },
      reserve: (_, bytes) => take(bytes),
    }),
  );
  const [input, output] = [program.inputBytes[0], 4 * signature.output.size].map(take);
  const contents: Contents = { version: 1, input, output, signature, metadata };
  const data = [
    { address: program.table, bytes: bytesOf([input, output], false) },
    ...program.data.map(({ address, words, isFloat }) => ({ address, bytes: bytesOf(numbersOf(words), isFloat) })),
  ];
  const pages = Math.ceil((end + slack) / pageBytes);
  // What runs it needs one name: others would only be there to be read.
  const unnamed = functions.map(({ parameters, body }) => ({ parameters, body }));
  return encodeModule([...unnamed, runAll(program, functions)], { pages, data }, [], {
    [sectionName]: new TextEncoder().encode(JSON.stringify(contents)),
  });
}

function requireSigned({ inputs, outputs }: Graph, { input, output }: Signature): void {
  const [[name, given] = [], ...others] = inputs;
  const [result, ...further] = outputs.values();
  const isInput = given?.dtype === input.dtype && sameShape(given.shape.slice(1), input.shape);
  const isOutput = result?.dtype === 'float32' && sizeOf(result.shape.slice(1).map(Number)) === output.size;
  if (name === input.name && isInput && isOutput && others.length + further.length === 0) return;
  throw new BnError(
    'argument',
    'the graph is not the one of the signature; take both from importPredictor of @bn/onnx',
  );
}

/** A function that calls everything in order. */
function runAll(
  { rounds, threadMemory }: Omit<Program, 'bytes'>,
  functions: readonly ModuleFunction[],
): ModuleFunction {
  const indices = new Map(functions.map(({ exportName }, i) => [exportName, i]));
  const code = new Code(0, false);
  for (const { name, start, end } of rounds.flat()) {
    for (const argument of [start, end, threadMemory]) code.constant(argument);
    code.call(indices.get(name)!);
  }
  return { parameters: 0, body: code.encode(), exportName: 'run' };
}

function bytesOf(words: ArrayLike<number>, isFloat: boolean): Uint8Array {
  return new Uint8Array(new (isFloat ? Float32Array : Int32Array)(words).buffer);
}
