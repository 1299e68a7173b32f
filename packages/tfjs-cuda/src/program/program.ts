// A compiled graph: kernels in the order in which they run. Tensors are released after their last use.

import { BnError } from '@bn/core';
import type { Engine, Handle, Kernel } from '../engine.js';
import type { Ref } from './kernels.js';

export interface Step {
  readonly kernel: Kernel;
  /** Slots of the operands. */
  readonly operands: readonly number[];
  /** Slot of the result. */
  readonly result: number;
  /** Slots that nothing after this step reads. */
  readonly lastUses: readonly number[];
  /** What the step belongs to, for errors: `conv1 (conv2d, forward)`. */
  readonly origin: string;
}

export interface ProgramParts {
  readonly steps: readonly Step[];
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, Ref>;
  readonly constants: ReadonlyMap<number, Handle>;
}

export interface Output {
  readonly handle: Handle;
  readonly shape: readonly number[];
}

export class Program {
  readonly #engine: Engine;
  readonly #parts: ProgramParts;

  constructor(engine: Engine, parts: ProgramParts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  /** Number of kernels that a run calls. */
  get length(): number {
    return this.#parts.steps.length;
  }

  /** The outputs by name, each with a handle of its own; inputs stay the caller's. */
  run(inputs: ReadonlyMap<string, Handle>): Map<string, Output> {
    const slots = new Map<number, Handle>(this.#parts.constants);
    for (const [name, slot] of this.#parts.inputs) slots.set(slot, inputs.get(name)!);
    const made = new Map<number, Handle>();
    try {
      for (const step of this.#parts.steps) {
        const operands = step.operands.map((slot) => slots.get(slot)!);
        const result = callKernel('run', step, operands);
        slots.set(step.result, result);
        made.set(step.result, result);
        for (const slot of step.lastUses) {
          this.#engine.release(made.get(slot)!);
          made.delete(slot);
        }
      }
      const outputs = new Map<string, Output>();
      for (const [name, { id, shape }] of this.#parts.outputs) {
        outputs.set(name, { handle: this.#engine.share(slots.get(id)!), shape });
      }
      return outputs;
    } finally {
      for (const handle of made.values()) this.#engine.release(handle);
    }
  }

  dispose(): void {
    for (const handle of this.#parts.constants.values()) this.#engine.release(handle);
  }
}

/** Runs a kernel; an error of TensorFlow.js becomes one that says where it happened. */
export function callKernel(
  action: 'compile' | 'run',
  { kernel, origin }: Pick<Step, 'kernel' | 'origin'>,
  operands: Handle[],
): Handle {
  try {
    return kernel(operands);
  } catch (cause) {
    throw new BnError('backend', `${action}: ${origin}: TensorFlow.js: ${(cause as Error).message}`, { cause });
  }
}
