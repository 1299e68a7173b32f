// A model's answer for one example, by what the model gives: classes by probability, labels by score, or values by name.

import { numbered } from './classes.js';
import type { OutputSignature } from './signature.js';

export interface RankedClass {
  readonly class: string;
  /** Position among the model's outputs. */
  readonly index: number;
  readonly probability: number;
}

export interface RankedLabel {
  readonly label: string;
  readonly index: number;
  readonly score: number;
}

/** `labels` are those with a score of ½ or more. */
export type Answer =
  | { readonly classes: readonly RankedClass[] }
  | { readonly labels: readonly string[]; readonly scores: readonly RankedLabel[] }
  | { readonly values: readonly { readonly name: string; readonly value: number }[] };

/** What classes, labels or values are called: numbers where the file has no names, a single one as the output is. */
export function answerNames({ names, name, size }: OutputSignature): readonly string[] {
  return names ?? (size === 1 ? [name] : numbered(size));
}

/** Classes and labels are sorted, the highest first, of equal ones the one with the lower index; at most `count` are told. */
export function answerFrom(row: Float32Array, output: OutputSignature, count: number = output.size): Answer {
  const names = answerNames(output);
  const rounded = Array.from(row, digits);
  if (output.kind === 'values') return { values: rounded.map((value, i) => ({ name: names[i]!, value })) };
  const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
  const ranked = order.slice(0, count);
  if (output.kind === 'scores') {
    const scores = ranked.map((index) => ({ label: names[index]!, index, score: rounded[index]! }));
    return { labels: order.filter((i) => row[i]! >= 0.5).map((i) => names[i]!), scores };
  }
  return { classes: ranked.map((index) => ({ class: names[index]!, index, probability: rounded[index]! })) };
}

/** A float32 has no more digits than that. */
function digits(value: number): number {
  return Number(value.toPrecision(7));
}
