// Does tasks on this machine, several at a time.

/** Has tasks done: here, or by workers elsewhere. */
export interface Runner<Task, Result> {
  /** @param priority 1 is done first */
  run(id: string, task: Task, priority: number): Promise<Result>;
  /** Begins nothing more, and waits for what is being done here. */
  close(): Promise<void>;
}

export function localRunner<Task, Result>(
  workers: number,
  perform: (id: string, task: Task) => Promise<Result>,
): Runner<Task, Result> {
  const waiting: { priority: number; start: () => Promise<void> }[] = [];
  const running = new Set<Promise<void>>();
  const fill = () => {
    while (running.size < workers && waiting.length > 0) {
      const first = waiting.reduce((a, b) => (b.priority < a.priority ? b : a));
      waiting.splice(waiting.indexOf(first), 1);
      const done = first.start().finally(() => {
        running.delete(done);
        fill();
      });
      running.add(done);
    }
  };
  return {
    run: (id, task, priority) =>
      new Promise((resolve, reject) => {
        waiting.push({ priority, start: () => perform(id, task).then(resolve, reject) });
        // Those that are given at once are there before the first begins.
        queueMicrotask(fill);
      }),
    async close() {
      waiting.length = 0;
      await Promise.all(running);
    },
  };
}
