// What is said in each state that an installation of libtensorflow can be in. The states are made: with a binding of a few
// lines in place of the real one.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isManylinux } from '@bn/native';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBackend, diagnose } from '../src/index.js';
import { nativeFolder } from '../src/native-folder.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bn-native-'));
  vi.stubEnv('BN_NATIVE_DIR', root);
  mkdirSync(nativeFolder());
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

function obstacle(): string | undefined {
  if (!isManylinux()) return 'native libraries are for Linux x64 with glibc';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no C compiler (cc)';
  }
}

interface State {
  readonly variant: 'cpu' | 'cuda';
  /** A library that the binding needs and that is not there at run time. */
  readonly lacks?: string;
  /** What the binding does when it is loaded. */
  readonly does?: string;
}

function install({ variant, lacks, does = '' }: State): void {
  const folder = nativeFolder();
  const record = { variant, tensorflow: '2.21.0', tfjs: '4.22.0' };
  writeFileSync(join(folder, 'setup.json'), JSON.stringify(record));
  const compile = (file: string, source: string, ...flags: string[]) => {
    writeFileSync(join(root, 'source.c'), source);
    const common = ['-shared', '-fPIC', '-Wl,--no-as-needed', join(root, 'source.c'), '-o', file];
    execFileSync('cc', [...common, ...flags]);
  };
  if (lacks) compile(join(root, lacks), 'int there;', `-Wl,-soname,${lacks}`);
  compile(
    join(folder, 'tfjs_binding.node'),
    `#include <signal.h>
    #include <stdio.h>
    #include <unistd.h>
    __attribute__((constructor)) static void load(void) { ${does} }`,
    ...(lacks ? [`-L${root}`, `-l:${lacks}`] : []),
  );
}

const prints = (text: string) => `fputs(${JSON.stringify(`${text}\n`)}, stderr); _exit(1);`;
const command = 'npx -y pnpm@12\\.21\\.0 train setup tfjs';

const states: [name: string, state: State, expected: RegExp][] = [
  [
    'libtensorflow is missing beside the binding',
    { variant: 'cpu', lacks: 'libtensorflow_cc.so.2' },
    new RegExp(`libtensorflow_cc\\.so\\.2 is not found beside the binding; install it again: ${command} --remove`),
  ],
  ['the processor is too old', { variant: 'cpu', does: 'raise(SIGILL);' }, /lacks instructions.*engine wasm/],
  [
    'CUDA is not installed',
    { variant: 'cpu' },
    new RegExp(`without CUDA; install it with CUDA, if there is an NVIDIA GPU: ${command} --cuda`),
  ],
  [
    'the driver is missing',
    { variant: 'cuda', does: prints('CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)') },
    /no NVIDIA driver.*install the driver/,
  ],
  [
    'there is no GPU',
    { variant: 'cuda', does: prints('cuInit: CUDA_ERROR_NO_DEVICE: none') },
    /no NVIDIA GPU.*nvidia-smi/,
  ],
  [
    'libraries of CUDA are missing',
    { variant: 'cuda', does: prints('Cannot dlopen some GPU libraries.') },
    new RegExp(`libraries of CUDA are not found; install them: ${command} --cuda`),
  ],
];

for (const [name, state, expected] of states) {
  test(name, async (context) => {
    const reason = obstacle();
    context.skip(reason !== undefined, reason);
    install(state);
    const device = name.includes('beside') || name.includes('processor') ? 'cpu' : 'cuda';
    const native = (await diagnose()).find((entry) => entry.engine === 'native' && entry.device === device)!;
    expect(native).toMatchObject({ available: false, detail: expect.stringMatching(expected) });
    // A run that asks for the device says the same.
    if (device === 'cuda') await expect(createBackend({ device })).rejects.toThrow(native.detail);
  });
}
