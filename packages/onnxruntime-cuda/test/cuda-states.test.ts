// What is said in each state that a machine can be in on the way to CUDA. The states are made: with small libraries in
// place of the provider, which lack what is missing, or end as the real ones do.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isManylinux } from '@bn/native';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bindingFolder, providerVersion, runtimeVersionInUse } from '../src/cuda-provider.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bn-cuda-'));
  vi.stubEnv('BN_NATIVE_DIR', root);
  // The answers of probes are kept for as long as the module lives.
  vi.resetModules();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const obstacle = () => {
  if (!isManylinux()) return 'CUDA is for Linux x64 with glibc';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no C compiler (cc)';
  }
};

function compile(file: string, source: string, ...flags: string[]): void {
  writeFileSync(`${file}.c`, source);
  execFileSync('cc', ['-shared', '-fPIC', '-Wl,--no-as-needed', `${file}.c`, '-o', file, ...flags]);
}

interface State {
  readonly version?: string;
  /** A library that the provider needs and that is not there at run time. */
  readonly lacks?: string;
  /** What the provider prints before it ends the process. */
  readonly prints?: string;
}

/** Fills the folder as the setup does, but with a provider of a few lines. */
function install({ version = runtimeVersionInUse(), lacks, prints }: State): void {
  const folder = join(root, `onnxruntime-${runtimeVersionInUse()}`);
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(folder);
  mkdirSync(elsewhere);
  writeFileSync(join(folder, 'setup.json'), '{}');
  copyFileSync(join(bindingFolder(), 'libonnxruntime.so.1'), join(folder, 'libonnxruntime.so.1'));
  compile(
    join(folder, 'libonnxruntime_providers_shared.so'),
    'static void *host; void Provider_SetHost(void *h) { host = h; } void *Provider_GetHost(void) { return host; }',
  );
  if (lacks) compile(join(elsewhere, lacks), 'int there;', `-Wl,-soname,${lacks}`);
  const ending = prints ? `fputs(${JSON.stringify(`${prints}\n`)}, stderr); _exit(1);` : '';
  compile(
    join(folder, 'libonnxruntime_providers_cuda.so'),
    `#include <stdio.h>
    #include <unistd.h>
    const char version[] = "\\0" "${version}";
    void *GetProvider(void) { ${ending} return 0; }`,
    ...(lacks ? [`-L${elsewhere}`, `-l:${lacks}`] : []),
  );
}

async function cudaDetail(): Promise<string> {
  const { diagnose, createBackend } = await import('../src/index.js');
  const { available, detail } = (await diagnose()).find(({ device }) => device === 'cuda')!;
  expect(available).toBe(false);
  // A run that asks for the device says the same.
  await expect(createBackend({ device: 'cuda' })).rejects.toThrow(detail);
  return detail;
}

const command = 'npx -y pnpm@12.21.0 train setup onnxruntime --cuda';

test('nothing is installed', async (context) => {
  context.skip(!isManylinux(), 'CUDA is for Linux x64 with glibc');
  const stock = existsSync(join(bindingFolder(), 'libonnxruntime_providers_cuda.so'));
  context.skip(stock, "onnxruntime-node's install script has put a provider beside the binding");
  expect(await cudaDetail()).toBe(
    `ONNX Runtime's CUDA provider is not installed; install it, if there is an NVIDIA GPU: ${command}`,
  );
});

const states: [string, State, RegExp][] = [
  ['the provider is of another version', { version: '1.29.0' }, /is version 1\.29\.0.*setup onnxruntime --cuda/],
  [
    'a library of CUDA is missing',
    { lacks: 'libcublasLt.so.13' },
    /libcublasLt\.so\.13 is not found.*setup onnxruntime/,
  ],
  ['the driver is missing', { lacks: 'libcuda.so.1' }, /no NVIDIA driver.*install the driver/],
  ['there is no GPU', { prints: 'CUDA failure 100: no CUDA-capable device is detected' }, /no NVIDIA GPU.*nvidia-smi/],
  ['the driver is too old', { prints: 'CUDA failure 35: CUDA driver version is insufficient' }, /too old.*580/],
  ['cuDNN is missing', { prints: 'cuDNN is unavailable or disabled' }, /cuDNN is not found.*setup onnxruntime --cuda/],
];
for (const [name, state, expected] of states) {
  test(name, async (context) => {
    const reason = obstacle();
    context.skip(reason !== undefined, reason);
    install(state);
    expect(await cudaDetail()).toMatch(expected);
  });
}

test('the version inside a provider is found wherever it stands', () => {
  const file = join(root, 'provider');
  const block = 1 << 22;
  for (const position of [0, block - 4, block + 1, 2 * block - 36]) {
    const content = Buffer.alloc(3 * block, 'x');
    content.write('\x001.30.0\0', position, 'latin1');
    writeFileSync(file, content);
    expect(providerVersion(file)).toBe('1.30.0');
  }
  writeFileSync(file, 'x'.repeat(100));
  expect(providerVersion(file)).toBeUndefined();
});
