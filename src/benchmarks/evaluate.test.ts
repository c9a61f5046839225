import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { openDataset, parseNormalization } from "../data/index.js";
import { argmax } from "../metrics/index.js";
import { readModel } from "../onnx/index.js";
import { LocalEngine } from "../runtime/index.js";
import { asClassifier } from "../training/index.js";
import { evaluate } from "./evaluate.js";

const asset = (name: string) => fileURLToPath(new URL(`../../assets/demo/${name}`, import.meta.url));
const path = asset("resnet20-cifar10.onnx");
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());
const classifier = asClassifier(await readModel(path), path);
const id = await openDataset(`sheet:${asset("cifar10-test.json")}?limit=150`);
const ood = await openDataset(`sheet:${asset("textures.json")}?limit=20`);
const options = {
  scores: ["energy"],
  preset: "official",
  normalization: parseNormalization("0.485,0.456,0.406:0.229,0.224,0.225"),
  resamples: 0,
} as const;

test("with class counts, accuracy is also that of logits less the logarithm of each class's share", async () => {
  const classCounts = [90_000, 1, 1, 1, 1, 1, 1, 1, 1, 90_000];
  const found = await evaluate(engine, classifier, id, [ood], { ...options, classCounts });
  const { logits } = found.sets.id;
  const total = classCounts.reduce((sum, count) => sum + count, 0);
  const shifted = logits.map((value, at) => value - Math.log((classCounts[at % 10] as number) / total));
  const right = argmax(shifted, 10).reduce((sum, predicted, at) => sum + (predicted === id.labels?.[at] ? 1 : 0), 0);
  expect(found.id.adjusted?.accuracy).toBeCloseTo(right / id.length, 12);
  // Shares so far apart move predictions, and not the scores.
  expect(found.id.adjusted?.accuracy).toBeLessThan(found.id.accuracy as number);
  const without = await evaluate(engine, classifier, id, [ood], options);
  expect(found.rows).toEqual(without.rows);
  expect(without.id.adjusted).toBeUndefined();
});

test("a class without training images is refused before anything runs", async () => {
  const classCounts = [0, ...Array<number>(9).fill(10)];
  await expect(evaluate(engine, classifier, id, [ood], { ...options, classCounts })).rejects.toThrow(
    "expected a number of training images > 0 for class 0, got 0",
  );
});

test("without OOD sets there is the accuracy, and no average of nothing", async () => {
  const found = await evaluate(engine, classifier, id, [], options);
  expect(found.average).toEqual([]);
  expect(found.id.accuracy).toBeGreaterThan(0.8);
});

test("folders that number the classes otherwise than the model are refused with a class and its output", async () => {
  const names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
  const metadata = new Map([["offmap.class_names", JSON.stringify(names)]]);
  const remembering = asClassifier({ ...classifier.model, metadata }, path);
  const sorted = { ...id, classNames: ["plane", "car", ...names.slice(2)].sort() };
  await expect(evaluate(engine, remembering, sorted, [ood], options)).rejects.toThrow(
    'expected class "bird" as number 2, which the model\'s output of it has, got number 0, the output of "airplane"',
  );
  await expect(evaluate(engine, remembering, id, [ood], options)).resolves.toBeDefined();
});
