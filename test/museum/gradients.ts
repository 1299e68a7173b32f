// Gradients of batch normalization, of the first order and of higher ones.

import { batchNorm, gradients, input, ops, scalar, type Tensor } from '@bn/core';
import { createBackend } from '@bn/reference';
import { expect } from 'vitest';
import { evaluate, expectNear, type Hall, momentsOf, normalized, traced, wave } from './museum.js';

const { add, exp, mul, reshape, sum } = ops;

/** Values in float64, of the reference backend: derivatives of high orders are compared with differences. */
async function precisely(outputs: Record<string, Tensor>, inputs: Record<string, ArrayLike<number>>) {
  const backend = await createBackend({ precision: 64 });
  const values = await evaluate(backend, outputs, inputs, true);
  await backend.dispose();
  return values;
}

/** The function of the report on second derivatives, its derivatives to the fourth, and their values at t. */
function derivatives() {
  const t = input('t', [1]);
  const vector = (values: number[]) => ops.reshape(input(`v${values.join()}`, [8]), [8]);
  const index = [0, 1, 2, 3, 4, 5, 6, 7];
  const [slope, square, shift] = [index.map((i) => i + 1), index.map((i) => (i % 3) - 1), index];
  const at = add(add(mul(vector(slope), t), mul(vector(square), mul(t, t))), vector(shift));
  const { output } = traced(batchNorm({ epsilon: 0.25 }), reshape(at, [2, 2, 2]), true);
  const f = sum(mul(output, reshape(vector(slope), [2, 2, 2])));
  const orders: Tensor[] = [f];
  for (let order = 1; order <= 4; order++) {
    orders.push(gradients(sum(orders[order - 1]!), [t], scalar(1))[0]!);
  }
  const outputs = Object.fromEntries(orders.map((tensor, order) => [`d${order}`, tensor]));
  const given = Object.fromEntries([slope, square, shift].map((values) => [`v${values.join()}`, values]));
  return (value: number) => precisely(outputs, { ...given, t: [value], gamma: [1.5, -0.5], beta: [0.25, 1] });
}

/** The gradient of Σ dy · y by central differences, y being the normalized values. */
function differences(x: readonly number[], dy: readonly number[]): number[] {
  const loss = (values: readonly number[]) => normalized(values).reduce((total, v, i) => total + v * dy[i]!, 0);
  const moved = (i: number, by: number) => loss(x.map((v, j) => (i === j ? v + by : v)));
  return x.map((_, i) => (moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5);
}

export const gradientHall: Hall = {
  title: 'Gradients',
  about: 'In training, mean and variance depend on every value of the batch; in prediction they are constants.',
  exhibits: [
    {
      title: 'Mean and variance depend on the input',
      reports: ['https://github.com/facebookresearch/CrypTen/pull/143'],
      scenario: 'The gradient of the input in training.',
      others: 'CrypTen took mean and variance for constants; its tests did not notice.',
      right:
        'dx = γ / √(variance + ε) · (dy − mean(dy) − x̂ · mean(dy · x̂)), as central differences in float64 have it.',
      here: 'The differences, to 1e-4 in float32.',
      async replay(backend) {
        const [x, dy] = [wave(6), wave(6, 1)];
        const node = input('x', [6, 1]);
        const { output } = traced(batchNorm(), node, true);
        const [dx] = gradients(output, [node], input('dy', [6, 1]));
        const { gradient } = await evaluate(backend, { gradient: dx! }, { x, dy });
        expectNear(gradient, differences(x, dy), 1e-4);
        const scale = 1 / Math.sqrt(momentsOf(x).variance + 1e-5);
        const asConstants = dy.map((v) => v * scale);
        expect(Math.max(...asConstants.map((v, i) => Math.abs(v - gradient![i]!)))).toBeGreaterThan(0.1);
      },
    },
    {
      title: 'The term that is not missing',
      reports: [
        'https://github.com/BVLC/caffe/issues/3878',
        'https://github.com/BVLC/caffe/issues/4110',
        'https://github.com/AlexeyAB/darknet/issues/4605',
        'https://github.com/pjreddie/darknet/pull/29',
        'https://github.com/apache/mxnet/issues/1053',
      ],
      scenario: 'The paper has a path from the mean through the variance: −2 Σ(x − mean) / N.',
      others: 'Caffe and Darknet leave it out, MXNet had it; each was reported as a fault.',
      right: 'It is zero, as Σ(x − mean) = 0: the gradient with it and without it is the same.',
      here: 'The gradient without it, also of a batch with a mean of 1000.',
      async replay(backend) {
        const x = wave(8).map((v) => 1000 + Math.round(8 * v) / 8);
        const dy = wave(8, 2);
        const node = input('x', [8, 1]);
        const { output } = traced(batchNorm(), node, true);
        const [dx] = gradients(output, [node], input('dy', [8, 1]));
        const { gradient } = await evaluate(backend, { gradient: dx! }, { x, dy });
        const { mean, variance } = momentsOf(x);
        const s = 1 / Math.sqrt(variance + 1e-5);
        const dVariance = x.reduce((total, v, i) => total + dy[i]! * (v - mean) * -0.5 * s ** 3, 0);
        const through = (dVariance * x.reduce((total, v) => total - 2 * (v - mean), 0)) / x.length;
        const dMean = dy.reduce((total, v) => total - v * s, 0) + through;
        expectNear(
          gradient,
          x.map((v, i) => dy[i]! * s + (dVariance * 2 * (v - mean) + dMean) / x.length),
          1e-5,
        );
      },
    },
    {
      title: 'The sum of the outputs',
      reports: [
        'https://github.com/HomericIntelligence/Odyssey/issues/3666',
        'https://github.com/HomericIntelligence/Odyssey/issues/3174',
        'https://github.com/HomericIntelligence/Mnemosyne/pull/336',
      ],
      scenario: 'A gradient is checked with the sum of the outputs as the loss.',
      others:
        'Float32 differences gave about 0.009 where the gradient is zero; such a test also passes for wrong gradients.',
      right: 'The outputs of a channel sum to N · β whatever x is: the gradient is zero.',
      here: 'Zero, to 1e-6.',
      async replay(backend) {
        const node = input('x', [4, 2]);
        const [dx] = gradients(sum(traced(batchNorm(), node, true).output), [node], scalar(1));
        const { gradient } = await evaluate(backend, { gradient: dx! }, { x: wave(8) });
        expectNear(gradient, new Array(8).fill(0), 1e-6);
      },
    },
    {
      title: 'Gradients of gamma and beta',
      reports: [
        'https://github.com/pytorch/pytorch/issues/2330',
        'https://github.com/tensorflow/tensorflow/issues/14676',
      ],
      scenario: 'The gradients of scale and shift.',
      others:
        'The documentation of XLA multiplied by √(variance + ε) for the scale, where it must divide; a question took the sum of the inputs for the gradient of the shift.',
      right: 'dγ = Σ dy · (x − mean) / √(variance + ε), and dβ = Σ dy.',
      here: 'These sums, to 1e-5.',
      async replay(backend) {
        const [x, dy] = [wave(8).map((v) => 3 * v), wave(8, 3)];
        const [gamma, beta] = [input('gamma', [1]), input('beta', [1])];
        const node = input('x', [8, 1]);
        const { output } = traced(batchNorm({ scale: false, center: false }), node, true);
        const y = add(mul(output, gamma), beta);
        const own = traced(batchNorm(), node, true);
        const parameters = [...own.parameters.values()].map(({ tensor }) => tensor);
        const [dGamma, dBeta] = gradients(own.output, parameters, input('dy', [8, 1]));
        const [byHand] = gradients(y, [gamma], input('dy', [8, 1]));
        const found = await evaluate(backend, { dGamma: dGamma!, dBeta: dBeta!, byHand: byHand! }, { x, dy });
        const normal = normalized(x);
        expectNear(found.dGamma, [dy.reduce((total, v, i) => total + v * normal[i]!, 0)], 1e-5);
        expectNear(found.dBeta, [dy.reduce((total, v) => total + v, 0)], 1e-5);
        expectNear(found.byHand, found.dGamma!, 1e-5);
      },
    },
    {
      title: 'Back through prediction',
      reports: [
        'https://github.com/pytorch/pytorch/issues/586',
        'https://github.com/pytorch/xla/issues/913',
        'https://github.com/pytorch/xla/issues/3361',
        'https://github.com/apache/mxnet/issues/9580',
      ],
      scenario: 'The gradient of the input where the running statistics normalize.',
      others:
        'cuDNN in PyTorch gave another gradient at each call; PyTorch/XLA gave a wrong gradient, and later failed; in MXNet it is that of training unless `backward` is told otherwise.',
      right: 'The statistics are constants: dx = γ · dy / √(running variance + ε).',
      here: 'That, to 1e-6, in prediction and with `frozen: true`.',
      async replay(backend) {
        const dy = wave(6);
        const values = { x: wave(6, 1), dy, gamma: [3], runningMean: [0.5], runningVariance: [4] };
        for (const [frozen, training] of [
          [false, false],
          [true, true],
        ] as const) {
          const node = input('x', [6, 1]);
          const [dx] = gradients(traced(batchNorm({ frozen }), node, training).output, [node], input('dy', [6, 1]));
          const { gradient } = await evaluate(backend, { gradient: dx! }, values);
          expectNear(
            gradient,
            dy.map((v) => (3 * v) / Math.sqrt(4 + 1e-5)),
            1e-6,
          );
        }
      },
    },
    {
      title: 'A bias before the layer',
      reports: [
        'https://github.com/4uiiurz1/pytorch-nested-unet/issues/39',
        'https://github.com/LAION-AI/phenaki/pull/3',
        'https://github.com/milesial/Pytorch-UNet/pull/325',
      ],
      scenario: 'A convolution with a bias stands before batch normalization.',
      others: 'The networks had parameters that do nothing in training.',
      right: 'The mean takes a constant out: y does not depend on the bias, and its gradient is zero.',
      here: 'The gradient is zero, to 1e-6, and the outputs with a bias of 7 and without it agree to 1e-5.',
      async replay(backend) {
        const [node, bias] = [input('x', [8, 1]), input('bias', [1])];
        const { output } = traced(batchNorm(), add(node, bias), true);
        const [gradient] = gradients(output, [bias], input('dy', [8, 1]));
        const run = (value: number) =>
          evaluate(backend, { y: output, gradient: gradient! }, { x: wave(8), dy: wave(8, 1), bias: [value] });
        const [without, having] = [await run(0), await run(7)];
        expectNear(having.gradient, [0], 1e-6);
        expectNear(having.y, without.y!, 1e-5);
      },
    },
    {
      title: 'A gradient of a gradient',
      reports: ['https://github.com/pytorch/pytorch/issues/2264', 'https://github.com/pytorch/pytorch/issues/4422'],
      scenario: 'A penalty on gradients, as in WGAN-GP: the gradient of Σ dx, where dx is the gradient of Σ exp(y).',
      others: 'PyTorch crashed, or said that the derivative was not implemented.',
      right: 'What central differences of Σ dx give, in float64.',
      here: 'The differences, to 1e-6.',
      float64: true,
      async replay() {
        const node = input('x', [5, 1]);
        const { output } = traced(batchNorm({ epsilon: 0.1 }), node, true);
        const [dx] = gradients(sum(exp(output)), [node], scalar(1));
        const weighted = sum(mul(dx!, input('w', [5, 1])));
        const [second] = gradients(weighted, [node], scalar(1));
        const [x, w] = [wave(5), wave(5, 1)];
        const run = (values: number[]) => precisely({ weighted, second: second! }, { x: values, w });
        const step = 1e-5;
        const expected = [];
        for (const i of x.keys()) {
          const moved = async (by: number) => (await run(x.map((v, j) => (i === j ? v + by : v)))).weighted![0]!;
          expected.push(((await moved(step)) - (await moved(-step))) / (2 * step));
        }
        expectNear((await run(x)).second, expected, 1e-6);
      },
    },
    {
      title: 'The second derivative',
      reports: ['https://github.com/pytorch/pytorch/issues/196699'],
      scenario: 'A function of one number t through batch normalization with ε = 0.25, at t = −6, in float64.',
      others: 'PyTorch, in forward mode nested twice: −2.132438339486815.',
      right: 'The report computes −0.20703015646993195 from mean and variance, by the formula.',
      here: '−0.20703015646993, in float64.',
      float64: true,
      async replay() {
        expectNear((await derivatives()(-6)).d2, [-0.20703015646993195], 1e-13);
      },
    },
    {
      title: 'The third derivative and the fourth',
      reports: ['https://github.com/pytorch/pytorch/issues/186256', 'https://github.com/pytorch/pytorch/pull/186779'],
      scenario: 'The same function, differentiated three and four times.',
      others: 'From the third order on PyTorch gave wrong values without a word; an error was proposed in their place.',
      right: 'What central differences of the order before give, in float64.',
      here: 'The differences, to 1e-6.',
      float64: true,
      async replay() {
        const at = derivatives();
        const h = 1e-4;
        const [middle, above, below] = [await at(-6), await at(-6 + h), await at(-6 - h)];
        for (const order of [3, 4]) {
          const difference = (above[`d${order - 1}`]![0]! - below[`d${order - 1}`]![0]!) / (2 * h);
          expectNear(middle[`d${order}`], [difference], 1e-6);
        }
      },
    },
  ],
};
