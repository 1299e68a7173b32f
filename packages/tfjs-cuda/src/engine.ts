// What computes: TensorFlow.js has several engines, and a program runs on any of them through this file.

import type { Device } from '@bn/core';
import type { Call } from './program/kernels.js';

export type EngineName = 'native' | 'wasm' | 'js';

/** Element types that TensorFlow.js knows; uint8 is held as int32. */
export type ElementType = 'float32' | 'int32' | 'bool';
export type ElementArray = Float32Array | Int32Array | Uint8Array;

/** A tensor where the engine keeps it. Each handle is released once; several may share one tensor. */
export type Handle = object | number;

/** One kernel, ready to run: its operands' handles → a new handle. */
export type Kernel = (operands: Handle[]) => Handle;

export interface Engine {
  readonly name: EngineName;
  readonly device: Device;
  /** Tensors that exist, constants of programs included: for leak checks. */
  readonly tensorCount: number;
  /** Looks a kernel up and does all that depends on shapes and attributes alone. Throws `unsupported` if it has none. */
  prepare(call: Call): Kernel;
  /** Makes a tensor of data that nobody else uses. */
  upload(data: ElementArray, shape: readonly number[], dtype: ElementType): Handle;
  /** A copy of a tensor's elements. */
  download(handle: Handle): ElementArray;
  /** A second handle of the same tensor. */
  share(handle: Handle): Handle;
  release(handle: Handle): void;
  dispose(): void;
}
