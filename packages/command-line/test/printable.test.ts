// Text as it is shown.

import { expect, test } from 'vitest';
import { printable, wrapWords } from '../src/index.js';

test('what could steer a terminal is taken out, lines and tabs are not', () => {
  expect(printable('\u001b[2Ja\tb\nc\u0007\u009b')).toBe('[2Ja\tb\nc');
});

test('long lines are broken between words, and no line is added where there was a break', () => {
  expect(wrapWords('one two three\nfour', 8)).toBe('one two\nthree\nfour');
  expect(wrapWords('a  b\n\nc', 8)).toBe('a  b\n\nc');
});

test('a word that is longer than a line stays whole', () => {
  expect(wrapWords('see incomprehensibilities now', 10)).toContain('incomprehensibilities');
});
