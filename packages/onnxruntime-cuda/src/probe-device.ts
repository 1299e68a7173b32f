// Finds out whether a device computes, by computing on it in a child process.

import { createGraph, type DeviceKind, input, ops } from '@bn/core';
import { type Explanation, probe } from '@bn/native';
import { findCudaProvider, providerVersion, runtimeVersionInUse } from './cuda-provider.js';
import { explainFailure } from './explain-failure.js';
import { runtimePath } from './runtime-path.js';

/** The explanation of why a device does not compute; undefined if it does. */
export type Obstacle = Explanation | undefined;

const probes = new Map<DeviceKind, Promise<Obstacle>>();

/** What keeps `kind` from computing here. The answer is kept: it does not change while the process lives. */
export function probeDevice(kind: Exclude<DeviceKind, 'cpu'>): Promise<Obstacle> {
  const answer = probes.get(kind) ?? (kind === 'cuda' ? probeCuda() : computeInChild(kind, []));
  probes.set(kind, answer);
  return answer;
}

/** What can be told without starting a process is: the provider is absent, the usual case, or of another version. */
async function probeCuda(): Promise<Obstacle> {
  const provider = findCudaProvider();
  if (!provider) return explainFailure('libonnxruntime_providers_cuda.so: cannot open shared object');
  const [version, expected] = [providerVersion(provider.file), runtimeVersionInUse()];
  if (version && version !== expected) return explainFailure(`provider of version ${version}, runtime of ${expected}`);
  return computeInChild('cuda', [...provider.runtime, ...provider.libraries]);
}

const program = `
const [path, device, model, ...libraries] = process.argv.slice(1);
const { RTLD_NOW } = require('node:os').constants.dlopen;
for (const file of libraries) {
  try { process.dlopen({ exports: {} }, file, RTLD_NOW | 0x1000); } catch {} // as preload in @bn/native does
}
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

async function computeInChild(kind: DeviceKind, libraries: readonly string[]): Promise<Obstacle> {
  const { toOnnx } = await import('@bn/onnx');
  // A convolution, because cuDNN is loaded at the first one only.
  const y = ops.conv2d(input('x', [1, 1, 4, 4]), ops.fill([1, 1, 2, 2], 1));
  const model = Buffer.from(toOnnx(createGraph({ y }))).toString('base64');
  const said = await probe(program, [runtimePath(), kind, model, ...libraries], { seconds: 60 });
  return said === undefined ? undefined : explainFailure(said);
}
