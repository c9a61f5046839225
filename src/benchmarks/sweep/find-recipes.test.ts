import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRecipes } from "./find-recipes.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-recipes-"));
  for (const name of ["long/a", "long/deep/b", "longer/c", "other/d"]) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, `${name}.yaml`), "title: Row\nstages: []\n");
  }
  await writeFile(join(folder, "long", "shared.yaml"), "table: tiny\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ["long", ["long/a", "long/deep/b"]],
  ["long/a", ["long/a"]],
  ["long/*.yaml", ["long/a"]],
  ["long/**", ["long/a", "long/deep/b"]],
  ["**/?.yaml", ["long/a", "long/deep/b", "longer/c", "other/d"]],
  ["long*", ["long/a", "long/deep/b", "longer/c"]],
  ["long*/c.yaml", ["longer/c"]],
])("%s", async (name, expected) => {
  const found = await findRecipes([join(folder, name)]);
  expect(found.map((file) => relative(folder, file).replace(/\.yaml$/, ""))).toEqual(expected);
});

test("a folder without recipes stands for nothing", async () => {
  await mkdir(join(folder, "empty"));
  await expect(findRecipes([join(folder, "empty")])).rejects.toThrow("expected a recipe, a folder with recipes");
});
