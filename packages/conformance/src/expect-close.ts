// The comparison of results with expected values.

import { formatSpec } from '@bn/core';
import { expect } from 'vitest';
import type { HostValue } from './host-value.js';

/**
 * Asserts the spec and the kind of array, and that no element is further from the expected one than `tolerance` times
 * the largest finite magnitude expected. NaN must be NaN, infinities must be the same infinity, integers must be equal.
 */
export function expectClose(actual: HostValue, expected: HostValue, tolerance: number): void {
  expect(formatSpec(actual)).toBe(formatSpec(expected));
  expect(actual.data.constructor.name).toMatch(arrayNames[expected.dtype]);
  expect(actual.data.length).toBe(expected.data.length);
  const allowed = expected.dtype === 'float32' ? tolerance * scaleOf(expected.data) : 0;
  const wrong = Array.from(expected.data).findIndex((v, i) => !near(actual.data[i], v, allowed));
  if (wrong < 0) return;
  const [got, wanted] = [actual.data[wrong], expected.data[wrong]];
  expect.fail(
    `element ${wrong} of ${formatSpec(expected)}: expected ${wanted} ± ${allowed}, got ${got}\n` +
      `expected ${head(expected.data)}\ngot      ${head(actual.data)}`,
  );
}

/** Asserts that every bit is the same. */
export function expectIdentical(actual: HostValue, expected: HostValue): void {
  const bytes = ({ data }: HostValue) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  expect(formatSpec(actual)).toBe(formatSpec(expected));
  expect(bytes(actual)).toEqual(bytes(expected));
}

const arrayNames = {
  float32: /^Float(32|64)Array$/,
  int32: /^Int32Array$/,
  uint8: /^Uint8Array$/,
  bool: /^Uint8Array$/,
};

function near(actual: number, expected: number, allowed: number): boolean {
  return Number.isFinite(expected) ? Math.abs(actual - expected) <= allowed : Object.is(actual, expected);
}

/** The largest finite magnitude; 1 if all are zero. */
function scaleOf(data: ArrayLike<number>): number {
  let scale = 0;
  for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i])) scale = Math.max(scale, Math.abs(data[i]));
  return scale || 1;
}

function head(data: ArrayLike<number>): string {
  return `${Array.from(data).slice(0, 12).join(', ')}${data.length > 12 ? ', …' : ''}`;
}
