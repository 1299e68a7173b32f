// `profile`: the table by layer, the picture, and backends that cannot tell.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProfileRecord } from '../src/profile/record.js';
import { smallFolder, train } from './small-run.js';

const small = ['--data', 'data', '--model', 'net.ts', '--batch-size', '32', '--steps', '3', '--learning-rate', '0.1'];
const profile = (folder: string, ...flags: string[]) => train(folder, ['profile', ...small, ...flags]);

describe.each(['wasm', 'onnxruntime-cuda'])('%s', (backend) => {
  it('names every layer in both directions; the page needs nothing else', async () => {
    const folder = smallFolder();
    const { code, stdout, stderr } = await profile(folder, '--backend', backend, '--device', 'cpu', '--html', 'p.html');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^net\.ts on .*: 3 steps of 32 examples/);
    for (const layer of ['conv', 'bn', 'act', 'flatten', 'out', '\\(input, loss\\)']) {
      // Neither direction has a dash.
      const time = '(\\d+\\.\\d{3}|fused)';
      const rate = '([\\d.]+( \\(\\d+ %\\))? +)?';
      expect(stdout).toMatch(new RegExp(`^${layer} +${time} +${rate}${time} `, 'm'));
    }
    expect(stdout).toMatch(/^step \(mean\) +\d+\.\d{3} +100\.0 %$/m);

    const page = readFileSync(join(folder, 'p.html'), 'utf8');
    expect(page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(
      /https?:|src="|href=|url\((?!#)|<script|<link| style=/,
    );
    expect(page).toContain('<title>Milliseconds of a step by layer and direction</title>');
    expect(page).toContain('<title>GFLOP/s of the phases with sums of products</title>');
    expect(page).toContain('>flatten<');
  });

  it('tells programs all phases; they are no longer than the steps', async () => {
    const { code, stdout } = await profile(smallFolder(), '--backend', backend, '--device', 'cpu', '--json');
    expect(code).toBe(0);
    const record: ProfileRecord & { type: string } = JSON.parse(stdout);
    const { report } = record;
    expect(record).toMatchObject({ type: 'profile', backend, steps: 3, batchSize: 32, report: { runs: 3 } });
    expect(record.layers).toEqual(['conv', 'bn', 'act', 'flatten', 'out', '']);
    const phases = report.phases.reduce((sum, { seconds }) => sum + seconds, 0);
    expect(phases).toBeGreaterThan(0);
    expect(phases).toBeLessThanOrEqual(report.seconds);
    expect(report.seconds).toBeLessThanOrEqual(3 * record.stepSeconds);
  });
});

it('without --backend profiles the one that training takes', async () => {
  const { code, stdout } = await profile(smallFolder(), '--device', 'cpu', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ backend: 'wasm' });
});

describe('failures', () => {
  it('a backend that does not report is told, with those that do', async () => {
    const { code, stdout, stderr } = await profile(smallFolder(), '--backend', 'reference');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'error: --backend reference: it does not report where its time goes; installed backends that do: onnxruntime-cuda, wasm\n',
    );
  });

  it.each([
    [['--steps', '0'], /--steps: expected a whole number of at least 1, got '0'/],
    [['--html', 'nowhere/p.html'], /--html nowhere\/p\.html: there is no folder/],
    [['--epochs', '3'], /unknown option '--epochs'/],
  ])('%s is a mistake in the call', async (flags, message) => {
    const { code, stdout, stderr } = await profile(smallFolder(), ...flags);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('Ctrl-C ends it', async () => {
    const { code, stdout } = await train(smallFolder(), ['profile', ...small, '--backend', 'wasm'], { stopped: true });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  });
});
