// Examples as a file: JSON, the pixels of each class in base64. The same examples train to the same network.

import { side } from './settings.js';

export interface ProjectClass {
  readonly name: string;
  readonly examples: readonly Uint8Array[];
}

const bytesOf = 3 * side * side;

export function encodeProject(classes: readonly ProjectClass[]): string {
  const encoded = classes.map(({ name, examples }) => ({ name, examples: examples.map(toBase64) }));
  return JSON.stringify({ version: 1, side, classes: encoded });
}

/** @throws Error if the text is not such a project */
export function decodeProject(text: string): ProjectClass[] {
  try {
    const project = JSON.parse(text) as {
      version: number;
      side: number;
      classes: { name: string; examples: string[] }[];
    };
    if (project.version !== 1 || project.side !== side) throw new Error();
    return project.classes.map(({ name, examples }) => {
      const decoded = examples.map(fromBase64);
      if (decoded.some(({ length }) => length !== bytesOf)) throw new Error();
      return { name: String(name), examples: decoded };
    });
  } catch {
    throw new Error(`That file has no project with images of ${side} by ${side} pixels.`);
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
