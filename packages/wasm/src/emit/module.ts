// A WebAssembly module from its functions: sections and their encoding.

import { i32, unsigned } from './code.js';

export interface ModuleFunction {
  /** Number of i32 parameters; functions return nothing. */
  readonly parameters: number;
  /** As the code section holds it. */
  readonly body: Uint8Array;
  /** Name under which it is exported, if it is. */
  readonly exportName?: string;
}

export interface ModuleImport {
  readonly name: string;
  /** Number of i32 parameters; it returns nothing. */
  readonly parameters: number;
}

/**
 * Encodes a module that imports its memory as `env.memory`, and functions of `env`. Functions are numbered in the order
 * given, imported ones first.
 */
export function encodeModule(
  functions: readonly ModuleFunction[],
  memory: { readonly maximum: number; readonly shared: boolean },
  imports: readonly ModuleImport[] = [],
): Uint8Array<ArrayBuffer> {
  const arities = [...new Set([...imports, ...functions].map(({ parameters }) => parameters))];
  const exported = functions.flatMap(({ exportName }, i) =>
    exportName === undefined ? [] : [[...text(exportName), 0, ...unsigned(imports.length + i)]],
  );
  const imported = imports.map(({ name, parameters }) => [
    ...[...text('env'), ...text(name), 0],
    ...unsigned(arities.indexOf(parameters)),
  ]);
  const limits = [memory.shared ? 3 : 1, 0, ...unsigned(memory.maximum)];
  const header = [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, list(arities.map((n) => [0x60, ...unsigned(n), ...new Array<number>(n).fill(i32), 0]))),
    ...section(2, list([...imported, [...text('env'), ...text('memory'), 2, ...limits]])),
    ...section(3, list(functions.map(({ parameters }) => unsigned(arities.indexOf(parameters))))),
    ...section(7, list(exported)),
  ];
  const count = unsigned(functions.length);
  const size = functions.reduce((sum, { body }) => sum + body.length, count.length);
  header.push(10, ...unsigned(size), ...count);
  const module = new Uint8Array(header.length + size - count.length);
  module.set(header);
  let at = header.length;
  for (const { body } of functions) {
    module.set(body, at);
    at += body.length;
  }
  return module;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function list(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(s: string): number[] {
  return [...unsigned(s.length), ...Array.from(s, (letter) => letter.charCodeAt(0))];
}
