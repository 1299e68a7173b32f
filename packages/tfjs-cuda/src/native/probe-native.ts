// Finds out what a native installation computes on, by computing with it in a child process.

import { type Explanation, probe } from '@bn/native';
import { explainFailure } from '../explain-failure.js';
import type { NativeInstallation } from './find-native.js';

export type NativeDevice = 'cuda' | 'cpu';

/** The explanation of why a device does not compute; undefined if it does. */
export type Obstacle = Explanation | undefined;

const probes = new Map<string, Promise<Obstacle>>();

/** What keeps an installation from computing on `device`. The answer is kept: it does not change while the process lives. */
export function probeNative({ binding }: NativeInstallation, device: NativeDevice): Promise<Obstacle> {
  const key = `${device} ${binding}`;
  const answer = probes.get(key) ?? computeInChild(binding, device);
  probes.set(key, answer);
  return answer;
}

// A convolution, because cuDNN is loaded at the first one only.
const program = `
const [path, device] = process.argv.slice(1);
try {
  const binding = require(path);
  if (device === 'cuda' && !binding.isUsingGpuDevice()) throw new Error('TensorFlow uses no GPU');
  const ones = (shape, n) => binding.createTensor(shape, binding.TF_FLOAT, new Float32Array(n).fill(1));
  const attributes = [
    { name: 'strides', type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
    { name: 'padding', type: binding.TF_ATTR_STRING, value: 'VALID' },
  ];
  const inputs = [ones([1, 4, 4, 1], 16), ones([2, 2, 1, 1], 4)];
  const values = binding.tensorDataSync(binding.executeOp('Conv2D', attributes, inputs, 1)[0].id);
  if (values.some((v) => v !== 4)) throw new Error('a convolution gave wrong numbers: ' + values);
  process.stdout.write('computes');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
`;

async function computeInChild(binding: string, device: NativeDevice): Promise<Obstacle> {
  const visible = device === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : {};
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0', ...visible };
  const said = await probe(program, [binding, device], { seconds: 120, env });
  return said === undefined ? undefined : explainFailure(said);
}
