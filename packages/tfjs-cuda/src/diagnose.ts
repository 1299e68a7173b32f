// What is installed, what loads and what computes, per engine and device.

import { availableParallelism } from 'node:os';
import type { Diagnosis } from '@bn/core';
import { installed } from '@bn/native';
import type { EngineName } from './engine.js';
import { engineChoices, nativeObstacle } from './engine-choices.js';
import { findNative } from './native/find-native.js';
import { type NativeDevice, probeNative } from './native/probe-native.js';
import { nativeFolderName } from './native-folder.js';

export interface EngineDiagnosis extends Diagnosis {
  readonly engine: EngineName;
}

/** One diagnosis for each engine on each of its devices. The native engine is tried in child processes. */
export async function diagnose(): Promise<EngineDiagnosis[]> {
  const { version_core: version } = await import('@tensorflow/tfjs-core');
  return Promise.all(
    engineChoices.map(async ({ engine, device, create }): Promise<EngineDiagnosis> => {
      if (engine === 'native') return { engine, device, ...(await diagnoseNative(device as NativeDevice)) };
      const made = await create(undefined);
      if ('cause' in made) return { engine, device, version, available: false, detail: `${made.cause}; ${made.cure}` };
      made.dispose();
      return { engine, device, version, available: true, detail: made.device.description };
    }),
  );
}

async function diagnoseNative(device: NativeDevice): Promise<Pick<Diagnosis, 'version' | 'available' | 'detail'>> {
  const installation = findNative();
  const obstacle = (await nativeObstacle(device)) ?? (await probeNative(installation!, device));
  const version = installed(nativeFolderName)?.tensorflow;
  if (obstacle) return { version, available: false, detail: `${obstacle.cause}; ${obstacle.cure}` };
  const threads = device === 'cpu' ? `, ${availableParallelism()} threads` : '';
  return { version, available: true, detail: `libtensorflow computes (${installation!.binding})${threads}` };
}
