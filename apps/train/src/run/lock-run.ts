// Only one process at a time writes into a run's folder. What a crash leaves behind does not count.

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { writeAtomically } from '@bn/command-line';
import { BnError } from '@bn/core';

interface Owner {
  readonly pid: number;
  /** Process ids of other machines, and of other containers, say nothing here. */
  readonly machine: string;
  /** When the process began, as the system counts; process ids are used again. Empty where that is not known. */
  readonly began: string;
  /** When it took the run, for people. */
  readonly since: string;
}

const lockFile = /^\.lock-[\w-]+\.json$/;
/** Temporary files that a killed process leaves. */
const leftOver = /^\.(checkpoint|config|metrics|skipped|report|curves)[\w.-]*\.tmp$/;
/** An owner on another machine shows in this interval that it lives, and counts as dead without for so long. In ms. */
const [heartbeat, deadAfter] = [10_000, 300_000];

/**
 * Takes the folder for this process, until the function that is returned is called or the process ends.
 *
 * Each process puts a file with a name of its own there, then looks for those of others: of two, the one that looks later
 * sees the other. So nothing has to be taken away from a living process, and removing the file of a dead one is safe.
 *
 * @throws BnError `busy` if another process has it
 */
export async function lockRun(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, `.lock-${randomUUID()}.json`);
  const owner = { pid: process.pid, machine: machine(), began: beginOf(process.pid), since: new Date().toISOString() };
  for (let attempt = 1; ; attempt++) {
    await writeAtomically(file, JSON.stringify(owner));
    const other = await otherOwner(folder, basename(file));
    if (!other) break;
    await rm(file, { force: true });
    if (attempt === 3) throw refusal(folder, other);
    // Two that come at the same time see each other, and both step back.
    await setTimeout(50 + 200 * Math.random());
  }
  for (const name of readdirSync(folder)) if (leftOver.test(name)) await rm(join(folder, name), { force: true });
  const beat = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => {}), heartbeat).unref();
  return async () => {
    clearInterval(beat);
    await rm(file, { force: true });
  };
}

/** Whether a living process has the folder. */
export async function isTaken(folder: string): Promise<boolean> {
  return (await otherOwner(folder, '')) !== null;
}

async function otherOwner(folder: string, own: string): Promise<(Owner & { file: string }) | null> {
  for (const name of await readdir(folder)) {
    if (!lockFile.test(name) || name === own) continue;
    const file = join(folder, name);
    const text = await readFile(file, 'utf8').catch(() => '');
    const owner = text === '' ? null : (JSON.parse(text) as Owner);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: 0 }));
    if (owner && lives(owner, Date.now() - mtimeMs)) return { ...owner, file };
    await rm(file, { force: true });
  }
  return null;
}

function lives({ pid, machine: its, began }: Owner, silentFor: number): boolean {
  if (its !== machine()) return silentFor < deadAfter;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive as well.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = beginOf(pid);
  return now === began || now === '' || began === '';
}

function machine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** From Linux's /proc: the state after the name in parentheses, and the start time 19 fields later. */
function beginOf(pid: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? 'dead' : fields[19]!;
  } catch {
    return '';
  }
}

function refusal(folder: string, { pid, machine: its, since, file }: Owner & { file: string }): BnError {
  const where = its === machine() ? '' : ` on ${its.split(' ')[0]}`;
  const cure =
    its === machine() ? `wait for it, or stop it (kill ${pid})` : `wait for it; if it has ended, delete ${file}`;
  return new BnError('busy', `${folder}: process ${pid}${where} is training this run since ${since}; ${cure}`);
}
