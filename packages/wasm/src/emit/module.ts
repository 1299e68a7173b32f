// A WebAssembly module from its functions: sections and their encoding.

import { Code, i32, unsigned } from './code.js';

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

/** The clock that timed programs call. */
export const markImport: ModuleImport = { name: 'mark', parameters: 1 };

/** Memory that a module imports as `env.memory`. */
export interface ImportedMemory {
  /** In pages. */
  readonly maximum: number;
  readonly shared: boolean;
}

/** Memory of the module's own, exported as `memory`, and what is in it from the start. */
export interface OwnMemory {
  readonly pages: number;
  readonly data: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

/**
 * Encodes a module with imported memory, or one that stands alone. Functions are numbered in the order given, after the
 * imported ones, which are of `env`.
 *
 * @param custom sections for others than the engine, by name
 */
export function encodeModule(
  functions: readonly ModuleFunction[],
  memory: ImportedMemory | OwnMemory,
  imports: readonly ModuleImport[] = [],
  custom: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array<ArrayBuffer> {
  const arities = [...new Set([...imports, ...functions].map(({ parameters }) => parameters))];
  const exported = functions.flatMap(({ exportName }, i) =>
    exportName === undefined ? [] : [[...text(exportName), 0, ...unsigned(imports.length + i)]],
  );
  const imported = imports.map(({ name, parameters }) => [
    ...[...text('env'), ...text(name), 0],
    ...unsigned(arities.indexOf(parameters)),
  ]);
  const own = 'pages' in memory ? memory : null;
  if ('maximum' in memory) {
    const limits = [memory.shared ? 3 : 1, 0, ...unsigned(memory.maximum)];
    imported.push([...text('env'), ...text('memory'), 2, ...limits]);
  }
  if (own) exported.push([...text('memory'), 2, 0]);
  const parts: Part[] = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [list(arities.map((n) => [0x60, ...unsigned(n), ...new Array<number>(n).fill(i32), 0]))]),
    ...(imported.length > 0 ? section(2, [list(imported)]) : []),
    ...section(3, [list(functions.map(({ parameters }) => unsigned(arities.indexOf(parameters))))]),
    ...(own ? section(5, [list([[0, ...unsigned(own.pages)]])]) : []),
    ...section(7, [list(exported)]),
    ...section(10, [unsigned(functions.length), ...functions.map(({ body }) => body)]),
    ...(own ? section(11, [unsigned(own.data.length), ...own.data.flatMap(segment)]) : []),
    ...Object.entries(custom).flatMap(([name, bytes]) => section(0, [text(name), bytes])),
  ];
  return joined(parts);
}

/** Some bytes of a module. */
type Part = ArrayLike<number>;

function segment({ address, bytes }: OwnMemory['data'][number]): Part[] {
  const offset = new Code(0, false);
  offset.constant(address);
  return [[0], offset.encodeExpression(), unsigned(bytes.length), bytes];
}

function section(id: number, content: readonly Part[]): Part[] {
  const size = content.reduce((sum, { length }) => sum + length, 0);
  return [[id, ...unsigned(size)], ...content];
}

function joined(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function list(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(s: string): number[] {
  return [...unsigned(s.length), ...Array.from(s, (letter) => letter.charCodeAt(0))];
}
