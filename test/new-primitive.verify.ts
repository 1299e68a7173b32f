// What the type checker says when a primitive is added to core and to nothing else: exactly the tables that need an entry.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const pathOf = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const require = createRequire(import.meta.url);
const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');

/** A line of a primitive's, and the sister's that it goes after. */
type Line = readonly [sister: string, line: string];

const added: Readonly<Record<string, readonly Line[]>> = {
  'elementwise.ts': [
    ['  exp: None;', '  toy: None;'],
    ['  exp: { spec: floating, gradient: (y, dy) => [mul(dy, y)] },', '  toy: { spec: floating, gradient: () => [] },'],
  ],
  'reduction.ts': [
    ['  max: ReduceAttributes;', '  toy: ReduceAttributes;'],
    [
      'export const reduction: Definitions<keyof ReductionAttributes> = {',
      '  toy: { spec: ([x]) => x, gradient: () => [] },',
    ],
  ],
};

const tables = [
  'packages/onnx/src/rules.ts',
  'packages/reference/src/kernels.ts',
  'packages/tfjs-cuda/src/lowering/image-layouts.ts',
  'packages/tfjs-cuda/src/lowering/rules.ts',
  'packages/wasm/src/rules/table.ts',
];

/** Elementwise operations have one rule for their axes. */
const ofFamily: Readonly<Record<string, readonly string[]>> = { 'reduction.ts': ['axes.ts'] };

test.each(Object.keys(added))(
  'a primitive that is added to %s is missing in the backends’ tables, and nowhere else',
  (family) => {
    const folder = mkdtempSync(join(tmpdir(), 'bn-primitive-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(pathOf('packages/core/src'), join(folder, 'core'), { recursive: true });
    const file = join(folder, 'core', 'ops', family);
    let text = readFileSync(file, 'utf8');
    for (const [sister, line] of added[family]) {
      expect(text).toContain(`${sister}\n`);
      text = text.replace(`${sister}\n`, `${sister}\n${line}\n`);
    }
    writeFileSync(file, text);
    const backends = ['conformance', 'onnx', 'onnxruntime-cuda', 'reference', 'tfjs-cuda', 'wasm'];
    symlinkSync(pathOf('packages/core/node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: pathOf('tsconfig.base.json'),
        compilerOptions: {
          ...{ composite: false, declaration: false, emitDeclarationOnly: false, noEmit: true, tsBuildInfoFile: null },
          ...{ rootDir: null, outDir: null, lib: ['ES2023', 'DOM'], types: ['node'] },
          typeRoots: [pathOf('node_modules/@types')],
          paths: { '@bn/core': ['./core/index.ts'], '@bn/*': [pathOf('packages/*/src/index.ts')] },
        },
        include: ['core', ...backends.map((name) => pathOf(`packages/${name}/src`))],
      }),
    );
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    const core = (ofFamily[family] ?? []).map((name) => join(folder, 'core', name));
    const errors = stdout.split(/\n(?=\S)/).filter((error) => error.includes(': error TS'));
    for (const error of errors) expect(error).toContain("'toy' is missing in type");
    // The compiler checks files side by side, in no order.
    const files = errors.map((error) => resolve(pathOf('.'), error.slice(0, error.indexOf('('))));
    expect(files.sort()).toEqual([...core, ...tables.map(pathOf)].sort());
  },
  240_000,
);
