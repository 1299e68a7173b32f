// Files by which the reference hands steps to the processes of the other backends: the state that a step starts from, and
// all that it computes. float32: the reference goes on from these very numbers, and they are exact to 6e-8.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  decodeCheckpoint,
  decodeSafetensors,
  encodeCheckpoint,
  encodeSafetensors,
  type HostTensor,
  type Observation,
} from '@bn/core';

export class Exchange {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(step: number, state: Checkpoint, observations: readonly Observation[]): Promise<void> {
    const tensors = new Map(
      observations.map((observation): [string, HostTensor] => {
        const { shape, data } = observation;
        return [keyOf(observation), { shape, data: Float32Array.from(data) }];
      }),
    );
    await writeFile(this.#file(step, 'state'), encodeCheckpoint(state));
    await writeFile(this.#file(step, 'observations'), encodeSafetensors(tensors));
  }

  async readState(step: number): Promise<Checkpoint> {
    return decodeCheckpoint(new Uint8Array(await readFile(this.#file(step, 'state'))));
  }

  /** By the key of each observation. */
  async readObservations(step: number): Promise<ReadonlyMap<string, HostTensor>> {
    return decodeSafetensors(new Uint8Array(await readFile(this.#file(step, 'observations')))).tensors;
  }

  async remove(step: number): Promise<void> {
    await rm(this.#file(step, 'state'), { force: true });
    await rm(this.#file(step, 'observations'), { force: true });
  }

  #file(step: number, what: 'state' | 'observations'): string {
    return join(this.#folder, `${step}-${what}.safetensors`);
  }
}

export function keyOf({ kind, name }: Observation): string {
  return `${kind} ${name}`;
}
