// What the setup says when it cannot compile.

import { expect, test, vi } from 'vitest';
import { compileBinding, findToolchain } from '../src/setup/compile-binding.js';

test('without a compiler it says how to get one', async () => {
  vi.stubEnv('CXX', 'no-such-compiler');
  await expect(findToolchain()).rejects.toMatchObject({
    code: 'backend',
    message: expect.stringMatching(/no C\+\+ compiler was found \(no-such-compiler\).*apt-get install g\+\+/),
  });
  vi.unstubAllEnvs();
});

test('a compiler that fails is an error with its own words', async () => {
  const toolchain = { compiler: process.execPath, sources: import.meta.dirname };
  await expect(compileBinding(import.meta.dirname, toolchain)).rejects.toThrow(/does not compile with/);
});
