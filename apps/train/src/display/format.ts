// How the displays write figures: the same words in the terminal and in a pipe.

import type { RunDescription } from '../run-record.js';

/** `loss 0.412  train acc 0.849  test acc 0.832`, each figure only where there is one. */
export function formatMetrics(
  figures: { loss: number; trainAccuracy: number | null; testAccuracy?: number | null; testLoss?: number | null },
  separator: string,
): string {
  const parts = [`loss ${figures.loss.toFixed(3)}`];
  if (figures.trainAccuracy !== null) parts.push(`train acc ${figures.trainAccuracy.toFixed(3)}`);
  if (typeof figures.testAccuracy === 'number') parts.push(`test acc ${figures.testAccuracy.toFixed(3)}`);
  // Without classes there is still a test loss.
  else if (typeof figures.testLoss === 'number') parts.push(`test loss ${figures.testLoss.toFixed(3)}`);
  return parts.join(separator);
}

export function formatRate(examplesPerSecond: number): string {
  return `${Math.round(examplesPerSecond).toLocaleString('en-US')} examples/s`;
}

/** `28 s`, `3 min 05 s`, `1 h 12 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** `lenet-bn on fashion-mnist, by onnxruntime-cuda on cpu (2 threads); no CUDA: …`. */
export function formatDescription({ model, data, backend, device, engine, deviceReason }: RunDescription): string {
  const by = engine === undefined ? backend : `${backend} (${engine})`;
  return `${model} on ${data}, by ${by} on ${device}${deviceReason === undefined ? '' : `; ${deviceReason}`}`;
}

/** `60 steps of 256 examples`. */
export function stepsText(steps: number, batchSize: number): string {
  return `${steps} step${steps === 1 ? '' : 's'} of ${batchSize} example${batchSize === 1 ? '' : 's'}`;
}
