// Weights in a file of their own.

import { expect, test } from 'vitest';
import { embedExternalData, importNetwork } from '../src/index.js';
import { floats, handMade, node } from './build-model.js';
import { splitModel } from './external-model.js';

const bytes = handMade({
  nodes: [node('Conv', ['x', 'w', 'b'])],
  initializers: [floats('w', [3, 2, 3, 3]), floats('b', [3])],
});

test('come back to where they were, and each file is read once', async () => {
  const { model, data } = splitModel(bytes, 'm.onnx.data');
  const asked: string[] = [];
  const whole = await embedExternalData(model, async (location) => {
    asked.push(location);
    return data;
  });
  expect(asked).toEqual(['m.onnx.data']);
  expect(importNetwork(whole).values).toEqual(importNetwork(bytes).values);
  expect(() => importNetwork(model)).toThrow(
    "the initializer 'w' are in another file; pass the model through embedExternal",
  );
});

test('a model that has none is given as it is, and nothing is read', async () => {
  expect(await embedExternalData(bytes, () => Promise.reject(new Error('read')))).toBe(bytes);
});

test.each<[Record<string, string>, string]>([
  [{ offset: '-4' }, "'w' is said to be bytes -4 to"],
  [{ offset: '1e400' }, 'is said to be bytes'],
  [{ offset: '16', length: '216' }, "bytes 16 to 232 of 'd', which has 228; use the file that was written together"],
  [{ offset: '300' }, 'is said to be bytes 300'],
  [{ length: 'many' }, 'is said to be bytes'],
])('%j is refused', async (entries, message) => {
  const { model, data } = splitModel(bytes, 'd', entries);
  await expect(embedExternalData(model, async () => data)).rejects.toMatchObject({
    code: 'data',
    message: expect.stringContaining(message),
  });
});

test('a length that is not that of the shape is refused by the import', async () => {
  const { model, data } = splitModel(bytes, 'd', { length: '8' });
  const whole = await embedExternalData(model, async () => data);
  expect(() => importNetwork(whole)).toThrow('values for the shape');
});
