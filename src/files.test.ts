import { lstat, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../test/data/files.js";
import { writeFileAtomic } from "./files.js";

test("a link stays, and what it leads to is replaced", async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, "real.json"), "old");
  await symlink("real.json", join(folder, "link.json"));
  await writeFileAtomic(join(folder, "link.json"), "new");
  expect(await readFile(join(folder, "real.json"), "utf8")).toBe("new");
  expect((await lstat(join(folder, "link.json"))).isSymbolicLink()).toBe(true);
  expect((await readdir(folder)).sort()).toEqual(["link.json", "real.json"]);
});
