// Memory for the interpretation of a plan: knows for every element who wrote it last, as what, and who has read it.

/** What one thread does in one step without meeting others. */
export interface Task {
  readonly step: number;
}

export class Memory {
  readonly values: Float64Array;
  readonly #given: boolean;
  /** The buffer as whose element a place was written. */
  readonly #owners: unknown[] = [];
  readonly #writers: (Task | undefined)[] = [];
  readonly #readers: (Task | undefined)[] = [];

  /** @param given values that are there from the beginning and stay; else all are NaN, and to be written before they are read */
  constructor(size: number, given?: ArrayLike<number>) {
    this.values = given ? Float64Array.from(given) : new Float64Array(size).fill(Number.NaN);
    this.#given = given !== undefined;
  }

  read(at: number, owner: { readonly name: string }, task: Task): number {
    if (this.#given) return this.values[at];
    if (this.#owners[at] !== owner) throw new Error(`${owner.name} is read at ${at}, where it is not, or no more`);
    requireOrder(this.#writers[at], task, owner.name);
    const before = this.#readers[at];
    // Of several tasks in one step it is enough to know that there were several.
    this.#readers[at] = before?.step === task.step && before !== task ? { step: task.step } : task;
    return this.values[at];
  }

  write(at: number, owner: { readonly name: string }, task: Task, value: number): void {
    if (this.#given) throw new Error(`${owner.name} is written to, though it is given`);
    requireOrder(this.#writers[at], task, owner.name);
    requireOrder(this.#readers[at], task, owner.name);
    this.#owners[at] = owner;
    this.#writers[at] = task;
    this.values[at] = value;
  }

  /** Forgets everything, as memory that others have used. */
  clear(): void {
    this.values.fill(Number.NaN);
    for (const list of [this.#owners, this.#writers, this.#readers]) list.length = 0;
  }
}

function requireOrder(before: Task | undefined, task: Task, name: string): void {
  if (before?.step === task.step && before !== task) {
    throw new Error(`two tasks of step ${task.step} meet at the same place of ${name}`);
  }
}
