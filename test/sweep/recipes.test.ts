import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRecipes, planSweep, readRecipe } from "../../src/benchmarks/sweep/index.js";
import { stageOptionReader } from "../../src/cli/recipe-options.js";
import { benchInProcess, recipes } from "./bench-in-process.js";
import { writeTinyData } from "./tiny-data.js";

const assets = fileURLToPath(new URL("../../assets/demo", import.meta.url));
let folder = "";
const environment = () => ({ OFFMAP_DATA: join(folder, "data"), OFFMAP_MODELS: join(folder, "models") });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-recipes-"));
  await writeTinyData(join(folder, "data"));
  await mkdir(join(folder, "models"));
  await symlink(join(assets, "resnet20-cifar10.onnx"), join(folder, "models", "resnet20-cifar10.onnx"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Written {
  readonly failures?: unknown[];
  readonly tables?: { rows: { recipe: string; adjusted?: unknown }[]; missing: unknown[] }[];
}

/** The tables, and how many rows each has. */
const tables = [
  ["small/cifar10-lt", 16],
  ["small/cifar100-lt", 16],
  ["small/cifar10", 12],
  ["paper/cifar10-lt/resnet18", 13],
  ["paper/cifar100-lt/resnet18", 13],
  ["paper/cifar10-lt/wrn-40-2", 13],
  ["paper/cifar100-lt/wrn-40-2", 13],
  ["paper/cifar10/resnet18", 9],
  ["paper/cifar100/resnet18", 9],
] as const;

const rowsOfBoth = [
  ...[
    "st-msp",
    "st-energy",
    "oe-scratch",
    "oe-tune",
    "energy-scratch",
    "energy-tune",
    "balanced-energy",
    "oecc",
    "generalized-odin",
  ],
];
const longTailed = [...rowsOfBoth, "open-sampling", "pascl", "eat", "cocl"];

describe.each(tables)("%s", (table, rows) => {
  test("has a recipe for every row, and every one can be planned", async () => {
    const files = await findRecipes([join(recipes, table)]);
    const names = files.map((file) => file.replace(/.*\/|\.yaml$/g, ""));
    expect(names).toEqual(expect.arrayContaining(table.includes("-lt") ? longTailed : rowsOfBoth));
    expect(names).toHaveLength(rows);
    const read = await Promise.all(files.map((file) => readRecipe(file, environment())));
    expect(new Set(read.map(({ table: name }) => name)).size).toBe(1);
    expect(new Set(read.map(({ order }) => order)).size).toBe(rows);
    const plan = await planSweep(read, [1], stageOptionReader);
    expect(plan.runs).toHaveLength(rows);
  });

  test("runs to its end, every row of it, on a few images with a narrow network", async () => {
    const out = join(folder, table.replaceAll("/", "-"));
    const { document, complaints } = await benchInProcess<Written | undefined>(
      [table],
      out,
      ["steps=1", "width=0.125", "batch=6", "outlier-batch=6", "limit=12", "per-class=3"],
      environment(),
    );
    expect(document?.failures).toEqual([]);
    expect(complaints).not.toContain("incomplete");
    expect(document?.tables?.[0]?.missing).toEqual([]);
    expect(document?.tables?.[0]?.rows.length).toBeGreaterThanOrEqual(rows);
    expect(await readFile(join(out, "table.md"), "utf8")).toContain("Balanced energy");
    const adjusted = document?.tables?.[0]?.rows.flatMap(({ recipe, adjusted: found }) => (found ? [recipe] : []));
    // Of those whose second stage has learned adjusted logits, nothing is adjusted once more.
    expect(adjusted?.some((recipe) => recipe.endsWith("/st-msp"))).toBe(table.includes("-lt"));
    expect(adjusted?.some((recipe) => /\/(pascl|eat)$/.test(recipe))).toBe(false);
  }, 600_000);
});

test.each([
  ["small/cifar10-lt", 6],
  ["small/cifar100-lt", 5],
])("the ablation of %s changes the balanced loss of the table, every row in a way of its own", async (table, rows) => {
  const files = await findRecipes([
    join(recipes, `${table}-ablation`),
    join(recipes, table, "balanced-energy.yaml"),
    join(recipes, table, "energy-tune.yaml"),
  ]);
  const read = await Promise.all(files.map((file) => readRecipe(file, environment())));
  const { runs } = await planSweep(read, [1], stageOptionReader);
  expect(runs).toHaveLength(rows + 2);
  expect(new Set(runs.map(({ stages }) => stages.at(-1))).size).toBe(rows + 2);
  expect(new Set(runs.map(({ stages }) => stages[0])).size).toBe(1);
});
