import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, write } from "../../../test/data/files.js";
import { filesBelow } from "./scene-files.js";

test("links are followed once, and not to a folder above", async () => {
  const root = join(temporaryFolder(), "set");
  const elsewhere = temporaryFolder();
  await write(join(root, "a", "1.png"), "");
  await write(join(root, ".hidden", "2.png"), "");
  await write(join(root, "a", "__MACOSX", "3.png"), "");
  await write(join(elsewhere, "4.png"), "");
  await symlink(elsewhere, join(root, "b"));
  await symlink(root, join(root, "a", "all"));
  await symlink("..", join(root, "a", "up"));
  expect(await filesBelow(root)).toEqual(["a/1.png", "b/4.png"]);
  await expect(filesBelow(join(root, "none"))).rejects.toThrow("none");
});
