// metrics.jsonl: one line of JSON per epoch.

import { open } from 'node:fs/promises';
import { readIfThere, writeAtomically, writeError } from '@bn/command-line';
import type { EpochRecord } from '../run-record.js';

/** Adds a line. A full disk may leave a part of it, which `restoreMetrics` drops. */
export async function appendMetrics(file: string, record: EpochRecord): Promise<void> {
  await appendLine(file, lineOf(record));
}

/** Adds a line, and returns when it is on the disk. */
export async function appendLine(file: string, line: string): Promise<void> {
  try {
    const handle = await open(file, 'a');
    try {
      await handle.writeFile(line);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw writeError(file, cause);
  }
}

/**
 * Brings the file back to the last epoch of the checkpoint, or to none: later lines and damaged ones, such as a part of a
 * last line, go. `lastEpoch`, which is in the checkpoint too, comes back if the stop was between the two files.
 *
 * @returns the epochs that are known, in order; not all only if someone has deleted lines
 */
export async function restoreMetrics(file: string, lastEpoch: EpochRecord | null): Promise<EpochRecord[]> {
  const content = (await readIfThere(file))?.toString() ?? '';
  const records = new Map<number, EpochRecord>();
  for (const line of content.split('\n')) {
    const record = parseLine(line);
    if (lastEpoch && record && record.epoch < lastEpoch.epoch) records.set(record.epoch, record);
  }
  if (lastEpoch) records.set(lastEpoch.epoch, lastEpoch);
  const sorted = [...records.values()].sort((a, b) => a.epoch - b.epoch);
  const restored = sorted.map(lineOf).join('');
  if (restored !== content) await writeAtomically(file, restored);
  return sorted;
}

function parseLine(line: string): EpochRecord | null {
  try {
    const record = recordOf(JSON.parse(line));
    return Number.isInteger(record?.epoch) && record.epoch > 0 ? record : null;
  } catch {
    return null;
  }
}

/** A record as JSON has it; up to version 0.1.0 it had accuracies by names of their own. */
export function recordOf(json: EpochRecord & Readonly<Record<string, unknown>>): EpochRecord {
  if (!json || 'metrics' in json) return json;
  const { trainAccuracy, testLoss, testAccuracy, ...rest } = json as Readonly<Record<string, number>>;
  const test = { loss: testLoss, metrics: { accuracy: testAccuracy } };
  return { ...rest, metrics: { accuracy: trainAccuracy }, test } as unknown as EpochRecord;
}

function lineOf(record: EpochRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** All epochs in the file, in order; none if it is not there. A part of a last line, as a running training leaves it, is left out. */
export async function readMetrics(file: string): Promise<EpochRecord[]> {
  const content = (await readIfThere(file))?.toString() ?? '';
  return content.split('\n').flatMap((line) => parseLine(line) ?? []);
}
