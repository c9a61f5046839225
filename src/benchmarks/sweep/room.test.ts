import { expect, test } from "vitest";
import { MemoryBook, shareMachine } from "./room.js";

const gib = 2 ** 30;

test("many runs get a thread each; fewer runs than cores share the cores; a GPU takes one run", () => {
  expect(shareMachine(39, {}, 8)).toEqual({ jobs: 8, threads: 1, watchMemory: true });
  expect(shareMachine(3, {}, 8)).toEqual({ jobs: 4, threads: 2, watchMemory: true });
  expect(shareMachine(1, {}, 8)).toEqual({ jobs: 1, threads: 8, watchMemory: true });
  expect(shareMachine(39, { threads: 4 }, 8)).toEqual({ jobs: 2, threads: 4, watchMemory: true });
  expect(shareMachine(39, { jobs: 16 }, 8)).toEqual({ jobs: 16, threads: 1, watchMemory: false });
  expect(shareMachine(39, { device: "cuda" }, 8)).toEqual({ jobs: 1, threads: undefined, watchMemory: true });
});

test("jobs that are not known yet start one at a time; known ones as far as memory reaches", () => {
  let free = 10 * gib;
  const book = new MemoryBook(() => free);
  expect(book.hasRoom("large")).toBe(true);
  book.started("1", "large");
  expect(book.hasRoom("large")).toBe(false);
  expect(book.hasRoom("other")).toBe(false);
  // The first has shown what it takes: 3 GiB of the 10 are gone.
  book.seen("1", 3 * gib, true);
  free = 7 * gib;
  expect(book.hasRoom("large")).toBe(true);
  book.started("2", "large");
  // The second has taken nothing yet, but will: 7 · 0.9 - 3 is a third one's need.
  expect(book.hasRoom("large")).toBe(true);
  book.started("3", "large");
  expect(book.hasRoom("large")).toBe(false);
  book.ended("3");
  expect(book.hasRoom("large")).toBe(true);
});

test("a single job starts on whatever there is", () => {
  const book = new MemoryBook(() => 0);
  expect(book.hasRoom("large")).toBe(true);
});
