// The built program as a process of its own, for tests of what happens to processes.

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

export const program = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const reference = fileURLToPath(new URL('../../../packages/reference/dist/index.js', import.meta.url));

/** A backend that takes its time for each run, so that something can happen meanwhile. */
export function slowBackend(folder: string, milliseconds: number): string {
  writeFileSync(
    join(folder, 'slow.mjs'),
    `import { setTimeout } from 'node:timers/promises';
    import { createBackend as createReference } from ${JSON.stringify(pathToFileURL(reference).href)};
    export async function createBackend(options) {
      const backend = await createReference(options);
      const compile = backend.compile.bind(backend);
      backend.compile = async (graph) => {
        const executable = await compile(graph);
        const run = executable.run.bind(executable);
        executable.run = async (inputs) => (await setTimeout(${milliseconds}), run(inputs));
        return executable;
      };
      return backend;
    }`,
  );
  return './slow.mjs';
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when this is first seen in the standard output. */
  seen(text: string): Promise<void>;
  /** Exit code, or the name of the signal, and what was written. */
  readonly ended: Promise<{ code: number | string; stdout: string; stderr: string }>;
}

export function start(cwd: string, flags: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [program, ...flags], { cwd, env: { ...process.env, INIT_CWD: cwd, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    written.stdout += data;
  });
  child.stderr.on('data', (data) => {
    written.stderr += data;
  });
  const ended = new Promise<{ code: number | string; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code: code ?? signal!, ...written }));
  });
  const seen = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => written.stdout.includes(text) && resolve();
      child.stdout.on('data', look);
      look();
      void ended.then(() => reject(new Error(`ended without '${text}': ${written.stdout}${written.stderr}`)));
    });
  return { child, seen, ended };
}
