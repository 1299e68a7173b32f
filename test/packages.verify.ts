// What npm's users get: tarballs that publishing checks accept, and that work in a folder of their own.

import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { subset } from 'semver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installPacked, type PackedPackage, packPackages } from './pack-packages.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));
const outside = mkdtempSync(join(tmpdir(), 'bn-packages-'));
const names = ['packages', 'apps']
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name, 'package.json')))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as { name: string; private?: boolean })
  .flatMap((manifest) => (manifest.private ? [] : [manifest.name]));
let packed: ReadonlyMap<string, PackedPackage>;

beforeAll(async () => {
  packed = await packPackages(outside);
});
afterAll(() => rmSync(outside, { recursive: true, force: true }));

/** A folder with what `npm install <names>` will put there. */
async function install(folderName: string, names: readonly string[]): Promise<string> {
  const folder = join(outside, folderName);
  await installPacked(packed, folder, names);
  expect(tooDemanding(join(folder, 'node_modules')), 'dependencies that ask for a newer Node than we do').toEqual([]);
  return folder;
}

/** Packages that exclude a Node version which all of ours among them admit. */
function tooDemanding(modules: string): string[] {
  const manifests = readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|node_modules[\\/])(@[^\\/]+[\\/])?[^\\/]+[\\/]package\.json$/.test(path))
    .map((path) => JSON.parse(readFileSync(join(modules, path), 'utf8')))
    .map(({ name, engines }) => ({ name, node: engines?.node ?? '*' }) as { name: string; node: string });
  const ours = manifests.filter(({ name }) => names.includes(name)).map(({ node }) => node);
  const floor = ours.find((range) => ours.every((other) => subset(range, other)));
  return manifests.filter(({ node }) => !subset(floor!, node)).map(({ name, node }) => `${name} asks for ${node}`);
}

describe('are fit for publishing', () => {
  test.for(names)('%s', async (name) => {
    const { files, manifest, tarball } = packed.get(name)!;
    const { messages } = await publint({ pkgDir: 'package', pack: { files: [...files] }, strict: true });
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);

    // An app is a program, and nothing to import.
    if (!manifest.exports) return;
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    const problems = analysis.types ? analysis.problems : ['no types'];
    // The packages are ES modules: what cannot load those is not served.
    const notServed = /"resolutionKind":"(node10|node16-cjs)"/;
    expect(problems.filter((problem) => !notServed.test(JSON.stringify(problem)))).toEqual([]);
  });

  test('source maps bring their sources, which the packages lack', () => {
    const maps = [...packed.values()].flatMap(({ files }) =>
      files.filter(({ name }) => /dist.index\.js\.map$/.test(name)),
    );
    expect(maps).toHaveLength(names.length);
    const read = (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data)) as { sourcesContent?: string[] };
    expect(maps.filter(({ data }) => !read(data).sourcesContent?.[0])).toEqual([]);
  });

  test('sizes are on the screen', () => {
    const rows = [...packed.values()].map(({ name, files }) => {
      const bytes = files.reduce((sum, { data }) => sum + data.length, 0);
      return `${name.padEnd(24)}${(bytes / 1000).toFixed(0).padStart(8)} kB${`${files.length} files`.padStart(12)}`;
    });
    expect(rows).toHaveLength(names.length);
    console.log(['Unpacked:', ...rows].join('\n'));
  });
});

/** Tells bright images from dark ones. */
const program = (backend: string) => `
import { batchNorm, classification, conv2d, createTrainer, defineModel, dense, flatten, relu, sequential, sgd } from '@bn/core';
import { createBackend } from '${backend}';

const network = sequential({
  conv1: conv2d(4, { kernelSize: 3 }), bn1: batchNorm(), relu1: relu(), flatten: flatten(), out: dense(2),
});
const model = defineModel(network, { input: { shape: [null, 1, 6, 6], dtype: 'float32' } });
const backend = await createBackend();
const trainer = await createTrainer({ model, backend, objective: classification(), optimizer: sgd(), seed: 1 });

const labels = Int32Array.from({ length: 32 }, (_, image) => image % 2);
const features = Float32Array.from({ length: 32 * 36 }, (_, i) => (labels[Math.floor(i / 36)] ?? 0) + Math.sin(i) / 2);
const losses: number[] = [];
for (let step = 0; step < 20; step++) {
  const { loss } = await trainer.step({ features, labels }, { learningRate: 0.5 });
  losses.push(loss);
}
console.log(JSON.stringify(losses));
await trainer.dispose();
await backend.dispose();
`;

describe('@bn/core and one backend, installed alone, train a network in typed TypeScript', () => {
  test.for([
    ['wasm', []],
    ['reference', []],
    ['onnxruntime-cuda', ['native', 'onnx']],
    ['tfjs-cuda', ['native']],
  ] as const)('%s', async ([name, helpers]) => {
    const folder = await install(name, ['@bn/core', `@bn/${name}`]);
    expect(readdirSync(join(folder, 'node_modules', '@bn')).sort()).toEqual(['core', name, ...helpers].sort());

    writeFileSync(join(folder, 'train.ts'), program(`@bn/${name}`));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const strict = '--ignoreConfig --strict --noUncheckedIndexedAccess --module nodenext --target es2022'.split(' ');
    await run(process.execPath, [compiler, ...strict, 'train.ts'], { cwd: folder }).catch(({ stdout }) => {
      throw new Error(stdout);
    });

    const { stdout } = await run(process.execPath, ['train.js'], { cwd: folder });
    const losses = JSON.parse(stdout) as number[];
    expect(losses).toHaveLength(20);
    expect(losses[19]).toBeLessThan(0.2 * losses[0]!);
  });
});

/** In a million bytes. */
function sizeOfFiles(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1e6;
}

describe('the command lines, each installed alone', () => {
  // As a user starts them, not as the package manager that runs this test.
  const { npm_config_user_agent: _, ...env } = process.env;
  const program = (folder: string) => (command: string) =>
    run('npx', ['--no-install', ...command.split(' ')], { cwd: folder, shell: true, env });

  test('are small: backends that are larger than the rest, and data, are installed when asked for', async () => {
    const sizes = [];
    for (const name of ['train', 'infer']) sizes.push([name, sizeOfFiles(await install(name, [`@bn/${name}`]))]);
    console.log('Installed alone, in MB:', Object.fromEntries(sizes));
    for (const [, size] of sizes) expect(size).toBeLessThan(130);
  });

  test('train, export and classify, and say what to install for that', async () => {
    const train = program(join(outside, 'train'));
    await train('bn-train --limit 600 --epochs 1 --out run');
    expect(readdirSync(join(outside, 'train', 'run'))).toContain('checkpoint.safetensors');
    const missing = (name: string) => ({
      code: 2,
      stderr: expect.stringMatching(
        new RegExp(`: @bn/${name} is not installed; run \`npm install --ignore-scripts @bn/${name}@`),
      ),
    });
    await expect(train('bn-train export run --out clothes.onnx')).rejects.toMatchObject(missing('onnxruntime-cuda'));
    await expect(train('bn-train --backend tfjs-cuda')).rejects.toMatchObject(missing('tfjs-cuda'));
    expect((await train('bn-train doctor')).stdout).toMatch(/^tfjs-cuda\n {2}✗ not installed; run `npm install/m);

    const worker = () => train('bn-train worker --redis redis://127.0.0.1:1').catch(({ stderr }) => stderr);
    const [, command = ''] = /bullmq is not installed; run `(npm install .*)`$/m.exec(await worker()) ?? [];
    await run(`${command} --no-save --no-audit --no-fund`, [], { cwd: join(outside, 'train'), shell: true });
    expect(await worker()).toContain('nothing listens there; start Redis');

    await install('train', ['@bn/train', '@bn/onnxruntime-cuda']);
    await train('bn-train export run --out ../infer/clothes.onnx');
    const infer = program(join(outside, 'infer'));
    copyFileSync(join(root, 'examples', 'clothes', 'bag.png'), join(outside, 'infer', 'bag.png'));
    const { stdout } = await infer('bn-infer clothes.onnx bag.png --json --top 10');
    expect(JSON.parse(stdout).top).toHaveLength(10);
    const evaluate = infer('bn-infer evaluate clothes.onnx --data fashion-mnist');
    await expect(evaluate).rejects.toMatchObject(missing('fashion-mnist'));
  });
});
