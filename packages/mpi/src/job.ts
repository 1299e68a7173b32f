// Whether this process was started as one of several, by what its launcher has put into the environment.

/** The processes that a launcher has started together, and which of them this is. */
export interface Job {
  readonly rank: number;
  readonly size: number;
  /** Whose variables say so. */
  readonly launcher: 'Open MPI' | 'MPICH' | 'Slurm';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A launcher may itself run under Slurm: its own variables count first. */
const launchers: readonly (readonly [Job['launcher'], rank: string, size: string])[] = [
  ['Open MPI', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'],
  // MPICH's, Intel MPI's and MVAPICH's mpirun, and srun --mpi=pmi2.
  ['MPICH', 'PMI_RANK', 'PMI_SIZE'],
  // Only in the steps that srun starts; a batch script, which is one process, has SLURM_NTASKS too.
  ['Slurm', 'SLURM_PROCID', 'SLURM_STEP_NUM_TASKS'],
];

/** @returns null for a process that was started alone, also by `mpirun -n 1` */
export function jobOf(env: Environment): Job | null {
  for (const [launcher, rankName, sizeName] of launchers) {
    const [rank, size] = [Number(env[rankName] || Number.NaN), Number(env[sizeName] || Number.NaN)];
    if (!Number.isInteger(rank) || !Number.isInteger(size)) continue;
    return size > 1 ? { rank, size, launcher } : null;
  }
  return null;
}

/** The environment for a process that trains alone, whatever started this one. */
export function withoutJob<E extends Environment>(env: E): E {
  const names = new Set(launchers.flatMap(([, ...both]) => both));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name))) as E;
}
