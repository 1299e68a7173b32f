// The backend proper: values are ONNX Runtime tensors, executables are sessions.

import {
  type Backend,
  type BackendOptions,
  BnError,
  type Compiled,
  compileWithChecks,
  createArray,
  type Device,
  type Graph,
  type Spec,
  type StepSpecs,
  staticShape,
  stepSpecs,
  type TypedArray,
  type Value,
  ValueBackend,
} from '@bn/core';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Runtime } from './load-runtime.js';
import { readNodeName } from './node-name.js';
import { SessionProfile } from './session-profile.js';

export class OnnxRuntimeBackend extends ValueBackend<Tensor> {
  override readonly name = 'onnxruntime-cuda';
  override readonly device: Device;
  readonly #runtime: Runtime;
  readonly #sessionOptions: InferenceSession.SessionOptions;
  readonly #profile: BackendOptions['profile'];
  readonly compileSteps?: NonNullable<Backend['compileSteps']>;

  constructor(
    runtime: Runtime,
    device: Device,
    sessionOptions: InferenceSession.SessionOptions,
    profile: BackendOptions['profile'],
  ) {
    super();
    this.#runtime = runtime;
    this.device = device;
    this.#sessionOptions = sessionOptions;
    this.#profile = profile;
    // The WebGPU provider has no Scan.
    if (device.kind !== 'webgpu') {
      this.compileSteps = async (graph, steps) => {
        const { stepsToOnnx } = await import('@bn/onnx');
        return compileWithChecks(this, graph, async (safe) => {
          const specs = stepSpecs(safe, steps);
          // Not profiled: the time of a Scan is that of its nodes once more.
          return this.executable(specs, await this.#open(stepsToOnnx(safe, steps), specs, null));
        });
      };
    }
  }

  protected override async prepare(graph: Graph): Promise<Compiled<Tensor>> {
    const { toOnnx } = await import('@bn/onnx');
    const options = this.device.kind === 'webgpu' ? { provider: 'webgpu' as const } : {};
    return this.#open(toOnnx(graph, options), graph, graph);
  }

  /** @param profiled the graph of the model, if runs are to be profiled where the backend is */
  async #open(model: Uint8Array, specs: StepSpecs, profiled: Graph | null): Promise<Compiled<Tensor>> {
    const profile = this.#profile && profiled ? await SessionProfile.create(profiled, this.#profile.skippedRuns) : null;
    const options = { ...this.#sessionOptions, ...profile?.sessionOptions };
    const session = await this.#runtime.InferenceSession.create(model, options).catch(async (cause) => {
      await profile?.remove();
      throw explained('compile', cause);
    });
    const run = (inputs: ReadonlyMap<string, Tensor>) => this.#run(specs, session, inputs);
    return {
      run: profile ? (inputs) => profile.run(() => run(inputs)) : run,
      ...(profile && { report: () => profile.read(session) }),
      dispose: async () => {
        await session.release();
        // Only now: a profile that nobody asked for is written at the end.
        await profile?.remove();
      },
    };
  }

  protected override put(data: TypedArray, { shape, dtype }: Spec): Tensor {
    const copy = createArray(dtype, data.length);
    copy.set(data);
    return new this.#runtime.Tensor(dtype, copy, staticShape(shape));
  }

  protected override take(tensor: Tensor): TypedArray {
    return (tensor.data as TypedArray).slice();
  }

  async #run(
    specs: StepSpecs,
    session: InferenceSession,
    inputs: ReadonlyMap<string, Tensor>,
  ): Promise<Map<string, Value>> {
    const results = await session.run(Object.fromEntries(inputs)).catch((cause) => {
      throw explained('run', cause);
    });
    // The model has the graph's outputs in the graph's order, but not under all of its names.
    const outputs = [...specs.outputs].map(([name, { dtype }], i) => {
      const tensor = results[session.outputNames[i]!]!;
      return [name, this.values.add({ shape: tensor.dims, dtype }, tensor)] as const;
    });
    return new Map(outputs);
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
