// Where there is no WebAssembly, or compiling is forbidden: an error that says what to do, before anything is prepared.

import { BnError } from '@bn/core';

/** The smallest module. */
const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** @throws BnError `backend` where modules cannot be compiled */
export function requireWebAssembly(): void {
  if (typeof WebAssembly === 'undefined') {
    const cure = 'start Node without --jitless and --no-expose-wasm, take a browser that has it, or another backend';
    throw new BnError('backend', `wasm cannot compute: this engine has no WebAssembly; ${cure}`);
  }
  try {
    new WebAssembly.Module(empty);
  } catch (cause) {
    const problem = `compiling WebAssembly is forbidden here (${(cause as Error).message})`;
    const cures =
      "a page allows it by script-src 'wasm-unsafe-eval' in its content security policy; " +
      'edge workers that forbid it can run what compileAhead has made';
    throw new BnError('backend', `wasm cannot compute: ${problem}; ${cures}`, { cause });
  }
}
