import { expect, test } from 'vitest';
import {
  batchNorm,
  conv2d,
  defineModel,
  dense,
  flatten,
  fromTorch,
  type HostTensor,
  input,
  type Layer,
  ops,
  relu,
  residual,
  sequential,
  toTorch,
  trace,
  zeros,
} from '../src/index.js';

const network = sequential({
  conv1: conv2d(2, { kernelSize: 3 }),
  bn1: batchNorm({ momentum: null }),
  act1: relu(),
  block: sequential({ act: relu(), conv: conv2d(2, { kernelSize: 1, bias: false }) }),
  skip: residual(sequential({ bn: batchNorm() })),
  flatten: flatten(),
  out: dense(3),
});
const modelOf = (network: Layer) => defineModel(network, { input: { shape: [null, 1, 6, 6], dtype: 'float32' } });
const model = modelOf(network);

/** Every parameter and state, filled with its own number. */
function valuesOf(m = model): Map<string, HostTensor> {
  const { parameters, states } = trace(m, input('features', [2, 1, 6, 6]), { training: true });
  return new Map(
    [...parameters, ...states].map(([path, { shape }], i) => {
      return [path, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(i) }];
    }),
  );
}
const values = valuesOf();
const uncounted = new Map([...values].filter(([path]) => path !== 'bn1.batches'));

test('names by paths are those of modules with such attributes', () => {
  expect([...toTorch(model, values).keys()]).toEqual([
    ...['conv1.weight', 'conv1.bias', 'bn1.weight', 'bn1.bias', 'block.conv.weight', 'skip.body.bn.weight'],
    ...['skip.body.bn.bias', 'out.weight', 'out.bias', 'bn1.running_mean', 'bn1.running_var'],
    ...['skip.body.bn.running_mean', 'skip.body.bn.running_var'],
  ]);
});

test('names by position count layers without weights too, within each block', () => {
  expect([...toTorch(model, values, 'sequential').keys()]).toEqual([
    ...['0.weight', '0.bias', '1.weight', '1.bias', '3.1.weight', '4.0.0.weight', '4.0.0.bias', '6.weight', '6.bias'],
    ...['1.running_mean', '1.running_var', '4.0.0.running_mean', '4.0.0.running_var'],
  ]);
});

test('weights come back from either naming, and from a checkpoint', () => {
  expect(fromTorch(model, toTorch(model, values))).toEqual(uncounted);
  const counted = new Map([
    ...toTorch(model, values, 'sequential'),
    ['1.num_batches_tracked', values.get('bn1.batches')!],
  ]);
  expect(fromTorch(model, counted)).toEqual(uncounted);
  const slots = new Map([...values, ['optimizer.velocity.out.bias', values.get('out.bias')!]]);
  expect(fromTorch(model, slots)).toEqual(uncounted);
});

test.each(['module.', '_orig_mod.', 'module._orig_mod.'])(
  'weights of a module wrapped as %s are those of it',
  (prefix) => {
    for (const naming of ['paths', 'sequential'] as const) {
      const wrapped = new Map([...toTorch(model, values, naming)].map(([name, value]) => [prefix + name, value]));
      expect(fromTorch(model, wrapped)).toEqual(uncounted);
    }
    const own = modelOf(sequential({ module: conv2d(1, { kernelSize: 3 }) }));
    expect(fromTorch(own, valuesOf(own))).toEqual(valuesOf(own));
  },
);

test('statistics of [1, channels, 1, 1], as from scratch, are [channels] in PyTorch', () => {
  const scratch = modelOf((x, scope) => {
    return ops.add(x, scope.child('bn').state('movingMean', [1, 1, 1, 1], zeros()));
  });
  const own = valuesOf(scratch);
  const exported = toTorch(scratch, own);
  expect([...exported]).toEqual([['bn.running_mean', { shape: [1], data: new Float32Array(1) }]]);
  expect(fromTorch(scratch, exported)).toEqual(own);
});

test('weights of another network are refused', () => {
  const torch = toTorch(model, values);
  const other = torch.get('out.bias')!;
  expect(() => fromTorch(model, new Map([...torch, ['extra.weight', other]]))).toThrow(
    "the model has no 'extra.weight'",
  );
  expect(() => fromTorch(model, new Map([...torch].slice(1)))).toThrow("there is no 'conv1.weight'");
  const wrong = new Map([...torch, ['out.bias', { shape: [4], data: new Float32Array(4) }]]);
  expect(() => fromTorch(model, wrong)).toThrow("[4] instead of [3] in 'out.bias'");
  const renamed = new Map([...torch].map(([name, tensor], i) => [i > 5 ? `old.${name}` : name, tensor]));
  expect(() => fromTorch(model, renamed)).toThrow(
    "there is no 'skip.body.bn.bias', 'out.weight', 'out.bias', and 4 more; " +
      "the model has no 'old.skip.body.bn.bias', 'old.out.weight', 'old.out.bias', and 4 more",
  );
});
