// What the JavaScript engine can do, and flags that make it do more.

/** A module with f(a, b, c) = a · b + c by the instruction that may round once, in float32. */
const relaxedProbe = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 8, 1, 0x60, 3, 0x7d, 0x7d, 0x7d, 1, 0x7d, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0],
  ...[10, 0x16, 1, 0x14, 0, ...[0, 1, 2].flatMap((parameter) => [0x20, parameter, 0xfd, 0x13])],
  ...[0xfd, 0x85, 0x02, 0xfd, 0x1f, 0, 0x0b],
);

/** Node's process; undefined in browsers. Its modules are had through it: bundlers for browsers stumble over imports. */
export const node: NodeJS.Process | undefined =
  globalThis.process?.versions?.node === undefined ? undefined : globalThis.process;

const nodeVersion = Number(node?.versions.node.split('.')[0]);

/**
 * Turns on relaxed SIMD and the better compiler where a flag of Node's has to; flags work after the start too.
 *
 * @returns whether a multiplication and an addition are one instruction that rounds once. Where relaxed SIMD rounds twice, as
 *   in JavaScriptCore on x64, it is only slower than the two instructions, with the same results.
 */
export function enableRelaxedSimd(): boolean {
  // Others abort on these flags, or print an error.
  if (nodeVersion === 20) setFlag('--experimental-wasm-relaxed-simd');
  if (nodeVersion === 22) setFlag('--turboshaft-wasm');
  if (!WebAssembly.validate(relaxedProbe)) return false;
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(relaxedProbe)).exports as {
    f: (a: number, b: number, c: number) => number;
  };
  // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴, of which float32 has no place for the last.
  return f(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11) !== 0;
}

/**
 * Runs `body` without Node optimizing what it calls: code that runs for a tenth of a second does not repay it, nor do the
 * two seconds that the deepest networks take. From Node 24 on there is an optimizer in between, too.
 */
export function unoptimized<T>(body: () => T): T {
  const optimizers = nodeVersion >= 24 ? ['opt', 'maglev'] : nodeVersion >= 20 ? ['opt'] : [];
  for (const name of optimizers) setFlag(`--no-${name}`);
  try {
    return body();
  } finally {
    for (const name of optimizers) setFlag(`--${name}`);
  }
}

function setFlag(flag: string): void {
  node!.getBuiltinModule('node:v8').setFlagsFromString(flag);
}

/** Why there can be one thread only; undefined where there can be more. */
export function whyOneThread(): string | undefined {
  // Browsers share memory only within pages that are isolated from others, and isolate only pages from https or localhost.
  if (globalThis.crossOriginIsolated === false) {
    const problem = 'memory cannot be shared: the page is not cross-origin isolated; for more threads, serve it';
    const isSecure = globalThis.isSecureContext !== false;
    return (
      `${problem}${isSecure ? '' : ' by https, or from localhost,'} with the headers ` +
      'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
    );
  }
  // WebKitGTK has none in any page, and Firefox none where its users have turned it off.
  if (typeof SharedArrayBuffer !== 'function') {
    const isolated = globalThis.crossOriginIsolated ? 'the page is cross-origin isolated, but ' : '';
    const cure = isolated ? '; for more threads, open it in another browser' : '';
    return `memory cannot be shared: ${isolated}this engine has no SharedArrayBuffer${cure}`;
  }
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
