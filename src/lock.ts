/** Keeps two processes from writing the same files. */
import { open, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import { OptionError } from "./errors.js";

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** What is locked, for those who are refused. */
export interface Locked {
  /** The option that says where. */
  readonly where: string;
  readonly place: string;
  /** What may be at work in one process only, as `sweep`. */
  readonly work: string;
}

/** After this long a lock that says nothing was left by a process that died while it wrote it. */
const writingMilliseconds = 200;

/**
 * Makes a file that says which process is at work. The lock of a process that is gone is taken over.
 *
 * @param path  in a folder that exists
 * @returns what removes it
 * @throws OptionError while another process has it, or takes it over
 */
export async function lock(path: string, locked: Locked): Promise<() => Promise<void>> {
  if (!(await create(path))) await takeOver(path, locked);
  return async () => {
    const holder = await readHolder(path);
    if (holder !== undefined && isOwn(holder)) await rm(path, { force: true });
  };
}

/** One process at a time removes what another left, and looks again before it does: another may just have taken it over. */
async function takeOver(path: string, { where, place, work }: Locked): Promise<void> {
  const guard = `${path}.taking`;
  const refuse = (received: string, what: string) =>
    new OptionError({
      where,
      expected: `a folder that no other ${work} is at work in`,
      received: `${place}, ${received}`,
      hint: `wait for it, or delete ${what} if it is no ${work}`,
    });
  if (!(await create(guard))) throw refuse("which another is taking over", guard);
  try {
    const holder = await readHolder(path);
    if (holder !== undefined && isAlive(holder)) {
      throw refuse(`where process ${holder.pid} on ${holder.host} is`, path);
    }
    await rm(path, { force: true });
    if (!(await create(path))) throw refuse("which another has just taken", path);
  } finally {
    await rm(guard, { force: true });
  }
}

/** False where the file is there already. */
async function create(path: string): Promise<boolean> {
  const file = await open(path, "wx").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "EEXIST") return undefined;
    throw cause;
  });
  if (file === undefined) return false;
  await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder));
  await file.close();
  return true;
}

/** Who has a lock; undefined where nobody can be read out of it. One that is empty may be about to be written. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const read = async () => JSON.parse(await readFile(path, "utf8")) as Holder;
  return read().catch(async () => {
    await setTimeout(writingMilliseconds);
    return read().catch(() => undefined);
  });
}

const isOwn = ({ pid, host }: Holder) => host === hostname() && pid === process.pid;

/** Of a process on another machine nothing can be said, so it counts as alive. A lock with this process's number is one that an earlier process of that number left. */
function isAlive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  if (isOwn(holder)) return false;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
