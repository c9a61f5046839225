// ODIN and the Mahalanobis distance of a moved image against PyTorch in float64 (test/reference/odin.py), from the gradient inside the
// graph to the exported file on both runtimes.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as web from "onnxruntime-web";
import { afterAll, describe, expect, test } from "vitest";
import { arrayDataset, normalize, openDataset } from "../src/data/index.js";
import { GraphBuilder } from "../src/graph/builder.js";
import { imageInputs } from "../src/guard/image-part.js";
import {
  calibrate,
  fitScores,
  guardedModel,
  optionsOf,
  readyPart,
  type ScorePart,
  scoreDataset,
} from "../src/guard/index.js";
import { weightOf } from "../src/guard/score-part.js";
import { decodeModel, encodeModel, readModel } from "../src/onnx/index.js";
import type { Tensor } from "../src/onnx/types.js";
import { LocalEngine } from "../src/runtime/index.js";
import { odinLoss } from "../src/scores/odin.js";
import { asClassifier, type Classifier } from "../src/training/index.js";
import { runModel } from "./gradients/run-model.js";

interface Case {
  readonly temperature: number;
  readonly epsilon: number;
  readonly scores: readonly number[];
}
interface Network {
  readonly cases: readonly Case[];
  readonly mahalanobis: readonly Omit<Case, "temperature">[];
  readonly gradientOfEveryFourthGreenPixel: readonly (readonly number[])[];
}
const reference = JSON.parse(readFileSync(new URL("./reference/odin.json", import.meta.url), "utf8")) as {
  readonly imagesASet: number;
  readonly normalize: readonly [readonly number[], readonly number[]];
  readonly ridge: number;
  readonly models: Readonly<Record<string, Network>>;
};
const at = (name: string) => fileURLToPath(new URL(`./fixtures/parity/${name}`, import.meta.url));
const [mean, std] = reference.normalize;
const normalization = { mean, std };
const limit = reference.imagesASet;
const pixels = await Promise.all(
  ["known", "outliers"].map(async (name) => {
    const dataset = await openDataset(`cifar:${at(`${name}.bin`)}?limit=${limit}`);
    return (await dataset.read(Array.from({ length: limit }, (_, index) => index))).data as Uint8Array;
  }),
);
const shape = [3, 32, 32] as const;
const size = 3 * 32 * 32;
const images = arrayDataset({ name: "images", data: Uint8Array.from(pixels.flatMap((set) => [...set])), shape });
const normalised = normalize(
  await images.read(Array.from({ length: images.length }, (_, index) => index)),
  normalization,
);
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const open = async (name: string) => asClassifier(await readModel(at(`${name}.onnx`)), name);
async function fitted(classifier: Classifier, options: Partial<Case> = {}) {
  const { temperature = 1000, epsilon = 0.0014 } = options;
  const settings = { normalization, options: { odin: { temperature, epsilon } } };
  const [part] = await fitScores(engine, classifier, images, ["odin"], settings);
  return part as ScorePart;
}
async function scored(classifier: Classifier, part: ScorePart, batch = images.length) {
  return (await scoreDataset(engine, classifier, images, [part], { normalization, batch })).scores.odin as Float32Array;
}

/** Eight roundings of the score, and as many of logits of up to 8, which T divides. What is measured is a quarter of both. */
const rounding = 8 * 2 ** -24;
const largestLogit = 8;
/**
 * Where a gradient is near 0, float32 may find the other sign. Such a pixel hardly moves the score, so that its share of what all pixels
 * together move it by is small; a step in other units, of another sign or towards another loss changes all of that.
 */
const flips = 1e-3;
function expectScores(found: ArrayLike<number>, { cases }: Network, wanted: Case): void {
  const still = cases.find(({ temperature, epsilon }) => temperature === wanted.temperature && epsilon === 0) as Case;
  expect(found).toHaveLength(wanted.scores.length);
  wanted.scores.forEach((score, index) => {
    const moved = Math.abs(score - (still.scores[index] as number));
    const rounded = rounding * (1 + largestLogit / wanted.temperature) * Math.abs(score);
    const tolerance = rounded + flips * moved;
    expect(Math.abs((found[index] as number) - score), `image ${index}`).toBeLessThan(tolerance);
  });
}

describe.each(Object.keys(reference.models))("%s", (name) => {
  const network = reference.models[name] as Network;

  test("the gradient of the loss with respect to the image is PyTorch's", async () => {
    const classifier = await open(name);
    const graph = new GraphBuilder();
    const image = graph.input("image", "float32", [1, ...shape]);
    const inputs = imageInputs(graph, classifier, image, normalization);
    const model = graph.model({ gradient: inputs.image.gradientOf(odinLoss(inputs.logits, 1000)) });
    const weights = model.graph.inputs.flatMap((each) => {
      const weight = classifier.upgraded.graph.initializers.get(weightOf(each.name) ?? "");
      return weight === undefined ? [] : [[each.name, weight] as const];
    });
    for (const [index, expected] of network.gradientOfEveryFourthGreenPixel.entries()) {
      const data = normalised.subarray(index * size, (index + 1) * size);
      const feeds = {
        ...Object.fromEntries(weights),
        image: { dtype: "float32", dims: [1, ...shape], data } as Tensor,
      };
      const gradient = (await runModel(model, feeds)).get("gradient")?.data as Float32Array;
      const largest = Math.max(...expected.map(Math.abs));
      expected.forEach((value, place) => {
        const found = gradient[32 * 32 + 4 * 32 * Math.floor(place / 8) + 4 * (place % 8)] as number;
        expect(Math.abs(found - value) / largest).toBeLessThan(1e-5);
      });
    }
  });

  test.each(network.cases)("T = $temperature, epsilon = $epsilon: the score is PyTorch's", async (wanted) => {
    const classifier = await open(name);
    expectScores(await scored(classifier, await fitted(classifier, wanted)), network, wanted);
  });

  test("the exported file gives PyTorch's score on Node and on WebAssembly, and holds each weight once", async () => {
    const classifier = await open(name);
    const part = await fitted(classifier);
    const calibration = await calibrate(engine, classifier, part, images, [], { normalization, alpha: 0.5, fresh: 0 });
    const bytes = encodeModel(guardedModel(classifier, part, calibration, { normalization }));
    const wanted = network.cases.find(({ temperature, epsilon }) => temperature === 1000 && epsilon === 0.0014) as Case;
    const dims = [images.length, ...shape];
    const found = await runModel(decodeModel(bytes, "guarded"), {
      [classifier.input]: { dtype: "float32", dims, data: normalised },
    });
    expectScores(found.get("ood_score")?.data as Float32Array, network, wanted);
    const session = await web.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const onWeb = await session.run({ [classifier.input]: new web.Tensor("float32", normalised, dims) });
    await session.release();
    expectScores(onWeb.ood_score?.data as Float32Array, network, wanted);
    const { initializers } = decodeModel(encodeModel(part.model), "odin").graph;
    expect(initializers.size).toBe(0);
  });
});

describe.each(Object.keys(reference.models))("perturbed-mahalanobis of %s", (name) => {
  const { mahalanobis } = reference.models[name] as Network;
  const { ridge } = reference;
  const partOf = async (classifier: Classifier, epsilon: number) => {
    const options = { "perturbed-mahalanobis": { ridge, epsilon } };
    const known = await inTurns();
    const [part] = await fitScores(engine, classifier, known, ["perturbed-mahalanobis"], { normalization, options });
    return part as ScorePart;
  };
  const still = mahalanobis.find(({ epsilon }) => epsilon === 0)?.scores as readonly number[];
  /** As {@link expectScores}; a distance is a sum of squares of differences that are a tenth of the features and less. */
  const expectDistances = (found: ArrayLike<number>, wanted: readonly number[]) => {
    expect(found).toHaveLength(wanted.length);
    wanted.forEach((score, index) => {
      const tolerance = 1e-5 * score + flips * Math.abs(score - (still[index] as number));
      expect(Math.abs((found[index] as number) - score), `image ${index}`).toBeLessThan(tolerance);
    });
  };

  test.each(mahalanobis)("epsilon = $epsilon: the score is PyTorch's", async ({ epsilon, scores }) => {
    const classifier = await open(name);
    const part = await partOf(classifier, epsilon);
    const found = await scoreDataset(engine, classifier, images, [part], { normalization });
    expectDistances(found.scores["perturbed-mahalanobis"] as Float32Array, scores);
  });

  test("moved images are nearer on the whole, and the exported file says so on Node and on WebAssembly", async () => {
    const classifier = await open(name);
    const { epsilon, scores } = mahalanobis[1] as (typeof mahalanobis)[number];
    const part = await partOf(classifier, epsilon);
    const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
    expect(total(scores)).toBeLessThan(0.9 * total(still));
    const calibration = await calibrate(engine, classifier, part, images, [], { normalization, alpha: 0.5, fresh: 0 });
    const bytes = encodeModel(guardedModel(classifier, part, calibration, { normalization }));
    const dims = [images.length, ...shape];
    const onNode = await runModel(decodeModel(bytes, "guarded"), {
      [classifier.input]: { dtype: "float32", dims, data: normalised },
    });
    expectDistances(onNode.get("ood_score")?.data as Float32Array, scores);
    const session = await web.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const onWeb = await session.run({ [classifier.input]: new web.Tensor("float32", normalised, dims) });
    await session.release();
    expectDistances(onWeb.ood_score?.data as Float32Array, scores);
  });
});

/** All images of the fixtures, in ten classes by turns. */
async function inTurns() {
  const sets = await Promise.all(["known", "outliers"].map((name) => openDataset(`cifar:${at(`${name}.bin`)}`)));
  const all = await Promise.all(sets.map((set) => set.read(Array.from({ length: set.length }, (_, index) => index))));
  const data = Uint8Array.from(all.flatMap((batch) => [...(batch.data as Uint8Array)]));
  const labels = Int32Array.from({ length: data.length / size }, (_, index) => index % 10);
  return arrayDataset({ name: "in turns", data, shape, labels });
}

test("an image's score does not depend on how many are run with it", async () => {
  const classifier = await open("resnet-tiny");
  const part = await fitted(classifier);
  expect(await scored(classifier, part, 1)).toEqual(await scored(classifier, part));
});

describe("what is refused", () => {
  test.each([
    ["temperature", 0, "a temperature > 0"],
    ["temperature", Number.POSITIVE_INFINITY, "a temperature > 0"],
    ["temperature", Number.NaN, "a temperature > 0"],
    ["epsilon", -0.001, "an epsilon from 0 to 1"],
    ["epsilon", 1.4, "an epsilon from 0 to 1"],
  ])("%s = %d", (option, value, expected) => {
    expect(() => optionsOf("odin", { [option]: value })).toThrow(`odin score: expected ${expected}`);
  });

  test("to go without a fit, which is given the model", () => {
    expect(() => readyPart("odin", 10)).toThrow(/got one that differentiates the model.*--score odin/s);
  });

  test("a model other than the one it was made for", async () => {
    const part = await fitted(await open("resnet-tiny"));
    await expect(scored(await open("vit-tiny"), part)).rejects.toThrow(
      /expected the model it was fitted to, with a tensor/,
    );
  });
});
