import { describe, expect, test } from 'vitest';
import { BnError, constant, gradients, input, ops, type Tensor, withOrigin } from '../src/index.js';
import { evaluate } from './evaluate.js';

const x = input('x', [3]);
const data = { x: [0.5, -1, 2] };

describe('gradients', () => {
  test('adds the contributions of all paths', async () => {
    const y = ops.add(ops.mul(x, x), ops.mul(x, 3));
    const { dx } = await evaluate({ dx: gradients(ops.sum(y), [x])[0]! }, data);
    expect(dx).toEqual([4, 1, 7]);
  });

  test('reaches a tensor through another one that is asked for as well', async () => {
    const y = ops.mul(x, 2);
    const [dx, dy] = gradients(ops.sum(ops.mul(y, y)), [x, y]) as [typeof x, typeof x];
    const values = await evaluate({ dx, dy }, data);
    expect(values).toEqual({ dx: [4, -8, 16], dy: [2, -4, 8] });
  });

  test.each<[string, (x: Tensor) => readonly [Tensor, Tensor, Tensor, Tensor]]>([
    [
      'depend on each other',
      (x) => [ops.mean(x, [0]), ops.variance(x, [0]), ops.mean(ops.exp(x), [0]), ops.max(x, [0])],
    ],
    ['are the same', (x) => Array(4).fill(ops.mean(ops.exp(x), [0])) as unknown as [Tensor, Tensor, Tensor, Tensor]],
  ])('of a fused operation are right where its operands %s', async (_, operandsOf) => {
    const x = input('x', [4, 2]);
    const weights = constant(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 9), [4, 2]);
    const y = ops.sum(ops.mul(ops.batchNormalize(x, ...operandsOf(x)), weights));
    const at = [1, 2, 3, 1.5, -1, 0.5, 2, 2.5];
    const { dx } = await evaluate({ dx: gradients(y, [x])[0]! }, { x: at });
    const moved = async (i: number, by: number) =>
      (await evaluate({ y }, { x: at.map((v, j) => (i === j ? v + by : v)) })).y[0]!;
    for (const i of at.keys()) {
      expect(dx[i]).toBeCloseTo(((await moved(i, 1e-5)) - (await moved(i, -1e-5))) / 2e-5, 5);
    }
  });

  test('is zero where y does not depend on x', async () => {
    const [dx] = gradients(ops.sum(input('other', [2])), [x]) as [typeof x];
    expect((await evaluate({ dx })).dx).toEqual([0, 0, 0]);
  });

  test('can be differentiated again', async () => {
    const [dx] = gradients(ops.sum(ops.exp(ops.mul(x, x))), [x]) as [typeof x];
    const [ddx] = gradients(ops.sum(dx), [x]) as [typeof x];
    const { second } = await evaluate({ second: ddx }, data);
    expect(second).toEqual(data.x.map((x) => expect.closeTo((2 + 4 * x ** 2) * Math.exp(x ** 2), 8)));
  });

  test.each([
    ['argmax', () => ops.cast(ops.argmax(x, 0), 'float32')],
    ['comparison', () => ops.sum(ops.cast(ops.less(x, 1), 'float32'))],
    ['integers', () => ops.sum(ops.cast(ops.cast(x, 'int32'), 'float32'))],
    ['stopGradient', () => ops.sum(ops.stopGradient(ops.mul(x, 2)))],
  ])('stops at %s', async (_, build) => {
    const [dx] = gradients(build(), [x]) as [typeof x];
    expect((await evaluate({ dx }, data)).dx).toEqual([0, 0, 0]);
  });

  test('says that max pooling has no second derivative', () => {
    const image = input('image', [1, 1, 4, 4]);
    const pooled = ops.maxPool2d(image, {
      kernelSize: [2, 2],
      stride: [2, 2],
      padding: [0, 0, 0, 0],
      dilation: [1, 1],
    });
    const [dx] = gradients(ops.sum(ops.mul(pooled, pooled)), [image]) as [typeof image];
    expect(() => gradients(ops.sum(dx), [image])).toThrow(/second derivatives of max pooling/);
  });

  test('uses a gradient given by hand, and checks its shape', async () => {
    const reversed = ops.customGradient(
      [x],
      (x) => ops.mul(x, 1),
      (dy) => [ops.neg(dy)],
    );
    expect((await evaluate({ dx: gradients(ops.sum(reversed), [x])[0]! }, data)).dx).toEqual([-1, -1, -1]);
    const wrong = ops.customGradient(
      [x],
      (x) => ops.mul(x, 1),
      (dy) => [ops.sum(dy)],
    );
    expect(() => gradients(ops.sum(wrong), [x])).toThrow(BnError);
  });

  test('nodes carry the layer they differentiate, and the direction backward', () => {
    const y = withOrigin({ layer: 'block.conv1' }, () => ops.sigmoid(x));
    const [dx] = gradients(ops.sum(y), [x]) as [typeof x];
    expect(dx.origin).toEqual({ layer: 'block.conv1', direction: 'backward' });
  });
});
