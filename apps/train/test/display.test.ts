import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDisplay, type DisplayMode, defaultDisplayMode } from '../src/display/display.js';
import { eventsOf, outcome, recordingStream, run } from './display-run.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** What a mode writes of a whole run of two epochs. */
async function show(mode: DisplayMode, stream = recordingStream()): Promise<string> {
  const display = await createDisplay(mode, stream);
  display.message('no CUDA device: the CPU computes');
  display.start(run);
  for (const event of [...eventsOf(1), ...eventsOf(2)]) {
    vi.advanceTimersByTime(1000);
    display.event(event);
  }
  display.finish(outcome);
  display.close();
  return stream.text;
}

test('a display for people only where there is a terminal', () => {
  vi.stubEnv('CI', '').stubEnv('TERM', 'xterm');
  expect(defaultDisplayMode(recordingStream({ isTTY: true, columns: 80 }))).toBe('terminal');
  expect(defaultDisplayMode(recordingStream({ isTTY: true, columns: 0 }))).toBe('plain');
  expect(defaultDisplayMode(recordingStream())).toBe('plain');
  vi.stubEnv('TERM', 'dumb');
  expect(defaultDisplayMode(recordingStream({ isTTY: true, columns: 80 }))).toBe('plain');
});

describe('plain', () => {
  test('writes a line per epoch and ends as the textbook does', async () => {
    expect(await show('plain')).toBe(`no CUDA device: the CPU computes
LeNet on Fashion-MNIST, by wasm on cpu; no CUDA: no GPU
epoch 1/2  loss 0.412  train acc 0.849  test acc 0.832  17,043 examples/s  3.5 s
epoch 2/2  loss 0.412  train acc 0.849  test acc 0.832  17,043 examples/s  3.5 s
loss 0.267, train acc 0.901, test acc 0.853
21544.3 examples/sec on cpu

test acc with moving averages         0.853
test acc with recalibrated statistics 0.879

bn1.gamma [1.9371, 2.0912]
bn1.beta  [ 0.1812, -1.2311]

recorded in runs/first: report.html has the charts
`);
  });

  test('shows whatever metrics there are, and leaves out what there is not: test data, batch normalization, a folder', async () => {
    const stream = recordingStream();
    const display = await createDisplay('plain', stream);
    const metrics = { absoluteError: 0.25 };
    const { recalibrated: _, ...rest } = outcome.summary;
    const summary = { ...rest, metrics, test: { loss: 1, metrics } };
    for (const event of eventsOf(1, { loss: Number.NaN, metric: 'absoluteError' })) display.event(event);
    for (const event of eventsOf(2)) if (event.type !== 'evaluation') display.event(event);
    display.finish({ summary, firstBatchNorm: null, folder: null });
    expect(stream.text).toBe(`epoch 1/2  loss NaN  train abs error 0.849  test abs error 0.832  17,043 examples/s  3.5 s
epoch 2/2  loss 0.412  train acc 0.849  17,043 examples/s  3.5 s
loss 0.267, train abs error 0.250, test abs error 0.250
21544.3 examples/sec on cpu
`);
  });

  test('wraps long arrays and shows only the ends of very long ones', async () => {
    const stream = recordingStream();
    const display = await createDisplay('plain', stream);
    const gamma = Array.from({ length: 120 }, (_, i) => i / 10);
    display.finish({ ...outcome, firstBatchNorm: { path: 'bn3', gamma, beta: gamma.slice(0, 12) } });
    expect(stream.text).toContain(`bn3.beta  [0.0000, 0.1000, 0.2000, 0.3000, 0.4000, 0.5000, 0.6000, 0.7000,
           0.8000, 0.9000, 1.0000, 1.1000]`);
    expect(stream.text).toContain('0.7000,\n           ');
    expect(stream.text).toContain('…');
    expect(stream.text).not.toContain('5.0000');
  });
});

describe('json', () => {
  test('writes one object per line: start, every event without answers, messages, finish', async () => {
    const objects = (await show('json'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const epoch = ['step', 'step', 'epoch', 'evaluation', 'checkpoint'];
    expect(objects.map(({ type }) => type)).toEqual(['message', 'start', ...epoch, ...epoch, 'finish']);
    expect(objects[5]).toEqual({
      type: 'evaluation',
      epoch: 1,
      seconds: 0.3,
      loss: 0.47,
      metrics: { accuracy: 0.832 },
    });
    expect(objects.at(-1)).toMatchObject({ summary: outcome.summary, folder: 'runs/first' });
  });

  test('writes null for numbers that JSON lacks', async () => {
    const stream = recordingStream();
    const display = await createDisplay('json', stream);
    display.event(eventsOf(1, { loss: Number.NaN })[0]!);
    expect(JSON.parse(stream.text)).toMatchObject({ loss: null, epochSoFar: { loss: null } });
  });
});

describe('terminal', () => {
  const terminal = { isTTY: true, columns: 60, rows: 20, hasColors: () => false };

  test('shows epochs, curves and their names, progress, and the outcome', async () => {
    const written = await show('terminal', recordingStream(terminal));
    const text = stripVTControlCharacters(written);
    expect(text).toContain('no CUDA device: the CPU computes');
    expect(text).toContain('epoch 2/2  loss 0.412  train acc 0.849  test acc 0.832');
    expect(text).toMatch(/epoch 1\/2 ━+─+ 1\/2/);
    for (const label of ['━━ loss 0.412', '━━ train acc 0.849', '╍╍ test acc 0.832']) expect(text).toContain(label);
    expect(text).toContain('test acc with recalibrated statistics 0.879');
  });

  test('gives loss and metric plots of their own where there is room', async () => {
    const text = stripVTControlCharacters(await show('terminal', recordingStream({ ...terminal, columns: 140 })));
    expect(text).toMatch(/━━ loss 0\.412 {2}╍╍ test loss 0\.470 +━━ train acc 0\.849 {2}╍╍ test acc 0\.832/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(140);
  });

  test('has the curves of validation data, and points at the epoch that is kept', async () => {
    const stream = recordingStream({ ...terminal, columns: 140 });
    const display = await createDisplay('terminal', stream);
    display.start({ ...run, keptBy: 'accuracy' });
    for (const [epoch, accuracy] of [
      [1, 0.8],
      [2, 0.7],
    ] as const) {
      for (const event of eventsOf(epoch)) {
        display.event(event);
        const validation = { loss: 0.5, metrics: { accuracy }, score: -accuracy, isBest: epoch === 1 };
        if (event.type === 'epoch') display.event({ type: 'validation', epoch, seconds: 1, ...validation });
      }
    }
    display.close();
    const text = stripVTControlCharacters(stream.text);
    expect(text).toMatch(
      /━━ loss {2}┅┅ val loss {2}╍╍ test loss {2}▲ best epoch 1 +━━ train acc {2}┅┅ val acc {2}╍╍ test/,
    );
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(140);
  });

  test('fits a narrow terminal, breaking sentences between words', async () => {
    const text = stripVTControlCharacters(await show('terminal', recordingStream({ ...terminal, columns: 45 })));
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(45);
    expect(text).toContain('LeNet on Fashion-MNIST, by wasm on cpu; no\nCUDA: no GPU\n');
  });

  test('colours only where the stream says so', async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequence of colours
    const colour = /\u001b\[3[0-7]m/;
    expect(await show('terminal', recordingStream(terminal))).not.toMatch(colour);
    expect(await show('terminal', recordingStream({ ...terminal, hasColors: () => true }))).toMatch(colour);
  });

  test('lays the screen out again when the terminal changes its size, and no longer once it is closed', async () => {
    const listeners = new Set<() => void>();
    const stream = recordingStream({
      ...terminal,
      rows: 30,
      on: (_, listener) => listeners.add(listener),
      off: (_, listener) => listeners.delete(listener),
    });
    const display = await createDisplay('terminal', stream);
    display.start(run);
    for (const event of eventsOf(1)) display.event(event);
    const before = stream.text.length;
    for (const listener of listeners) listener();
    const screen = stripVTControlCharacters(stream.text.slice(before));
    expect(screen).toMatch(/^LeNet on Fashion-MNIST.*\nepoch 1\/2 {2}loss 0.412/);
    expect(screen).toContain('┤');
    display.close();
    expect(listeners.size).toBe(0);
  });

  test('draws a few frames a second, however many steps there are', async () => {
    const stream = recordingStream(terminal);
    const display = await createDisplay('terminal', stream);
    display.start(run);
    const [step] = eventsOf(1);
    display.event(step!);
    const before = stream.text.length;
    for (let i = 0; i < 20; i++) display.event(step!);
    expect(stream.text.length).toBe(before);
    display.close();
  });

  test('keeps escape sequences in texts from outside away from the terminal', async () => {
    const stream = recordingStream(terminal);
    const display = await createDisplay('terminal', stream);
    display.message('file \u001b]0;title\u0007name');
    expect(stream.text).toContain('file ]0;titlename');
    display.close();
  });
});
