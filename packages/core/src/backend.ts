// The contract between the toolkit and whatever computes.
//
// A backend compiles and runs graphs, and holds values. It is not asked to know layers, gradients, optimizers, data
// sets or training: those are graphs by the time a backend sees them. Whoever implements this file and passes
// @bn/conformance is a backend.

import type { Graph } from './graph.js';
import type { Spec, TypedArray } from './spec.js';
import type { Origin } from './tensor.js';

/** A tensor where the backend keeps it: opaque to everyone else. */
export interface Value {
  readonly spec: Spec;
}

export type DeviceKind = 'cuda' | 'webgpu' | 'cpu';

export interface Device {
  readonly kind: DeviceKind;
  /** For people, short, e.g. `cpu (2 threads)`. */
  readonly description: string;
  /** Why this device, where the choice was left to the backend and a better one could not be had. */
  readonly reason?: string | undefined;
}

export interface Backend {
  /** The name users choose it by, e.g. `onnxruntime-cuda`. */
  readonly name: string;
  readonly device: Device;
  /** Which of several engines computes, for backends that have several. */
  readonly engine?: string | undefined;
  /** Values made and not yet released: for leak checks. */
  readonly liveValues: number;
  /**
   * Prepares a graph for running. All shapes are numbers, but for a symbolic leading batch dimension in inference
   * graphs. Throws `unsupported` for what this backend cannot do, naming the operation, and `data` for a constant index
   * outside the tensor that it gathers from.
   */
  compile(graph: Graph): Promise<Executable>;
  /**
   * Optional: prepares a graph, all of whose sizes are numbers, for several runs in one, the results of each going into
   * the next. Saves the way to the device and back where that is long. Whoever calls it makes do without.
   */
  compileSteps?(graph: Graph, steps: Steps): Promise<Executable>;
  /** Copies data to the device. Throws `shape` for a wrong size, `dtype` for another kind of array (`checkUpload`). */
  upload(data: TypedArray, spec: Spec): Value;
  /** Copies a value to the host: Float32Array, Int32Array, or Uint8Array for uint8 and bool. */
  download(value: Value): Promise<TypedArray>;
  /** Gives a value's memory back. Releasing twice is allowed. */
  release(value: Value): void;
  /** Frees everything; whatever is asked of the backend and its executables afterwards throws `backend`. */
  dispose(): Promise<void>;
}

/** Several runs in one; `stepSpecs` says what goes in and comes out. */
export interface Steps {
  readonly count: number;
  /** Names of outputs, each with that of the input it is in the next step. They come out once, after the last step. */
  readonly carried: Readonly<Record<string, string>>;
  /** Inputs of which each step has its own, along a new leading axis. The others are the same in all steps. */
  readonly stacked: readonly string[];
}

export interface Executable {
  /**
   * Runs once. Takes exactly the graph's inputs by name, gives exactly its outputs by name. Inputs are not consumed
   * nor changed: the caller releases inputs and outputs alike, and an output is never an input's memory. Throws
   * `argument`, `shape` or `dtype` for inputs that do not fit (`checkInputs`), `argument` for a value that was released,
   * `data` for a computed index outside the tensor (`compileWithChecks`), `backend` after dispose.
   */
  run(inputs: ReadonlyMap<string, Value>): Promise<Map<string, Value>>;
  /** Where the time of the runs so far went, in backends created with `profile`. The first call ends the counting. */
  report?(): Promise<Report>;
  dispose(): Promise<void>;
}

export interface Report {
  /** Runs that were counted, and their wall time in seconds. */
  readonly runs: number;
  readonly seconds: number;
  readonly phases: readonly Phase[];
  /** Floating-point operations a second that are possible, measured with multiply-adds on the threads that compute. */
  readonly peak?: number | undefined;
  /** Bytes of memory by what they are for, where the backend plans memory itself. */
  readonly memory?: Readonly<Record<string, number>> | undefined;
}

/** A part of an executable that is timed as one: a kernel of a runtime, or a fused loop. */
export interface Phase {
  readonly name: string;
  /** Of the operations it computes. Its time is mainly that of the first. */
  readonly origins: readonly Origin[];
  /**
   * Seconds in all counted runs together. Where threads compute phases of their own, the mean over all threads, so that
   * phases add up to the report's seconds less what threads wait and what surrounds phases.
   */
  readonly seconds: number;
  /** Multiplications and additions of sums of products, each counted as one, in one run; where they are known. */
  readonly operations?: number | undefined;
}

/** What every backend package's `createBackend` takes; a package may take more. */
export interface BackendOptions {
  /** `auto`: CUDA if it computes, else the CPU. A device asked for by name is used, or creation fails; there is no fallback. */
  readonly device?: DeviceKind | 'auto' | undefined;
  /** Which of several engines computes, by the name that `Backend.engine` has; backends that have one only ignore it. */
  readonly engine?: string | undefined;
  /** Threads on the CPU; the default is the backend's choice. */
  readonly threads?: number | undefined;
  /** Executables get a `report`, which leaves out the first runs: engines are not at full speed in them. */
  readonly profile?: { readonly skippedRuns: number } | undefined;
}

/** What `diagnose()` of a backend package tells about one device or engine. */
export interface Diagnosis {
  readonly device: DeviceKind;
  /** Which of several engines, for backends that have several. */
  readonly engine?: string | undefined;
  /** Of the runtime that computes, as far as it is installed. */
  readonly version?: string | undefined;
  readonly available: boolean;
  /** What was found; or what is missing, and what to do: with a command, where a command does it. */
  readonly detail: string;
}
