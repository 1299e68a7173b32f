// Chooses engine and device, and makes a backend that computes with them.

import { type Backend, type BackendOptions, BnError, type Device } from '@bn/core';
import type { Explanation } from '@bn/native';
import type { EngineName } from './engine.js';
import { type EngineChoice, engineChoices } from './engine-choices.js';
import { TensorflowBackend } from './tensorflow-backend.js';

export interface TensorflowOptions extends BackendOptions {
  /** `native` is libtensorflow, `wasm` WebAssembly, `js` JavaScript. The default is the first of them that can be had. */
  readonly engine?: EngineName | undefined;
}

/**
 * A backend on TensorFlow.js. `device: 'auto'` is CUDA if it computes, else the CPU, there with the first of the engines
 * native, wasm and js that can be had; `device.reason` says why it is not a better one. `threads` is for the native
 * engine on the CPU, by default one per core; the other engines compute on one thread.
 *
 * @throws `backend`, with cause and cure, for a device or engine that was asked for by name and is not available; `argument` for an
 * engine that does not exist, or a number of threads that is none.
 */
export async function createBackend({ device = 'auto', engine, threads }: TensorflowOptions = {}): Promise<Backend> {
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new BnError('argument', `threads must be a positive integer, got ${threads}`);
  }
  const known = [...new Set(engineChoices.map((choice) => choice.engine))];
  if (engine !== undefined && !known.includes(engine)) {
    throw new BnError('argument', `tfjs-cuda has no engine '${engine}'; use one of ${known.join(', ')}`);
  }
  const choices = engineChoices.filter(
    (choice) => (device === 'auto' || choice.device === device) && (engine === undefined || choice.engine === engine),
  );
  if (choices.length === 0) {
    const what = engine ? `engine ${engine} of tfjs-cuda` : 'tfjs-cuda';
    throw new BnError('backend', `${what} does not compute on ${device}; use device cpu, or another backend`);
  }
  const failures: Failure[] = [];
  for (const choice of choices) {
    const made = await choice.create(threads);
    if ('prepare' in made) return new TensorflowBackend(made, withReasons(made.device, failures));
    failures.push({ choice, ...made });
  }
  const { choice, cause, cure } = failures.at(-1)!;
  throw new BnError(
    'backend',
    `tfjs-cuda cannot compute on ${choice.device} (engine ${choice.engine}): ${cause}; ${cure}`,
  );
}

interface Failure extends Explanation {
  readonly choice: EngineChoice;
}

/** The device, with what kept the backend from better ones; a cause that two of them share is said once. */
function withReasons(device: Device, failures: readonly Failure[]): Device {
  if (failures.length === 0) return device;
  const causes = [...new Set(failures.map(({ cause }) => cause))];
  const reasons = causes.map((cause) => {
    const absent = failures.filter((failure) => failure.cause === cause).map(({ choice }) => choice.absence);
    return `${absent.join(', ')}: ${cause}`;
  });
  return { ...device, reason: reasons.join('; ') };
}
