// What a comparison prints on a terminal.

import { expect, test } from 'vitest';
import { parityDisplay } from '../src/parity/display.js';
import { recordingStream } from './display-run.js';

test('the whole outcome is there, its verdict first, on a terminal that is lower than it', () => {
  const stream = recordingStream({ isTTY: true, columns: 60, rows: 8, hasColors: () => false });
  const display = parityDisplay(stream, false);
  const layers = Array.from({ length: 20 }, (_, i) => `layer${i}`);
  const differences = layers.map((layer) => ({
    ...({ layer, kind: 'activation', name: layer, step: 1 } as const),
    difference: 1e-7,
  }));
  const loss = { layer: '', kind: 'loss', name: 'loss', step: 1, difference: 0 } as const;
  const run = { model: 'net', data: 'data', batchSize: 8, steps: 1 };
  display.start({ ...run, backends: [{ label: 'mine', device: 'cpu' }] });
  display.step({ step: 1, loss: 1, backends: [{ label: 'mine', differences }] });
  const before = stream.text.length;
  display.finish({
    ...{ ...run, losses: [1] },
    backends: [{ label: 'mine', device: 'cpu', differences: [...differences, loss], losses: [1] }],
  });
  display.close();
  const outcome = stream.text.slice(before);
  expect(outcome).toContain('mine on cpu: agrees with the reference\n');
  for (const layer of layers) expect(outcome).toMatch(new RegExp(`^${layer} `, 'm'));
});
