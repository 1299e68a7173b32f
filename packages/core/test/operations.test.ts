import { describe, expect, test } from 'vitest';
import { gradients, input, ops } from '../src/index.js';
import { evaluate } from './evaluate.js';

const x = input('x', [2, 3]);
const image = input('image', [2, 3, 5, 5]);
const batch = input('batch', [null, 3, 4]);

describe('shape and dtype rules', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['broadcasting', () => ops.add(x, input('y', [2])), /add: shapes \[2, 3\] and \[2\] do not broadcast/],
    [
      'mixed dtypes',
      () => ops.add(x, input('y', [3], 'int32')),
      /expected float32 or int32 inputs of one type.*use cast/,
    ],
    ['matmul', () => ops.matmul(x, x), /\[2, 3\] × \[2, 3\] do not fit/],
    ['reshape', () => ops.reshape(x, [4]), /\[2, 3\] cannot become \[4\]/],
    ['transpose', () => ops.transpose(x, [0, 0]), /not a permutation/],
    ['broadcastTo', () => ops.broadcastTo(x, [2, 4]), /do not broadcast|does not broadcast/],
    ['slice', () => ops.slice(x, [0, 0], [2, 4]), /not inside \[2, 3\]/],
    ['concat', () => ops.concat([x, input('y', [3, 3])], 1), /may differ along axis 1 only/],
    ['axes', () => ops.sum(x, [2]), /are not distinct axes of \[2, 3\]; use -2 to 1/],
    [
      'conv2d channels',
      () => ops.conv2d(image, input('w', [4, 2, 3, 3])),
      /expected 2 input channels, got 3 — input \[2, 3, 5, 5\]/,
    ],
    ['conv2d window', () => ops.conv2d(image, input('w', [4, 3, 7, 7])), /a window of 7 does not fit into 5 rows/],
    [
      'the dy of a window operation',
      () => {
        const geometry = { kernelSize: [3, 3], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
        return ops.maxPool2dGradient(image, input('dy', [2, 3, 3, 2]), geometry);
      },
      /expected dy \[2, 3, 3, 3\], got \[2, 3, 3, 2\]/,
    ],
    ['images', () => ops.conv2d(x, input('w', [4, 3, 7, 7])), /expected four axes \[batch, channels, height, width\]/],
    ['sizes below 0', () => input('y', [-1, 3]), /input 'y': the shape would be \[-1, 3\]; sizes must be integers/],
    ['fractions of a size', () => ops.reshape(input('y', [7]), [-1, 2]), /would be \[3.5, 2\]/],
    ['no stride', () => ops.conv2d(image, input('w', [4, 3, 3, 3]), { stride: [0, 1] }), /stride \[0,1\].*positive/],
    [
      'a padding that cuts',
      () => ops.conv2d(image, input('w', [4, 3, 3, 3]), { padding: [0, -1, 0, 0] }),
      /0 for padding/,
    ],
    ['a pad that cuts', () => ops.pad(x, [0, -1], [0, 0]), /use slice\(\) to cut/],
    ['the largest of nothing', () => ops.max(input('y', [0, 3]), [0]), /axis 0 of \[0, 3\] is empty/],
    ['the place of the largest of nothing', () => ops.argmax(input('y', [3, 0])), /axis 1 of \[3, 0\] is empty/],
    ['counting along no axis', () => ops.iota([2, 3], 2), /no axis 2 in \[2, 3\]; use 0 to 1/],
    ['cast first', () => ops.mul(input('u', [2], 'uint8'), 2), /uint8 \[2\].*use cast/],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(message);
  });

  test('keep a symbolic batch where its size does not matter', () => {
    expect(ops.reshape(batch, [null, 12]).shape).toEqual([null, 12]);
    expect(ops.reshape(batch, [-1, 12]).shape).toEqual([null, 12]);
    expect(ops.add(batch, input('y', [4])).shape).toEqual([null, 3, 4]);
    expect(ops.mean(batch, [1, 2]).shape).toEqual([null]);
    expect(ops.mean(batch).shape).toEqual([]);
    expect(ops.transpose(batch).shape).toEqual([4, 3, null]);
    expect(ops.slice(batch, [0, 1, 0], [null, 2, 4]).shape).toEqual([null, 1, 4]);
  });

  test.each<[string, () => unknown]>([
    ['the gradient of gathering from it', () => gradients(ops.gather(batch, input('i', [1], 'int32')), [batch])],
    ['padding it', () => ops.pad(batch, [1, 0, 0], [0, 0, 0])],
    ['cutting it', () => ops.slice(batch, [0, 0, 0], [5, 3, 4])],
  ])('refuse a symbolic batch for %s', (_, build) => {
    expect(build).toThrow(/batch/);
  });

  test('do not make nodes for what changes nothing', () => {
    expect(ops.reshape(x, [2, 3])).toBe(x);
    expect(ops.transpose(x, [0, 1])).toBe(x);
    expect(ops.cast(x, 'float32')).toBe(x);
    expect(ops.pad(x, [0, 0], [0, 0])).toBe(x);
    expect(ops.slice(x, [0, 0], [2, 3])).toBe(x);
    expect(ops.concat([x], 0)).toBe(x);
  });
});

// torch.nn.functional.gelu of PyTorch 2.15 in float64.
test('gelu and its tanh form have PyTorch’s values', async () => {
  const { exact, approximate } = await evaluate(
    { exact: ops.gelu(input('v', [5])), approximate: ops.geluTanh(input('v', [5])) },
    { v: [-2, -0.5, 0, 1, 3] },
  );
  [-0.04550026389635842, -0.15426876936299344, 0, 0.841344746068543, 2.99595030590511].forEach((v, i) => {
    expect(exact![i]).toBeCloseTo(v, 7);
  });
  [-0.04540230591222494, -0.15428599017485606, 0, 0.8411919906082768, 2.996362607918227].forEach((v, i) => {
    expect(approximate![i]).toBeCloseTo(v, 12);
  });
});

test('variance is the population variance and keeps its digits beside a large mean', async () => {
  const v = [1e6 + 1, 1e6 + 2, 1e6 + 3, 1e6 + 4];
  const { variance } = await evaluate({ variance: ops.variance(input('v', [4])) }, { v });
  expect(variance![0]).toBeCloseTo(1.25, 10);
});
