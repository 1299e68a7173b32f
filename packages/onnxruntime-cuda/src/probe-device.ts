// Finds out whether a device computes, by computing on it in a child process: a missing library then cannot take this
// process down, and its standard error, where the cause is named, can be read.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createGraph, type DeviceKind, input, ops } from '@bn/core';
import { toOnnx } from '@bn/onnx';
import { explainFailure } from './explain-failure.js';
import { loadRuntime, runtimePath } from './load-runtime.js';

export interface Probe {
  readonly available: boolean;
  /** Why not; empty if available. */
  readonly reason: string;
}

const secondsAllowed = 60;
const probes = new Map<DeviceKind, Promise<Probe>>();

/** Whether `kind` computes here. The answer is kept: it does not change while the process lives. */
export function probeDevice(kind: DeviceKind): Promise<Probe> {
  const known = probes.get(kind) ?? probe(kind);
  probes.set(kind, known);
  return known;
}

async function probe(kind: DeviceKind): Promise<Probe> {
  try {
    await loadRuntime();
  } catch (error) {
    return { available: false, reason: (error as Error).message };
  }
  if (kind === 'cpu') return { available: true, reason: '' };
  // Worth looking for first: without the file, which is the usual case, no process has to be started.
  if (kind === 'cuda' && !existsSync(cudaProviderPath())) {
    return { available: false, reason: explainFailure(`${cudaProviderPath()}: cannot open shared object`) };
  }
  return computeInChild(kind);
}

function cudaProviderPath(): string {
  const file = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  return join(dirname(runtimePath()), '..', 'bin', 'napi-v6', process.platform, process.arch, file);
}

// A convolution, because that is what needs cuDNN, which is loaded at the first one only.
const program = `
const [path, device, model] = process.argv.slice(1);
const { InferenceSession, Tensor } = require(path);
const extra = { session: { disable_cpu_ep_fallback: '1' } };
InferenceSession.create(Buffer.from(model, 'base64'), { executionProviders: [device], extra })
  .then((session) => session.run({ x: new Tensor('float32', new Float32Array(16).fill(1), [1, 1, 4, 4]) }))
  .then(({ y }) => {
    if (y.data.some((v) => v !== 4)) throw new Error('a convolution gave wrong numbers: ' + y.data);
    process.stdout.write('computes');
    process.exit();
  })
  .catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
`;

function computeInChild(kind: DeviceKind): Promise<Probe> {
  const filter = ops.fill([1, 1, 2, 2], 1);
  const y = ops.conv2d(input('x', [1, 1, 4, 4]), filter);
  const model = Buffer.from(toOnnx(createGraph({ y }))).toString('base64');
  return new Promise((resolve) => {
    const options = { timeout: secondsAllowed * 1000, env: process.env };
    execFile(process.execPath, ['-e', program, runtimePath(), kind, model], options, (error, stdout, stderr) => {
      if (stdout === 'computes') return resolve({ available: true, reason: '' });
      const ended = error?.signal ? `the attempt was ended by ${error.signal}` : '';
      resolve({ available: false, reason: explainFailure(`${stderr}\n${ended}`) });
    });
  });
}
