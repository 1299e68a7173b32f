// One process that trains alone, or one of several that a launcher such as mpirun has started to train together.

import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Io } from '@bn/command-line';
import type { Party, Trainer } from '@bn/core';
import { jobOf, joinJob, type Member } from '@bn/mpi';

export interface Ranks {
  /** Who computes each batch with this process; undefined for nobody. */
  readonly party: Party | undefined;
  /** Threads of this process, where none were asked for; null for as many as the backend likes. */
  readonly threads: number | null;
  /** What is said of them; null of a process alone. */
  readonly description: string | null;
  /** Whether this process records the run and speaks: of several, the first one alone. */
  readonly records: boolean;
  /** What the recording process makes, for all: it alone reads and writes the run's folder. */
  fromFirst<T>(make: () => Promise<T>): Promise<T>;
  /** Throws BnError `argument` where ranks have different facts. */
  requireSame(facts: Readonly<Record<string, string>>): Promise<void>;
}

const alone: Ranks = {
  ...{ party: undefined, threads: null, description: null, records: true },
  fromFirst: (make) => make(),
  requireSame: async () => {},
};

/** How long a rank waits before it tells of a failure, in ms: the first rank, which may have the same one, tells it first. */
const patience = 1500;

/**
 * Joins the other processes, if there are any, for as long as `body` runs. A failure ends them all.
 *
 * @param body is given streams that only the recording process writes to, and a signal that is the same in all
 */
export async function amongRanks<T>(io: Io, body: (io: Io, ranks: Ranks) => Promise<T>): Promise<T> {
  const job = jobOf(io.env);
  if (!job) return body(io, alone);
  let member: Member;
  try {
    member = await joinJob(job, io.env);
  } catch (error) {
    if (job.rank > 0) await setTimeout(patience);
    throw error;
  }
  try {
    const silent = { write: () => true };
    const streams = member.rank === 0 ? {} : { stdout: silent, stderr: silent };
    const together = { ...io, signal: member.stopTogether(io.signal), ...streams };
    const result = await body(together, ranksOf(member));
    await member.finish();
    return result;
  } catch (error) {
    if (member.rank > 0) await setTimeout(patience * Math.min(member.rank, 4));
    // When the program has told of it.
    setImmediate(() => member.abort());
    throw withName(error, member.name);
  }
}

function ranksOf(member: Member): Ranks {
  const { rank, size, library, processors } = member;
  return {
    party: member,
    threads: processors,
    description: `${size} processes train together, connected by ${library}`,
    records: rank === 0,
    fromFirst: (make) => member.fromFirst(make),
    requireSame: (facts) => member.requireSame(facts),
  };
}

/** The same error, saying which rank has it, unless it says so already. */
function withName(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || error.message.startsWith('rank ')) return error;
  error.message = `${name}: ${error.message}`;
  return error;
}

/** All that a trainer has learned, in a few digits. */
export async function hashOf(trainer: Trainer): Promise<string> {
  const hash = createHash('sha256');
  const { tensors, position } = await trainer.checkpoint();
  for (const [path, { data }] of tensors)
    hash.update(path).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const { epoch, step } = position;
  return `${hash.digest('hex').slice(0, 8)} after epoch ${epoch} and ${step} steps`;
}
