import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { renderReport } from '../src/report/report.js';
import { renderCurves } from '../src/report/training-charts.js';
import type { EpochRecord, RunRecord } from '../src/run-record.js';
import { smallFlags, smallFolder, train } from './small-run.js';

function epochRecord(epoch: number, change: Partial<EpochRecord> = {}): EpochRecord {
  const channels = (count: number) => Array.from({ length: count }, (_, i) => epoch + i / count);
  return {
    epoch,
    loss: 1 / epoch,
    metrics: { accuracy: 0.8 },
    test: { loss: 0.5, metrics: { accuracy: 0.7 } },
    learningRate: 1,
    examplesPerSecond: 17043,
    seconds: 3.5,
    examples: 60000,
    batchNorm: {
      bn1: { gamma: channels(6), beta: channels(6) },
      bn3: { gamma: channels(120), beta: channels(120) },
    },
    ...change,
  };
}

const grey = { features: Uint8Array.of(0, 128, 255, 64), shape: [1, 2, 2] };

const record: RunRecord = {
  config: { model: 'lenet', optimizer: 'sgd', data: '/home/ada/clothes.csv', seed: 0 },
  description: {
    model: 'LeNet',
    data: 'Fashion-MNIST',
    backend: 'wasm',
    device: 'cpu',
    versions: { '@bn/core': '0.1.0' },
  },
  epochs: [1, 2, 3].map((epoch) => epochRecord(epoch)),
  summary: {
    loss: 0.2671,
    metrics: { accuracy: 0.9012 },
    test: { loss: 0.5, metrics: { accuracy: 0.8534 } },
    recalibrated: { loss: 0.4, metrics: { accuracy: 0.8791 } },
    examplesPerSecond: 21544.31,
    device: 'cpu',
  },
  result: {
    names: ['shirt', 'coat'],
    confusion: [
      [90, 10],
      [4, 96],
    ],
    measures: {
      columns: ['precision', 'examples'],
      rows: [
        { name: 'shirt', values: [0.957, 100] },
        { name: 'coat', values: [null, 100] },
      ],
    },
    mistakes: [
      { index: 7, ...grey, actual: 'shirt', answer: 'coat', confidence: 0.987 },
      { index: 8, features: Float32Array.of(-1, 0, 1, 0, 1, 1), shape: [3, 1, 2], actual: 'coat', answer: 'shirt' },
    ],
  },
  views: {
    seen: [{ original: grey, seen: [{ features: Float32Array.of(0, 0, 1, 1), shape: [1, 2, 2] }, grey] }],
    activations: [
      {
        ...{ index: 3, picture: grey, layer: 'conv2', actual: 'shirt', answer: 'coat' },
        map: { values: Float32Array.of(0, 2), height: 1, width: 2 },
      },
    ],
  },
};

/** Of elements that are opened and not closed again, the names. */
function unclosed(markup: string): string[] {
  const open: string[] = [];
  const empty = new Set(['meta', 'img']);
  for (const [, close, name, self] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:"[^"]*"|[^">])*?(\/?)>/gi)) {
    if (self || empty.has(name!)) continue;
    if (!close) open.push(name!);
    else if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
  }
  return open;
}

describe('report', async () => {
  const report = await renderReport(record);

  test('holds the figures, the charts, the confusions, the configuration and the versions', () => {
    const text = report.replace(/<style>.*<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
    for (const figure of ['0.267', '0.901', '0.853', '0.879', '21,544.3']) expect(text).toContain(figure);
    expect(text).toContain('All epochs');
    expect(report.match(/<title>(Loss|Accuracy|gamma|beta) [^<]*/g)?.map((title) => title.slice(7))).toEqual([
      'Loss by epoch: training and test',
      'Accuracy by epoch: training and test',
      'gamma of bn1 by epoch',
      'beta of bn1 by epoch',
      'gamma of bn3 by epoch',
      'beta of bn3 by epoch',
    ]);
    expect(text).toContain('shirt 90 10 90.0 %');
    expect(text).toContain('shirt taken for coat 10');
    expect(text).toContain('optimizer sgd data clothes.csv seed 0');
    expect(report).not.toContain('/home/ada');
    expect(text).toContain('@bn/core 0.1.0');
  });

  test('folds up the layers of deep networks, beneath which the mistakes would be far off', async () => {
    const layers = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`bn${i}`, { gamma: [1], beta: [0] }]));
    const deep = await renderReport({ ...record, epochs: [epochRecord(1, { batchNorm: layers })] });
    const [before, after] = deep.split('<summary>3 more layers</summary>');
    expect([before, after].map((part) => part!.match(/<h3>bn\d/g)?.length)).toEqual([4, 3]);
  });

  test('is well-formed and loads nothing: no address, no script, nothing that its own policy forbids', () => {
    expect(unclosed(report)).toEqual([]);
    expect(report.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(/https?:|src="(?!data:)|href=|url\(/);
    expect(report).not.toMatch(/<script|<link| style=| on[a-z]+="/);
    expect(report).toContain("default-src 'none'; style-src 'sha256-");
  });

  const images = [...report.matchAll(/data:image\/png;base64,([^"]*)/g)].map(([, data]) =>
    decode(Buffer.from(data!, 'base64')),
  );

  test('embeds misclassified images as PNG, in grey or colour', () => {
    expect(images.slice(0, 2)).toMatchObject([
      { width: 2, height: 2, channels: 1, data: Uint8Array.of(0, 128, 255, 64) },
      // From [channel, height, width] to [height, width, channel], and -1..1 to 0..255.
      { width: 2, height: 1, channels: 3, data: Uint8Array.of(0, 255, 255, 128, 128, 255) },
    ]);
  });

  test('tells how sure the network was of a mistake', () => {
    expect(report).toMatch(/coat <span class="muted">99 %<\/span>/);
  });

  test('shows where the network looks: the picture, and beside it in colours from its grey to yellow', () => {
    const { width, height, channels, data } = images[2]!;
    expect({ width, height, channels }).toEqual({ width: 5, height: 2, channels: 4 });
    const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
    expect([pixel(0, 0), pixel(1, 0), pixel(2, 0)]).toEqual([
      [0, 0, 0, 255],
      [128, 128, 128, 255],
      [0, 0, 0, 0],
    ]);
    // Nothing speaks for the class at the left, most at the right.
    expect([pixel(3, 0), pixel(4, 0)]).toEqual([
      [0, 0, 0, 255],
      [217, 217, 38, 255],
    ]);
    expect(report).toContain('the output of conv2');
  });

  test('shows training images beside what augmentation makes of them', () => {
    expect(images[3]).toMatchObject({ width: 8, height: 2, channels: 4 });
    expect(report).toContain('alt="1 training images, and beside each');
  });

  test('escapes names from outside', async () => {
    const hostile = `<img src=x onerror="alert('&')">`;
    const page = await renderReport({
      ...record,
      description: { ...record.description, model: hostile, data: '</title><script>' },
      config: { [hostile]: hostile },
      result: {
        ...record.result,
        names: [hostile, hostile],
        measures: { columns: [hostile], rows: [{ name: hostile, values: [1] }] },
        mistakes: record.result.mistakes.map((one) => ({ ...one, actual: hostile, answer: hostile })),
      },
      epochs: [epochRecord(1, { batchNorm: { [hostile]: { gamma: [1], beta: [0] } } })],
    });
    expect(page).not.toMatch(/<script|<img src=x|onerror="/);
    expect(page).toContain('&#60;img src=x onerror=&#34;alert(&#39;&#38;&#39;)&#34;&#62;');
    expect(unclosed(page)).toEqual([]);
  });

  test('of a regression has its own metrics and measures, and no confusion', async () => {
    const error = { absoluteError: 0.25 };
    const epochs = [1, 2].map((epoch) =>
      epochRecord(epoch, { metrics: error, test: { loss: 1, metrics: error }, batchNorm: {} }),
    );
    const { recalibrated: _, ...rest } = record.summary;
    const summary = { ...rest, metrics: error, test: { loss: 1, metrics: error } };
    const measures = { columns: ['R²'], rows: [{ name: 'brightness', values: [0.98] }] };
    const result = { ...record.result, names: ['brightness'], confusion: [], measures };
    const page = await renderReport({ ...record, config: { task: 'regress' }, epochs, summary, result });
    expect(page).toContain('Largest errors');
    expect(page).toContain('Absolute error by epoch: training and test<');
    expect(page).toMatch(/brightness<\/th><td>0\.980</);
    expect(page).not.toMatch(/Accuracy|Confusion|Mistakes|Batch normalization/);
  });
});

test('a run puts pictures of what its network sees, and its surest mistakes first, into its report', async () => {
  const folder = smallFolder();
  expect(await train(folder, [...smallFlags, '--epochs', '1', '--augment', 'light', '--out', 'run'])).toMatchObject({
    code: 0,
  });
  const report = readFileSync(join(folder, 'run/report.html'), 'utf8');
  expect(report).toContain('the output of act,');
  expect(report).toContain('alt="6 training images, and beside each');
  const confidences = [...report.matchAll(/<span class="muted">(\d+) %</g)].map(([, percent]) => Number(percent));
  expect(confidences.length).toBeGreaterThan(1);
  expect(confidences).toEqual([...confidences].sort((a, b) => b - a));
});

describe('curves', () => {
  test("are the textbook's figure as a stand-alone SVG file", async () => {
    const svg = await renderCurves(record.epochs);
    expect(svg).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(unclosed(svg)).toEqual([]);
    for (const name of ['train loss', 'train acc', 'test acc']) expect(svg).toContain(`>${name}</text>`);
    expect(svg).not.toContain('var(');
  });

  test('can be drawn of one epoch, of none, and of a loss that is not finite', async () => {
    for (const epochs of [[epochRecord(1)], [], [epochRecord(1), epochRecord(2, { loss: Number.NaN })]]) {
      expect(await renderCurves(epochs)).not.toContain('NaN');
    }
  });
});
