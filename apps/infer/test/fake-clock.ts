// A clock that stands still until the test turns it.

import type { Clock } from '../src/serve/batching/clock.js';

interface Alarm {
  readonly at: number;
  readonly call: () => void;
}

export class FakeClock implements Clock {
  #now = 0;
  #alarms: Alarm[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, call: () => void): { cancel(): void } {
    const alarm = { at: this.#now + milliseconds, call };
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((other) => other !== alarm);
      },
    };
  }

  soon(call: () => void): void {
    queueMicrotask(call);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async advance(milliseconds: number): Promise<void> {
    await this.settle();
    this.#now += milliseconds;
    for (const alarm of this.#alarms.filter(({ at }) => at <= this.#now)) {
      if (this.#alarms.includes(alarm)) alarm.call();
    }
    this.#alarms = this.#alarms.filter(({ at }) => at > this.#now);
    await this.settle();
  }
}
