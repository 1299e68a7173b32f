// The types of the packed packages, as strict programs see them: without the types of browsers or Node, checked as a whole.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installPacked, packPackages } from './pack-packages.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const outside = mkdtempSync(join(tmpdir(), 'bn-types-'));
const folder = join(outside, 'program');
afterAll(() => rmSync(outside, { recursive: true, force: true }));

/** Everything that a program can import, but for what command lines share: that is for Node alone, and needs its types. */
const entries = [
  ...['core', 'datasets', 'datasets/browser', 'fashion-mnist', 'fashion-mnist/browser', 'models', 'native', 'onnx'],
  ...['onnxruntime-cuda', 'reference', 'tfjs-cuda', 'wasm', 'wasm/worker', 'wasm/loader'],
];

const imports = entries.map((entry, i) => `import * as m${i} from '@bn/${entry}';`).join('\n');

/** Fails for the first function of a module with an optional option that does not admit `undefined`, and names both. */
const options = `${imports}
import type { ops, Trainer } from '@bn/core';

type IsName<K> = string extends K ? false : number extends K ? false : symbol extends K ? false : true;
type IsOptional<T, K extends keyof T> = IsName<K> extends true ? ({} extends Pick<T, K> ? true : false) : false;
type Refusing<T> = T extends readonly unknown[] | ArrayBufferView | ((...values: never[]) => unknown)
  ? never
  : T extends object
    ? { [K in keyof T]-?: IsOptional<T, K> extends true ? (undefined extends Required<T>[K] ? never : K) : never }[keyof T]
    : never;
type Values<F> = F extends (...values: infer A) => unknown ? A : F extends abstract new (...values: infer A) => unknown ? A : [];
type Wrong<A extends readonly unknown[]> = Exclude<{ [I in keyof A]: Refusing<A[I]> }[number], undefined>;
type Offenders<M> = { [K in keyof M]: Wrong<Values<M[K]>> extends never ? never : [K, Wrong<Values<M[K]>>] }[keyof M];
const none = <_ extends never>() => {};
${entries.map((_, i) => `none<Offenders<typeof m${i}>>();`).join('\n')}
none<Offenders<typeof ops>>();
none<Offenders<Trainer>>();
`;

beforeAll(async () => {
  const names = new Set(entries.map((entry) => `@bn/${entry.split('/')[0]}`));
  await installPacked(await packPackages(outside), folder, [...names]);
  writeFileSync(join(folder, 'options.ts'), options);
});

const resolutions = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const;

describe.each(['typescript-5', 'typescript'])('%s', (compiler) => {
  test.for(resolutions)(
    'module %s, resolution %s: declarations compile, options admit undefined',
    async (resolution) => {
      const [module, moduleResolution] = resolution;
      const strictness = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
      const environment = { target: 'es2022', lib: ['es2023'], types: [], module, moduleResolution, noEmit: true };
      const config = { compilerOptions: { ...strictness, ...environment }, files: ['options.ts'] };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      const program = join(root, 'node_modules', compiler, 'bin', 'tsc');
      const { stdout } = await run(process.execPath, [program, '-p', folder]).catch(
        (error: { stdout: string }) => error,
      );
      expect(stdout).toBe('');
    },
  );
});
