// Finds out whether a device computes, by computing on it in a child process: a missing library then cannot take this
// process down, and its standard error, where the cause is named, can be read.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createGraph, type DeviceKind, input, ops } from '@bn/core';
import { toOnnx } from '@bn/onnx';
import { type Explanation, explainFailure } from './explain-failure.js';
import { runtimePath } from './load-runtime.js';

/** The explanation of why a device does not compute; undefined if it does. */
export type Obstacle = Explanation | undefined;

const secondsAllowed = 60;
const probes = new Map<DeviceKind, Promise<Obstacle>>();

/** What keeps `kind` from computing here. The answer is kept: it does not change while the process lives. */
export function probeDevice(kind: Exclude<DeviceKind, 'cpu'>): Promise<Obstacle> {
  const known = probes.get(kind);
  if (known) return known;
  const path = cudaProviderPath();
  // Looked for first because that is cheap: without the file, which is the usual case, no process has to be started.
  const absent = kind === 'cuda' && !existsSync(path);
  const probe = absent ? Promise.resolve(explainFailure(`${path}: cannot open shared object`)) : computeInChild(kind);
  probes.set(kind, probe);
  return probe;
}

function cudaProviderPath(): string {
  const file = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  return join(dirname(runtimePath()), '..', 'bin', 'napi-v6', process.platform, process.arch, file);
}

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

function computeInChild(kind: DeviceKind): Promise<Obstacle> {
  // A convolution, because cuDNN is loaded at the first one only.
  const y = ops.conv2d(input('x', [1, 1, 4, 4]), ops.fill([1, 1, 2, 2], 1));
  const model = Buffer.from(toOnnx(createGraph({ y }))).toString('base64');
  return new Promise((resolve) => {
    const args = ['-e', program, runtimePath(), kind, model];
    execFile(process.execPath, args, { timeout: secondsAllowed * 1000 }, (error, stdout, stderr) => {
      const end = error?.signal ? `\nthe attempt was ended by ${error.signal}` : '';
      resolve(stdout === 'computes' ? undefined : explainFailure(stderr + end));
    });
  });
}
