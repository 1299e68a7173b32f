// Finds and loads the MPI library that belongs to the launcher. The standard fixes functions, not their binary form: handles are
// pointers to objects of the library in Open MPI, and integers in MPICH and its relatives (Intel MPI, MVAPICH).

import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { BnError } from '@bn/core';
import type Koffi from 'koffi';
import type { Job } from './job.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A communicator or a type of elements, as the library's functions take it. */
export type Handle = number | bigint;

/** An MPI library that is loaded. */
export interface Library {
  /** As the loader takes it: a path or a name. */
  readonly file: string;
  /** For people, such as `Open MPI v4.1.4`. */
  readonly version: string;
  readonly family: 'Open MPI' | 'MPICH';
  readonly world: Handle;
  readonly byte: Handle;
  /** Of MPI; `%` in the prototype stands for the type of a handle. */
  function(prototype: string): (...values: unknown[]) => number;
}

/** The variable that names the library where it is not found. */
export const libraryVariable = 'BN_MPI_LIBRARY';

const names: Record<Library['family'], Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  'Open MPI': { linux: ['libmpi.so.40', 'libmpi.so'], darwin: ['libmpi.40.dylib', 'libmpi.dylib'] },
  // Debian's name, then MPICH's own.
  MPICH: { linux: ['libmpich.so.12', 'libmpi.so.12'], darwin: ['libmpi.12.dylib', 'libmpich.12.dylib'] },
};

/**
 * The library that `BN_MPI_LIBRARY` names, else one beside the launcher, else one that the system knows; of these, one of the
 * launcher's kind first.
 *
 * @param launcher null where no job was started
 * @throws BnError `backend` if there is none, with what to install
 */
export async function findLibrary(env: Environment, launcher: Job['launcher'] | null): Promise<Library> {
  // Only where it is needed: a process that trains alone does without native code.
  const { default: koffi } = await import('koffi');
  const named = env[libraryVariable];
  const files = named ? [named] : candidates(env, launcher);
  let failure = `none is known on ${process.platform}`;
  for (const file of files) {
    try {
      return load(koffi, file);
    } catch (error) {
      failure = named ? `${file}: ${(error as Error).message}` : `none of ${files.join(', ')} can be loaded`;
    }
  }
  const cure = named
    ? `${libraryVariable} must name libmpi of Open MPI or MPICH`
    : `install Open MPI or MPICH (Debian: openmpi-bin or mpich), or name its library in ${libraryVariable}`;
  throw new BnError('backend', `no MPI library: ${failure}; ${cure}`);
}

function candidates(env: Environment, launcher: Job['launcher'] | null): string[] {
  const families = launcher === 'MPICH' ? (['MPICH', 'Open MPI'] as const) : (['Open MPI', 'MPICH'] as const);
  const known = families.flatMap((family) => names[family][process.platform] ?? []);
  const beside = (env.PATH ?? '').split(delimiter).flatMap((folder) => {
    const program = ['mpirun', 'mpiexec'].map((name) => join(folder, name)).find(existsSync);
    if (!program) return [];
    const prefix = dirname(dirname(realpathSync(program)));
    return ['lib', 'lib64'].flatMap((lib) => known.map((name) => join(prefix, lib, name)).filter(existsSync));
  });
  return [...new Set([...beside, ...known])];
}

function load(koffi: typeof Koffi, file: string): Library {
  // Open MPI loads parts of itself, which look for its symbols among those of the process.
  const library = koffi.load(file, { global: true });
  const text = Buffer.alloc(8192);
  const length = new Int32Array(new ArrayBuffer(4));
  library.func('int MPI_Get_library_version(void *, void *)')(text, length);
  const [version = ''] = text.toString('utf8', 0, length[0]).split(/[\n\0]/);
  if (/^Open MPI/.test(version)) {
    const handle = (symbol: string): Handle => koffi.address(library.symbol(symbol, 'char'));
    return {
      ...{ file, version: version.split(',')[0]!, family: 'Open MPI' },
      ...{ world: handle('ompi_mpi_comm_world'), byte: handle('ompi_mpi_byte') },
      function: (prototype) => library.func(prototype.replaceAll('%', 'uintptr_t')),
    };
  }
  if (!/MPICH|Intel|MVAPICH/.test(version)) throw new Error(`${file} is neither Open MPI nor MPICH, but ${version}`);
  return {
    ...{ file, version: version.replace(/\s+Version:\s*/, ' '), family: 'MPICH' },
    // Of MPICH's common binary interface, which its relatives have too.
    ...{ world: 0x44000000, byte: 0x4c00010d },
    function: (prototype) => library.func(prototype.replaceAll('%', 'int')),
  };
}
