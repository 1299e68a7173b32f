// The backend proper: values are ONNX Runtime tensors, executables are sessions.

import {
  type Backend,
  BnError,
  createArray,
  type Device,
  type Executable,
  formatSpec,
  type Graph,
  type Spec,
  staticShape,
  type TypedArray,
  type Value,
} from '@bn/core';
import { toOnnx } from '@bn/onnx';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { checkInputs } from './check-inputs.js';
import type { Runtime } from './load-runtime.js';

export class OnnxRuntimeBackend implements Backend {
  readonly name = 'onnxruntime-cuda';
  readonly device: Device;
  readonly #runtime: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  readonly #live = new Map<Value, Tensor>();
  readonly #sessions = new Set<InferenceSession>();
  #disposed = false;

  constructor(runtime: Runtime, device: Device, sessionOptions: InferenceSession.SessionOptions) {
    this.#runtime = runtime;
    this.device = device;
    this.#sessionOptions = sessionOptions;
  }

  get liveValues(): number {
    return this.#live.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    this.#requireUndisposed();
    const model = toOnnx(graph, this.device.kind === 'webgpu' ? { provider: 'webgpu' } : {});
    const session = await this.#runtime.InferenceSession.create(model, this.#sessionOptions).catch((cause) => {
      throw explained('compile', cause);
    });
    this.#sessions.add(session);
    return {
      run: (inputs) => this.#run(graph, session, inputs),
      dispose: () => this.#close(session),
    };
  }

  upload(data: TypedArray, spec: Spec): Value {
    this.#requireUndisposed();
    const shape = staticShape(spec.shape, 'upload');
    const copy = createArray(
      spec.dtype,
      shape.reduce((product, n) => product * n, 1),
    );
    if (data.length !== copy.length) {
      throw new BnError(
        'shape',
        `upload: ${formatSpec(spec)} holds ${copy.length} values, got ${data.length}; pass as many`,
      );
    }
    if (data.constructor !== copy.constructor && !(data instanceof Float64Array && spec.dtype === 'float32')) {
      throw new BnError(
        'dtype',
        `upload: ${formatSpec(spec)} cannot be made from ${data.constructor.name}; convert it first`,
      );
    }
    copy.set(data);
    return this.#hold(new this.#runtime.Tensor(spec.dtype, copy, shape), { shape, dtype: spec.dtype });
  }

  async download(value: Value): Promise<TypedArray> {
    this.#requireUndisposed();
    return (this.#tensorOf(value, 'download').data as TypedArray).slice();
  }

  release(value: Value): void {
    this.#live.delete(value);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#live.clear();
    await Promise.all([...this.#sessions].map((session) => this.#close(session)));
  }

  async #run(graph: Graph, session: InferenceSession, inputs: ReadonlyMap<string, Value>): Promise<Map<string, Value>> {
    if (!this.#sessions.has(session)) {
      throw new BnError('backend', 'run: the executable or its backend was disposed; compile the graph again');
    }
    checkInputs(graph, inputs);
    const feeds: Record<string, Tensor> = {};
    for (const [name, value] of inputs) feeds[name] = this.#tensorOf(value, `input '${name}'`);
    const results = await session.run(feeds).catch((cause) => {
      throw explained('run', cause);
    });
    const outputs = new Map<string, Value>();
    // The model has the graph's outputs in the graph's order, but not under all of its names.
    let i = 0;
    for (const [name, { dtype }] of graph.outputs) {
      const tensor = results[session.outputNames[i++]!]!;
      outputs.set(name, this.#hold(tensor, { shape: tensor.dims, dtype }));
    }
    return outputs;
  }

  async #close(session: InferenceSession): Promise<void> {
    if (this.#sessions.delete(session)) await session.release();
  }

  #hold(tensor: Tensor, spec: Spec): Value {
    const value = { spec };
    this.#live.set(value, tensor);
    return value;
  }

  #tensorOf(value: Value, what: string): Tensor {
    const tensor = this.#live.get(value);
    if (tensor) return tensor;
    throw new BnError('argument', `${what}: the value was released or belongs to another backend; upload it again`);
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
