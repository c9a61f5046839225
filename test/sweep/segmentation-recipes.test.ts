import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRecipes, planSweep, readRecipe } from "../../src/benchmarks/sweep/index.js";
import { stageOptionReader } from "../../src/cli/recipe-options.js";
import { readPastePlan } from "../../src/data/index.js";
import { paperSegmentation } from "../../src/training/index.js";
import { benchInProcess, recipes } from "./bench-in-process.js";
import { sceneSize, writeCamvid, writeCheckpoint, writeCityscapes } from "./tiny-scenes.js";

let folder = "";
const environment = () => ({ OFFMAP_DATA: join(folder, "data"), OFFMAP_MODELS: join(folder, "models") });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-scenes-"));
  await writeCamvid(join(folder, "data"));
  await writeCityscapes(join(folder, "data"));
  await writeCheckpoint(join(folder, "models"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const methods = [
  ...["msp", "max-logit", "entropy", "energy", "sml", "mahalanobis", "knn-density", "void-classifier", "dirichlet"],
  ...["dodh", "dense-hybrid", "deep-gambler", "oe", "meta-ood", "energy-oe", "balanced-energy"],
  ...["pebal", "balanced-pebal", "density-single-layer", "density-minimum", "density-logistic-regression"],
];
const size = `${sceneSize.height}x${sceneSize.width}`;

interface Row {
  readonly recipe: string;
  readonly sets: readonly Record<"auroc" | "aupr" | "fpr95", { readonly mean: number; readonly paper?: object }>[];
  readonly miou?: { readonly mean: number };
}
interface Written {
  readonly failures: readonly object[];
  readonly tables: readonly {
    readonly name: string;
    readonly task: string;
    readonly sets: readonly { readonly name: string }[];
    readonly rows: readonly Row[];
    readonly priors: readonly { readonly outliers: number; readonly class_names: readonly string[] }[];
    readonly missing: readonly { readonly title: string; readonly reason: string }[];
  }[];
}

const bench = (names: readonly string[], out: string, set: readonly string[]) =>
  benchInProcess<Written>(names, out, set, environment());

const quick = ["steps=1", "batch=2", "prior-scenes=2", "evaluate.prior-scenes=2", "evaluate.score-options.steps=2"];

describe("small/camvid", () => {
  test("runs to its end, every row of it, of the ablation and of the choice by validation scenes, on few scenes with a narrow network", async () => {
    const out = join(folder, "camvid");
    const { document, complaints } = await bench(["small/camvid"], out, [...quick, "width=0.125", `size=${size}`]);
    expect(document.failures).toEqual([]);
    expect(complaints).not.toContain("incomplete");
    const [table, ablation, validation] = ["small-camvid", "small-camvid-ablation", "small-camvid-validation"].map(
      (name) => document.tables.find((each) => each.name === name),
    );
    expect(table?.rows.map(({ recipe }) => basename(recipe)).sort()).toEqual([...methods, "dropout"].sort());
    expect(table?.sets.map(({ name }) => name)).toEqual(["held-out", "pasted"]);
    expect(table?.missing).toEqual([]);
    for (const row of [table, ablation, validation].flatMap((each) => each?.rows ?? [])) {
      expect(row.miou?.mean).toBeGreaterThanOrEqual(0);
      for (const { auroc, aupr } of row.sets) expect(auroc.mean * aupr.mean).toBeGreaterThan(0);
    }
    expect(table?.priors[0]).toMatchObject({ class_names: expect.arrayContaining(["sky", "car"]) });
    // With alpha and gamma at 0 it is EnergyOE, and with the defaults the row of the table itself.
    const numbers = (found: typeof table, name: string) =>
      found?.rows.find(({ recipe }) => basename(recipe) === name)?.sets;
    expect(numbers(ablation, "alpha-0-gamma-0")).toEqual(numbers(table, "energy-oe"));
    expect(numbers(ablation, "alpha-5-gamma-3")).toEqual(numbers(table, "balanced-energy"));
    // The same networks on other scenes, none of them of the test.
    const names = (found: typeof table) => found?.rows.map(({ recipe }) => basename(recipe));
    expect(names(validation)).toEqual(names(ablation));
    expect(validation?.sets.map(({ name }) => name)).toEqual(["pasted"]);
    const chosenBy = await readRecipe(join(recipes, "small/camvid/validation/alpha-0-gamma-0.yaml"), environment());
    expect(JSON.stringify(chosenBy.data)).not.toMatch(/split=test|ood-test/);
    const markdown = await readFile(join(out, "table.md"), "utf8");
    expect(markdown).toContain("mIoU ↑");
    expect(markdown).toContain("anomalies are the positive class");
    expect(await readFile(join(out, "table.csv"), "utf8")).toMatch(/small-camvid,[^\n]*,miou,1,/);
  }, 300_000);
});

test("what is pasted where is kept beside the numbers of a table, without a word about where the files lie", async () => {
  const out = join(folder, "plans");
  await bench(["small/camvid/energy.yaml"], out, [...quick, "width=0.125", `size=${size}`]);
  const file = join(out, "results", "small-camvid", "plan-pasted.json");
  const { scenes, seed, feather } = await readPastePlan(file);
  expect([scenes.map(({ image }) => image), seed, feather]).toEqual([["0.png", "1.png", "2.png"], 1, 1]);
  expect(await readFile(file, "utf8")).not.toContain(folder);
}, 60_000);

test("small/camvid-rates has every tuned method by its rate, as the table has it but for the rate, and no test scene", async () => {
  const files = await findRecipes([join(recipes, "small/camvid-rates")]);
  const rates = new Map<string, number[]>();
  for (const file of files) {
    const [, method, rate] = /([a-z-]+)-lr-([\d.]+)\.yaml$/.exec(file) ?? [];
    const recipe = await readRecipe(file, environment());
    expect(JSON.stringify(recipe.data)).not.toMatch(/split=test|ood-test/);
    if (method === undefined) continue;
    rates.set(method, [...(rates.get(method) ?? []), Number(rate)]);
    const own = await readRecipe(join(recipes, "small/camvid", `${method}.yaml`), environment());
    const tuned = async (of: typeof own) => {
      const stage = of.stages.at(-1);
      if (stage?.kind !== "tune") throw new Error(`${method}: no stage to tune`);
      return stageOptionReader("segmentation", "tune", stage.options, method);
    };
    const { learningRate, ...rest } = await tuned(recipe);
    const { learningRate: _, ...expected } = await tuned(own);
    expect([learningRate, rest]).toEqual([Number(rate), expected]);
    expect(recipe.evaluate.scores).toEqual(own.evaluate.scores);
  }
  expect(rates.size).toBe(12);
  for (const own of rates.values()) expect(own.length).toBeGreaterThanOrEqual(2);
});

test("small/espnet-camvid-settings has the setting of the table for every method it tries, and no test frame", async () => {
  const options = async (name: string) => {
    const { data, stages } = await readRecipe(join(recipes, `${name}.yaml`), environment());
    const stage = stages.at(-1);
    if (stage?.kind !== "tune") throw new Error(`${name}: no stage to tune`);
    return { data, told: JSON.stringify(await stageOptionReader("segmentation", "tune", stage.options, name)) };
  };
  for (const method of ["balanced-energy", "energy-oe"]) {
    const files = await findRecipes([join(recipes, "small/espnet-camvid-settings", `${method}-*.yaml`)]);
    const tried = await Promise.all(files.map((file) => options(relative(recipes, file).replace(/\.yaml$/, ""))));
    for (const { data } of tried) expect(JSON.stringify(data)).not.toMatch(/split=test|ood-test/);
    const { told } = await options(`small/espnet-camvid/${method}`);
    expect(tried.filter((each) => each.told === told)).toHaveLength(1);
  }
});

describe("paper/cityscapes", () => {
  test("has the official settings in the rows of the paper", async () => {
    for (const name of ["energy-oe", "balanced-energy", "pebal", "balanced-pebal"]) {
      const { stages } = await readRecipe(join(recipes, "paper", "cityscapes", `${name}.yaml`), environment());
      const [, tuned] = stages;
      if (tuned?.kind !== "tune") throw new Error("no stage to tune");
      const { priorScenes, ...official } = paperSegmentation;
      const read = await stageOptionReader("segmentation", "tune", tuned.options, name);
      expect(read).toMatchObject(official);
      if (name.startsWith("balanced")) {
        expect(read).toMatchObject({ priorScenes, lossOptions: { alpha: 5, gamma: 3 } });
      }
    }
  });

  test("runs to its end, every row of it, on a few scenes in the official layouts", async () => {
    const out = join(folder, "cityscapes");
    const { document, complaints } = await bench(["paper/cityscapes"], out, [...quick, `crop=${size}`]);
    expect(document.failures).toEqual([]);
    expect(complaints).not.toContain("incomplete");
    const [table] = document.tables;
    expect(table?.rows.map(({ recipe }) => basename(recipe)).sort()).toEqual([...methods, "bayesian-deeplab"].sort());
    expect(table?.sets.map(({ name }) => name)).toEqual(["LostAndFound", "Static", "RoadAnomaly"]);
    const pebal = table?.rows.find(({ recipe }) => recipe === "paper-cityscapes/pebal");
    expect(pebal?.sets.map(({ fpr95 }) => fpr95.paper)).toMatchObject([
      { value: 0.0476 },
      { value: 0.0152 },
      { value: 0.4458 },
    ]);
    expect(table?.missing.map(({ title }) => title)).toContain("SynBoost");
    expect(await readFile(join(out, "table.md"), "utf8")).toContain("Here / in the paper / difference");
  }, 300_000);
});

test("recipes of scenes refuse what only images have, and the other way round, by file and place", async () => {
  const refused = async (name: string, set: readonly string[], message: string) =>
    expect(bench([name], join(folder, "refused"), set)).rejects.toThrow(message);
  await refused("small/camvid/msp.yaml", ["train.arch=resnet20"], "expected a segmentation network, got resnet20");
  await refused("small/camvid/oe.yaml", ["tune.loss=eat"], "expected a loss of a segmentation network");
});

test("a row that goes on from another shares its stages, and pasted sets differ by how they are pasted", async () => {
  const files = await findRecipes(
    ["msp", "energy", "oe"].map((name) => join(recipes, "small", "camvid", `${name}.yaml`)),
  );
  const read = await Promise.all(files.map((file) => readRecipe(file, environment())));
  const plan = await planSweep(read, [1], stageOptionReader);
  expect([...plan.stages.values()].map(({ kind }) => kind)).toEqual(["train", "tune"]);
  const other = read.map((recipe) => ({
    ...recipe,
    data: {
      ...recipe.data,
      ood: recipe.data.ood.map(({ paste, ...set }) => ({ ...set, ...(paste && { paste: { ...paste, seed: 2 } }) })),
    },
  }));
  const moved = await planSweep(other, [1], stageOptionReader);
  expect([...moved.stages.keys()]).toEqual([...plan.stages.keys()]);
  expect(moved.runs[0]?.data.ood[0]).toEqual(plan.runs[0]?.data.ood[0]);
  expect(moved.runs[0]?.data.ood[1]?.fingerprint).not.toBe(plan.runs[0]?.data.ood[1]?.fingerprint);
});
