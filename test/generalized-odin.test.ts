// Generalized ODIN against PyTorch in float64 (test/reference/generalized-odin.py), from the choice of its step to the exported file.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as web from "onnxruntime-web";
import { afterAll, describe, expect, test } from "vitest";
import { arrayDataset, type ImageDataset, normalize, openDataset } from "../src/data/index.js";
import { CancelledError } from "../src/errors.js";
import { buildImageParts } from "../src/guard/image-part.js";
import {
  asPart,
  calibrate,
  fitScores,
  guardedModel,
  optionsOf,
  type ScorePart,
  scoreDataset,
} from "../src/guard/index.js";
import { architectures, createModel } from "../src/nn/index.js";
import { decodeModel, encodeModel } from "../src/onnx/index.js";
import type { Tensor } from "../src/onnx/types.js";
import { LocalEngine } from "../src/runtime/index.js";
import { asClassifier } from "../src/training/index.js";
import { runModel } from "./gradients/run-model.js";

const sets = ["known", "outliers"] as const;
const reference = JSON.parse(readFileSync(new URL("./reference/generalized-odin.json", import.meta.url), "utf8")) as {
  readonly normalize: readonly [readonly number[], readonly number[]];
  readonly classes: number;
  readonly width: number;
  readonly epsilons: readonly number[];
  /** By epsilon. */
  readonly scores: Readonly<Record<(typeof sets)[number], readonly (readonly number[])[]>>;
  /** Float32 in base 64. */
  readonly weights: Readonly<Record<string, string>>;
};
const [mean, std] = reference.normalize;
const normalization = { mean, std };
const shape = [3, 32, 32] as const;

function network() {
  const { classes, width, weights } = reference;
  const model = createModel(architectures.resnet20, { classes, shape: [...shape], width, deconf: true }, 1);
  const initializers = new Map(model.graph.initializers);
  for (const [name, text] of Object.entries(weights)) {
    const { dims, dtype } = initializers.get(name) as Tensor;
    const bytes = Uint8Array.from(Buffer.from(text, "base64"));
    initializers.set(name, { dims, dtype, data: new Float32Array(bytes.buffer) } as Tensor);
  }
  return asClassifier({ ...model, graph: { ...model.graph, initializers } });
}

const classifier = network();
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());
const datasets = await Promise.all(
  sets.map((name) => openDataset(`cifar:${fileURLToPath(new URL(`./fixtures/parity/${name}.bin`, import.meta.url))}`)),
);
const pixelsOf = async (dataset: ImageDataset) =>
  (await dataset.read(Array.from({ length: dataset.length }, (_, index) => index))).data as Uint8Array;
const planes = await Promise.all(datasets.map(pixelsOf));
const dataset = (name: string, data: Uint8Array) => arrayDataset({ name, data, shape: [...shape] });
const [known] = datasets as [ImageDataset];
const all = dataset("all", Uint8Array.from(planes.flatMap((each) => [...each])));
const scoresOf = (epsilon: number) =>
  sets.flatMap((name) => reference.scores[name][reference.epsilons.indexOf(epsilon)] as readonly number[]);

async function fitted(images: ImageDataset, options: { readonly epsilon?: number } = {}) {
  const settings = { normalization, options: { "generalized-odin": options } };
  const [part] = await fitScores(engine, classifier, images, ["generalized-odin"], settings);
  return part as ScorePart;
}

/** Eight roundings of a cosine near 1; a quarter of that is measured. */
const rounding = 8 * 2 ** -23;
/** Where a gradient is near 0, float32 may find the other sign: see odin.test.ts. */
const flips = 1e-3;
function expectScores(found: ArrayLike<number>, epsilon: number): void {
  const wanted = scoresOf(epsilon);
  const still = scoresOf(0);
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((score, index) => {
    const moved = Math.abs(score - (still[index] as number));
    expect(Math.abs((found[index] as number) - score), `image ${index}`).toBeLessThan(rounding + flips * moved);
  });
}

test.each(reference.epsilons)("epsilon = %d: the score is PyTorch's", async (epsilon) => {
  const part = await fitted(known, { epsilon });
  expect(part.options).toEqual({ epsilon });
  const { scores } = await scoreDataset(engine, classifier, all, [part], { normalization });
  expectScores(scores["generalized-odin"] as Float32Array, epsilon);
});

describe("epsilon, unless it is given", () => {
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const bestOf = (means: readonly number[]) => reference.epsilons[means.indexOf(Math.min(...means))];

  test("is the one of the paper's seven at which the images of the fit score lowest in the mean", async () => {
    const best = bestOf(reference.scores.known.map(meanOf));
    expect(best).toBe(0.02);
    expect((await fitted(known)).options).toEqual({ epsilon: best });
  });

  test("follows from the images alone: of single images it is each one's own", async () => {
    const own = known.labels?.length ?? 0;
    const best = Array.from({ length: own }, (_, image) =>
      bestOf(reference.scores.known.map((scores) => scores[image] as number)),
    );
    const different = [...new Set(best)];
    expect(different.length).toBeGreaterThan(2);
    const size = 3 * 32 * 32;
    for (const epsilon of different) {
      const image = best.indexOf(epsilon);
      const one = dataset("one", (planes[0] as Uint8Array).slice(image * size, (image + 1) * size));
      expect((await fitted(one)).options, `image ${image}`).toEqual({ epsilon });
    }
  });
});

test("what the candidates have in common, the gradient above all, is computed once for all of them", () => {
  const nodesOf = ({ model }: ScorePart) => {
    const [scan] = model.graph.nodes;
    const body = scan?.attributes.body;
    return body?.kind === "graph" ? body.value.nodes.length : Number.NaN;
  };
  const of = { classifier, shape, normalization };
  const candidates = reference.epsilons.map((epsilon) => ({ epsilon }));
  const [one, each] = [candidates.slice(1, 2), candidates].map((options) =>
    nodesOf(buildImageParts("generalized-odin", options, of)),
  ) as [number, number];
  const forward = classifier.upgraded.graph.nodes.length;
  const others = candidates.length - 1;
  expect(one).toBeGreaterThan(3 * forward);
  expect(each - one).toBeLessThanOrEqual(others * (forward + 5));
});

test("the exported file gives PyTorch's score on Node and on WebAssembly, and takes no weights but those of the cosines", async () => {
  const part = await fitted(known);
  const calibration = await calibrate(engine, classifier, part, all, [], { normalization, alpha: 0.5, fresh: 0 });
  const bytes = encodeModel(guardedModel(classifier, part, calibration, { normalization }));
  const data = normalize(await all.read(Array.from({ length: all.length }, (_, index) => index)), normalization);
  const dims = [all.length, ...shape];
  const found = await runModel(decodeModel(bytes, "guarded"), { [classifier.input]: { dtype: "float32", dims, data } });
  expectScores(found.get("ood_score")?.data as Float32Array, 0.02);
  const session = await web.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const onWeb = await session.run({ [classifier.input]: new web.Tensor("float32", data, dims) });
  await session.release();
  expectScores(onWeb.ood_score?.data as Float32Array, 0.02);
  const stored = asPart(decodeModel(encodeModel(part.model), "part"), "part");
  expect(stored.options).toEqual({ epsilon: 0.02 });
  expect(stored.model.graph.initializers.size).toBe(0);
  const weights = stored.model.graph.inputs.map(({ name }) => name);
  expect(weights).toContain("weight/h.weight");
  expect(weights.filter((name) => name.startsWith("weight/g."))).toEqual([]);
});

describe("what is refused", () => {
  test.each([-0.001, 1.4, Number.NaN])("an epsilon of %d", (epsilon) => {
    expect(() => optionsOf("generalized-odin", { epsilon })).toThrow(
      "generalized-odin score: expected an epsilon from 0 to 1",
    );
  });

  test("a network without cosines", async () => {
    const plain = asClassifier(createModel(architectures.resnet20, { classes: 4, shape: [...shape], width: 0.125 }, 1));
    await expect(fitScores(engine, plain, known, ["generalized-odin"])).rejects.toThrow(
      'score generalized-odin: expected a network with the output "cosine", got logits; make it by `offmap train --head deconf`',
    );
  });

  test("to choose by scores that are no numbers", async () => {
    const broken = { mean: [0, 0, 0], std: [0, 0, 0] };
    await expect(fitScores(engine, classifier, known, ["generalized-odin"], { normalization: broken })).rejects.toThrow(
      "score generalized-odin: expected finite scores of in-distribution images, got NaN",
    );
  });

  test("a request to stop is not taken for a refusal", async () => {
    const refused: string[] = [];
    const onRefusal = (name: string) => void refused.push(name);
    const options = { normalization, onRefusal, signal: AbortSignal.abort() };
    await expect(fitScores(engine, classifier, known, ["generalized-odin"], options)).rejects.toThrow(CancelledError);
    expect(refused).toEqual([]);
  });
});
