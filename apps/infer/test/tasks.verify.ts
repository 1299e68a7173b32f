// Numbers and labels from the built programs to Python and to HTTP: ONNX Runtime there computes what `infer` and the server say.
// Needs Python with numpy and onnxruntime.

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { type Drawing, networkOf, shapes, side, writeDrawings } from './drawings.js';
import { startServer } from './serve-process.js';

const python = process.env.BN_PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import numpy, onnxruntime']).status === 0;
const missing = `${python} has no numpy and onnxruntime; pip install them, or name another Python in BN_PYTHON`;
const folder = mkdtempSync(join(tmpdir(), 'bn-tasks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(app: 'train' | 'infer', args: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL(`../../${app}/dist/index.js`, import.meta.url));
  return (await promisify(execFile)(process.execPath, [program, ...args], { cwd: folder })).stdout;
}

/** The output of that name for each drawing. */
function inPython(model: string, output: string, drawings: readonly Drawing[]): number[][] {
  const program = `
import json, sys
import numpy as np, onnxruntime as ort
pixels = np.fromfile(sys.argv[2], np.uint8).reshape(-1, 1, ${side}, ${side})
session = ort.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
print(json.dumps(session.run([sys.argv[3]], {'features': pixels})[0].tolist()))`;
  writeFileSync(join(folder, 'pixels'), Buffer.concat(drawings.map(({ pixels }) => pixels)));
  const args = ['-c', program, join(folder, model), join(folder, 'pixels'), output];
  return JSON.parse(execFileSync(python, args, { encoding: 'utf8' }));
}

interface Task {
  readonly task: 'regress' | 'multilabel';
  readonly kind: 'strokes' | 'shapes';
  readonly output: 'values' | 'scores';
  readonly names: readonly string[];
}

/** An answer of `infer --json` or /classify, in the order of the names. */
interface Said {
  readonly values?: { readonly name: string; readonly value: number }[];
  readonly scores?: { readonly label: string; readonly score: number }[];
}
const byName = ({ values, scores }: Said, names: readonly string[]) =>
  names.map(
    (name) => values?.find((one) => one.name === name)?.value ?? scores?.find(({ label }) => label === name)?.score,
  );

const close = (expected: readonly number[]) => expected.map((value) => expect.closeTo(value, 4));

test.for<Task>([
  { task: 'regress', kind: 'strokes', output: 'values', names: ['brightness', 'strokes'] },
  { task: 'multilabel', kind: 'shapes', output: 'scores', names: shapes },
])('$task', async ({ task, kind, output, names }, { skip }) => {
  if (!found) skip(missing);
  await writeDrawings(folder, kind, { count: 300, seed: 1, kind });
  const drawings = await writeDrawings(folder, 'test', { count: 60, seed: 2, kind });
  writeFileSync(join(folder, 'net.mjs'), networkOf(names.length));
  const data = ['--data', `${kind}.csv`, '--test-data', 'test.csv', '--model', 'net.mjs'];
  const how = ['--epochs', '20', '--batch-size', '20', '--optimizer', 'adam', '--learning-rate', '0.01'];
  await run('train', ['--task', task, ...data, ...how, '--out', task, '--export', `${task}.onnx`]);
  const expected = inPython(`${task}.onnx`, output, drawings);

  // What is learned is there in Python.
  const errors = drawings.map(({ brightness, strokes, shown }, i) => {
    const truth = task === 'regress' ? [brightness, strokes] : shapes.map((shape) => Number(shown.includes(shape)));
    return truth.map((value, j) => Math.abs(value - expected[i]![j]!));
  });
  expect(errors.flat().reduce((sum, error) => sum + error, 0) / errors.flat().length).toBeLessThan(0.25);

  const files = drawings.map((_, i) => `test/${i}.png`);
  const lines = (await run('infer', [`${task}.onnx`, ...files, '--json'])).trimEnd().split('\n');
  for (const [i, line] of lines.entries()) expect(byName(JSON.parse(line), names)).toEqual(close(expected[i]!));

  const { mean, accuracy } = JSON.parse(
    await run('infer', ['evaluate', `${task}.onnx`, '--data', 'test.csv', '--json']),
  );
  const meanError = errors.flat().reduce((sum, error) => sum + error, 0) / errors.flat().length;
  if (task === 'regress') expect(mean.absoluteError).toBeCloseTo(meanError, 5);
  else expect(accuracy).toBeCloseTo(errors.flat().filter((error) => error < 0.5).length / errors.flat().length, 6);

  const { url } = await startServer([join(folder, `${task}.onnx`)]);
  for (const i of [0, 1, 2, 3]) {
    const body = new Uint8Array(readFileSync(join(folder, files[i]!)));
    const answer = await fetch(`${url}/classify`, { method: 'POST', body });
    expect(byName((await answer.json()) as Said, names)).toEqual(close(expected[i]!));
  }
  const pixels = drawings.flatMap((drawing) => [...drawing.pixels]);
  const inputs = [{ name: 'features', datatype: 'UINT8', shape: [drawings.length, 1, side, side], data: pixels }];
  const answer = await fetch(`${url}/v2/models/${task}/infer`, { method: 'POST', body: JSON.stringify({ inputs }) });
  const { outputs } = (await answer.json()) as { outputs: { name: string; shape: number[]; data: number[] }[] };
  const given = outputs.find(({ name }) => name === output)!;
  expect(given.shape).toEqual([drawings.length, names.length]);
  expect(given.data).toEqual(close(expected.flat()));
  const { parameters } = (await (await fetch(`${url}/v2/models/${task}`)).json()) as {
    parameters: { signature: string };
  };
  expect(JSON.stringify(parameters)).toContain(names[0]!);
});
