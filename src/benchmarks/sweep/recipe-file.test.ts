import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/data/files.js";
import { findRecipes } from "./find-recipes.js";
import { overriding } from "./overrides.js";
import { readRecipe } from "./recipe-file.js";

const folder = temporaryFolder();

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

const shared = `
table: demo
data:
  id: cifar:\${OFFMAP_DATA}/train.bin?long-tail=exp:0.01
  outliers: npy:\${OFFMAP_DATA}/outliers.npy
  test: cifar:\${OFFMAP_DATA}/test.bin
  ood: { near: folder:near, far: folder:far }
  normalize: 0.5:0.25
defaults:
  train: { arch: resnet20, epochs: 100 }
  tune: { bn: frozen, epochs: 8 }
evaluate: { adjust: true }
notes: [These sets stand in for others.]
`;
const environment = { OFFMAP_DATA: "/data" };
await file("rows/shared.yaml", shared);
await file(
  "rows/first.yaml",
  "extends: shared.yaml\ntitle: First\norder: 1\nstages:\n  - train: { loss: ce }\nevaluate: { score: msp }\n",
);
const second = await file(
  "rows/second.yaml",
  "extends: shared.yaml\ntitle: Second\norder: 2\nstages:\n  - recipe: first.yaml\n  - tune: { epochs: 2, lr: 1e-3 }\n",
);

test("a recipe is its own file over the files it extends, with the values of the environment", async () => {
  const recipe = await readRecipe(second, environment);
  expect(recipe).toMatchObject({ name: "demo/second", title: "Second", table: "demo", order: 2 });
  expect(recipe.data).toEqual({
    id: "cifar:/data/train.bin?long-tail=exp:0.01",
    outliers: "npy:/data/outliers.npy",
    test: "cifar:/data/test.bin",
    ood: [
      { name: "near", spec: "folder:near" },
      { name: "far", spec: "folder:far" },
    ],
    normalize: "0.5:0.25",
  });
  expect(recipe.evaluate).toEqual({
    scores: [],
    scoresFrom: 1,
    accuracyFrom: 1,
    adjust: true,
    prior: false,
    priorScenes: 10_000,
    fitOutliers: false,
    scoreOptions: {},
  });
});

test("stages of another recipe come first, and a stage's own options win over the defaults of its kind", async () => {
  const { stages } = await readRecipe(second, environment);
  const data = { id: "cifar:/data/train.bin?long-tail=exp:0.01", normalize: "0.5:0.25" };
  expect(stages).toMatchObject([
    { kind: "train", options: { ...data, arch: "resnet20", epochs: 100, loss: "ce" } },
    { kind: "tune", options: { ...data, bn: "frozen", epochs: 2, lr: 1e-3 }, outliers: "npy:/data/outliers.npy" },
  ]);
});

test("null takes away what an extended file says", async () => {
  const path = await file(
    "rows/null.yaml",
    "extends: first.yaml\ndata: { outliers: null, normalize: null }\nevaluate: { score: null }\n",
  );
  const recipe = await readRecipe(path, environment);
  expect(recipe.data).not.toHaveProperty("outliers");
  expect(recipe.stages[0]).toMatchObject({ outliers: undefined, options: { id: recipe.data.id } });
  expect(recipe.evaluate.scores).toEqual([]);
});

test("PASCL's way: scores from one stage, accuracy from another", async () => {
  const path = await file("rows/two.yaml", "extends: second.yaml\nevaluate: { scores-from: 1, accuracy-from: 2 }\n");
  expect((await readRecipe(path, environment)).evaluate).toMatchObject({ scoresFrom: 0, accuracyFrom: 1 });
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of recipes look like this.
test.each([
  [
    "a variable that is not set",
    "",
    {},
    "${OFFMAP_DATA}: expected the environment variable OFFMAP_DATA to be the folder with the data sets, got nothing",
  ],
  [
    "another variable",
    "title: ${HOME}",
    environment,
    "${HOME}: expected the environment variable HOME, got a name that does not begin with OFFMAP_",
  ],
  ["an unknown key", "scores: msp", environment, 'Unrecognized key: "scores"'],
  [
    "a number out of range",
    "paper: { auroc: 101, source: x }",
    environment,
    "paper.auroc: Too big: expected number to be <=100",
  ],
  [
    "fine-tuning nothing",
    "stages: [{ tune: {} }]",
    environment,
    "stage 1: expected train or model, as there is nothing to go on from, got tune",
  ],
  [
    "training anew after a stage",
    "stages: [{ train: {} }, { train: {} }]",
    environment,
    "stage 2: expected tune, which goes on from the stage before, got train",
  ],
  [
    "a stage that is not there",
    "evaluate: { scores-from: 3 }",
    environment,
    "evaluate.scores-from: expected a stage of the recipe (1 to 1), got 3",
  ],
  ["stages of itself", "stages: [{ recipe: wrong.yaml }]", environment, "it takes stages from itself"],
  ["extending itself", "extends: wrong.yaml", environment, "it extends itself"],
  ["broken YAML", "title: [", environment, "not valid YAML"],
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
])("%s is refused by the name of the file", async (_what, text, values, message) => {
  const lines = text.startsWith("extends") ? text : `extends: first.yaml\n${text}`;
  const path = await file("rows/wrong.yaml", lines);
  await expect(readRecipe(path, values)).rejects.toThrow(message);
  await expect(readRecipe(path, values)).rejects.toThrow(path.includes("wrong") ? /wrong\.yaml|first\.yaml/ : path);
});

test("a folder stands for its recipes, and not for what they share; patterns and single files for themselves", async () => {
  await file("rows/deep/third.yaml", "extends: ../first.yaml\ntitle: Third\n");
  await file("rows/wrong.yaml", "extends: first.yaml\n");
  const names = async (...texts: string[]) =>
    (await findRecipes(texts.map((text) => join(folder, text)))).map((path) => path.slice(folder.length + 6));
  expect(await names("rows")).toEqual(["deep/third.yaml", "first.yaml", "second.yaml"]);
  expect(await names("rows/*.yaml")).toEqual(["first.yaml", "second.yaml"]);
  expect(await names("rows/**/t*.yaml")).toEqual(["deep/third.yaml"]);
  expect(await names("rows/f?rst.yaml", "rows/first")).toEqual(["first.yaml"]);
  await expect(names("rows/none*")).rejects.toThrow("RECIPE: expected a recipe, a folder with recipes or a pattern");
  expect(await findRecipes(["small/cifar10-lt/st-msp"])).toHaveLength(1);
});

test("--set changes stages, also those of other recipes, and data, and the table says so", async () => {
  const known = (_task: string, kind: "train" | "tune") =>
    kind === "train" ? ["epochs", "steps", "width"] : ["epochs", "steps", "lr"];
  const adapt = overriding(
    [
      { key: "steps", value: "2" },
      { key: "width", value: "0.25" },
      { key: "tune.lr", value: "0.5" },
      { key: "limit", value: "40" },
      { key: "per-class", value: "3" },
      { key: "data.ood.far", value: "folder:else" },
    ],
    known,
  );
  const recipe = await readRecipe(second, environment, adapt);
  expect(recipe.stages.map((stage) => stage.kind !== "model" && stage.options)).toMatchObject([
    { steps: "2", width: "0.25", loss: "ce", id: "cifar:/data/train.bin?long-tail=exp:0.01&per-class=3" },
    { steps: "2", lr: "0.5", bn: "frozen" },
  ]);
  for (const stage of recipe.stages) expect(stage.kind !== "model" && stage.options).not.toHaveProperty("epochs");
  expect(recipe.stages[1]).not.toHaveProperty("options.width");
  expect(recipe.data.test).toBe("cifar:/data/test.bin?limit=40&seed=1");
  expect(recipe.data.ood).toEqual([
    { name: "near", spec: "folder:near?limit=40&seed=1" },
    { name: "far", spec: "folder:else" },
  ]);
  expect(recipe.notes.at(-1)).toBe(
    "Changed by --set: steps=2, width=0.25, tune.lr=0.5, limit=40, per-class=3, data.ood.far=folder:else.",
  );
  expect(() => overriding([{ key: "epoch", value: "1" }], known)).toThrow(
    "--set epoch=1: expected an option of train or tune",
  );
  expect(() => overriding([{ key: "tune.width", value: "1" }], known)).toThrow("--set tune.width=1");
  expect(() => overriding([{ key: "limit", value: "0" }], known)).toThrow("--set limit=0: expected a number of images");
});

test("options that take each other's place do so between defaults, stages and --set", async () => {
  const path = await file(
    "rows/opposites.yaml",
    "extends: first.yaml\ntitle: Opposites\ndefaults: { tune: { steps: 9, search-alpha: [0, 5], search-gamma: 0.5, augment: crop-flip } }\nstages:\n  - recipe: first.yaml\n  - tune: { epochs: 3, no-augment: true }\n",
  );
  const tuned = async (...set: { key: string; value: string }[]) => {
    const flags = ["epochs", "steps", "alpha", "gamma", "train"];
    const adapt = overriding(set, (_task, kind) => (kind === "tune" ? flags : ["train"]));
    return (await readRecipe(path, environment, adapt)).stages.at(-1);
  };
  const own = await tuned();
  expect(own).toMatchObject({ options: { epochs: 3, "no-augment": true, "search-alpha": [0, 5] } });
  for (const name of ["steps", "augment"]) expect(own).not.toHaveProperty(`options.${name}`);
  const changed = await tuned({ key: "alpha", value: "3" }, { key: "train", value: "head" });
  expect(changed).toMatchObject({ options: { alpha: "3", train: "head", "search-gamma": 0.5 } });
  expect(changed).not.toHaveProperty("options.search-alpha");
});

test("--set leaves recipes of the other task as they are, and OOD sets that come together whole", async () => {
  const scenes = await file(
    "rows/only-scenes.yaml",
    "extends: first.yaml\ntitle: Scenes\ntask: segmentation\nevaluate: { adjust: false }\n",
  );
  const together = await file(
    "rows/together.yaml",
    "extends: first.yaml\ntitle: Together\ndata: { ood: 'sc-ood:root' }\n",
  );
  const idWith = async (path: string, key: string, value: string) =>
    (
      await readRecipe(
        path,
        environment,
        overriding([{ key, value }], () => []),
      )
    ).data;
  expect((await idWith(scenes, "per-class", "3")).id).not.toContain("per-class");
  expect((await idWith(second, "per-class", "3")).id).toContain("per-class=3");
  expect((await idWith(second, "size", "8x8")).test).not.toContain("size=");
  await expect(idWith(together, "data.ood.far", "folder:far")).rejects.toThrow(
    "--set data.ood.far=folder:far: expected a recipe whose OOD sets have names, got Together",
  );
});

test("--set normalize, id and outliers change the data that stages train on and are evaluated with, whatever stages say", async () => {
  const path = await file(
    "rows/own-data.yaml",
    "extends: second.yaml\ntitle: Own data\nstages:\n  - recipe: first.yaml\n  - tune: { normalize: '0.1:0.1', outliers: folder:own }\n",
  );
  const changed = { normalize: "0.4:0.3", id: "folder:known", outliers: "folder:unknown" };
  const set = Object.entries(changed).map(([key, value]) => ({ key, value }));
  const { stages, data } = await readRecipe(
    path,
    environment,
    overriding(set, () => []),
  );
  expect(data).toMatchObject(changed);
  for (const stage of stages) {
    expect(stage).toMatchObject({
      outliers: "folder:unknown",
      options: { normalize: "0.4:0.3", id: "folder:known" },
    });
    expect(stage).not.toHaveProperty("options.outliers");
  }
});

test("--set changes scenes, what is pasted into them staying, and how they are evaluated", async () => {
  const path = await file(
    "rows/scenes.yaml",
    "extends: first.yaml\ntitle: Scenes\ntask: segmentation\nevaluate: { adjust: false }\ndata:\n  ood: { near: { scenes: a, paste: b }, far: c }\n",
  );
  const set = [
    { key: "size", value: "8x9" },
    { key: "data.ood.near", value: "d" },
    { key: "evaluate.prior-scenes", value: "5" },
    { key: "evaluate.score-options.k", value: "3" },
  ];
  const { data, evaluate } = await readRecipe(
    path,
    environment,
    overriding(set, () => []),
  );
  expect(data.test).toBe("cifar:/data/test.bin?size=8x9");
  expect(data.ood).toEqual([
    { name: "near", spec: "d", paste: { objects: "b", seed: 1 } },
    { name: "far", spec: "c?size=8x9" },
  ]);
  expect(evaluate).toMatchObject({ priorScenes: 5, scoreOptions: { k: 3 } });
  for (const [key, value] of [
    ["evaluate.prior-scenes", "0"],
    ["evaluate.adjust", "1"],
    ["evaluate.score-options.k", "many"],
  ] as const) {
    expect(() => overriding([{ key, value }], () => [])).toThrow(
      `--set ${key}=${value}: expected evaluate.prior-scenes`,
    );
  }
});
