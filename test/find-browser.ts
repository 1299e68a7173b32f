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
function findBrowser(name: keyof typeof places): string | undefined {
  const { names, folders } = places[name];
  const named = process.env[`BN_${name.toUpperCase()}`];
  return named ?? folders.flatMap((folder) => names.map((file) => join(folder, file))).find((path) => existsSync(path));
}

const [firefox, webkitgtk] = [findBrowser('firefox'), findBrowser('webkitgtk')];

/** A browser that may be there. */
export interface FoundBrowser {
  readonly name: string;
  readonly available: boolean;
  /** What to do where it is not. */
  readonly detail: string;
  /** Opens an address without a screen. `profile` is an empty folder. */
  command(address: string, profile: string): string[];
}

export const browsers: Readonly<Record<keyof typeof places, FoundBrowser>> = {
  firefox: {
    name: 'firefox',
    available: firefox !== undefined,
    detail: 'install Firefox, or set BN_FIREFOX to its path',
    command: (address, profile) => [firefox!, '--headless', '--no-remote', '--profile', profile, address],
  },
  webkitgtk: {
    name: 'webkitgtk',
    available: webkitgtk !== undefined && onPath.some((folder) => existsSync(join(folder, 'xvfb-run'))),
    detail:
      'install the MiniBrowser of WebKitGTK (Debian: libwebkit2gtk-4.1-0) and xvfb, or set BN_WEBKITGTK to its path',
    command: (address) => ['xvfb-run', '-a', webkitgtk!, '--private', address],
  },
};
