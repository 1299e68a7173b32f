// Runs every code block of the documentation in a clean clone: what a newcomer copies works.

import { type ExecFileOptions, execFile, execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writePhotographs } from '../packages/datasets/test/photographs.js';

/** A newcomer's environment: without what the package manager that runs this test has set. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_|pnpm_|turbo_|init_cwd$|node_path$|vitest|node_env$|test$)/i.test(name),
  ),
);
const run = (file: string, args: readonly string[], options: ExecFileOptions) =>
  promisify(execFile)(file, args, { maxBuffer: 1e8, env, ...options });
const root = fileURLToPath(new URL('../', import.meta.url));
const clone = join(mkdtempSync(join(tmpdir(), 'bn-clone-')), 'bn');

/** Commands that are not run as they stand, and why. */
const exempt: { command: RegExp; reason: string }[] = [
  { command: /^git clone |^cd /, reason: 'the clone is made by this test' },
  { command: /^npx -y pnpm@12\.21\.0 (test|verify|run check)$/, reason: 'this test is part of it' },
  {
    command: /^npx -y pnpm@12\.21\.0 browser(-onnx)?$/,
    reason: 'it serves a page until it is stopped; a test opens the page',
  },
  { command: /npx --no-install bn-\w+-setup/, reason: 'the packages are not published yet' },
  {
    command: /train setup (?!.*--dry-run)/,
    reason: 'it downloads 274 MB and more; the verification of @bn/tfjs-cuda does it',
  },
  { command: /npm install .*@tensorflow\//, reason: 'it would change the clone, which has the package' },
  { command: /npm install .*@bn\//, reason: 'the packages are not published yet' },
  {
    command: /^npm (create @bn |install$|run dev$)/,
    reason: 'the packages are not published yet: create.verify.ts begins a project with the packed ones',
  },
  { command: /^mpirun /, reason: 'MPI is not installed everywhere: mpi.verify.ts runs such commands' },
  { command: /infer serve|^curl /, reason: 'it serves until it is stopped: serve.verify.ts does both' },
  {
    command: /^(BN_\w+=\S+ )*docker |^kubectl |^sudo /,
    reason: 'it needs a machine of its own: deploy.verify.ts runs what the container has, and checks the files',
  },
  {
    command: /npm install @opentelemetry|^NODE_OPTIONS=/,
    reason: 'it would change the clone: deploy.verify.ts does it elsewhere',
  },
  { command: /run audit-packages$/, reason: 'the registry may not answer: dependencies.verify.ts asks one that does' },
  { command: /\.\.\/my-backend/, reason: "the folder is the reader's: stranger-backend.verify.ts makes and uses it" },
];

interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

const files = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');

const blocks: Block[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    language: match[1]!,
    text: match[2]!,
  }));
});
const title = ({ file, line }: Block) => `${file}:${line}`;
/** A backend's test file: it runs in vitest. */
const isSuite = ({ text }: Block) => text.includes("from '@bn/conformance'");
/** `// net.ts: …` in the first line says what the file is called, for other blocks of the same text to import. */
const fileOf = (block: Block) =>
  /^\/\/ ([\w.-]+\.ts)\b/.exec(block.text)?.[1] ?? `program-${block.line}${isSuite(block) ? '.test' : ''}.ts`;
/** JavaScript is for Node as it is, and type-checks as TypeScript too. */
const moduleOf = (block: Block) => fileOf(block).replace(/ts$/, 'mjs');

/** Ten epochs on all images take minutes: the same command, on a few of them; of networks one, bench.verify.ts has all. */
function shortened(command: string): string {
  if (/ bench contention\b/.test(command)) return command;
  if (/^npx -y pnpm@12\.21\.0 bench\b/.test(command)) {
    const predicts = !command.includes('bench scaling');
    const rounds = command.includes('--rounds') ? '' : ' --rounds 1';
    const few = command.replace(/(--networks \w+)\S*/, '$1');
    return `${few}${rounds} --examples 256${predicts ? ' --prediction-seconds 0.1' : ''}`;
  }
  const trains = /^npx -y pnpm@12\.21\.0 train(?! [a-z])/.test(command);
  if (!trains || command.includes('--resume') || command.includes('--help')) return command;
  const isFew = /--limit|--data photos/.test(command);
  return `${command}${isFew ? '' : ' --limit 1000'}${command.includes('--epochs') ? '' : ' --epochs 1'}`;
}

/** `npx` takes two seconds to find the package manager, which this test is run by: the first command of the text takes them. */
function found(command: string): string {
  const path = process.env.npm_execpath ?? '';
  return /^pnpm(\.exe)?$/.test(basename(path)) ? command.replace(/^npx -y pnpm@12\.21\.0/, () => `"${path}"`) : command;
}

beforeAll(async () => {
  await run('git', ['clone', '--quiet', root, clone], {});
  // The reader's own.
  await writePhotographs(join(clone, 'photos'), 40);
});
afterAll(() => rmSync(join(clone, '..'), { recursive: true, force: true }));

describe('shell blocks run from a clean clone, in the order of the text', () => {
  let isFirst = true;
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    for (const command of block.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
      const reason = exempt.find((entry) => entry.command.test(command))?.reason;
      test(`${title(block)} ${command}`, async (context) => {
        if (reason) context.skip(`not run: ${reason}`);
        const words = isFirst ? shortened(command) : found(shortened(command));
        const { stdout, stderr } = await run(words, [], { cwd: clone, shell: true });
        expect(`${stdout}${stderr}`, 'what the build says stays with it').not.toMatch(/telemetry|packages in scope/i);
        isFirst = false;
      });
    }
  }
});

describe('program blocks run, and type-check strictly', () => {
  const programs = blocks.filter(({ language }) => language === 'ts' || language === 'js');
  const folder = ({ file }: Block) => join(clone, '.blocks', file.replaceAll(/\W/g, '-'));

  beforeAll(async () => {
    await run('npx -y pnpm@12.21.0 run build', [], { cwd: clone, shell: true });
    const scope = join(clone, '.blocks', 'node_modules', '@bn');
    mkdirSync(scope, { recursive: true });
    for (const name of readdirSync(join(clone, 'packages')))
      symlinkSync(join(clone, 'packages', name), join(scope, name), 'junction');
    symlinkSync(join(clone, 'packages', 'datasets', 'node_modules', 'sharp'), join(scope, '..', 'sharp'), 'junction');
    symlinkSync(join(clone, 'node_modules', '@types'), join(clone, '.blocks', 'node_modules', '@types'), 'junction');
    writeFileSync(join(clone, '.blocks', 'package.json'), '{ "type": "module" }');
    // Else vitest would take the clone's own configuration.
    writeFileSync(join(clone, '.blocks', 'vitest.config.js'), 'export default {};');
    const bn = (app: string, ...args: string[]) =>
      run(process.execPath, [join(clone, 'apps', app, 'dist', 'index.js'), ...args], { cwd: join(clone, '.blocks') });
    await bn('train', '--limit', '1000', '--epochs', '1', '--out', 'run');
    await bn('train', 'export', 'run', '--out', 'model.onnx');
    await bn('train', 'export', 'run', '--wasm', 'model.wasm');
    for (const block of programs) {
      mkdirSync(folder(block), { recursive: true });
      // The reader's own model and photograph.
      for (const file of ['model.onnx', 'model.wasm', 'model.js', 'model.d.ts'])
        copyFileSync(join(clone, '.blocks', file), join(folder(block), file));
      copyFileSync(join(clone, 'examples', 'clothes', 'bag.png'), join(folder(block), 'photo.png'));
      writeFileSync(join(folder(block), fileOf(block)), block.text);
      if (block.language === 'js') writeFileSync(join(folder(block), moduleOf(block)), block.text);
    }
  });

  test('types', async () => {
    const options = '--noEmit --strict --module nodenext --target es2022 --types node --skipLibCheck'.split(' ');
    const sources = programs.map((block) => join(folder(block), fileOf(block)));
    await run(
      process.execPath,
      [join(clone, 'node_modules', 'typescript', 'bin', 'tsc'), '--ignoreConfig', ...options, ...sources],
      { cwd: join(clone, '.blocks') },
    );
  });

  // Those of one text share a folder: none writes a file that another reads.
  for (const block of programs) {
    test.concurrent(title(block), async () => {
      const jiti = [join(clone, 'packages', 'command-line', 'node_modules', 'jiti', 'lib', 'jiti-cli.mjs')];
      const vitest = [join(clone, 'node_modules', 'vitest', 'vitest.mjs'), 'run'];
      const words = [...(isSuite(block) ? vitest : jiti), fileOf(block)];
      await run(process.execPath, block.language === 'js' ? [moduleOf(block)] : words, { cwd: folder(block) });
    });
  }
});

test('all blocks are of a language that is run, or plain output', () => {
  // serve-clients.verify.ts runs the one in Python.
  const python = blocks.filter(({ language }) => language === 'python').map(({ file }) => file);
  expect(python).toEqual(['apps/infer/README.md']);
  // readme-page.verify.ts of @bn/onnx opens the one in HTML.
  const pages = blocks.filter(({ language }) => language === 'html').map(({ file }) => file);
  expect(pages).toEqual(['packages/onnx/README.md']);
  const languages = ['sh', 'js', 'ts', 'text', 'json', 'python', 'html'];
  expect(blocks.filter(({ language }) => !languages.includes(language)).map(title)).toEqual([]);
});
