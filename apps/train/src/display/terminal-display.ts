// For a person at a terminal: finished epochs scroll up, beneath them the curves and the present epoch's progress.

import { stripVTControlCharacters } from 'node:util';
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { Display, OutputStream, RunStart } from './display.js';
import { collectEpochs, epochLine } from './epoch-log.js';
import { formatDescription, printable } from './format.js';
import { outcomeText } from './outcome-text.js';
import { type Progress, progressLines, trackProgress } from './progress.js';
import { TrainingCurves } from './training-curves.js';

/** Milliseconds between two frames. A frame takes half a millisecond, so that training loses a few thousandths. */
const frameInterval = 200;
const tallestChart = 18;

export function terminalDisplay(stream: OutputStream): Display {
  const colours = pc.createColors(stream.hasColors?.() ?? false);
  const frame = createLogUpdate(stream as NodeJS.WritableStream);
  const curves = new TrainingCurves();
  /** What has been printed above the frame. */
  const lines: string[] = [];
  let run: RunStart | undefined;
  let track: ReturnType<typeof trackProgress> | undefined;
  let progress: Progress | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let open = true;

  // One column stays free: a full last column makes some terminals break the line.
  const width = () => (stream.columns ?? 80) - 1;
  const height = () => stream.rows ?? 24;

  function frameLines(): string[] {
    if (!run) return [];
    const bottom = progress ? ['', ...progressLines(progress, width(), colours)] : [];
    const chartHeight = Math.min(tallestChart, height() - bottom.length - 3);
    const chart = curves.chart({ width: width(), height: chartHeight, epochs: run.epochs }, colours);
    return [...(chart.length > 0 ? ['', ...chart] : []), ...bottom];
  }

  function draw(): void {
    const drawn = open ? frameLines() : [];
    if (drawn.length > 0) frame(drawn.join('\n'));
    drawnAt = performance.now();
  }

  function print(line: string): void {
    lines.push(line);
    frame.persist(line);
    draw();
  }

  const epochs = collectEpochs((epoch, total) => {
    curves.addTestAccuracy(epoch.epoch, epoch.testAccuracy);
    print(epochLine(epoch, total, width()));
  });

  // A terminal that gets narrower wraps what stands there, so that it cannot be erased line by line: the screen is
  // laid out again from its top, with as many of the latest lines as fit above the frame.
  function layOut(): void {
    frame.done();
    let room = height() - frameLines().length - 1;
    const rowsOf = (line: string) => Math.ceil((stripVTControlCharacters(line).length || 1) / (width() + 1));
    const from = lines.findLastIndex((line) => {
      room -= rowsOf(line);
      return room < 0;
    });
    stream.write(
      `\u001b[H\u001b[J${lines
        .slice(from + 1)
        .map((line) => `${line}\n`)
        .join('')}`,
    );
    draw();
  }
  stream.on?.('resize', layOut);

  const display: Display = {
    start(started) {
      run = started;
      track = trackProgress(started.epochs);
      for (const epoch of started.history) curves.addEpoch(epoch);
      print(colours.bold(printable(formatDescription(started.description))));
      for (const epoch of started.history) print(epochLine(epoch, started.epochs, width()));
    },
    event(event) {
      epochs.event(event);
      if (event.type === 'step') {
        progress = track?.(event);
        curves.addStep(event);
        if (performance.now() - drawnAt >= frameInterval) draw();
      } else if (event.type === 'epoch') {
        draw();
      } else if (event.type === 'warning') {
        print(colours.yellow(printable(`warning: ${event.message}`)));
      }
    },
    message: (text) => print(printable(text)),
    finish(outcome) {
      epochs.flush();
      progress = undefined;
      draw();
      display.close();
      stream.write(`\n${outcomeText(outcome, Math.min(width(), 80))}\n`);
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
