// Checks that everything the published packages install has a licence that lets them be used as the packages' own does.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import satisfies from 'spdx-satisfies';

/** Without copyleft. */
const permissive = 'MIT ISC 0BSD BSD-2-Clause BSD-3-Clause Apache-2.0 BlueOak-1.0.0 Unlicense Zlib CC0-1.0'.split(' ');

/** @type {{ packages: RegExp, license: string, reason: string }[]} */
const exceptions = [
  {
    packages: /^@img\/sharp-(libvips-|win32-|wasm32)/,
    license: 'LGPL-3.0-or-later',
    reason: 'libvips, which sharp loads as a shared library of its own package: whoever installs it can replace it',
  },
];

const root = fileURLToPath(new URL('../', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const list = ['licenses', 'list', '--json', '--prod', '--filter', '"./packages/*"', '--filter', '"./apps/*"'];
const { status, stdout, stderr } = spawnSync('npx', ['-y', packageManager, ...list], {
  ...{ cwd: root, shell: true, encoding: 'utf8', maxBuffer: 1e8 },
});
if (status !== 0) {
  console.error(`error: pnpm cannot list the licences:\n${stderr}`);
  process.exit(2);
}
/** @type {Record<string, { name: string, versions: string[] }[]>} */
const byLicense = JSON.parse(stdout);
const refused = Object.entries(byLicense).flatMap(([license, packages]) =>
  packages.flatMap(({ name, versions }) =>
    isFine(name, license) ? [] : [`${name} ${versions.join(', ')}: ${license}`],
  ),
);
const rows = Object.entries(byLicense).map(
  ([license, packages]) => `${String(packages.length).padStart(5)}  ${license}`,
);
console.log(['Packages by licence:', ...rows].join('\n'));
if (refused.length > 0) {
  console.error(`error: unknown licences, or copyleft:\n${refused.join('\n')}\nReplace them, or add a reason here.`);
  process.exit(1);
}

/** @param {string} name @param {string} license */
function isFine(name, license) {
  const more = exceptions.filter(({ packages }) => packages.test(name)).map((exception) => exception.license);
  try {
    return satisfies(license, [...permissive, ...more]);
  } catch {
    // Not an expression of SPDX.
    return false;
  }
}
