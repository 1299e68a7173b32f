// For a person at a terminal: finished epochs scroll up, beneath them the curves and the present epoch's progress.

import { stripVTControlCharacters } from 'node:util';
import { type OutputStream, printable, wrapWords } from '@bn/command-line';
import type { StepEvent } from '@bn/core';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Display, RunStart } from './display.js';
import { collectEpochs, epochLine } from './epoch-log.js';
import { formatDescription } from './format.js';
import { outcomeText } from './outcome-text.js';
import { progressLines, trackProgress } from './progress.js';
import { TrainingCurves } from './training-curves.js';

/** Milliseconds between two frames. A frame takes about one, so that training loses half a hundredth at most. */
const frameInterval = 250;
const tallestChart = 18;

export function terminalDisplay(stream: OutputStream): Display {
  const colours = pc.createColors(stream.hasColors?.() ?? false);
  const frame = createLogUpdate(stream as NodeJS.WritableStream);
  const curves = new TrainingCurves();
  /** What has been printed above the frame. */
  const lines: string[] = [];
  let run: RunStart | undefined;
  let follow: ((event: StepEvent) => void) | undefined;
  // As many lines as progress has: log-update misplaces a frame that grows.
  let bottom = (): string[] => ['', 'preparing the first step …', ' '];
  let drawnAt = Number.NEGATIVE_INFINITY;
  let open = true;

  // One column stays free: a full last column makes some terminals break the line.
  const width = () => (stream.columns ?? 80) - 1;
  const height = () => stream.rows ?? 24;

  function frameLines(): string[] {
    if (!run) return [];
    const below = bottom();
    const chartHeight = Math.min(tallestChart, height() - below.length - 3);
    const { epochs: end, keptBy } = run;
    const chart = curves.chart({ width: width(), height: chartHeight, epochs: end, keptBy }, colours);
    return [...(chart.length > 0 ? ['', ...chart] : []), ...below];
  }

  function draw(): void {
    const drawn = open ? frameLines() : [];
    if (drawn.length === 0) return;
    frame(drawn.join('\n'));
    drawnAt = performance.now();
  }

  function print(text: string, paint = (plain: string) => plain): void {
    const painted = paint(wrapWords(printable(text), width()));
    lines.push(painted);
    frame.persist(painted);
    draw();
  }

  const epochs = collectEpochs((epoch, total) => {
    curves.addEvaluated(epoch);
    print(epochLine(epoch, total, width()));
  });

  // A terminal that gets narrower wraps what stands there, so that it cannot be erased line by line: the screen is
  // laid out again from its top, with as many of the latest lines as fit above the frame.
  function layOut(): void {
    frame.done();
    let room = height() - frameLines().length - 1;
    const rowsOf = (line: string) => Math.ceil((stripVTControlCharacters(line).length || 1) / (width() + 1));
    const from = lines.findLastIndex((text) => {
      room -= text.split('\n').reduce((rows, line) => rows + rowsOf(line), 0);
      return room < 0;
    });
    const latest = lines.slice(from + 1).map((line) => `${line}\n`);
    stream.write(`\u001b[H\u001b[J${latest.join('')}`);
    draw();
  }
  stream.on?.('resize', layOut);

  const display: Display = {
    start(started) {
      run = started;
      const track = trackProgress(started.epochs);
      follow = (event) => {
        const progress = track(event);
        bottom = () => ['', ...progressLines(progress, width(), colours)];
      };
      for (const epoch of started.history) curves.addEpoch(epoch);
      print(formatDescription(started.description), colours.bold);
      for (const epoch of started.history) print(epochLine(epoch, started.epochs, width()));
    },
    event(event) {
      epochs.event(event);
      if (event.type === 'step') {
        follow?.(event);
        curves.addStep(event);
        if (performance.now() - drawnAt >= frameInterval) draw();
      } else if (event.type === 'epoch') {
        draw();
      } else if (event.type === 'warning') {
        print(`warning: ${event.message}`, colours.yellow);
      }
    },
    message: (text) => print(text),
    finish(outcome) {
      epochs.flush();
      bottom = () => [];
      draw();
      display.close();
      stream.write(`\n${wrapWords(outcomeText(outcome, Math.min(width(), 80)), width())}\n`);
    },
    close() {
      if (!open) return;
      epochs.flush();
      open = false;
      stream.off?.('resize', layOut);
      frame.done();
    },
  };
  return display;
}
