// From fitted scores to one file to ship, on the demo's model and images: every score, calibrated, exported, and run by ONNX Runtime
// for Node and by its WebAssembly build.
import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as web from "onnxruntime-web";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatNormalization, normalize, openDataset, parseNormalization } from "../src/data/index.js";
import { ShapeError } from "../src/errors.js";
import { networkFingerprint, partFingerprint } from "../src/guard/fingerprints.js";
import {
  asCalibration,
  asPart,
  type Calibration,
  calibrate,
  fitScores,
  guardedModel,
  optionsOf,
  preprocesses,
  readyPart,
  runGuarded,
  type ScoredDataset,
  type ScorePart,
  scoreDataset,
} from "../src/guard/index.js";
import { takesImage } from "../src/guard/score-part.js";
import { conformalThreshold } from "../src/metrics/index.js";
import { architectures, createModel } from "../src/nn/index.js";
import { decodeModel, encodeModel, readModel } from "../src/onnx/index.js";
import type { Model } from "../src/onnx/types.js";
import { tensorOf } from "../src/ops/index.js";
import { LocalEngine } from "../src/runtime/index.js";
import { type ScoreName, scores } from "../src/scores/index.js";
import { asClassifier } from "../src/training/index.js";
import { version } from "../src/version.js";

const asset = (name: string) => fileURLToPath(new URL(`../assets/demo/${name}`, import.meta.url));
const path = asset("resnet20-cifar10.onnx");
const normalization = parseNormalization("0.485,0.456,0.406:0.229,0.224,0.225");
/** All but those of networks with a head of their own, which have tests of their own. */
const names = (Object.keys(scores) as ScoreName[]).filter((name) => !("output" in scores[name]));
/** The demo's model takes nearly every one of its training images for what it is, so that temperature scaling gets others. */
const calibratedOn: Readonly<Partial<Record<ScoreName, string>>> = { "temperature-scaling": "cifar10-test" };
const images = 12;
const run = promisify(execFile);

const engine = new LocalEngine({ threads: 2 });
afterAll(() => engine.close());
const classifier = asClassifier(await readModel(path), path);
const training = await openDataset(`sheet:${asset("cifar10-train.json")}`);
const held = await openDataset(`sheet:${asset("cifar10-test.json")}`);
const odd = await openDataset(`sheet:${asset("textures.json")}?limit=200`);
const few = await openDataset(`sheet:${asset("textures.json")}?limit=${images}`);
/** Three colour pictures of 48x32, brighter towards one end. */
const tall = await mkdtemp(join(tmpdir(), "offmap-tall-"));
for (let picture = 0; picture < 3; picture++) {
  const data = Uint8Array.from({ length: 3 * 48 * 32 }, (_, at) => (at / 18 + 40 * picture * (at % 3)) % 256);
  await sharp(data, { raw: { width: 32, height: 48, channels: 3 } }).toFile(join(tall, `${picture}.png`));
}

const parts = new Map<ScoreName, ScorePart>();
let library: ScoredDataset;
let calibration: Calibration;
beforeAll(async () => {
  const others = names.filter((name) => calibratedOn[name] === undefined);
  const sets = [
    ...(await fitScores(engine, classifier, training, others, { normalization, options: { knn: { k: 5 } } })),
    ...(await fitScores(engine, classifier, held, ["temperature-scaling"], { normalization })),
  ];
  for (const part of sets) parts.set(part.score as ScoreName, part);
  library = await scoreDataset(engine, classifier, few, [...parts.values()], { normalization });
  calibration = await calibrate(engine, classifier, parts.get("energy") as ScorePart, held, [odd], { normalization });
}, 60_000);

const made = (part: ScorePart): Calibration => {
  const own = Array.from(library.scores[part.score] as Float32Array).sort((a, b) => a - b);
  return {
    ...calibration,
    score: part.score,
    part: partFingerprint(part),
    options: { ...part.options },
    scores: own,
    count: own.length,
    threshold: own[8] as number,
  };
};

async function inWeb(model: Model) {
  const session = await web.InferenceSession.create(encodeModel(model), { executionProviders: ["wasm"] });
  const batch = await few.read(Array.from({ length: images }, (_, index) => index));
  const input = new web.Tensor("float32", normalize(batch, normalization), [images, 3, 32, 32]);
  const results = await session.run({ [classifier.input]: input });
  await session.release();
  return results;
}

describe.each(names)("%s", (name) => {
  test("the exported file gives the library's score, its p-value and its decision, on Node and on WebAssembly", async () => {
    const part = parts.get(name) as ScorePart;
    const own = made(part);
    const guarded = decodeModel(encodeModel(guardedModel(classifier, part, own, { normalization })), "guarded");
    expect(guarded.graph.outputs.map((output) => output.name).slice(-3)).toEqual([
      "ood_score",
      "ood_p_value",
      "is_ood",
    ]);
    const found = await runGuarded(engine, guarded, [few], { normalization });
    const onWeb = await inWeb(guarded);
    const expected = library.scores[name] as Float32Array;
    const size = Math.max(...expected.map(Math.abs));
    found.forEach(({ score, pValue, isOod }, index) => {
      const value = expected[index] as number;
      expect(Math.abs(score - value) / size).toBeLessThan(1e-5);
      expect(Math.abs((onWeb.ood_score?.data[index] as number) - value) / size).toBeLessThan(1e-5);
      // A score that was calibrated with is compared with itself: rounding may put it on either side.
      const p = (1 + own.scores.filter((other) => other >= value).length) / (images + 1);
      expect(Math.abs(pValue - p)).toBeLessThanOrEqual(1 / (images + 1) + 1e-6);
      if (Math.abs(value - own.threshold) > 1e-4 * size) expect(isOod).toBe(value > own.threshold);
    });
    expect(found).toHaveLength(images);
  });

  test("survives being written and read", async () => {
    const part = parts.get(name) as ScorePart;
    const read = asPart(decodeModel(encodeModel(part.model), "part.onnx"), "part.onnx");
    expect(read).toMatchObject({ score: name, options: part.options });
    expect(partFingerprint(read)).toBe(partFingerprint(part));
    const again = await scoreDataset(engine, classifier, few, [read], { normalization });
    expect(again.scores[name]).toEqual(
      (await scoreDataset(engine, classifier, few, [part], { normalization })).scores[name],
    );
  });
});

const script = fileURLToPath(new URL("./reference/evaluator.py", import.meta.url));
const noEvaluator = await run("python3", ["-c", "import onnx.reference"]).then(
  () => undefined,
  (error: { stderr?: string; message: string }) => error.stderr?.trim().split("\n").at(-1) ?? error.message,
);
test.skipIf(noEvaluator !== undefined)(
  `the exported files give the library's scores in the reference evaluator of ONNX${noEvaluator ? `: skipped, ${noEvaluator}` : ""}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "offmap-evaluator-"));
    const two = await few.read([0, 1]);
    const pixels = { dims: [2, 3, 32, 32], data: Array.from(normalize(two, normalization)) };
    await writeFile(join(folder, "input.json"), JSON.stringify(pixels));
    for (const part of parts.values()) {
      const guarded = guardedModel(classifier, part, made(part), { normalization });
      await writeFile(join(folder, `${part.score}.onnx`), encodeModel(guarded));
    }
    const found = JSON.parse((await run("python3", [script, folder])).stdout) as Record<string, number[] | string>;
    expect(Object.keys(found).sort()).toEqual([...names].sort());
    for (const [name, values] of Object.entries(found)) {
      // It computes Pad by numpy.pad, which cannot crop as ONNX's Pad does; the gradient of a padding crops.
      if (takesImage(name as ScoreName)) expect(values).toBe("ValueError: index can't contain negative values");
      else expectSame(values, library.scores[name] as Float32Array, name);
    }
  },
);

function expectSame(values: string | readonly number[], expected: Float32Array, name: string): void {
  if (typeof values === "string") throw new Error(`${name}: ${values}`);
  const size = Math.max(...expected.map(Math.abs));
  values.forEach((value, index) => {
    expect(Math.abs(value - (expected[index] as number)) / size, name).toBeLessThan(1e-5);
  });
}

/** What a guarded model decides of scores. */
async function decided(given: readonly number[], known: readonly number[], alpha: number) {
  const { threshold, count, rank } = conformalThreshold(Float32Array.from(known), alpha);
  const own: Calibration = {
    ...made(parts.get("energy") as ScorePart),
    alpha,
    threshold,
    count,
    rank,
    scores: [...known],
  };
  const guarded = guardedModel(classifier, parts.get("energy") as ScorePart, own, { normalization });
  // The nodes of the decision alone, fed with scores.
  const ofDecision = (name: string) => name.startsWith("offmap/guard/");
  const nodes = guarded.graph.nodes.filter(({ name }) => ofDecision(name));
  const initializers = new Map([...guarded.graph.initializers].filter(([name]) => ofDecision(name)));
  const outputs = guarded.graph.outputs.slice(-2);
  const inputs = [{ name: "ood_score", dtype: "float32", dims: ["N"] } as const];
  const model = { ...guarded, graph: { ...guarded.graph, nodes, initializers, inputs, outputs } };
  const session = await web.InferenceSession.create(encodeModel(model), { executionProviders: ["wasm"] });
  const score = new web.Tensor("float32", Float32Array.from(given), [given.length]);
  const found = await session.run({ ood_score: score });
  await session.release();
  const numbers = (name: string) => Array.from((found[name] as web.Tensor).data as Float32Array);
  return { p: numbers("ood_p_value"), isOod: numbers("is_ood").map(Boolean) };
}

test("a network that has a tensor of a score's name is scored all the same", async () => {
  const { graph } = classifier.model;
  const [logits] = graph.outputs as [Model["graph"]["outputs"][number]];
  const node = { name: "copy", op: "Identity", domain: "", inputs: [logits.name], outputs: ["energy"], attributes: {} };
  const outputs = [...graph.outputs, { ...logits, name: "energy" }];
  const named = asClassifier({ ...classifier.model, graph: { ...graph, nodes: [...graph.nodes, node], outputs } });
  const { scores: found } = await scoreDataset(engine, named, few, [readyPart("energy", 10)], { normalization });
  expect(found.energy).toEqual(library.scores.energy);
});

describe("the decision", () => {
  test.each([
    [19, 0.05],
    [99, 0.01],
    [999, 0.05],
    [199, 0.1],
  ])("of %i calibration scores is that of the p-value at %f", async (count, alpha) => {
    const known = Array.from({ length: count }, (_, index) => index);
    const given = Array.from({ length: 2 * count + 2 }, (_, index) => index / 2);
    const { p, isOod } = await decided(given, known, alpha);
    expect(p.map((value) => value <= alpha)).toEqual(isOod);
    p.forEach((value, index) => {
      const exact = (1 + known.filter((other) => other >= (given[index] as number)).length) / (count + 1);
      expect(exact - value).toBeGreaterThanOrEqual(0);
      expect(exact - value).toBeLessThan(5e-7 * exact);
    });
    expect(new Set(isOod).size).toBe(2);
  });

  test("of a score that is no number is OOD, as one that no known image has", async () => {
    const { p, isOod } = await decided([Number.NaN, Number.POSITIVE_INFINITY, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9], 0.1);
    expect(isOod).toEqual([true, true, false]);
    expect(p[0]).toBe(p[1]);
    expect(p[0]).toBeCloseTo(0.1, 6);
  });
});

describe("preprocessing inside the file", () => {
  test("images are resized as those of the calibration were, and made grey for a network of grey images", async () => {
    const grey = asClassifier(createModel(architectures.resnet20, { classes: 10, shape: [1, 32, 32], width: 0.25 }, 3));
    const energy = readyPart("energy", 10);
    const cropped = await openDataset(`${tall}?resize=crop`, { shape: [1, 32, 32] });
    const stretched = await openDataset(tall, { shape: [1, 32, 32] });
    const threshold = await calibrate(engine, grey, energy, cropped, [], { alpha: 0.3, fresh: 0 });
    expect(threshold.resize).toBe("crop");
    const guarded = guardedModel(grey, energy, threshold, { preprocess: true });
    const found = (await runGuarded(engine, guarded, [await openDataset(tall)])).map(({ score }) => score);
    const scored = async (images: typeof cropped) => (await scoreDataset(engine, grey, images, [energy])).scores.energy;
    const [own, other] = [(await scored(cropped)) as Float32Array, (await scored(stretched)) as Float32Array];
    found.forEach((score, index) => {
      const difference = (values: Float32Array) => Math.abs(score - (values[index] as number));
      expect(difference(own)).toBeLessThan(0.1 * difference(other));
    });
    expect((await calibrate(engine, classifier, energy, held, [], { normalization })).resize).toBeNull();
  });

  test("uint8 images give what normalised ones give", async () => {
    const part = parts.get("energy") as ScorePart;
    const guarded = guardedModel(classifier, part, calibration, { normalization, preprocess: true });
    expect(guarded.graph.inputs).toEqual([{ name: "images", dtype: "uint8", dims: ["N", "H", "W", 3] }]);
    const found = await runGuarded(engine, guarded, [few]);
    found.forEach(({ score }, index) => {
      expect(score).toBeCloseTo(library.scores.energy?.[index] as number, 3);
    });
  });
});

test("a model whose own input is called `images` is guarded with and without preprocessing inside", async () => {
  const { graph } = classifier.model;
  const name = (own: string) => (own === classifier.input ? "images" : own);
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(name) }));
  const inputs = graph.inputs.map((input) => ({ ...input, name: name(input.name) }));
  const named = asClassifier({ ...classifier.model, graph: { ...graph, nodes, inputs } });
  const part = readyPart("energy", 10);
  const own = { ...made(part), network: networkFingerprint(named) };
  for (const preprocess of [false, true]) {
    const guarded = decodeModel(encodeModel(guardedModel(named, part, own, { normalization, preprocess })), "guarded");
    expect(guarded.graph.inputs).toMatchObject([{ name: "images", dtype: preprocess ? "uint8" : "float32" }]);
    expect(preprocesses(guarded)).toBe(preprocess);
    const found = await runGuarded(engine, guarded, [few], { normalization });
    found.forEach(({ score }, index) => {
      expect(score).toBeCloseTo(library.scores.energy?.[index] as number, 3);
    });
  }
});

test("with class counts the file predicts as if all classes had been equally frequent", async () => {
  const part = parts.get("energy") as ScorePart;
  const classCounts = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];
  const guarded = guardedModel(classifier, part, calibration, { normalization, classCounts });
  expect(guarded.graph.outputs.map(({ name }) => name)).toEqual([
    ...classifier.model.graph.outputs.map(({ name }) => name),
    ...["adjusted_logits", "ood_score", "ood_p_value", "is_ood"],
  ]);
  const outputs = await inWeb(guarded);
  const [logits, adjusted] = [classifier.logits, "adjusted_logits"].map((name) => outputs[name]?.data as Float32Array);
  const total = classCounts.reduce((sum, count) => sum + count, 0);
  const expected = logits?.map((logit, at) => logit - Math.log((classCounts[at % 10] as number) / total));
  expect(adjusted).toHaveLength(images * 10);
  adjusted?.forEach((value, at) => {
    expect(Math.abs(value - (expected?.[at] as number))).toBeLessThan(1e-5);
  });
  const best = (row: Float32Array) => row.indexOf(Math.max(...row));
  const predicted = (await runGuarded(engine, guarded, [few], { normalization })).map((each) => each.predicted);
  const rows = (values: Float32Array) =>
    Array.from({ length: images }, (_, index) => best(values.subarray(index * 10, (index + 1) * 10)));
  expect(predicted).toEqual(rows(adjusted as Float32Array));
  expect(predicted).not.toEqual(rows(logits as Float32Array));
  expect(() => guardedModel(classifier, part, calibration, { normalization, classCounts: [1, 2] })).toThrow(
    "logit adjustment: expected one count for each class of logits",
  );
});

test("a classifier that takes any size is guarded for the size of its calibration, and refused another", async () => {
  const { graph } = classifier.model;
  const [input] = graph.inputs as [Model["graph"]["inputs"][number]];
  const inputs = [{ ...input, dims: ["N", 3, "H", "W"] }];
  const open = asClassifier({ ...classifier.model, graph: { ...graph, inputs } });
  const part = parts.get("energy") as ScorePart;
  const plain = guardedModel(open, part, calibration, { normalization });
  const found = await runGuarded(engine, plain, [few], { normalization });
  found.forEach(({ score }, index) => {
    expect(score).toBeCloseTo(library.scores.energy?.[index] as number, 4);
  });
  expect(plain.graph.inputs).toMatchObject([{ dims: ["N", 3, 32, 32] }]);
  await expect(runGuarded(engine, plain, [await openDataset(tall)], { normalization })).rejects.toThrow();
  const hint = "run `offmap calibrate` with images of the size that the file will take";
  expect(() => guardedModel(open, part, calibration, { normalization, shape: [3, 48, 32] })).toThrow(
    `--calibration: expected a calibration with images of 48x32, 3 channels, as the file is to take, got one with images of 32x32, 3 channels; ${hint}`,
  );
  const larger: Calibration = { ...calibration, shape: [3, 64, 64] };
  expect(() => guardedModel(classifier, part, larger, { normalization })).toThrow(
    `--calibration: expected a calibration with images of 32x32, 3 channels, as the model takes, got one with images of 64x64, 3 channels; ${hint}`,
  );
  expect(() => asCalibration({ ...calibration, shape: undefined }, "old.json")).toThrow("got shape: ");
  const resizing = guardedModel(open, part, calibration, { normalization, preprocess: true });
  const resized = await runGuarded(engine, resizing, [few]);
  expect(resized.map(({ predicted }) => predicted)).toEqual(found.map(({ predicted }) => predicted));
});

test("the file's metadata say how it was made, next to what the model's own said", async () => {
  const part = parts.get("knn") as ScorePart;
  const own = made(part);
  const labelled = { ...classifier.model, metadata: new Map([["author", "someone"]]) };
  const guarded = guardedModel(asClassifier(labelled), part, own, { normalization });
  const { metadata } = decodeModel(encodeModel(guarded), "guarded");
  expect(Object.fromEntries(metadata)).toEqual({
    author: "someone",
    "offmap.version": version,
    "offmap.normalization": "0.485,0.456,0.406:0.229,0.224,0.225",
    "offmap.guard": expect.any(String),
  });
  const { scores: _scores, ...summary } = own;
  const told = JSON.parse(metadata.get("offmap.guard") as string) as unknown;
  const fittedTo = { dataset: training.name, images: training.length };
  expect(told).toEqual({ ...summary, features: part.features, fitted_to: fittedTo });
  expect(summary.dataset).toBe(held.name);
});

describe("calibration", () => {
  test("keeps the rate it promises, about, and detects textures", () => {
    expect(calibration).toMatchObject({ score: "energy", alpha: 0.05, count: 800, false_alarms: { images: 200 } });
    expect(calibration.bound).toBeGreaterThan(0.05);
    expect(calibration.bound).toBeLessThan(0.07);
    // Of 200 images 10 are expected; four standard deviations are 12.
    expect(calibration.false_alarms?.share).toBeLessThan(0.11);
    expect(calibration.detected[odd.name]?.share).toBeGreaterThan(0.3);
    expect(calibration.shape).toEqual([3, 32, 32]);
    expect(calibration.scores).toHaveLength(800);
    expect(calibration.scores[calibration.rank - 1]).toBe(calibration.threshold);
  });

  test("refuses too few images for the rate asked for, and says how many are needed", async () => {
    const energy = readyPart("energy", 10);
    await expect(
      calibrate(engine, classifier, energy, few, [], { normalization, alpha: 0.01, fresh: 0 }),
    ).rejects.toThrow("at least 99 for a false-alarm rate of 0.01, got 12");
  });

  test("as many images as it says are enough, those that are kept back included", async () => {
    const energy = readyPart("energy", 10);
    const given = (count: number) => openDataset(`sheet:${asset("cifar10-test.json")}?limit=${count}`);
    const from = async (count: number) =>
      calibrate(engine, classifier, energy, await given(count), [], { normalization, alpha: 0.04, fresh: 0.25 });
    await expect(from(31)).rejects.toThrow(
      "calibration images: expected at least 32 for a false-alarm rate of 0.04, of which 8 are kept back to measure it, got 31; give more",
    );
    expect(await from(32)).toMatchObject({ count: 24, rank: 24, false_alarms: { images: 8 } });
    const unlike = (options: { alpha?: number; fresh?: number }) =>
      calibrate(engine, classifier, energy, few, [], { normalization, ...options });
    await expect(unlike({ fresh: 1 })).rejects.toThrow("calibration: expected a share in [0, 1) to keep back, got 1");
    for (const alpha of [0, 1e-17, 1]) {
      await expect(unlike({ alpha })).rejects.toThrow(
        `calibration: expected a false-alarm rate in [1e-9, 1), got ${alpha}`,
      );
    }
    await expect(unlike({ alpha: 1e-9 })).rejects.toThrow("expected at least 1249999999 for");
  });

  test("refuses a document that is none, and one of another score", () => {
    expect(() => asCalibration({ score: "energy" }, "t.json")).toThrow(/^t\.json: expected a calibration/);
    expect(() => asCalibration(undefined, "t.json")).toThrow("run `offmap calibrate` again");
    expect(() => guardedModel(classifier, readyPart("msp", 10), calibration)).toThrow(
      /a calibration of the score msp \{\}, got one of energy \{"temperature":1\}/,
    );
  });
});

describe("what is refused", () => {
  test("a score that was not fitted, with the command that fits it", () => {
    expect(() => readyPart("knn", 10)).toThrow("run `offmap fit --model M --id DS --score knn --out knn.onnx`");
  });

  test("a file that is no score, and a model that the score was not fitted to", async () => {
    expect(() => asPart(classifier.model, "model.onnx")).toThrow(
      "model.onnx: expected a score that `offmap fit` has written, got another ONNX file",
    );
    const tiny = fileURLToPath(new URL("./fixtures/parity/vit-tiny.onnx", import.meta.url));
    const other = asClassifier(await readModel(tiny), tiny);
    const knn = parts.get("knn") as ScorePart;
    await expect(scoreDataset(engine, other, few, [knn], {})).rejects.toThrow(
      /expected the model it was fitted to, with a tensor/,
    );
  });

  test("a model whose features, or classes, are others than those of the model that the score was fitted to", async () => {
    const network = (width: number, classes: number) =>
      asClassifier(createModel(architectures.resnet20, { classes, shape: [3, 32, 32], width }, 3));
    const [own, wider, fewer] = [network(0.25, 10), network(0.5, 10), network(0.25, 9)];
    const tried: readonly ScoreName[] = ["knn", "rankfeat", "gradnorm", "odin"];
    const fitted = await fitScores(engine, own, few, tried, { options: { knn: { k: 5 } } });
    expect(fitted).toHaveLength(tried.length);
    const refused = async (other: typeof own, part: ScorePart | undefined) => {
      if (part === undefined) throw new Error("not fitted");
      const scoring = scoreDataset(engine, other, few, [part]);
      await expect(scoring).rejects.toThrow(ShapeError);
      const guarding = () => guardedModel(other, part, { ...made(part), normalization: "none" });
      expect(guarding).toThrow(ShapeError);
      return scoring.catch((error: Error) => error.message);
    };
    const [knn, rankfeat, gradnorm, odin] = fitted;
    const asFitted = "as the model that it was fitted to has";
    expect(await refused(wider, knn)).toMatch(
      new RegExp(`^score knn: expected ".*" \\[N, 16\\], ${asFitted}, got \\[N, 32\\]; fit the score to this model$`),
    );
    expect(await refused(wider, rankfeat)).toMatch(/\[N, 16, 8, 8\], .* got \[N, 32, 8, 8\]/);
    expect(await refused(wider, odin)).toMatch(/"conv1.weight" \[4, 3, 3, 3\], .* got \[8, 3, 3, 3\]/);
    expect(await refused(fewer, gradnorm)).toMatch(/"logits" \[N, 10\], .* got \[N, 9\]/);
    // The sizes that neighbours look at are the same.
    await expect(scoreDataset(engine, fewer, few, [knn as ScorePart])).rejects.toThrow(
      "score knn: expected the network that it was fitted to, got one with other weights or nodes; run `offmap fit`",
    );
  });

  test("a network with other weights, and a threshold of it, or of another fit of the same score", async () => {
    const network = (seed: number) =>
      asClassifier(createModel(architectures.resnet20, { classes: 10, shape: [3, 32, 32], width: 0.25 }, seed));
    const [own, tuned] = [network(3), network(4)];
    const renamed = asClassifier({ ...own.model, metadata: new Map([["author", "someone"]]) });
    const half = await openDataset(`sheet:${asset("cifar10-test.json")}?limit=100`);
    const fitTo = async (of: typeof own, data: typeof half) =>
      (await fitScores(engine, of, data, ["vim"]))[0] as ScorePart;
    const [ofOwn, ofTuned, ofOthers] = [await fitTo(own, half), await fitTo(tuned, half), await fitTo(own, held)];
    const threshold = await calibrate(engine, own, ofOwn, half, [], {});
    expect(guardedModel(renamed, ofOwn, threshold).graph.outputs).toHaveLength(4);
    expect(() => guardedModel(tuned, ofOwn, threshold)).toThrow("expected the network that it was fitted to");
    expect(() => guardedModel(tuned, ofTuned, threshold)).toThrow(
      "--calibration: expected a calibration of this network",
    );
    expect(() => guardedModel(own, ofOthers, threshold)).toThrow(
      "--calibration: expected a calibration of this fit of vim",
    );
    const energy = await calibrate(engine, own, readyPart("energy", 10), half, [], {});
    expect(() => guardedModel(tuned, readyPart("energy", 10), energy)).toThrow(
      "got one of a network with other weights",
    );
  });

  test("labels that are no classes of the network, before it is run", async () => {
    const labels = Int32Array.from({ length: few.length }, (_, index) => index - 1);
    const { classNames: _, ...unnamed } = few;
    const wrong = { ...unnamed, labels, describe: (index: number) => `image ${index}` };
    for (const name of ["mahalanobis", "temperature-scaling"] as const) {
      await expect(fitScores(engine, classifier, wrong, [name], { normalization })).rejects.toThrow(
        "image 0: expected a label from 0 to 9, as the model has 10 outputs, got -1",
      );
    }
    // Others need no labels, and do not look at them; not either where one that does is refused.
    const { labels: _labels, ...unlabelled } = unnamed;
    const free: readonly ScoreName[] = ["dice", "fdbd", "vim"];
    const refused: string[] = [];
    const onRefusal = (name: string) => void refused.push(name);
    const besides = [...free, "mahalanobis"] as const;
    const options = { vim: { dimension: 4 } };
    const fitted = await fitScores(engine, classifier, wrong, besides, { normalization, options, onRefusal });
    const expected = await fitScores(engine, classifier, unlabelled, free, { normalization, options });
    expect(refused).toEqual(["mahalanobis"]);
    expect(fitted.map(partFingerprint)).toEqual(expected.map(partFingerprint));
    const three = { ...wrong, classNames: ["a", "b", "c"] };
    await expect(fitScores(engine, classifier, three, ["she"], { normalization })).rejects.toThrow(
      "expected 10 classes, as the model has outputs, got 3 (a, b, c)",
    );
  });

  test("images of which the network makes no number, in a fit as in a score", async () => {
    const read: typeof few.read = async (indices) => {
      const batch = await few.read(indices);
      return { ...batch, data: Float32Array.from(batch.data, () => Number.NaN) };
    };
    const broken = { ...few, read };
    await expect(fitScores(engine, classifier, broken, ["dice"], { normalization })).rejects.toThrow("got NaN");
    await expect(scoreDataset(engine, classifier, broken, [readyPart("energy", 10)])).rejects.toThrow("got NaN");
  });

  test("images of which the network makes infinite numbers, in a fit", async () => {
    const { graph } = classifier.model;
    const [logits] = graph.outputs as [Model["graph"]["outputs"][number]];
    const node = (op: string, inputs: string[], output: string) => ({
      ...{ name: op, op, domain: "", inputs, outputs: [output], attributes: {} },
    });
    const nodes = [
      ...graph.nodes,
      node("Mul", [logits.name, "overflow"], "infinite"),
      node("Clip", ["infinite", "low", "high"], "finite"),
    ];
    const numbers = Object.entries({ overflow: 3e38, low: -10, high: 10 });
    const constants = numbers.map(([name, value]) => [name, tensorOf(value)] as const);
    const initializers = new Map([...graph.initializers, ...constants]);
    const withOutput = (name: string) =>
      asClassifier({ ...classifier.model, graph: { ...graph, nodes, initializers, outputs: [{ ...logits, name }] } });
    const ofLogits = fitScores(engine, withOutput("infinite"), few, ["sml"], { normalization });
    await expect(ofLogits).rejects.toThrow(
      /textures.*: expected finite logits, got -?Infinity; check --normalize and the model$/,
    );
    const ofFeatures = fitScores(engine, withOutput("finite"), few, ["knn"], {
      ...{ normalization, layer: "infinite", options: { knn: { k: 5 } } },
    });
    await expect(ofFeatures).rejects.toThrow(/textures.*: expected finite features, got -?Infinity;/);
  });

  test("more neighbours than images, labels where there are none, and options that a score does not have", async () => {
    const unlabelled = await openDataset(few.spec, { ignoreLabels: true });
    const fitting = (name: ScoreName, options = {}) =>
      fitScores(engine, classifier, unlabelled, [name], { normalization, options: { [name]: options } });
    await expect(fitting("knn", { k: 50 })).rejects.toThrow(/50/);
    await expect(fitting("mahalanobis")).rejects.toThrow("images with labels");
    await expect(fitting("knn", { neighbours: 3 })).rejects.toThrow(
      "--option neighbours: expected one of k, share, bank, got neighbours",
    );
  });

  test("images normalised otherwise than those that a score was fitted to, or a threshold calibrated with", async () => {
    const odin = parts.get("odin") as ScorePart;
    const read = asPart(decodeModel(encodeModel(odin.model), "odin.onnx"), "odin.onnx");
    const fitted = "0.485,0.456,0.406:0.229,0.224,0.225, with which the score odin was fitted";
    await expect(scoreDataset(engine, classifier, few, [read], {})).rejects.toThrow(
      `--normalize: expected ${fitted}, got none; give the same one, or fit the score again`,
    );
    const other = parseNormalization("0.5,0.5,0.5:0.5,0.5,0.5");
    await expect(calibrate(engine, classifier, read, held, [], { normalization: other })).rejects.toThrow(fitted);
    expect(() => guardedModel(classifier, read, made(read), { normalization: other })).toThrow(fitted);
    const energy = readyPart("energy", 10);
    expect(() => guardedModel(classifier, energy, calibration, { normalization: other })).toThrow(
      "with which the calibration was made, got 0.5,0.5,0.5:0.5,0.5,0.5",
    );
    const guarded = guardedModel(classifier, energy, calibration, { normalization });
    await expect(runGuarded(engine, guarded, [few], { normalization: other })).rejects.toThrow(
      "with which the model was calibrated, got 0.5,0.5,0.5:0.5,0.5,0.5; leave it out, as the model remembers it",
    );
  });

  test("a guarded model as the model to guard", () => {
    const guarded = guardedModel(classifier, parts.get("energy") as ScorePart, calibration, { normalization });
    expect(() => guardedModel(asClassifier(guarded), readyPart("energy", 10), calibration, { normalization })).toThrow(
      /without a tensor "ood_score"/,
    );
  });
});

describe("the normalisation", () => {
  const remembered = {
    ...classifier.model,
    metadata: new Map([["offmap.normalization", formatNormalization(normalization)]]),
  };
  const remembering = asClassifier(remembered, path);

  test("that a model remembers goes without saying, from the fit to the file that is shipped", async () => {
    const [part] = await fitScores(engine, remembering, training, ["she"]);
    if (part === undefined) throw new Error("no part");
    const scored = await scoreDataset(engine, remembering, few, [part]);
    expect(scored.scores.she).toEqual(library.scores.she);
    expect(scored.logits).toEqual(library.logits);
    const threshold = await calibrate(engine, remembering, part, held, []);
    expect(threshold.normalization).toBe(formatNormalization(normalization));
    const guarded = guardedModel(remembering, part, threshold);
    const found = await runGuarded(engine, guarded, [few]);
    found.forEach(({ score }, index) => {
      expect(score).toBeCloseTo(library.scores.she?.[index] as number, 4);
    });
    // What is given comes first.
    const none = { mean: [0], std: [1] };
    await expect(scoreDataset(engine, remembering, few, [part], { normalization: none })).rejects.toThrow("got 0:1");
  });

  test("may be spelled for all channels at once or for each", async () => {
    const once = parseNormalization("0.5:0.25");
    const each = parseNormalization("0.5,0.5,0.5:0.25,0.25,0.25");
    const [part] = await fitScores(engine, classifier, few, ["gen"], { normalization: once });
    const [one, other] = await Promise.all(
      [once, each].map((normalization) =>
        scoreDataset(engine, classifier, few, [part as ScorePart], { normalization }),
      ),
    );
    expect(one?.scores).toEqual(other?.scores);
    const shifted = parseNormalization("0.5,0.5,0.4:0.25,0.25,0.25");
    const refused = scoreDataset(engine, classifier, few, [part as ScorePart], { normalization: shifted });
    await expect(refused).rejects.toThrow("expected 0.5:0.25, with which the score gen was fitted");
  });
});

test("an image that the exported network makes no number of is OOD and of no class, and the others are as ever", async () => {
  const guarded = guardedModel(classifier, parts.get("energy") as ScorePart, calibration, { normalization });
  const broken = {
    ...few,
    async read(indices: ArrayLike<number>) {
      const batch = await few.read(indices);
      return indices[0] === 1 ? { ...batch, data: Float32Array.from(batch.data, () => Number.NaN) } : batch;
    },
  };
  const [found, whole] = await Promise.all(
    [broken, few].map((dataset) => runGuarded(engine, guarded, [dataset], { normalization })),
  );
  expect(found?.[1]).toMatchObject({ predicted: null, score: Number.NaN, isOod: true });
  expect(found?.[1]?.pValue).toBeCloseTo(1 / (calibration.count + 1), 6);
  expect(found?.toSpliced(1, 1)).toEqual(whole?.toSpliced(1, 1));
});

test("a score that was fitted to images cut out of larger ones is not used for images that are squeezed", async () => {
  const photos = (mode: string) => openDataset(`${tall}?resize=${mode}`, { shape: [3, 32, 32] });
  const [part] = await fitScores(engine, classifier, await photos("crop"), ["react"], { normalization });
  const read = asPart((part as ScorePart).model, "react.onnx");
  expect(read.resize).toBe("crop");
  await expect(scoreDataset(engine, classifier, await photos("stretch"), [read], { normalization })).rejects.toThrow(
    "expected resize=crop, with which the score react was fitted, got resize=stretch",
  );
  await expect(
    scoreDataset(engine, classifier, await photos("crop"), [read], { normalization }),
  ).resolves.toBeDefined();
  // Images of the network's own size are brought to nothing.
  await expect(scoreDataset(engine, classifier, few, [read], { normalization })).resolves.toBeDefined();
});

test("names that every object has are no options of a score, and no scores", () => {
  expect(() => optionsOf("energy", { toString: 1 })).toThrow("toString");
});
