#!/usr/bin/env node
// `npm create @bn my-classifier`: copies the template into a new folder.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const usage =
  'usage: npm create @bn <folder>\n\nStarts a project in a new folder: a page that learns from the camera.\n';

function create(name: string): string {
  const folder = resolve(name);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`${name} has files in it; give a new folder`);
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'template'), folder, { recursive: true });
  // npm leaves files of that name out of packages.
  renameSync(join(folder, '_gitignore'), join(folder, '.gitignore'));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifest.name = packageName(basename(folder));
  for (const one of Object.keys(manifest.dependencies)) manifest.dependencies[one] = `^${version}`;
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return `${name} is ready. Next:\n\n  cd ${name}\n  npm install\n  npm run dev\n`;
}

/** As npm allows it. */
function packageName(folder: string): string {
  const allowed = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return allowed || 'my-classifier';
}

const [name, ...rest] = process.argv.slice(2);
if (name === '--help' || name === '-h') process.stdout.write(usage);
else if (name === undefined || name.startsWith('-') || rest.length > 0) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  try {
    process.stdout.write(create(name));
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
