// Advice names the setup where it runs, and nowhere else.

import { afterEach, describe, expect, test, vi } from 'vitest';

const outputs = [
  'libonnxruntime_providers_shared.so: cannot open shared object file',
  'libcublasLt.so.13: cannot open shared object file',
  'provider of version 1.29.0, runtime of 1.30.0',
  'cuDNN is unavailable',
];
const { platform } = process;
const command = /(train setup|bn-\w+-setup)/;

async function importOn(name: NodeJS.Platform) {
  vi.resetModules();
  Object.defineProperty(process, 'platform', { value: name });
  const { explainFailure } = await import('../src/explain-failure.js');
  const { setup } = await import('../src/setup/setup.js');
  return { explainFailure, setup };
}
afterEach(() => void Object.defineProperty(process, 'platform', { value: platform }));

describe.each(['win32', 'darwin'] as const)('%s', (name) => {
  test.each(outputs)('%s', async (output) => {
    const { cure } = (await importOn(name)).explainFailure(output);
    expect(cure).not.toMatch(command);
    expect(cure).toMatch(/^use /);
  });

  test('the setup refuses with the same advice', async () => {
    const { explainFailure, setup } = await importOn(name);
    const { cure } = explainFailure(outputs[0]!);
    await expect(setup({ cuda: true })).rejects.toThrow(cure);
  });
});

test.runIf(platform === 'linux' && process.arch === 'x64')('Linux x64: the command', async () => {
  expect((await importOn('linux')).explainFailure(outputs[0]!).cure).toMatch(command);
});
