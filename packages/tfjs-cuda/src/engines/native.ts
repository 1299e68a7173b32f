// The engine on libtensorflow, on CUDA or the CPU: kernels are TensorFlow operations, called by TensorFlow.js's binding.

import type { Device } from '@bn/core';
import type { ElementArray, ElementType, Engine, Handle, Kernel } from '../engine.js';
import type { Binding } from '../native/binding.js';
import type { Call } from '../program/kernels.js';
import { type Argument, nativeOperation } from './native-operations.js';

export class NativeEngine implements Engine {
  readonly name = 'native';
  readonly device: Device;
  readonly #binding: Binding;
  readonly #live = new Set<number>();
  /** Tensors that operations take where kernels have attributes (axes, shapes), by content. */
  readonly #arguments = new Map<string, number>();

  constructor(device: Device, binding: Binding) {
    this.device = device;
    this.#binding = binding;
  }

  get tensorCount(): number {
    return this.#live.size;
  }

  prepare(call: Call): Kernel {
    const { name, attributes, inputs } = nativeOperation(this.#binding, call);
    const sources = inputs.map((input) =>
      typeof input === 'number' ? { operand: input } : { tensor: this.#argumentTensor(input) },
    );
    return (operands) => {
      const tensors = sources.map(({ operand, tensor }) => tensor ?? (operands[operand!] as number));
      return this.#execute(name, attributes, tensors);
    };
  }

  upload(data: ElementArray, shape: readonly number[], dtype: ElementType): Handle {
    return this.#hold(this.#create(data, shape, dtype));
  }

  download(handle: Handle): ElementArray {
    return this.#binding.tensorDataSync(handle as number);
  }

  share(handle: Handle): Handle {
    // Without the attribute T, TensorFlow takes the type from the input.
    return this.#execute('Identity', [], [handle as number]);
  }

  release(handle: Handle): void {
    if (this.#live.delete(handle as number)) this.#binding.deleteTensor(handle as number);
  }

  dispose(): void {
    for (const tensor of [...this.#live]) this.release(tensor);
    for (const tensor of this.#arguments.values()) this.#binding.deleteTensor(tensor);
    this.#arguments.clear();
  }

  #execute(name: string, attributes: Parameters<Binding['executeOp']>[1], inputs: readonly number[]): number {
    return this.#hold(this.#binding.executeOp(name, attributes, inputs, 1)[0].id);
  }

  #argumentTensor({ data, shape, dtype }: Argument): number {
    const key = `${dtype} [${shape}] ${data}`;
    const tensor = this.#arguments.get(key) ?? this.#create(data, shape, dtype);
    this.#arguments.set(key, tensor);
    return tensor;
  }

  #create(data: ElementArray, shape: readonly number[], dtype: ElementType): number {
    const { TF_FLOAT, TF_INT32, TF_BOOL } = this.#binding;
    const type = { float32: TF_FLOAT, int32: TF_INT32, bool: TF_BOOL }[dtype];
    return this.#binding.createTensor(shape, type, data);
  }

  #hold(tensor: number): number {
    this.#live.add(tensor);
    return tensor;
  }
}
