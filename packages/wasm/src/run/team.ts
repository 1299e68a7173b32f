// The threads that compute: the caller, and workers beside it.

import type { Program, Stage } from '../compile.js';

/** A program that the team has loaded. */
export interface Handle {
  readonly program: Program;
  readonly exports: Readonly<Record<string, (start: number, end: number, threadMemory: number) => void>>;
}

export interface Team {
  readonly threads: number;
  load(program: Program): Promise<Handle>;
  unload(handle: Handle): void;
  /** Runs all stages; when it returns they are done. */
  run(handle: Handle): void;
  dispose(): void;
}

/** The caller alone. */
export function soloTeam(memory: WebAssembly.Memory): Team {
  return {
    threads: 1,
    load: async (program) => ({ program, exports: await instantiate(program.bytes, memory) }),
    unload: () => {},
    run: ({ program, exports }) => {
      for (const stage of program.stages) runStage(stage, exports, program.threadMemory);
    },
    dispose: () => {},
  };
}

function runStage(stage: Stage, exports: Handle['exports'], threadMemory: number): void {
  for (const { name, start, end } of stage) exports[name](start, end, threadMemory);
}

async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<Handle['exports']> {
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return instance.exports as unknown as Handle['exports'];
}
