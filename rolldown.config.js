// Puts the modules of a package together, one file for each of its entries: a program starts in half the time, since
// Node reads tens of files instead of hundreds. Run in the package's folder; declarations are the type checker's.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'rolldown';

const { exports, dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(exports)
  .filter((entry) => entry.types)
  .map((entry) => entry.default.replace('dist', 'src').replace('.js', '.ts'));
const others = Object.keys({ ...dependencies, ...peerDependencies });

const common = { platform: 'neutral', tsconfig: false };
const isLoader = (entry) => entry.endsWith('/loader.ts');

export default defineConfig([
  {
    ...common,
    input: entries.filter((entry) => !isLoader(entry)),
    external: [/^node:/, ...others.map((name) => new RegExp(`^${name}(/|$)`))],
    output: { dir: 'dist', sourcemap: true, chunkFileNames: '[name].js' },
  },
  // Copied beside models, it stands alone: what it uses of other packages is in it, from sources, so that only that is.
  ...entries.filter(isLoader).map((input) => ({
    ...common,
    input,
    resolve: { alias: { '@bn/core': resolve('../core/src/index.ts') } },
    output: { dir: 'dist', minify: true },
  })),
]);
