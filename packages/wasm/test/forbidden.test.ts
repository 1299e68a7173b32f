// Where WebAssembly is missing or memory is short, in processes of their own: what is missing, and what to do.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const entry = new URL('../dist/index.js', import.meta.url).href;

/** Prints the backend's failure, or what it computes on, and whether the diagnosis agrees. */
const program = `import(${JSON.stringify(entry)}).then(async ({ createBackend, diagnose }) => {
  const [{ available, detail }] = await diagnose();
  const backend = await createBackend({ threads: 1 }).catch(({ message }) => message);
  console.log(JSON.stringify({ agrees: available === (typeof backend !== 'string'), detail, message: backend.device?.description ?? backend }));
})`;

test.each(['--jitless', '--no-expose-wasm'])('node %s has no WebAssembly', async (flag) => {
  const { stdout } = await run(process.execPath, [flag, '-e', program]);
  const { agrees, detail, message } = JSON.parse(stdout);
  expect(agrees).toBe(true);
  expect(detail).toBe(message);
  expect(message).toMatch(/^wasm cannot compute: this engine has no WebAssembly; start Node without --jitless/);
});

test.skipIf(process.platform !== 'linux')(
  'a limit of addresses names the flag with which Node needs fewer',
  async () => {
    const limited = (...flags: string[]) => {
      const args = ['-c', 'ulimit -v 4000000; exec "$@"', 'sh', process.execPath, ...flags, '-e', program];
      return run('sh', args).then(({ stdout }) => JSON.parse(stdout));
    };
    const refused = await limited();
    expect(refused).toMatchObject({ agrees: true, detail: refused.message });
    expect(refused.message).toMatch(
      /^wasm cannot compute: memory could not be reserved; .*--disable-wasm-trap-handler/,
    );
    expect(await limited('--disable-wasm-trap-handler')).toMatchObject({
      agrees: true,
      message: expect.stringContaining('1 thread'),
    });
  },
);
