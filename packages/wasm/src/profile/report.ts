// What the contract calls a report, from the times of programs.

import { type Phase, type Report, sizeOf } from '@bn/core';
import type { Program } from '../compile.js';
import { elementBytes } from '../ir/nest.js';
import type { ProgramTimes } from './timing.js';

/** @param programs of one executable: several where a symbolic batch had several sizes */
export function createReport(programs: readonly ProgramTimes[], peak: number, memory: Report['memory']): Report {
  const runs = programs.reduce((sum, program) => sum + program.runs, 0);
  const phases = programs.flatMap((program) =>
    program.nests.map(({ name, origins, seconds, operations }): Phase => {
      // Of one run, on the average over all programs.
      const share = runs === 0 ? 0 : program.wholeRuns / runs;
      return { name, origins, seconds, ...(operations !== undefined && { operations: operations * share }) };
    }),
  );
  return { runs, seconds: programs.reduce((sum, { seconds }) => sum + seconds, 0), phases, peak, memory };
}

type Taken = Omit<Program, 'data'>;

/** What programs of one executable take together. Runs come one after the other, and share arguments and scratch. */
export function memoryOf(programs: readonly Taken[], threads: number): Record<string, number> {
  const sum = (bytes: (program: Taken) => number) => programs.reduce((total, program) => total + bytes(program), 0);
  const most = (bytes: (program: Taken) => number) => Math.max(0, ...programs.map(bytes));
  return {
    'inputs and outputs': most(argumentBytes),
    'scratch, shared by threads': most(({ scratchBytes }) => scratchBytes),
    'scratch of all threads': most(({ threadBytes }) => threadBytes) * threads,
    'constants and tables': sum(({ ownBytes }) => ownBytes) + most(({ sharedBytes }) => sharedBytes),
    code: sum(({ bytes }) => bytes.length),
  };
}

function argumentBytes({ inputBytes, outputs }: Taken): number {
  const bytes = [...inputBytes, ...outputs.map(([, { shape, dtype }]) => sizeOf(shape) * elementBytes(dtype))];
  return bytes.reduce((sum, n) => sum + n, 0);
}
