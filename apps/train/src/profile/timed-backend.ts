// A backend that notes what is compiled, and how long that takes.

import type { Backend, Executable, Graph } from '@bn/core';

export interface Compiled {
  readonly graph: Graph;
  readonly executable: Executable;
  readonly compileSeconds: number;
}

/** @returns the backend to be used in place of the given one, and what it has compiled so far */
export function timeBackend(backend: Backend): { readonly backend: Backend; readonly compiled: readonly Compiled[] } {
  const compiled: Compiled[] = [];
  const timed: Backend = {
    name: backend.name,
    device: backend.device,
    ...(backend.engine !== undefined && { engine: backend.engine }),
    get liveValues() {
      return backend.liveValues;
    },
    async compile(graph) {
      const start = performance.now();
      const executable = await backend.compile(graph);
      compiled.push({ graph, executable, compileSeconds: (performance.now() - start) / 1000 });
      return executable;
    },
    upload: (data, spec) => backend.upload(data, spec),
    download: (value) => backend.download(value),
    release: (value) => backend.release(value),
    dispose: () => backend.dispose(),
  };
  return { backend: timed, compiled };
}
