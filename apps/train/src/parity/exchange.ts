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

export type Exchange = ReturnType<typeof exchangeIn>;

export function exchangeIn(folder: string) {
  const file = (step: number, what: 'state' | 'observations') => join(folder, `${step}-${what}.safetensors`);
  const read = async (...which: Parameters<typeof file>) => new Uint8Array(await readFile(file(...which)));
  return {
    async write(step: number, state: Checkpoint, observations: readonly Observation[]): Promise<void> {
      const tensors = observations.map((observation): [string, HostTensor] => {
        const { shape, data } = observation;
        return [keyOf(observation), { shape, data: Float32Array.from(data) }];
      });
      await writeFile(file(step, 'state'), encodeCheckpoint(state));
      await writeFile(file(step, 'observations'), encodeSafetensors(new Map(tensors)));
    },
    async readState(step: number): Promise<Checkpoint> {
      return decodeCheckpoint(await read(step, 'state'));
    },
    /** By the key of each observation. */
    async readObservations(step: number): Promise<ReadonlyMap<string, HostTensor>> {
      return decodeSafetensors(await read(step, 'observations')).tensors;
    },
    async remove(step: number): Promise<void> {
      await rm(file(step, 'state'), { force: true });
      await rm(file(step, 'observations'), { force: true });
    },
  };
}

export function keyOf({ kind, name }: Observation): string {
  return `${kind} ${name}`;
}
