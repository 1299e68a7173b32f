import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Measured } from '../src/measure/measure.js';
import { summarize } from '../src/measure/summarize.js';
import { nameOf, rounded } from '../src/report/bench-report.js';

const docs = new URL('../../../docs/', import.meta.url);
const page = readFileSync(new URL('benchmarks.md', docs), 'utf8');

/** Data of the page, of before predictions of single images had percentiles. */
type Recorded = Measured & { readonly latencySeconds: number };
interface Data {
  readonly results: readonly { readonly network: string; readonly measured: readonly Recorded[] }[];
}
const data = (name: string): Data => JSON.parse(readFileSync(new URL(`benchmarks/${name}.json`, docs), 'utf8'));
const micro = (seconds: number) => (seconds * 1e6).toFixed(0);

test.each(['lenet-xeon', 'lenet'])('the table of the reference task says what %s.json does', (name) => {
  const [{ measured }] = data(name).results as [Data['results'][0]];
  const reference = summarize(measured.find(({ id }) => id === 'torch-compiled')!.epochs).median;
  for (const one of measured) {
    const { median, lowest, highest } = summarize(one.epochs);
    const { predictionsPerSecond, latencySeconds, firstStepSeconds, limits } = one;
    const cells = [
      ...[
        nameOf(one),
        `${rounded(median)} [${rounded(lowest)} to ${rounded(highest)}]`,
        (median / reference).toFixed(2),
      ],
      ...[rounded(predictionsPerSecond!), micro(latencySeconds), firstStepSeconds!.toFixed(2)],
      (limits.peakBytes! / 2 ** 20).toFixed(0),
    ];
    expect(page).toContain(`| ${cells.join(' | ')} |`);
  }
});

test.each([
  ['Xeon', 'networks-xeon'],
  ['EPYC', 'networks'],
])('the rows of other networks on the %s say what %s.json does', (machine, name) => {
  for (const { network, measured } of data(name).results) {
    const each = (of: (one: Recorded) => string) =>
      ['wasm', 'onnxruntime-cuda', 'torch-compiled'].map((id) => of(measured.find((one) => one.id === id)!));
    const cells = [
      `${machine}: ${network}`,
      ...each(({ epochs }) => rounded(summarize(epochs).median)),
      ...each(({ predictionsPerSecond }) => rounded(predictionsPerSecond!)),
      ...each(({ latencySeconds }) => micro(latencySeconds)),
    ];
    expect(page).toContain(`| ${cells.join(' | ')} |`);
  }
});
