/** How many jobs a machine has room for. */
import { availableParallelism, freemem } from "node:os";

/** How jobs share the machine. */
export interface Sharing {
  /** Most jobs at once. */
  readonly jobs: number;
  /** Threads of each; undefined: the engine's own choice. */
  readonly threads: number | undefined;
  /** Whether memory decides too. Not where the user has said how many. */
  readonly watchMemory: boolean;
}

/**
 * Jobs side by side with a thread each take less time than one after the other with all threads, so each gets one thread, unless there
 * are fewer jobs than cores. The number of threads follows from the whole sweep and not from what is left of it: it decides
 * the bits of a run.
 *
 * @param chains  runs of the sweep, which are independent of each other
 * @param given   what the user has said; on a GPU one job at a time is the default
 */
export function shareMachine(
  chains: number,
  given: {
    readonly jobs?: number | undefined;
    readonly threads?: number | undefined;
    readonly device?: string | undefined;
  },
  cores = availableParallelism(),
): Sharing {
  const watchMemory = given.jobs === undefined;
  if (given.device !== undefined && given.device !== "cpu") {
    return { jobs: given.jobs ?? 1, threads: given.threads, watchMemory };
  }
  const wanted = given.jobs ?? Math.min(cores, Math.max(1, chains));
  const threads = given.threads ?? Math.max(1, Math.floor(cores / wanted));
  return { jobs: given.jobs ?? Math.max(1, Math.floor(cores / threads)), threads, watchMemory };
}

/** Until a job has shown what it needs, in bytes: a ResNet-20 with batches of 384 takes two thirds of it. */
const assumedNeed = 2 * 2 ** 30;
/** Left to everything else, as a share of what is free. */
const spared = 0.1;

/** Bytes, within what a container is given; Node 20 before 20.13 knows only of the whole machine. */
const freeMemory = (): number => process.availableMemory?.() ?? freemem();

/**
 * Memory of jobs by profile. Jobs of a profile that has not shown yet what it needs start one at a time, so that a machine is not
 * filled by sixteen of them before anything is known.
 */
export class MemoryBook {
  private readonly needs = new Map<string, number>();
  private readonly running = new Map<string, { readonly profile: string; bytes: number }>();

  constructor(private readonly free: () => number = freeMemory) {}

  /** Whether a job may start now; a single one always may. */
  hasRoom(profile: string): boolean {
    if (this.running.size === 0) return true;
    const need = this.needs.get(profile);
    if (need === undefined && [...this.running.values()].some((other) => !this.needs.has(other.profile))) return false;
    // What running jobs will still take of what is free now.
    const promised = [...this.running.values()].reduce(
      (sum, job) => sum + Math.max(0, (this.needs.get(job.profile) ?? assumedNeed) - job.bytes),
      0,
    );
    return this.free() * (1 - spared) - promised >= (need ?? assumedNeed);
  }

  started(job: string, profile: string): void {
    this.running.set(job, { profile, bytes: 0 });
  }

  /** @param steady  whether the job is not expected to need more */
  seen(job: string, bytes: number, steady: boolean): void {
    const entry = this.running.get(job);
    if (entry === undefined) return;
    entry.bytes = Math.max(entry.bytes, bytes);
    if (steady) this.needs.set(entry.profile, Math.max(this.needs.get(entry.profile) ?? 0, entry.bytes));
  }

  ended(job: string): void {
    this.running.delete(job);
  }
}
