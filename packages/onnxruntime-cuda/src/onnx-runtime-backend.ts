// The backend proper: values are ONNX Runtime tensors, executables are sessions.

import {
  type Backend,
  type BackendOptions,
  BnError,
  checkInputs,
  checkUpload,
  compileWithChecks,
  createArray,
  type Device,
  type Executable,
  type Graph,
  type Report,
  type Spec,
  type StepSpecs,
  staticShape,
  stepSpecs,
  type TypedArray,
  type Value,
  ValueStore,
} from '@bn/core';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Runtime } from './load-runtime.js';
import { readNodeName } from './node-name.js';
import { SessionProfile } from './session-profile.js';

export class OnnxRuntimeBackend implements Backend {
  readonly name = 'onnxruntime-cuda';
  readonly device: Device;
  readonly #runtime: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  readonly #profile: BackendOptions['profile'];
  readonly #tensors = new ValueStore<Tensor>();
  readonly compileSteps?: NonNullable<Backend['compileSteps']>;
  /** With the profile of each, if there is one. */
  readonly #sessions = new Map<InferenceSession, SessionProfile | null>();
  #disposed = false;

  constructor(
    runtime: Runtime,
    device: Device,
    sessionOptions: InferenceSession.SessionOptions,
    profile: BackendOptions['profile'],
  ) {
    this.#runtime = runtime;
    this.device = device;
    this.#sessionOptions = sessionOptions;
    this.#profile = profile;
    // The WebGPU provider has no Scan.
    if (device.kind !== 'webgpu') {
      this.compileSteps = async (graph, steps) => {
        const { stepsToOnnx } = await import('@bn/onnx');
        // Not profiled: the time of a Scan is that of its nodes once more.
        return compileWithChecks(this, graph, (safe) =>
          this.#open(stepsToOnnx(safe, steps), stepSpecs(safe, steps), null),
        );
      };
    }
  }

  get liveValues(): number {
    return this.#tensors.size;
  }

  async compile(graph: Graph): Promise<Executable> {
    const { toOnnx } = await import('@bn/onnx');
    const options = this.device.kind === 'webgpu' ? { provider: 'webgpu' as const } : {};
    return compileWithChecks(this, graph, (safe) => this.#open(toOnnx(safe, options), safe, safe));
  }

  /** @param profiled the graph of the model, if runs are to be profiled where the backend is */
  async #open(model: Uint8Array, specs: StepSpecs, profiled: Graph | null): Promise<Executable> {
    this.#requireUndisposed();
    const profile = this.#profile && profiled ? await SessionProfile.create(profiled, this.#profile.skippedRuns) : null;
    const options = { ...this.#sessionOptions, ...profile?.sessionOptions };
    const session = await this.#runtime.InferenceSession.create(model, options).catch(async (cause) => {
      await profile?.remove();
      throw explained('compile', cause);
    });
    this.#sessions.set(session, profile);
    const run = (inputs: ReadonlyMap<string, Value>) => this.#run(specs, session, inputs);
    const dispose = () => this.#close(session);
    if (!profile) return { run, dispose };
    let report: Promise<Report> | null = null;
    return {
      run: (inputs) => profile.run(() => run(inputs)),
      report: () => {
        report ??= profile.read(session);
        return report;
      },
      dispose,
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
    await Promise.all([...this.#sessions.keys()].map((session) => this.#close(session)));
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
    const profile = this.#sessions.get(session);
    if (!this.#sessions.delete(session)) return;
    await session.release();
    // Only now: a profile that nobody asked for is written at the end.
    await profile?.remove();
  }

  #requireUndisposed(): void {
    if (this.#disposed) throw new BnError('backend', `the ${this.name} backend was disposed; create a new one`);
  }
}

/** ONNX Runtime names the node that failed. */
function explained(action: 'compile' | 'run', cause: Error): BnError {
  const node = /[Nn]ame:? ?'([^']+)'/.exec(cause.message)?.[1];
  const known = node === undefined ? null : readNodeName(node);
  const where = known?.origin.layer ? `${known.origin.layer} (${known.operation}, ${known.origin.direction}): ` : '';
  const unsupported = /NOT_IMPLEMENTED|Could not find an implementation|fallback to CPU EP/.test(cause.message);
  return new BnError(unsupported ? 'unsupported' : 'backend', `${action}: ${where}ONNX Runtime: ${cause.message}`, {
    cause,
  });
}
