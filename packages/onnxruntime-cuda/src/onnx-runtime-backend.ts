// The backend proper: values are ONNX Runtime tensors, executables are sessions.

import {
  type Backend,
  BnError,
  checkInputs,
  checkUpload,
  createArray,
  type Device,
  type Executable,
  type Graph,
  type Spec,
  type StepSpecs,
  staticShape,
  stepSpecs,
  type TypedArray,
  type Value,
  ValueStore,
} from '@bn/core';
import { stepsToOnnx, toOnnx } from '@bn/onnx';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Runtime } from './load-runtime.js';

export class OnnxRuntimeBackend implements Backend {
  readonly name = 'onnxruntime-cuda';
  readonly device: Device;
  readonly #runtime: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  readonly #tensors = new ValueStore<Tensor>();
  readonly #sessions = new Set<InferenceSession>();
  readonly compileSteps?: NonNullable<Backend['compileSteps']>;
  #disposed = false;

  constructor(runtime: Runtime, device: Device, sessionOptions: InferenceSession.SessionOptions) {
    this.#runtime = runtime;
    this.device = device;
    this.#sessionOptions = sessionOptions;
    // The WebGPU provider has no Scan.
    if (device.kind !== 'webgpu') {
      this.compileSteps = async (graph, steps) => this.#open(stepsToOnnx(graph, steps), stepSpecs(graph, steps));
    }
  }

  get liveValues(): number {
    return this.#tensors.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    return this.#open(toOnnx(graph, this.device.kind === 'webgpu' ? { provider: 'webgpu' } : {}), graph);
  }

  async #open(model: Uint8Array, specs: StepSpecs): Promise<Executable> {
    this.#requireUndisposed();
    const session = await this.#runtime.InferenceSession.create(model, this.#sessionOptions).catch((cause) => {
      throw explained('compile', cause);
    });
    this.#sessions.add(session);
    return {
      run: (inputs) => this.#run(specs, session, inputs),
      dispose: () => this.#close(session),
    };
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    checkUpload(data, spec);
    const copy = createArray(spec.dtype, data.length);
    copy.set(data);
    return this.#tensors.add(spec, new this.#runtime.Tensor(spec.dtype, copy, staticShape(spec.shape)));
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    return (this.#tensors.get(value, 'download').data as TypedArray).slice();
  }

  release(value: Value): void {
    this.#tensors.release(value);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#tensors.clear();
    await Promise.all([...this.#sessions].map((session) => this.#close(session)));
  }

  async #run(
    specs: StepSpecs,
    session: InferenceSession,
    inputs: ReadonlyMap<string, Value>,
  ): Promise<Map<string, Value>> {
    if (!this.#sessions.has(session)) {
      throw new BnError('backend', 'run: the executable or its backend was disposed; compile the graph again');
    }
    checkInputs(specs, inputs);
    const feeds: Record<string, Tensor> = {};
    for (const [name, value] of inputs) feeds[name] = this.#tensors.get(value, `input '${name}'`);
    const results = await session.run(feeds).catch((cause) => {
      throw explained('run', cause);
    });
    const outputs = new Map<string, Value>();
    // The model has the graph's outputs in the graph's order, but not under all of its names.
    let i = 0;
    for (const [name, { dtype }] of specs.outputs) {
      const tensor = results[session.outputNames[i++]!]!;
      outputs.set(name, this.#tensors.add({ shape: tensor.dims, dtype }, tensor));
    }
    return outputs;
  }

  async #close(session: InferenceSession): Promise<void> {
    if (this.#sessions.delete(session)) await session.release();
  }

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', `the ${this.name} backend was disposed; create a new one`);
  }
}

/** ONNX Runtime names the node that failed: `layer/direction/operation/Operator`. */
function explained(action: 'compile' | 'run', cause: Error): BnError {
  const node = /[Nn]ame:? ?'([^']+)'/.exec(cause.message)?.[1];
  const parts = node?.split('/') ?? [];
  const where = parts.length === 4 ? `${parts[0]} (${parts[2]}, ${parts[1]}): ` : '';
  const unsupported = /NOT_IMPLEMENTED|Could not find an implementation|fallback to CPU EP/.test(cause.message);
  return new BnError(unsupported ? 'unsupported' : 'backend', `${action}: ${where}ONNX Runtime: ${cause.message}`, {
    cause,
  });
}
