// Values on the command line: what is taken, what is refused, and in which words.

import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import {
  atMost,
  checkedList,
  checkedOption,
  checkedValue,
  fraction,
  type Kind,
  notNegative,
  oneOf,
  parseCommand,
  positive,
  share,
  text,
  toggle,
  wholeNumber,
} from '../src/index.js';

function parse(...args: string[]) {
  const written = { help: '' };
  const command = new Command('make')
    .addOption(checkedOption('--size', wholeNumber(1, 9), 'how large [default: as it comes]'))
    .addOption(checkedOption('--colour', oneOf('red', 'blue'), 'which colour [default: any]'))
    .addOption(checkedList('--weights', positive, 'in kilograms').default([1, 2]))
    .addOption(checkedOption('--quiet', toggle, 'say nothing'));
  const stdout = { write: (text: string) => (written.help += text) };
  const io = { cwd: '/', env: {}, stdout, stderr: stdout, signal: new AbortController().signal };
  return { flags: parseCommand(command, args, io), ...written };
}

test('values are of their kinds, and defaults are there', () => {
  expect(parse('--size', '3', '--colour', 'red').flags).toEqual({ size: 3, colour: 'red', weights: [1, 2] });
  expect(parse('--weights', '0.5, 7', '--quiet').flags).toEqual({ weights: [0.5, 7], quiet: true });
});

test('help has choices and defaults in the same place, whoever gives the default', () => {
  const { help } = parse('--help');
  expect(help).toContain('--size <n>       how large [default: as it comes]\n');
  expect(help).toContain('--colour <name>  which colour (red, blue) [default: any]\n');
  expect(help).toContain('--weights <x,…>  in kilograms [default 1,2]\n');
  expect(help).toContain('--quiet          say nothing\n');
});

test.each([
  [['--size', '10'], "--size: expected a whole number from 1 to 9, got '10'"],
  [['--size', '--quiet'], '--size: the value is missing before --quiet'],
  [['--size'], "option '--size <n>' argument missing; --help lists the flags"],
  [['--colour', 'green'], "--colour: expected one of red, blue, got 'green'"],
  [['--weights', '1,,2'], "--weights: expected a number above 0, got ''"],
])('%s is a mistake', (args, message) => {
  expect(() => parse(...args)).toThrow(expect.objectContaining({ name: 'UsageError', message }));
});

describe('a value', () => {
  const count = wholeNumber(1);

  test.each<[Kind<unknown>, string, unknown]>([
    [count, '1e9', 1e9],
    [positive, '.5', 0.5],
    [positive, '1e-4', 1e-4],
    [notNegative, '0', 0],
    [fraction, '1', 1],
    [share, '0.99', 0.99],
    [atMost(60, notNegative), '60', 60],
    [text('<file>'), ' a b ', ' a b '],
  ])('of a kind is taken (%#)', (kind, given, value) => {
    expect(checkedValue('--x', kind, given)).toBe(value);
  });

  test.each<[Kind<unknown>, string]>([
    ...['0', '-1', '1.5', 'NaN', 'x', '0x10', '1e400', 'Infinity', ' ', ''].map((given): [Kind<unknown>, string] => [
      count,
      given,
    ]),
    [positive, '0'],
    [positive, '1e400'],
    [notNegative, '-1'],
    [fraction, '1.1'],
    [share, '1'],
    [atMost(60, notNegative), '60.5'],
    [text('<file>'), ''],
  ])('of another is refused (%#)', (kind, given) => {
    expect(() => checkedValue('VARIABLE', kind, given)).toThrow(`VARIABLE: expected ${kind.expects}, got '${given}'`);
  });
});
