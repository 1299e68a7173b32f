// Time, which tests replace.

export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Calls once after so many milliseconds, unless cancelled. */
  after(milliseconds: number, call: () => void): { cancel(): void };
  /** Calls once when what has arrived by now is read: requests that came together get into one batch. */
  soon(call: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (call) => void setImmediate(call),
};
