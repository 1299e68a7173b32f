// What a run is trained on, in few bytes: whether data and network are still those when it goes on.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RunData } from '@bn/command-line';
import { BnError, type Dataset, formatSpec, type PixelForm } from '@bn/core';

export interface Fingerprint {
  /** Count, specs, and a hash of all labels and of the features of examples. */
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Only of a run that has validation data. */
  readonly validation?: readonly string[];
  /** Hash of the network's own file; null for networks that come with the program. */
  readonly network: string | null;
  /** What the network takes pixels as, where that was said. */
  readonly pixels?: PixelForm;
}

/** Examples whose features are looked at, spread over the data. */
const sample = 250;

/**
 * @param file of the network, null for one that comes with the program
 * @param pixels what the network takes pixels as, null where nothing was said
 */
export async function fingerprintOf(
  { train, validation, test }: RunData,
  file: string | null,
  pixels: PixelForm | null,
): Promise<Fingerprint> {
  const network =
    file === null
      ? null
      : createHash('sha256')
          .update(await readFile(file))
          .digest('hex');
  const validated = validation && { validation: printOf(validation) };
  return { train: printOf(train), test: printOf(test), ...validated, network, ...(pixels !== null && { pixels }) };
}

function printOf(data: Dataset): readonly string[] {
  const hash = createHash('sha256');
  const every = Math.ceil(data.length / sample);
  const labels: number[] = [];
  for (let i = 0; i < data.length; i++) {
    const example = data.get(i);
    const { label } = example;
    if (typeof label === 'number') labels.push(label);
    else for (let at = 0; at < label.length; at++) labels.push(label[at]!);
    if (i % every === 0) hash.update(new Float64Array(example.features));
  }
  hash.update(new Float64Array(labels));
  const kind = `${formatSpec(data.features)}, labels ${data.labels ? formatSpec(data.labels) : 'of classes'}`;
  return [`${data.length} examples`, kind, hash.digest('hex')];
}

/**
 * What should be known of a network whose file has changed, null for nothing.
 *
 * @throws BnError `data` if the data is not what the run was trained on
 */
export function compareFingerprints(before: Fingerprint, now: Fingerprint, run: string): string | null {
  for (const part of ['train', 'validation', 'test'] as const) {
    const [was = [], is = []] = [before[part], now[part]];
    const at = was.findIndex((value, i) => value !== is[i]);
    if (at < 0) continue;
    const change = at < 2 ? `${was[at]}, now ${is[at]}` : 'other values in them';
    const [what, cure] = [part === 'train' ? 'training' : part, `--weights ${run}/checkpoint.safetensors`];
    throw new BnError(
      'data',
      `the ${what} data has changed since the run was trained on it: ${change}; bring the old data back, or start a new run from its weights: ${cure}`,
    );
  }
  if (before.network === now.network) return null;
  return "the network's file has changed since the run began: unless it computes the same, the result is that of neither version";
}
