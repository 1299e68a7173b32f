// Ctrl-C, and a reader that goes away, as one AbortSignal.

/** Why the signal is aborted when nobody reads standard output any more (`… | head`). */
const stoppedByReader = 'standard output was closed';

/** A Ctrl-C reaches the program twice if a package manager hands it on: within this time it is one, in milliseconds. */
const sameSignal = 500;

/**
 * A signal that is aborted by the first SIGINT or SIGTERM, so that a run can end in order; the second ends the process at once
 * with exit code 130. Until it is asked for, signals end the process as they always do: also while a module of the user's
 * loops for ever, when no listener would be called.
 *
 * @param onLost called when standard output cannot be written, unless its reader has gone away
 */
export function stopSignal(onLost: (error: Error) => void): () => AbortSignal {
  const controller = new AbortController();
  // Without listeners, writing to a closed pipe would end the process with a stack trace.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isClosed = error.code === 'EPIPE' || error.code === 'EOF';
    if (!isClosed && !controller.signal.aborted) onLost(error);
    controller.abort(isClosed ? stoppedByReader : error);
  });
  process.stderr.on('error', () => {});
  let listens = false;
  return () => {
    if (!listens) listenTo(controller);
    listens = true;
    return controller.signal;
  };
}

function listenTo(controller: AbortController): void {
  let firstAt: number | null = null;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const now = performance.now();
      if (firstAt !== null && now - firstAt > sameSignal) process.exit(130);
      firstAt ??= now;
      controller.abort(name);
    });
  }
}

/** The exit code of a program that ended because the signal was aborted: 130, 0 if its reader had seen enough, 1 if output got lost. */
export function stopCode(signal: AbortSignal): number {
  if (signal.reason instanceof Error) return 1;
  return signal.reason === stoppedByReader ? 0 : 130;
}
