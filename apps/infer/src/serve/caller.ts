// Who waits for an answer.

/** Tells those who work for it when it has left. An AbortSignal would do, but costs as much as a tenth of a small request. */
export class Caller {
  readonly #tasks = new Set<() => void>();
  #hasLeft = false;

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Calls when nobody waits any more, or does so already, unless the call is given to `forget` before. */
  onLeave(call: () => void): void {
    if (this.#hasLeft) call();
    else this.#tasks.add(call);
  }

  forget(call: () => void): void {
    this.#tasks.delete(call);
  }

  leave(): void {
    this.#hasLeft = true;
    for (const call of this.#tasks) call();
  }
}
