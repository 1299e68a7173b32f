// Which processes train together is read from what launchers put into the environment.

import { expect, test } from 'vitest';
import { jobOf, withoutJob } from '../src/index.js';
import { differenceAmong } from '../src/join-job.js';

test('a process that was started alone trains alone', () => {
  expect(jobOf({ PATH: '/usr/bin' })).toBeNull();
  expect(jobOf({ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' })).toBeNull();
});

test.each([
  [
    { OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '4', SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '1' },
    'Open MPI',
    2,
  ],
  [{ PMI_RANK: '1', PMI_SIZE: '4' }, 'MPICH', 1],
  [{ SLURM_PROCID: '3', SLURM_STEP_NUM_TASKS: '4' }, 'Slurm', 3],
] as const)('a rank is found by the variables of its launcher: %j', (env, launcher, rank) => {
  expect(jobOf(env)).toEqual({ launcher, rank, size: 4 });
});

test('what a rank starts with an environment of its own trains alone', () => {
  const env = { PMI_RANK: '1', PMI_SIZE: '4', OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4', HOME: '/root' };
  expect(jobOf(withoutJob(env))).toBeNull();
  expect(withoutJob(env).HOME).toBe('/root');
});

test('a batch script of Slurm is one process, whatever it may start', () => {
  expect(jobOf({ SLURM_PROCID: '0', SLURM_NTASKS: '8', SLURM_JOB_NUM_NODES: '2' })).toBeNull();
});

test('the first rank that has another fact is named, also where a fact is missing', () => {
  const facts = { seed: '1', data: 'a' };
  expect(differenceAmong([facts, facts])).toBeNull();
  expect(differenceAmong([facts, facts, { ...facts, data: 'b' }])).toEqual({
    what: 'data',
    rank: 2,
    its: 'b',
    first: 'a',
  });
  expect(differenceAmong([facts, { seed: '1' }])).toMatchObject({ what: 'data', rank: 1, its: undefined });
});
