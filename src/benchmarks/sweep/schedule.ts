/** Runs tasks that wait for each other, as many at once as there is room for. */

export interface Task {
  readonly id: string;
  /** Tasks that must be done before. */
  readonly needs: readonly string[];
  /** Whether it may start now, where room decides. */
  mayStart?(): boolean;
  run(): Promise<void>;
  /** Called instead of `run` when a task that this one needs went wrong. */
  skip(failed: string): void;
}

const retryMilliseconds = 1000;

/**
 * Starts tasks in their order, those first that wait for nothing. A task that rejects takes along those that need it, and nothing else.
 *
 * @param most     tasks at once
 * @param stopped  whether no more are to be started
 */
export async function runTasks(tasks: readonly Task[], most: number, stopped: () => boolean): Promise<void> {
  const waiting = new Map(tasks.map((task) => [task.id, task]));
  const running = new Set<Promise<void>>();
  const done = new Set<string>();
  const failed = new Set<string>();

  const start = (task: Task) => {
    waiting.delete(task.id);
    const ended: Promise<void> = task.run().then(
      () => void done.add(task.id),
      () => void failed.add(task.id),
    );
    const tracked = ended.finally(() => running.delete(tracked));
    running.add(tracked);
  };

  while (waiting.size > 0 && !stopped()) {
    let isRoomMissing = false;
    for (const task of [...waiting.values()]) {
      const broken = task.needs.find((id) => failed.has(id));
      if (broken !== undefined) {
        waiting.delete(task.id);
        failed.add(task.id);
        task.skip(broken);
        continue;
      }
      if (running.size >= most) break;
      if (!task.needs.every((id) => done.has(id))) continue;
      if (task.mayStart?.() === false) isRoomMissing = true;
      else start(task);
    }
    if (running.size > 0) await Promise.race([...running, ...(isRoomMissing ? [pause(retryMilliseconds)] : [])]);
    else if (isRoomMissing) await pause(retryMilliseconds);
  }
  await Promise.all(running);
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
