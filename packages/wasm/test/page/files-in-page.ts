// A plugin for Vite: what the conformance suite reads from files comes along in the page, unpacked.

import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const folder = new URL('../../../conformance/data/', import.meta.url);

export function filesInPage(): Plugin {
  const modules = new Map([
    ['\0node:zlib', () => 'export const gunzipSync = (bytes) => bytes;'],
    ['\0node:fs', () => `const files = ${JSON.stringify(contents())};\n${readFileInPage}`],
  ]);
  return {
    name: 'files-in-page',
    enforce: 'pre',
    resolveId: (id) => (modules.has(`\0${id}`) ? `\0${id}` : undefined),
    load: (id) => modules.get(id)?.(),
  };
}

/** Base64 by the part of a name that stays when Vite adds a hash to it. */
function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const bytes = readFileSync(new URL(name, folder));
      return [name.split('.')[0], (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('base64')];
    }),
  );
}

const readFileInPage = `
class Bytes extends Uint8Array {
  toString() { return new TextDecoder().decode(this); }
}
export function readFileSync({ pathname }) {
  const name = Object.keys(files).find((stem) => pathname.includes(stem));
  return Bytes.from(atob(files[name]), (character) => character.charCodeAt(0));
}`;
