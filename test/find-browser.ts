// Where browsers are on this machine that have no way to be driven here, but can be started with an address.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const onPath = (process.env.PATH ?? '').split(delimiter);

const places = {
  firefox: {
    names: ['firefox', 'firefox-esr', 'firefox.exe'],
    folders: [...onPath, '/Applications/Firefox.app/Contents/MacOS', 'C:\\Program Files\\Mozilla Firefox'],
  },
  webkitgtk: {
    names: ['MiniBrowser'],
    folders: ['x86_64', 'aarch64'].flatMap((machine) =>
      ['4.1', '6.0', '4.0'].map((version) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-${version}`),
    ),
  },
};

/** Path of the browser: the one that BN_FIREFOX or BN_WEBKITGTK names, else one that is installed. */
export function findBrowser(name: keyof typeof places): string | undefined {
  const { names, folders } = places[name];
  const named = process.env[`BN_${name.toUpperCase()}`];
  return named ?? folders.flatMap((folder) => names.map((file) => join(folder, file))).find((path) => existsSync(path));
}
