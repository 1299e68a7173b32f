// The data set contract: what the trainer asks of data, and nothing about where data comes from.

import type { Generator } from './random.js';
import type { Spec, TypedArray } from './spec.js';

/** One example: its features (row-major, in the data set's `features` shape) and its label (a class index, or values). */
export interface Example {
  readonly features: ArrayLike<number>;
  readonly label: number | ArrayLike<number>;
}

/**
 * Indexed examples, as in the textbook's own data set class: a length and `get(index)`.
 *
 * Images stay `uint8` all the way to the device; the step's graph turns `uint8` features into float32 in 0..1
 * (pixel / 255). float32 features are used as they are.
 */
export interface Dataset extends DatasetOutline {
  get(index: number): Example;
  /**
   * Optional fast path: writes the examples at `indices` one after another into `features` and `labels`, which have
   * exactly the room for them.
   */
  fill?: ((indices: ArrayLike<number>, features: TypedArray, labels: TypedArray) => void) | undefined;
  /**
   * Optional, for data that is not in memory: `fill` as a promise. The trainer asks for a batch while the one before is
   * computed, and takes it by this alone.
   */
  load?:
    | ((indices: ArrayLike<number>, features: TypedArray, labels: TypedArray, at: LoadingContext) => Promise<void>)
    | undefined;
}

/** When examples are loaded. Whatever is random in them must follow from it, so that a resumed run gets the same ones. */
export interface LoadingContext {
  /** The epoch of the training, from 0; null for data that is evaluated. */
  readonly epoch: number | null;
  /** Random numbers for the example at an index, of the run's seed: new ones in each epoch, whatever else is loaded before. */
  generatorOf(index: number): Generator;
}

/** What can be known of a data set before its examples are there. */
export interface DatasetOutline {
  readonly length: number;
  /** Spec of one example's features, without the batch dimension, e.g. uint8 [1, 28, 28]. */
  readonly features: Spec;
  /**
   * Spec of one example's label; default int32 [] (a class index). float32 [labels] is a 0 or 1 for each of several labels,
   * or the values of a regression.
   */
  readonly labels?: Spec | undefined;
  /** Names of the classes, in the order of the class indices, or of several labels. Its length is their number. */
  readonly classNames?: readonly string[] | undefined;
  /** Names of a regression's values. */
  readonly valueNames?: readonly string[] | undefined;
}
