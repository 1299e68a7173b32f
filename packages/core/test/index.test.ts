// Folders of one kind of thing: no file is forgotten in its index, and what the index exports is public.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folders: Readonly<Record<string, readonly string[]>> = {
  layers: ['moments'],
  losses: [],
  optimizers: [],
  metrics: [],
  measures: [],
  objectives: [],
};
const source = new URL('../src/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, source), 'utf8');

test.each(Object.entries(folders))('%s: every file is exported', (folder, internal) => {
  expect(read('index.ts')).toContain(`export * from './${folder}/index.js';`);
  const index = read(`${folder}/index.ts`);
  const files = readdirSync(new URL(folder, source)).map((file) => file.replace(/\.ts$/, ''));
  const forgotten = files.filter((file) => file !== 'index' && !index.includes(`'./${file}.js'`));
  expect(forgotten).toEqual(internal);
});
