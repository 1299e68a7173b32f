// The engines whose kernels are registered with TensorFlow.js: what they share.
//
// Kernels are called directly with the engine's own backend object, not through TensorFlow.js's global engine: nothing
// is tracked, moved between backends or changed there, so that several backends of this package, and a program's own
// use of TensorFlow.js, do not meet.

import { BnError, type Device } from '@bn/core';
import type { DataId, KernelBackend, KernelConfig, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { ElementArray, ElementType, Engine, EngineName, Handle, Kernel } from '../engine.js';
import { type Call, type KernelName, operandNames } from '../program/kernels.js';
import type { HostKernel } from './host-kernels.js';

type HostKernels = { readonly [K in KernelName]?: HostKernel<K> };

/** What differs between these engines. */
export interface KernelHost<B extends KernelBackend> {
  readonly backend: B;
  readonly kernels: readonly KernelConfig[];
  readonly hostKernels: HostKernels;
  /** A tensor of undefined content. */
  allocate(shape: readonly number[], dtype: ElementType): TensorInfo;
  /** The elements where they lie; valid until the next tensor is made. */
  elements(tensor: TensorInfo): ElementArray;
}

export class RegisteredKernels<B extends KernelBackend> implements Engine {
  readonly name: EngineName;
  readonly device: Device;
  readonly #host: KernelHost<B>;
  readonly #kernels: ReadonlyMap<string, KernelConfig>;
  readonly #live = new Set<TensorInfo>();

  constructor(name: EngineName, device: Device, host: KernelHost<B>) {
    this.name = name;
    this.device = device;
    this.#host = host;
    this.#kernels = new Map(host.kernels.map((config) => [config.kernelName, config]));
  }

  get tensorCount(): number {
    return this.#live.size;
  }

  prepare(call: Call): Kernel {
    const host = this.#host.hostKernels[call.kernel] as HostKernel<KernelName> | undefined;
    if (host) return (operands) => this.#compute(host, operands as TensorInfo[], call);
    const config = this.#kernels.get(call.kernel);
    if (!config) {
      throw new BnError(
        'unsupported',
        `compile: TensorFlow.js's ${this.name} engine has no kernel ${call.kernel}; use another engine`,
      );
    }
    const { backend } = this.#host;
    const names = operandNames(call);
    const attrs = { ...call.attributes } as unknown as NamedAttrMap;
    return (operands) => {
      const tensors = operands as TensorInfo[];
      // Concat takes its operands as a list.
      const inputs = names.length === 0 ? tensors : Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
      return this.#hold(config.kernelFunc({ inputs: inputs as never, attrs, backend }) as TensorInfo);
    };
  }

  upload(data: ElementArray, shape: readonly number[], dtype: ElementType): Handle {
    const dataId = this.#host.backend.write(data, [...shape], dtype);
    return this.#hold({ dataId, shape: [...shape], dtype });
  }

  download(handle: Handle): ElementArray {
    return this.#host.elements(handle as TensorInfo).slice();
  }

  share(handle: Handle): Handle {
    const { dataId, shape, dtype } = handle as TensorInfo;
    (this.#host.backend as unknown as ReferenceCounting).incRef(dataId);
    return this.#hold({ dataId, shape, dtype });
  }

  release(handle: Handle): void {
    if (this.#live.delete(handle as TensorInfo)) this.#host.backend.disposeData((handle as TensorInfo).dataId);
  }

  dispose(): void {
    for (const tensor of [...this.#live]) this.release(tensor);
  }

  #compute(kernel: HostKernel<KernelName>, operands: TensorInfo[], call: Call): Handle {
    const result = this.#hold(this.#host.allocate(call.result.shape, call.result.dtype));
    const elements = operands.map((tensor) => this.#host.elements(tensor));
    kernel(this.#host.elements(result), elements, call);
    return result;
  }

  #hold(tensor: TensorInfo): TensorInfo {
    this.#live.add(tensor);
    return tensor;
  }
}

/** Kernel backends count how many tensors share their data, though the type does not say so. */
interface ReferenceCounting {
  incRef(dataId: DataId): void;
}
