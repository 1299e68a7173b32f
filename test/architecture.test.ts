import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../', import.meta.url);
const folders = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(new URL(`${parent}/`, root)).map((name) => ({ parent, name })),
);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** What each package may import; apps may import all packages. */
const allowed: Record<string, string[]> = {
  core: [],
  reference: ['core'],
  native: ['core'],
  wasm: ['core'],
  onnx: ['core'],
  'onnxruntime-cuda': ['core', 'native', 'onnx'],
  'tfjs-cuda': ['core', 'native'],
  datasets: ['core'],
  'fashion-mnist': ['core', 'datasets'],
  models: ['core'],
  mpi: ['core'],
  conformance: ['core', 'reference'],
  create: [],
  'command-line': [
    'core',
    'datasets',
    'fashion-mnist',
    'models',
    'native',
    'onnx',
    'onnxruntime-cuda',
    'reference',
    'tfjs-cuda',
    'wasm',
  ],
};

test('arrows between packages point one way: sources and dependencies stay within the table', () => {
  for (const { parent, name } of folders.filter(({ parent }) => parent === 'packages')) {
    const files = readdirSync(new URL(`${parent}/${name}/src/`, root), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts'),
    );
    const sources = files.flatMap((file) =>
      [
        ...read(`${parent}/${name}/src/${file.replaceAll('\\', '/')}`).matchAll(
          /^(?:import|export|\}).* from '@bn\/([^']+)'/gm,
        ),
      ].map((match) => match[1]),
    );
    const { dependencies = {} } = JSON.parse(read(`${parent}/${name}/package.json`)) as { dependencies?: object };
    const declared = Object.keys(dependencies)
      .filter((key) => key.startsWith('@bn/'))
      .map((key) => key.slice(4));
    expect(allowed[name], `${name} is missing in the table`).toBeDefined();
    expect(allowed[name], `imports of ${name}`).toEqual(
      expect.arrayContaining([...new Set([...sources, ...declared])]),
    );
  }
});

test('each folder is named after its npm name, is listed for the type checker and has a README', () => {
  const references = read('tsconfig.json');
  for (const { parent, name } of folders) {
    expect((JSON.parse(read(`${parent}/${name}/package.json`)) as { name: string }).name).toBe(`@bn/${name}`);
    expect(references).toContain(`${parent}/${name}`);
    expect(read(`${parent}/${name}/README.md`)).toContain(`@bn/${name}`);
  }
});
