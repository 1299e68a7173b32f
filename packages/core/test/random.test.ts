import { expect, test } from 'vitest';
import { createGenerator, permutation } from '../src/index.js';

const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

test('neighbouring seeds and streams are independent from their first number on', () => {
  const first = Array.from({ length: 4000 }, (_, seed) => createGenerator(seed, 0).uniform());
  const stream = Array.from({ length: 4000 }, (_, n) => createGenerator(0, n).uniform());
  for (const values of [first, stream]) {
    expect(mean(values)).toBeCloseTo(0.5, 1);
    expect(mean(values.map((v) => 12 * (v - 0.5) ** 2))).toBeCloseTo(1, 1);
    const neighbours = values.slice(1).map((v, i) => 12 * (v - 0.5) * (values[i]! - 0.5));
    expect(Math.abs(mean(neighbours))).toBeLessThan(0.06);
  }
});

test('a stream is reached from its numbers alone', () => {
  const numbers = () => {
    const random = createGenerator(7, 1, 5);
    return [random.uniform(), random.normal(), random.integer(10)];
  };
  expect(numbers()).toEqual(numbers());
  expect(createGenerator(7, 1, 5).uniform()).not.toBe(createGenerator(7, 5, 1).uniform());
});

test('normal numbers have mean 0 and variance 1', () => {
  const random = createGenerator(1);
  const values = Array.from({ length: 20000 }, () => random.normal());
  expect(Math.abs(mean(values))).toBeLessThan(0.03);
  expect(mean(values.map((v) => v * v))).toBeCloseTo(1, 1);
});

test('a permutation has every number once, each as likely in each place', () => {
  const counts = new Array<number>(5).fill(0);
  for (let i = 0; i < 2000; i++) {
    const order = permutation(5, createGenerator(3, i));
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4]);
    counts[order.indexOf(2)]!++;
  }
  for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(80);
});
