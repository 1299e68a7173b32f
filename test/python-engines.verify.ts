// The examples for Ray and Spark, for real, on this machine: they say what `infer bulk` says, and train what `train` trains.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { writePhotographs } from '../packages/datasets/test/photographs.js';

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const python = process.env.BN_PYTHON ?? 'python3';
const folder = mkdtempSync(join(tmpdir(), 'bn-engines-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = async (file: string, ...args: string[]) => {
  const { stdout } = await promisify(execFile)(file, args, { cwd: folder, maxBuffer: 1e8 });
  return stdout;
};
const bn = (app: 'train' | 'infer', ...args: string[]) =>
  run(process.execPath, path(`apps/${app}/dist/index.js`), ...args);

function requirePackages({ skip }: TestContext, modules: string, packages: string): void {
  if (spawnSync(python, ['-c', `import ${modules}`]).status === 0) return;
  skip(`${python} has no ${packages}; pip install them, or name another Python in BN_PYTHON`);
}

beforeAll(async () => {
  if (spawnSync(python, ['-c', 'import pyarrow, PIL, onnxruntime']).status !== 0) return;
  await writePhotographs(join(folder, 'photos'), 40);
  await bn(
    'train',
    '--data',
    'photos',
    '--image-size',
    '32',
    '--model',
    'lenet-bn',
    '--epochs',
    '1',
    '--out',
    'run',
    '--export',
    'model.onnx',
  );
  // As large as the model takes them: decoders agree on pixels, but not on how to shrink.
  mkdirSync(join(folder, 'images', 'more'), { recursive: true });
  const script = `
import pathlib
from PIL import Image
files = sorted(p for p in pathlib.Path('photos').rglob('*') if p.is_file())
for i, p in enumerate(files):
    Image.open(p).convert('RGB').resize((32, 32)).save(f"images/{'more/' if i % 2 else ''}{i:03}.png")
`;
  await run(python, '-c', script);
  writeFileSync(join(folder, 'images', 'broken.png'), 'broken');
  await run(python, path('examples/python/pack_images.py'), 'images', 'images.parquet', '--rows', '16');
  await bn('infer', 'bulk', 'model.onnx', 'images.parquet', '--out', 'bulk.jsonl').catch(({ code }) =>
    expect(code).toBe(1),
  );
});

/** What a folder of Parquet has, by path. */
async function predictions(name: string): Promise<Map<string, [string | null, number | null, boolean]>> {
  const script = `
import json, pyarrow.parquet as pq
print(json.dumps([[r['image'], r['class'], r['probability'] if r['class'] else None, r['error'] is not None] for r in pq.read_table('${name}').to_pylist()]))
`;
  const rows: [string, string | null, number | null, boolean][] = JSON.parse(await run(python, '-c', script));
  expect(new Set(rows.map(([image]) => image)).size).toBe(rows.length);
  return new Map(rows.map(([image, ...rest]) => [image, rest]));
}

async function expectAsBulk(name: string): Promise<void> {
  const lines = readFileSync(join(folder, 'bulk.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const rows = await predictions(name);
  expect(lines.length).toBeGreaterThan(40);
  expect(rows.size).toBe(lines.length);
  expect(lines.filter(({ type }) => type === 'error').map(({ image }) => image)).toEqual([
    join('images', 'broken.png'),
  ]);
  for (const { image, type, class: said = null, probability = null } of lines) {
    const [own, close, failed] = rows.get(image)!;
    expect([own, failed], image).toEqual([said, type === 'error']);
    if (probability === null) expect(close).toBeNull();
    else expect(close, image).toBeCloseTo(probability, 4);
  }
}

test('Ray Data says of images in Parquet what infer bulk says', async (context) => {
  requirePackages(context, 'ray.data, pyarrow, PIL, onnxruntime', 'ray[data], pillow and onnxruntime');
  const said = await run(python, path('examples/ray/predict.py'), 'model.onnx', 'images.parquet', 'by-ray');
  console.log(said.trim().split('\n').at(-1));
  await expectAsBulk('by-ray');
});

test('Spark says of images in Parquet what infer bulk says', async (context) => {
  requirePackages(
    context,
    'pyspark, pandas, pyarrow, PIL, onnxruntime',
    'pyspark, pandas, pyarrow, pillow and onnxruntime',
  );
  if (spawnSync('java', ['-version']).status !== 0)
    context.skip('there is no Java; install a runtime, such as openjdk-17-jre-headless');
  const said = await run(python, path('examples/spark/predict.py'), 'model.onnx', 'images.parquet', 'by-spark');
  console.log(said.trim().split('\n').at(-1));
  await expectAsBulk('by-spark');
});

test('Ray Tune stops trials by ASHA; one whose process is killed goes on, and is what training alone is', async (context) => {
  requirePackages(context, 'ray.tune', 'ray[tune]');
  const note = join(folder, 'killed.txt');
  const train = [process.execPath, path('test/data/dying-train.mjs'), note, path('apps/train/dist/index.js')].join(' ');
  const settings = { limit: 300, batchSize: 64 };
  const said = await run(
    ...([python, path('examples/ray/tune_training.py'), '--train', train, '--runs', 'tune'] as const),
    ...['--trials', '3', '--epochs', '3', '--settings', JSON.stringify(settings)],
  );
  const events = said
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const trials = events.filter(({ type }) => type === 'trial');
  expect(trials).toHaveLength(3);
  const { run: best, settings: found } = events.at(-1);
  expect(trials.find((trial) => trial.run === best).epochs).toBe(3);
  // It has a report, so it came to its end, although it was killed.
  const killed = readFileSync(note, 'utf8');
  expect(existsSync(join(killed, 'config.json'))).toBe(true);
  const last = trials.find((trial) => killed.endsWith(trial.run));
  const epochs = readFileSync(join(killed, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3].slice(0, epochs.length));
  expect(epochs.length).toBeGreaterThanOrEqual(last.epochs);
  writeFileSync(join(folder, 'best.json'), JSON.stringify({ ...settings, epochs: 3, ...found }));
  await bn('train', '--config', 'best.json', '--out', 'alone', '--threads', '1');
  const figures = (name: string) =>
    readFileSync(join(folder, name, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).test);
  expect(figures('alone')).toEqual(figures(join('tune', best)));
});
