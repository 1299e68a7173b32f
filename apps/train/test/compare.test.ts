// `compare`: recorded runs beside each other, finished or not.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alignedWithin } from '../src/display/format.js';
import type { EpochRecord } from '../src/run-record.js';
import { smallFlags, smallFolder, train } from './small-run.js';

/** A run as its folder has it; each epoch is given as loss and accuracy on the test data. */
function writeRun(
  folder: string,
  config: object,
  epochs: readonly (readonly [number | null, number])[],
  rest = '',
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ model: '/home/ada/net.ts', ...config }));
  const lines = epochs.map(([loss, accuracy], i): EpochRecord => {
    return {
      ...{
        epoch: i + 1,
        loss: 0.5,
        metrics: { accuracy: 0.75 },
        test: { loss: loss as number, metrics: { accuracy } },
      },
      ...{ learningRate: 1, examplesPerSecond: 1000, seconds: 2, examples: 2000, batchNorm: {} },
    };
  });
  writeFileSync(join(folder, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join('') + rest);
}

function twoRuns(): string {
  const folder = smallFolder();
  const best: [number, number][] = [
    [0.6, 0.7],
    [0.4, 0.9],
    [0.5, 0.8],
  ];
  writeRun(join(folder, 'runs/a'), { optimizer: 'adam', seed: 0 }, best);
  // Of an earlier version, and in the middle of writing its third line.
  writeRun(join(folder, 'runs/b'), { optimizer: 'sgd', seed: 0, augment: 'none' }, [[null, 0.6]], '{"epoch":2,"lo');
  return folder;
}

describe('compare', () => {
  it('has tables one beneath the other where one is wider than the terminal', () => {
    const rows = [['', 'a', 'b', 'long-name'], ['loss', '0.1', '0.2', '0.3'], ['']];
    const whole = ['        a    b  long-name', 'loss  0.1  0.2        0.3', ''];
    expect(alignedWithin(rows, Infinity)).toEqual(whole);
    expect(alignedWithin(rows, 25)).toEqual(whole);
    const first = ['        a    b', 'loss  0.1  0.2', ''];
    expect(alignedWithin(rows, 24)).toEqual([...first, '', '      long-name', 'loss        0.3', '']);
    expect(alignedWithin(rows, 5).filter((line) => line.startsWith('loss'))).toHaveLength(3);
  });

  it('tells final and best figures, speed, and the settings that differ', async () => {
    const { code, stdout } = await train(twoRuns(), ['compare', 'runs/a', 'runs/b']);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['', 'a', 'b'],
      ['epochs', '3', '1'],
      ['epoch that is kept', '3', '1'],
      ['train loss', '0.5000', '0.5000'],
      ['test loss', '0.5000', '–'],
      ['best test loss', '0.4000 (epoch 2)', '–'],
      ['train acc', '0.7500', '0.7500'],
      ['test acc', '0.8000', '0.6000'],
      ['best test acc', '0.9000 (epoch 2)', '0.6000 (epoch 1)'],
      ['examples/s', '1,000', '1,000'],
      ['seconds of training', '6.0', '2.0'],
      [''],
      ['optimizer', 'adam', 'sgd'],
      [''],
    ]);
  });

  it('tells the figures of the epoch that is kept, where a run does not keep the last; in older records, the best in validation', async () => {
    const folder = smallFolder();
    expect(await train(folder, [...smallFlags, '--keep', 'best', '--out', 'runs/a'])).toMatchObject({ code: 0 });
    const file = join(folder, 'runs/a/metrics.jsonl');
    const epochs = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): EpochRecord => JSON.parse(line));
    const losses = epochs.map(({ validation }) => validation!.loss);
    const best = losses.indexOf(Math.min(...losses));
    const other = (best + 1) % epochs.length;
    for (const [kept, index] of [
      [epochs.map((_, i) => i === other), other],
      [[], best],
    ] as const) {
      const lines = epochs.map((epoch, i) => JSON.stringify({ ...epoch, kept: kept[i] }));
      writeFileSync(file, `${lines.join('\n')}\n`);
      const { epoch, validation, test } = epochs[index]!;
      const { stdout } = await train(folder, ['compare', 'runs/a']);
      expect(stdout).toMatch(new RegExp(`^epoch that is kept +${epoch}$`, 'm'));
      expect(stdout).toMatch(new RegExp(`^validation loss +${validation!.loss.toFixed(4)}$`, 'm'));
      expect(stdout).toMatch(new RegExp(`^test acc +${test.metrics.accuracy!.toFixed(4)}$`, 'm'));
    }
  });

  it('writes a page with the curves over each other, which needs nothing else', async () => {
    const folder = twoRuns();
    expect(await train(folder, ['compare', 'runs/a', 'runs/b', '--html', 'c.html'])).toMatchObject({ code: 0 });
    const page = readFileSync(join(folder, 'c.html'), 'utf8');
    expect(page).toContain('<title>Loss by epoch: training and test of a, b</title>');
    expect(page).toContain('<title>Accuracy by epoch: training and test of a, b</title>');
    expect(page.match(/stroke="var\(--run[12]\)"/g)?.length).toBeGreaterThanOrEqual(4);
    expect(page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(/https?:|src="(?!data:)|href=|<script| style=/);
  });

  it('draws validation curves, with a ring at the epoch that is kept', async () => {
    const folder = twoRuns();
    expect(await train(folder, [...smallFlags, '--keep', 'best', '--out', 'runs/c'])).toMatchObject({ code: 0 });
    expect(await train(folder, ['compare', 'runs/a', 'runs/c', '--html', 'c.html'])).toMatchObject({ code: 0 });
    const page = readFileSync(join(folder, 'c.html'), 'utf8');
    expect(page).toContain('<title>Loss by epoch: training, validation and test of a, c</title>');
    expect(page).toContain('<i class="ring"></i>kept epoch');
    const ringsOf = (text: string) =>
      text.match(/<path [^>]*" stroke="var\(--\w+\)" stroke-width="2" opacity="1"\/>/g) ?? [];
    // One for the loss, one for the accuracy, of the second run alone.
    expect(ringsOf(page)).toHaveLength(2);
    expect(ringsOf(page).every((ring) => ring.includes('--run2'))).toBe(true);
    const report = readFileSync(join(folder, 'runs/c/report.html'), 'utf8');
    expect(report).toMatch(/<i class="ring"><\/i>epoch \d, kept/);
    expect(ringsOf(report)).toHaveLength(2);
  });

  it('refuses a folder without a run, and none', async () => {
    const folder = smallFolder();
    const { code, stderr } = await train(folder, ['compare', 'data']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "error: data: the folder holds no run; give the folder that has the run's config.json\n",
    });
    expect(await train(folder, ['compare'])).toMatchObject({ code: 2 });
  });
});
