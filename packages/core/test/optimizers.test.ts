import { describe, expect, test } from 'vitest';
import { adam, adamW, input, type Optimizer, rmsprop, scalar, sgd } from '../src/index.js';
import { evaluate } from './evaluate.js';

/** Four updates of a parameter [0.5, −1, 2] with made-up gradients that depend on the parameter. */
async function fourSteps(optimizer: Optimizer): Promise<number[]> {
  const parameter = input('parameter', [3]);
  const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, input(slot, [3])]));
  const context = { learningRate: scalar(0.1), step: input('step', []), slots };
  const update = optimizer.update(parameter, input('gradient', [3]), context);
  let values: Record<string, number[]> = { parameter: [0.5, -1, 2] };
  for (const slot of optimizer.slots) values[slot] = [0, 0, 0];
  for (let t = 0; t < 4; t++) {
    const gradient = [0.3, -0.2, 0.1].map(
      (g, i) => g * (t + 1) * (i === 1 ? (-1) ** t : 1) + 0.1 * values.parameter![i]!,
    );
    values = await evaluate({ ...update.slots, parameter: update.parameter }, { ...values, gradient, step: [t + 1] });
  }
  return values.parameter!;
}

// Expected values: torch.optim of PyTorch 2.15 in float64, the same gradients, learning rate 0.1.
describe('optimizers agree with PyTorch after four steps', () => {
  test.each<[string, Optimizer, number[]]>([
    ['sgd', sgd(), [0.183283035, -1.00099403, 1.82218703]],
    [
      'sgd with momentum and decay',
      sgd({ momentum: 0.9, weightDecay: 0.01 }),
      [-0.0992572475995, -0.908711199561, 1.62081105019],
    ],
    [
      'sgd with Nesterov momentum',
      sgd({ momentum: 0.9, nesterov: true }),
      [-0.344692844926, -0.929111210063, 1.50201979706],
    ],
    ['adam', adam(), [0.108961089415, -0.862253602069, 1.60027087274]],
    ['adam with decay', adam({ weightDecay: 0.05 }), [0.107834052666, -0.8319491982, 1.59928496766]],
    ['adamW', adamW(), [0.107553285273, -0.858654840029, 1.59287344144]],
    ['rmsprop', rmsprop(), [-2.81232769613, -0.68463893147, -0.893262368448]],
    [
      'rmsprop with momentum and decay',
      rmsprop({ decay: 0.9, momentum: 0.5, weightDecay: 0.01 }),
      [-1.18699237403, -0.633036230351, 0.446819683484],
    ],
  ])('%s', async (_, optimizer, expected) => {
    const parameter = await fourSteps(optimizer);
    expect(parameter).toEqual(expected.map((v) => expect.closeTo(v, 8)));
  });

  test('options out of range are errors', () => {
    expect(() => sgd({ momentum: 1 })).toThrow(/momentum must be at least 0 and below 1/);
    expect(() => sgd({ nesterov: true })).toThrow(/nesterov needs a momentum/);
    expect(() => adam({ beta2: Number.NaN })).toThrow(/beta2/);
  });
});
