import { expect, test } from "vitest";
import { RecentSessions } from "./recent-sessions.js";
import type { Engine, Session } from "./types.js";

test("the sessions used last are kept, the others released, and all in the end", async () => {
  const events: string[] = [];
  const engine = {
    load: async (bytes: Uint8Array) => {
      events.push(`load ${bytes[0]}`);
      return { release: async () => void events.push(`release ${bytes[0]}`) } as unknown as Session;
    },
  } as Pick<Engine, "load"> as Engine;
  const sessions = new RecentSessions(engine, 2);
  const get = (model: number) => sessions.get(String(model), () => Uint8Array.of(model));
  const first = await get(1);
  await get(2);
  expect(await get(1)).toBe(first);
  await get(3);
  expect(events).toEqual(["load 1", "load 2", "release 2", "load 3"]);
  await sessions.close();
  expect(events.slice(4)).toEqual(["release 1", "release 3"]);
});
