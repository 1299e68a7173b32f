// Classes are matched by name wherever names meet indices.

import { matchClasses } from '@bn/core';
import { expect, test } from 'vitest';

const data = (names: string[] | null, count = names?.length ?? 0) => ({ names, count, what: 'the data' });
const model = (names: string[] | null, count = names?.length ?? 0) => ({ names, count, what: 'the model' });

test.each([
  ['equal sets in another order', ['b', 'c', 'a'], ['a', 'b', 'c'], [1, 2, 0]],
  ['a subset', ['c', 'a'], ['a', 'b', 'c'], [2, 0]],
  ['numbers that are written otherwise', ['07', '3'], ['3', '7'], [1, 0]],
])('%s is mapped by name', (_, from, to, index) => {
  expect(matchClasses(data(from), model(to))).toEqual({ index: Int32Array.from(index), names: to, note: null });
});

test('a class that the model lacks is an error that lists both', () => {
  expect(() => matchClasses(data(['a', 'x']), model(['a', 'b']))).toThrow(
    'the data has the classes a, x, but the model a, b; give both the same names',
  );
});

test('numeric labels are the numbers of a model without names', () => {
  expect(matchClasses(data(null, 3), model(null, 5)).index).toEqual(Int32Array.of(0, 1, 2));
  expect(() => matchClasses(data(null, 6), model(null, 5))).toThrow('0 to 5, without names, but the model 0 to 4');
});

test('numeric labels find numeric names by number, and other names by position', () => {
  expect(matchClasses(data(null, 3), model(['2', '1', '0'])).index).toEqual(Int32Array.of(2, 1, 0));
  expect(matchClasses(data(null, 2), model(['a', 'b', 'c'])).index).toEqual(Int32Array.of(0, 1));
});

test('numeric labels with gaps find numeric names by number', () => {
  const gaps = { ...data(null, 12), present: new Set([11, 3]) };
  expect([3, 11].map((label) => matchClasses(gaps, model(['11', '20', '3'])).index[label])).toEqual([2, 0]);
  expect(() => matchClasses(gaps, model(['11', '20', '4']))).toThrow('the data has the classes 3, 11, without names');
  expect(() => matchClasses({ ...data(['3', '4']), present: new Set([0]) }, model(['3']))).toThrow('3, 4, but');
});

test('as many names as a model without names has outputs are taken in their order, which is said', () => {
  const { index, names, note } = matchClasses(data(['0', '1', '10', '2']), model(null, 4));
  expect([...index]).toEqual([0, 1, 2, 3]);
  expect(names).toEqual(['0', '1', '10', '2']);
  expect(note).toContain('in their order, 0, 1, 10, 2');
  expect(matchClasses(data(['0', '1', '2']), model(null, 3)).note).toBeNull();
});

test('fewer numeric names are the numbers of the outputs of a model without names', () => {
  expect([...matchClasses(data(['3', '7']), model(null, 10)).index]).toEqual([3, 7]);
  expect(() => matchClasses(data(['a', 'b']), model(null, 10))).toThrow('without names');
});

test('two classes of the data are never the same class of the model', () => {
  expect(() => matchClasses(data(['7', '07']), model(['7', '8']))).toThrow('give both the same names');
});
