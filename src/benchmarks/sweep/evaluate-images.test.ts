import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../data/index.js";
import { fitScores, type PartName } from "../../guard/index.js";
import { architectures, createModel } from "../../nn/index.js";
import { type Model, writeModel } from "../../onnx/index.js";
import { LocalEngine } from "../../runtime/index.js";
import { asClassifier } from "../../training/index.js";
import { evaluate } from "../evaluate.js";
import { runJob } from "./jobs.js";
import type { RunNumbers } from "./results.js";

const fixture = (name: string) =>
  `cifar:${fileURLToPath(new URL(`../../../test/fixtures/parity/${name}`, import.meta.url))}`;
const [training, outliers] = [fixture("known.bin"), fixture("outliers.bin")];
const tested = `${training}?limit=10`;
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const network = (deconf: boolean) =>
  createModel(architectures.resnet20, { classes: 10, shape: [3, 32, 32], width: 0.125, deconf }, 1);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-evaluate-images-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function measured(model: Model, scores: readonly PartName[], fitOn: string): Promise<RunNumbers> {
  const path = join(folder, "model.onnx");
  await writeModel(model, path);
  const result = join(folder, "result.json");
  await runJob(
    {
      ...{ kind: "evaluate", task: "classification", result },
      ...{ scoresFrom: { path, normalization }, accuracyFrom: { path, normalization } },
      ...{ test: tested, ood: [{ name: "other", spec: outliers }], classesOf: undefined, priorOf: undefined },
      about: { key: "k", recipe: "r", seed: 1, stages: [], data: { test: {} as never, ood: [] } },
      ...{ scores, fitOn, adjusts: true, engine: { threads: 1 } },
    },
    {},
  );
  return JSON.parse(await readFile(result, "utf8")) as RunNumbers;
}

test.each([
  ["fdbd", "energy", network(false)],
  ["generalized-odin", "deconf-cosine", network(true)],
] as const)("%s is fitted to the training images, beside %s, which is not", async (name, ready, model) => {
  const { scores: found } = await measured(model, ["msp", ready, name], training);
  expect(Object.keys(found)).toEqual(["msp", ready, name]);

  const engine = new LocalEngine({ threads: 1 });
  const classifier = asClassifier(model);
  const fitted = await fitScores(engine, classifier, await openDataset(training), [name], { normalization });
  const ood = await openDataset(outliers, { name: "other", ignoreLabels: true });
  const settings = { scores: [name], fitted, preset: "official", normalization, resamples: 0 } as const;
  const { average } = await evaluate(engine, classifier, await openDataset(tested), [ood], settings);
  await engine.close();
  const { auroc, aupr, fpr95 } = average[0] as (typeof average)[number];
  expect(found[name]?.average).toEqual({ auroc, aupr, fpr95 });
});

test("what scores are fitted to decides their numbers", async () => {
  const all = await measured(network(false), ["fdbd"], training);
  const few = await measured(network(false), ["fdbd"], `${training}?limit=2`);
  expect(few.scores.fdbd).not.toEqual(all.scores.fdbd);
});

test("the accuracy of each class is told, and none of classes without test images", async () => {
  const { accuracy, class_accuracies: byClass } = await measured(network(false), ["msp"], training);
  const { labels } = await openDataset(tested);
  const counts = Array.from({ length: 10 }, (_, label) => [...(labels ?? [])].filter((one) => one === label).length);
  expect(byClass?.map((value) => value === null)).toEqual(counts.map((count) => count === 0));
  const right = (byClass ?? []).reduce<number>(
    (sum, value, label) => sum + (value ?? 0) * (counts[label] as number),
    0,
  );
  expect(right / 10).toBeCloseTo(accuracy as number, 12);
});
