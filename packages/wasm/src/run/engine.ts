// What the JavaScript engine can do, and flags that make it do more.

/** A module whose function multiplies and adds in one instruction. */
const relaxedProbe = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
  ...[10, 0x3e, 1, 0x3c, 0],
  ...Array.from({ length: 3 }, () => [0xfd, 0x0c, ...new Array<number>(16).fill(0)]).flat(),
  ...[0xfd, 0x85, 0x02, 0x1a, 0x0b],
);

/**
 * Turns on relaxed SIMD and the better compiler where a flag of Node's has to; flags work after the start too.
 *
 * @returns whether there is relaxed SIMD now
 */
export async function enableRelaxedSimd(): Promise<boolean> {
  const version = globalThis.process?.versions?.node;
  if (version !== undefined) {
    const [major] = version.split('.').map(Number);
    // Others abort on these flags, or print an error.
    const flag = { 20: '--experimental-wasm-relaxed-simd', 22: '--turboshaft-wasm' }[major];
    if (flag) (await import('node:v8')).setFlagsFromString(flag);
  }
  return WebAssembly.validate(relaxedProbe);
}

/** Browsers share memory only with pages that are isolated from others. */
export function hasSharedMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false;
}

/** Processors that this process may use. */
export async function processors(): Promise<number> {
  if (globalThis.process?.versions?.node === undefined) return navigator.hardwareConcurrency;
  return (await import('node:os')).availableParallelism();
}
