// What `look` tells of data: the text and the page are made of it, and programs get it as JSON.

import type { Task } from '@bn/core';

/** Figures of a number over the examples; `deviation` is that of the population. */
export interface Spread {
  readonly name: string;
  readonly least: number;
  readonly mean: number;
  readonly deviation: number;
  readonly greatest: number;
}

export interface PartRecord {
  readonly name: 'train' | 'test';
  readonly examples: number;
  /** Numbers of an example: its features, and its class, labels or values. */
  readonly columns: number;
  /** Of one example: images are `[channels, height, width]`. */
  readonly shape: readonly number[];
  readonly dtype: string;
  /** For people, e.g. `28×28 grey`. */
  readonly kind: string;
  /** How many examples each class, or label, has. */
  readonly classes: readonly { readonly name: string; readonly examples: number }[];
  /** Of a regression, its values. */
  readonly values: readonly Spread[];
  /** Of pixels from 0 to 1, or of numbers as they are; one for all where examples are not pictures. */
  readonly channels: readonly Spread[];
  /** Of image files; null where data is not in such. The commonest come first. */
  readonly files: {
    readonly bytes: number;
    readonly formats: readonly { readonly format: string; readonly files: number }[];
    readonly sizes: readonly { readonly width: number; readonly height: number; readonly files: number }[];
  } | null;
}

/** Examples with the same features. */
export interface Duplicate {
  readonly examples: readonly {
    readonly part: PartRecord['name'];
    /** In its part, from 0. */
    readonly index: number;
    readonly file?: string;
    /** The class, the labels or the values. */
    readonly label: string;
  }[];
}

export interface DataRecord {
  /** The last part of the path, or the name. */
  readonly data: string;
  readonly task: Task;
  readonly parts: readonly PartRecord[];
  /** Examples that repeat another one of their part. */
  readonly repeated: Readonly<Record<PartRecord['name'], number>>;
  /** Test examples that are in the training data too. */
  readonly inBoth: number;
  readonly duplicates: readonly Duplicate[];
  /** Files that were left out. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}
