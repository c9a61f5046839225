import { expect, test } from "vitest";
import { runTasks, type Task } from "./schedule.js";

/** Tasks that write down when they start and end; those in `broken` reject. */
function tasks(graph: Readonly<Record<string, readonly string[]>>, broken: readonly string[] = []) {
  const events: string[] = [];
  const list = Object.entries(graph).map(
    ([id, needs]): Task => ({
      id,
      needs,
      async run() {
        events.push(`start ${id}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push(`end ${id}`);
        if (broken.includes(id)) throw new Error(id);
      },
      skip: (failed) => events.push(`skip ${id} for ${failed}`),
    }),
  );
  return { list, events };
}

test("a task starts when what it needs is done, and first come first served", async () => {
  const { list, events } = tasks({ a: [], b: ["a"], c: [] });
  await runTasks(list, 1, () => false);
  expect(events).toEqual(["start a", "end a", "start b", "end b", "start c", "end c"]);
});

test("no more tasks run at once than there is room for", async () => {
  const { list, events } = tasks({ a: [], b: [], c: [], d: [] });
  await runTasks(list, 2, () => false);
  let running = 0;
  const most = Math.max(...events.map((event) => (running += event.startsWith("start") ? 1 : -1)));
  expect(most).toBe(2);
});

test("a failure takes along what needs it, directly or not, and nothing else", async () => {
  const { list, events } = tasks({ a: [], b: ["a"], c: ["b"], d: [] }, ["a"]);
  await runTasks(list, 1, () => false);
  expect(events).toEqual(["start a", "end a", "skip b for a", "skip c for b", "start d", "end d"]);
});

test("after a request to stop, running tasks end and no others start", async () => {
  const { list, events } = tasks({ a: [], b: [] });
  await runTasks(list, 1, () => events.length > 0);
  expect(events).toEqual(["start a", "end a"]);
});

test("a task without room waits, and others go ahead of it", async () => {
  const { list, events } = tasks({ a: [], b: [] });
  const held = { ...(list[0] as Task), mayStart: () => events.includes("end b") };
  await runTasks([held, list[1] as Task], 2, () => false);
  expect(events).toEqual(["start b", "end b", "start a", "end a"]);
});
