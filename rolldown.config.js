// Puts the modules of a package together, one file for each of its entries: a program starts in half the time, since
// Node reads tens of files instead of hundreds. Run in the package's folder; declarations are the type checker's.

import { readFileSync } from 'node:fs';
import { defineConfig } from 'rolldown';

const { exports, dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(exports)
  .filter((entry) => entry.types)
  .map((entry) => entry.default.replace('dist', 'src').replace('.js', '.ts'));
const others = Object.keys({ ...dependencies, ...peerDependencies });

export default defineConfig({
  input: entries,
  platform: 'neutral',
  external: [/^node:/, ...others.map((name) => new RegExp(`^${name}(/|$)`))],
  tsconfig: false,
  output: { dir: 'dist', sourcemap: true, chunkFileNames: '[name].js' },
});
