// Ctrl-C, and a reader that goes away, as one AbortSignal.

/** Why the signal is aborted when nobody reads standard output any more (`… | head`). */
const stoppedByReader = 'standard output was closed';

/** A Ctrl-C reaches the program twice if a package manager hands it on: within this time it is one, in milliseconds. */
const sameSignal = 500;

/**
 * The first SIGINT or SIGTERM aborts the signal, so that a run can end in order; the second ends the process at once with
 * exit code 130.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | null = null;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const now = performance.now();
      if (firstAt !== null && now - firstAt > sameSignal) process.exit(130);
      firstAt ??= now;
      controller.abort(name);
    });
  }
  // Without listeners, writing to a closed pipe would end the process with a stack trace.
  process.stdout.on('error', () => controller.abort(stoppedByReader));
  process.stderr.on('error', () => {});
  return controller.signal;
}

/** The exit code of a program that ended because the signal was aborted: 130, or 0 if its reader had seen enough. */
export function stopCode(signal: AbortSignal): number {
  return signal.reason === stoppedByReader ? 0 : 130;
}
