// What a terminal and a log show of a download.

import { expect, test } from 'vitest';
import { narrator } from '../src/narrator.js';

function shown(isTTY: boolean): string {
  const parts: string[] = [];
  const { say, progress } = narrator({ isTTY, write: (part) => parts.push(part) });
  say('from an index:');
  for (const received of [0, 40, 110, 115, 1000])
    progress({ file: 'small_one-1.0-py3-none-any.whl', received, total: 1000 });
  say('installed');
  return parts.join('');
}

test('a terminal has one line that changes', () => {
  expect(shown(true).replaceAll('\x1b[K', ' ').replaceAll(/ {2,}/g, ' ')).toBe(
    'from an index:\n\r small-one 1.0 0 % of 1 kB \r small-one 1.0 4 % of 1 kB \r small-one 1.0 11 % of 1 kB ' +
      '\r small-one 1.0 100 % of 1 kB \ninstalled\n',
  );
});

test('a log has a line per tenth', () => {
  expect(shown(false).replaceAll(/ {2,}/g, ' ')).toBe(
    'from an index:\n small-one 1.0 0 % of 1 kB\n small-one 1.0 10 % of 1 kB\n small-one 1.0 100 % of 1 kB\ninstalled\n',
  );
});
