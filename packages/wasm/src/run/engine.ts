// What the JavaScript engine can do, and flags that make it do more.

/** A module whose function multiplies and adds in one instruction. */
const relaxedProbe = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
  ...[10, 0x3e, 1, 0x3c, 0],
  ...Array.from({ length: 3 }, () => [0xfd, 0x0c, ...new Array<number>(16).fill(0)]).flat(),
  ...[0xfd, 0x85, 0x02, 0x1a, 0x0b],
);

/** Node's process; undefined in browsers. Its modules are had through it: bundlers for browsers stumble over imports. */
export const node: NodeJS.Process | undefined =
  globalThis.process?.versions?.node === undefined ? undefined : globalThis.process;

const nodeVersion = Number(node?.versions.node.split('.')[0]);

/**
 * Turns on relaxed SIMD and the better compiler where a flag of Node's has to; flags work after the start too.
 *
 * @returns whether there is relaxed SIMD now
 */
export function enableRelaxedSimd(): boolean {
  // Others abort on these flags, or print an error.
  if (nodeVersion === 20) setFlag('--experimental-wasm-relaxed-simd');
  if (nodeVersion === 22) setFlag('--turboshaft-wasm');
  return WebAssembly.validate(relaxedProbe);
}

/**
 * Runs `body` without Node 20 optimizing what it calls: code that runs for a tenth of a second does not repay it. Node 24
 * has an optimizer in between, which is quick; Node 22 loses later what it gains with the first graph.
 */
export function unoptimized<T>(body: () => T): T {
  if (nodeVersion !== 20) return body();
  setFlag('--no-opt');
  try {
    return body();
  } finally {
    setFlag('--opt');
  }
}

function setFlag(flag: string): void {
  node!.getBuiltinModule('node:v8').setFlagsFromString(flag);
}

/** Why there can be one thread only; undefined where there can be more. */
export function whyOneThread(): string | undefined {
  // Browsers share memory only within pages that are isolated from others.
  if (globalThis.crossOriginIsolated === false) {
    return (
      'memory cannot be shared: the page is not cross-origin isolated; for more threads, serve it with the headers ' +
      'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
    );
  }
  // WebKitGTK has none in any page.
  if (typeof SharedArrayBuffer !== 'function') return 'memory cannot be shared: this engine has no SharedArrayBuffer';
  if (!node && typeof Worker !== 'function') return 'there are no workers here';
  return undefined;
}

/** The main thread of a page must neither sleep nor compute for long: it keeps the page alive. */
export function isPage(): boolean {
  return 'document' in globalThis;
}

/** Processors that this process may use. */
export function processors(): number {
  return node ? node.getBuiltinModule('node:os').availableParallelism() : navigator.hardwareConcurrency;
}
