// Which engine computes, why, and what is refused.

import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createBackend, diagnose } from '../src/index.js';
import { nativeFolder } from '../src/native-folder.js';

/** A folder that has no libtensorflow. */
const nowhere = fileURLToPath(new URL('./nowhere', import.meta.url));

afterEach(() => vi.unstubAllEnvs());

describe('without libtensorflow', () => {
  test('WebAssembly computes, and the reason says what is missing', async () => {
    vi.stubEnv('BN_NATIVE_DIR', nowhere);
    const backend = await createBackend();
    expect(backend).toMatchObject({
      engine: 'wasm',
      device: {
        kind: 'cpu',
        description: 'cpu (TensorFlow.js, WebAssembly, SIMD, 1 thread)',
        reason: `no CUDA, no native engine: libtensorflow is not installed (there is none in ${nativeFolder()})`,
      },
    });
    await backend.dispose();
  });

  test('an engine that was named has no reason', async () => {
    for (const engine of ['wasm', 'js'] as const) {
      const backend = await createBackend({ engine });
      expect(backend.engine).toBe(engine);
      expect(backend.device.reason).toBeUndefined();
      await backend.dispose();
    }
  });

  test.each([{ device: 'cuda' }, { engine: 'native' }, { engine: 'native', device: 'cpu' }] as const)(
    '%o is an error with cause and cure',
    async (options) => {
      vi.stubEnv('BN_NATIVE_DIR', nowhere);
      await expect(createBackend(options)).rejects.toMatchObject({
        code: 'backend',
        message: expect.stringMatching(/libtensorflow is not installed .*; install it/),
      });
    },
  );

  test('every engine is diagnosed', async () => {
    vi.stubEnv('BN_NATIVE_DIR', nowhere);
    const found = (await diagnose()).map(({ engine, device, available }) => [engine, device, available]);
    expect(found).toEqual([
      ['native', 'cuda', false],
      ['native', 'cpu', false],
      ['wasm', 'cpu', true],
      ['js', 'cpu', true],
    ]);
  });
});

test.each([
  [{ engine: 'wasm', device: 'cuda' }, 'backend', 'engine wasm of tfjs-cuda does not compute on cuda'],
  [{ device: 'webgpu' }, 'backend', 'tfjs-cuda does not compute on webgpu'],
  [{ engine: 'webgl' as 'wasm' }, 'argument', "no engine 'webgl'; use one of native, wasm, js"],
  [{ threads: 0 }, 'argument', 'threads must be a positive integer, got 0'],
] as const)('%o is an error', async (options, code, message) => {
  await expect(createBackend(options)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});
