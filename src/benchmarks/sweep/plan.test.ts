import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cifarBytes, temporaryFolder } from "../../../test/data/files.js";
import { stageOptionReader } from "../../cli/recipe-options.js";
import { architectures, createModel } from "../../nn/index.js";
import { encodeModel } from "../../onnx/index.js";
import { planSweep, stageKey } from "./plan.js";
import { readRecipe } from "./recipe-file.js";

const folder = temporaryFolder();
const labels = Array.from({ length: 20 }, (_, index) => [index % 10]);
for (const place of ["data", "moved"]) {
  await mkdir(join(folder, place), { recursive: true });
  await writeFile(join(folder, place, "train.bin"), cifarBytes(labels));
  await writeFile(join(folder, place, "test.bin"), cifarBytes(labels.slice(0, 10)));
}
await writeFile(join(folder, "data", "other.bin"), cifarBytes(labels.slice(5)));
const network = createModel(architectures.resnet20, { classes: 10, shape: [3, 32, 32], width: 0.125 }, 1);
await writeFile(join(folder, "data", "model.onnx"), encodeModel(network));

const lines = (more: string, train: string) => `
title: A row
table: demo
order: 1
data:
  id: cifar:\${OFFMAP_DATA}/train.bin
  outliers: cifar:\${OFFMAP_DATA}/train.bin
  test: cifar:\${OFFMAP_DATA}/test.bin
  ood: { other: "cifar:\${OFFMAP_DATA}/train.bin" }
stages:
  - train: { arch: resnet20${train} }
${more}`;

async function plan(
  texts: readonly string[],
  { seeds = [1], data = "data" }: { readonly seeds?: readonly number[]; readonly data?: string } = {},
) {
  const recipes = [];
  for (const [index, text] of texts.entries()) {
    const path = join(folder, `row-${index}.yaml`);
    await writeFile(path, text);
    recipes.push(await readRecipe(path, { OFFMAP_DATA: join(folder, data) }));
  }
  return planSweep(recipes, seeds, stageOptionReader);
}

const keyOf = async (text: string, options?: Parameters<typeof plan>[1]) =>
  (await plan([text], options)).runs[0]?.stages.at(-1);
const tuned = "  - tune: { loss: oe }\n";

test("recipes that begin alike share what they begin with, and each seed has its own", async () => {
  const { runs, stages } = await plan([lines("", ""), lines(tuned, ""), lines("  - tune: { loss: energy }\n", "")], {
    seeds: [1, 2],
  });
  expect(stages.size).toBe(6);
  const [alone, oe, energy, second] = runs.map((run) => run.stages);
  expect(oe?.[0]).toBe(alone?.[0]);
  expect(energy?.[0]).toBe(alone?.[0]);
  expect(oe?.[1]).not.toBe(energy?.[1]);
  expect(second?.[0]).not.toBe(alone?.[0]);
  expect(runs.map(({ seed }) => seed)).toEqual([1, 1, 1, 2, 2, 2]);
});

test("a default that is written out is the same stage; where data lie, and how often a checkpoint is written, do not count", async () => {
  const key = await keyOf(lines(tuned, ""));
  expect(await keyOf(lines(tuned, ", epochs: 100, lr: 0.1, loss: ce"))).toBe(key);
  expect(await keyOf(lines(tuned, ", checkpoint-every: 7"))).toBe(key);
  expect(await keyOf(lines(tuned, ""), { data: "moved" })).toBe(key);
});

test("an option that only a later version has does not change a key as long as it is at its default", () => {
  const content = { kind: "train", from: null, id: "i", outliers: null, prior: null };
  const [options, plain] = [
    { arch: "resnet20", loss: "ce", seed: 1, batch: 64 },
    { arch: "resnet20", loss: "ce", seed: 1, batch: 128 },
  ];
  const key = stageKey({ ...content, options }, plain);
  expect(stageKey({ ...content, options: { ...options, shear: 0 } }, { ...plain, shear: 0 })).toBe(key);
  expect(stageKey({ ...content, options: { ...options, shear: 1 } }, { ...plain, shear: 0 })).not.toBe(key);
  expect(stageKey({ ...content, options: { ...options, seed: 2 } }, plain)).not.toBe(key);
  expect(stageKey({ ...content, options: { ...options, batch: 32 } }, plain)).not.toBe(key);
});

test.each([
  ["an option of the stage before", lines(tuned, ", lr: 0.2")],
  ["an option", lines("  - tune: { loss: oe, lr: 0.01 }\n", "")],
  ["the training images", lines(tuned, "").replace(/( id: .*)train.bin/, "$1other.bin")],
  ["the outliers", lines(tuned, "").replace(/(outliers: .*)train.bin/, "$1other.bin")],
  ["the normalisation", lines(tuned, "").replace("stages:", '  normalize: "0.5:0.25"\nstages:')],
])("another key follows from %s", async (_what, text) => {
  expect(await keyOf(text)).not.toBe(await keyOf(lines(tuned, "")));
});

test("plain cross entropy sees no outliers, so that they do not part what is the same", async () => {
  const { stages } = await plan([lines(tuned, "")]);
  const [first, second] = [...stages.values()];
  expect(first?.options).not.toHaveProperty("outliers");
  expect(second?.options).toHaveProperty("outliers");
});

test("what stages with outliers have by default goes to no stage without, and moves no key", async () => {
  const shared = "defaults:\n  train: { outlier-batch: 64 }\n  tune: { outlier-batch: 64 }\n";
  const { stages } = await plan([lines(tuned, "") + shared]);
  const [first, second] = [...stages.values()];
  expect(first?.options).not.toHaveProperty("outlierBatch");
  expect(second?.options).toMatchObject({ outlierBatch: 64 });
  expect(first?.content).toMatchObject({ options: { outlierBatch: 64 } });
});

test("rows that differ in numbers of their formulas alone are alike to the memory, others are not", async () => {
  const profile = async (tuning: string) =>
    [...(await plan([lines(`  - tune: { loss: balanced-energy${tuning} }\n`, "")])).stages.values()].at(-1)?.profile;
  expect(await profile(", alpha: 3, steps: 7, lr: 0.1, m-in: -5")).toBe(await profile(""));
  expect(await profile(", batch: 7")).not.toBe(await profile(""));
  expect(await profile(", train: all")).not.toBe(await profile(""));
});

test("a model that is none is refused with the place in the recipe", async () => {
  const text = lines("", "").replace("train: { arch: resnet20 }", `model: ${join(folder, "data", "train.bin")}`);
  await expect(plan([text])).rejects.toThrow(
    /row-0.yaml, stage 1 \(model\): .*train.bin, byte 1: expected a protobuf field/,
  );
});

test("images of any set may be cropped, which makes them others to a network", async () => {
  const cropped = lines(tuned, "").replaceAll(".bin", ".bin?resize=crop");
  expect(cropped.match(/resize=crop/g)).toHaveLength(4);
  expect(await keyOf(cropped)).not.toBe(await keyOf(lines(tuned, "")));
});

test("a search is another stage than the numbers it may choose, and looks at the labels of outliers", async () => {
  const search = (outliers: string) =>
    lines("  - tune: { loss: balanced-energy, search-alpha: [0, 5], search-gamma: 0.5 }\n", "").replace(
      /(outliers: .*)train.bin/,
      `$1${outliers}`,
    );
  const { stages } = await plan([search("train.bin")]);
  expect([...stages.values()].at(-1)?.options).toMatchObject({ search: { alpha: [0, 5], gamma: [0.5] } });
  expect(await keyOf(search("train.bin"))).not.toBe(await keyOf(lines("  - tune: { loss: balanced-energy }\n", "")));
  expect(await keyOf(search("train.bin"))).not.toBe(await keyOf(search("train.bin?labels=none")));
});

test("a model that is given is evaluated once, whatever the seeds, and by its content", async () => {
  const text = lines("", "").replace("train: { arch: resnet20 }", `model: ${join(folder, "data", "model.onnx")}`);
  const { runs, stages } = await plan([text], { seeds: [1, 2, 3] });
  expect(stages.size).toBe(0);
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({ scores: ["energy"], scoresFrom: { path: join(folder, "data", "model.onnx") } });
});

test("the score of a row is that of its last loss, unless it says otherwise", async () => {
  const { runs } = await plan([lines(tuned, ""), lines("evaluate: { score: [energy, msp] }\n", "")]);
  expect(runs.map(({ scores }) => scores)).toEqual([["msp"], ["energy", "msp"]]);
});

test("a score that is fitted makes the training images part of a row, and of no stage", async () => {
  const row = async (score: string, images: string) => {
    const text = lines(`evaluate: { score: [msp, ${score}] }\n`, "")
      .replace("train: { arch: resnet20 }", `model: ${join(folder, "data", "model.onnx")}`)
      .replace(/( id: .*)train.bin/, `$1${images}`);
    const { runs } = await plan([text]);
    expect(runs[0]?.scores).toEqual(["msp", score]);
    return runs[0]?.key;
  };
  for (const score of ["energy", "deconf-cosine"]) {
    expect(await row(score, "train.bin")).toBe(await row(score, "other.bin"));
  }
  for (const score of ["knn", "generalized-odin"]) {
    expect(await row(score, "train.bin")).not.toBe(await row(score, "other.bin"));
  }
});

test.each([
  ["an option that there is not", lines("", ", lerning-rate: 1"), 'stage 1 (train): unknown option "lerning-rate"'],
  ["an option with a hint", lines("", ", epoch: 1"), 'unknown option "epoch"; did you mean epochs?'],
  [
    "a value out of range",
    lines("", ", lr: -1"),
    'stage 1 (train), lr: expected a number above 0 and at most 1000, got "-1"',
  ],
  [
    "both steps and epochs",
    lines("", ", steps: 1, epochs: 1"),
    "stage 1 (train): expected either --steps or --epochs, got both",
  ],
  ["what the sweep decides", lines("", ", seed: 3"), 'unknown option "seed"'],
  [
    "a score that there is not",
    lines("evaluate: { score: sorcery }\n", ""),
    "evaluate.score: expected a score of images (msp, ",
  ],
  [
    "an option of a score of pixels",
    lines("evaluate: { score: msp, score-options: { k: 3 } }\n", ""),
    "evaluate.score-options: expected nothing, as scores of images have none here, got k",
  ],
  [
    "a set with pasted objects",
    lines("", "").replace(/ood: .*/, "ood: { other: { scenes: a, paste: b } }"),
    "data.ood.other: expected images, unless the recipe says `task: segmentation`",
  ],
  ["no architecture", lines("", "").replace("{ arch: resnet20 }", "{}"), "stage 1 (train): --arch NAME is missing"],
])("%s is refused by file and place, before anything runs", async (_what, text, message) => {
  await expect(plan([text])).rejects.toThrow(message);
  await expect(plan([text])).rejects.toThrow("row-0.yaml");
});

test("rows of one table must be about the same images", async () => {
  const other = lines("", "").replace(/(test: .*)test.bin/, "$1other.bin");
  await expect(plan([lines("", ""), other])).rejects.toThrow("as both are rows of the table demo, got others");
});
