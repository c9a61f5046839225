import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lock } from "./lock.js";

let folder = "";
const path = () => join(folder, "lock");
const take = () => lock(path(), { where: "--out", place: folder, work: "sweep" });
const nobody = 2 ** 22 + 1;
const left = (pid: number) => writeFile(path(), JSON.stringify({ pid, host: hostname() }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("of several that come upon the lock of a process that is gone, one gets in", async () => {
  for (let round = 0; round < 5; round++) {
    await left(nobody);
    const contenders = await Promise.allSettled(Array.from({ length: 4 }, take));
    expect(contenders.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  }
});

test("a lock that says nothing yet is looked at again before it is taken over", async () => {
  await writeFile(path(), "");
  const attempt = take();
  await left(process.ppid);
  await expect(attempt).rejects.toThrow(`where process ${process.ppid} on ${hostname()} is`);
  await writeFile(path(), "");
  await (await take())();
});

test("only the lock of this process is removed", async () => {
  const unlock = await take();
  await left(process.ppid);
  await unlock();
  expect(JSON.parse(await readFile(path(), "utf8"))).toMatchObject({ pid: process.ppid });
});
