// What programs that are profiled call between nests: the time since the last call is added to a slot.

/** The function that programs import as `env.mark`: slot 0 is for what lies between tasks, slot n + 1 for nest n. */
export type Mark = (slot: number) => void;

/** Milliseconds of each thread, one thread after the other, `slots` each; shared where workers compute. */
export function createTimes(slots: number, threads: number, shared: boolean): Float64Array<ArrayBufferLike> {
  const bytes = slots * threads * Float64Array.BYTES_PER_ELEMENT;
  return new Float64Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
}

/**
 * The clock of one thread, which has its slots from `first` on. The text of this function is also what workers run: it
 * refers to nothing outside itself, like `createMember`.
 */
export function createClock(times: Float64Array<ArrayBufferLike>, first: number): Mark {
  let last = performance.now();
  return (slot) => {
    const now = performance.now();
    times[first + slot] += now - last;
    last = now;
  };
}
