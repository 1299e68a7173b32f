// Where Chromium is on this machine, for tests in a browser.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe'];
const folders = [
  '/usr/bin',
  '/Applications/Google Chrome.app/Contents/MacOS',
  '/Applications/Chromium.app/Contents/MacOS',
  'C:\\Program Files\\Google\\Chrome\\Application',
  ...(process.env.PATH ?? '').split(delimiter),
];

/** Path of a Chromium or Chrome: the one that BN_CHROMIUM names, else one that is installed. */
export function findChromium(): string | undefined {
  if (process.env.BN_CHROMIUM) return process.env.BN_CHROMIUM;
  const macNames = ['Google Chrome', 'Chromium'];
  return folders
    .flatMap((folder) => [...names, ...macNames].map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}
