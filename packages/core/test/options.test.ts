import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as layers from '../src/layers/index.js';
import * as losses from '../src/losses/index.js';
import * as optimizers from '../src/optimizers/index.js';
import * as schedules from '../src/schedules.js';
import * as averages from '../src/training/average.js';

/** What stands before the options of a factory; others have the options first. */
const before: Readonly<Record<string, readonly unknown[]>> = {
  avgPool2d: [2],
  conv2d: [8],
  dense: [8],
  maxPool2d: [2],
};
/** Factories without options. */
const plain = new Set([
  ...[
    'dropout',
    'flatten',
    'gelu',
    'globalAveragePool2d',
    'hardSigmoid',
    'hardSwish',
    'relu',
    'relu6',
    'residual',
    'sequential',
    'sigmoid',
    'silu',
    'softmax',
    'stochasticDepth',
    'tanh',
  ],
  ...['chain', 'clip', 'constantSchedule', 'meanSquaredError', 'perParameter', 'sigmoidCrossEntropy'],
]);

const factories = Object.entries({ ...layers, ...losses, ...optimizers, ...schedules, ...averages }).filter(
  ([name, value]) => typeof value === 'function' && !plain.has(name),
) as [string, (...args: readonly unknown[]) => unknown][];

describe('an option that nobody knows', () => {
  test.each(factories)('is an error of %s', (name, factory) => {
    const make = (options: unknown) => () => factory(...(before[name] ?? []), options);
    expect(make({ colour: 1 })).toThrow(new RegExp(`^${name}: no option 'colour'; its options are { [a-z]`));
    expect(make(null)).toThrow(`${name}: no option 'null'; its options are`);
  });

  test('is answered with those that there are', () => {
    const { conv2d } = layers as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    expect(() => conv2d!(8, { kernelSize: 3, paddding: 1 })).toThrow(
      "conv2d: no option 'paddding'; its options are { kernelSize, stride, padding,",
    );
    expect(() => conv2d!(8, 3)).toThrow("conv2d: no option '3'; its options are { kernelSize,");
  });
});

test.each(['layers', 'optimizers'])(
  'every option that an interface in %s declares is known to its factory',
  (folder) => {
    const url = new URL(`../src/${folder}/`, import.meta.url);
    for (const file of readdirSync(url)) {
      const source = readFileSync(new URL(file, url), 'utf8');
      const interfaces = [...source.matchAll(/^export interface \w+Options .*?^}/gms)].map(([text]) => text);
      for (const [, name] of interfaces.join('\n').matchAll(/^ {2}(\w+)\??:/gm)) {
        expect(source, `${file}: ${name}`).toMatch(new RegExp(`['\`][\\w ${'$'}{}]*\\b${name}\\b[\\w ${'$'}{}]*['\`]`));
      }
    }
  },
);
