import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { referenceNetwork, scenesOf, testScenes, trainScenes } from "../../../../test/reference/segmentation-scores.js";
import { outlierLabel, type Scene, type SegmentationDataset, voidLabel } from "../../../data/index.js";
import { CancelledError, DataError, OptionError, UnsupportedError } from "../../../errors.js";
import { createSegmentationModel, segmentationArchitectures } from "../../../nn/index.js";
import { decodeModel, encodeModel } from "../../../onnx/index.js";
import { LocalEngine } from "../../../runtime/index.js";
import { asClassifier } from "../../../training/classifier.js";
import { anomalyModel } from "../anomaly-model.js";
import { type FitPixelOptions, fitPixelScores } from "../fit-pixel-scores.js";
import { findPixelFeatures, findPixelLayers } from "../pixel-features.js";
import { pixelModel } from "../pixel-graph.js";
import { pixelShapes } from "../pixel-network.js";
import { asPixelPart, encodePixelPart, type PixelPart } from "../pixel-part.js";
import { runScenes } from "../pixel-runner.js";
import type { PixelScoreName } from "./index.js";

const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const network = referenceNetwork();
/** The map before the last layer, and the one before its ReLU and BatchNormalization. */
const [convolution, hidden] = ["Conv", "Relu"].map(
  (op) => network.upgraded.graph.nodes.find((node) => node.op === op)?.outputs[0] as string,
) as [string, string];
const flow = { dimensions: 4, couplings: 2, hidden: 8, steps: 60, batch: 64, rate: 0.005, seed: 3 };

/** The training scenes, with a block of outliers in a corner of each. */
async function withOutliers(): Promise<SegmentationDataset> {
  const scenes = trainScenes();
  const all: Scene[] = [];
  for (let index = 0; index < scenes.length; index++) {
    const { image, labels, ...size } = await scenes.readOne(index);
    const inside = (at: number) =>
      Math.floor((at % (size.height * size.width)) / size.width) < 5 && at % size.width < 6;
    all.push({
      ...size,
      image: image.map((value, at) => (inside(at) ? 255 - value : value)),
      labels: labels.map((label, at) => (inside(at) ? outlierLabel : label)),
    });
  }
  return scenesOf("with outliers", all);
}

const refit = async (
  name: PixelScoreName,
  layers: readonly string[],
  more: FitPixelOptions & { readonly scenes?: SegmentationDataset } = {},
): Promise<PixelPart> => {
  const { scenes = await withOutliers(), ...rest } = more;
  const [part] = await fitPixelScores(engine, network, scenes, [name], { layers, options: { [name]: flow }, ...rest });
  return part as PixelPart;
};

async function mapOf(part: PixelPart): Promise<number[]> {
  const found: number[] = [];
  await runScenes(
    engine,
    network,
    testScenes(),
    (shapes, size) => pixelModel(network, shapes, { classes: 4, size, parts: [part] }),
    {},
    ({ outputs }) => {
      const map = outputs[part.score]?.data as Float32Array;
      for (const value of map) found.push(value);
    },
  );
  return found;
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  const scale = Math.max(1, ...expected.map(Math.abs));
  const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - (found[at] ?? Number.NaN))), 0);
  expect(worst / scale).toBeLessThan(1e-5);
}

describe("densities of two layers", () => {
  let [lower, upper]: [readonly number[], readonly number[]] = [[], []];
  const several: Record<string, PixelPart> = {};

  beforeAll(async () => {
    const scenes = await withOutliers();
    lower = await mapOf(await refit("flow-density", [convolution], { scenes }));
    upper = await mapOf(await refit("flow-density", [], { scenes }));
    const names = ["flow-density-min", "flow-density-logistic"] as const;
    const options = { "flow-density-min": flow, "flow-density-logistic": flow };
    for (const part of await fitPixelScores(engine, network, scenes, names, {
      layers: [convolution, hidden],
      options,
    })) {
      several[part.score] = part;
    }
  }, 120_000);
  const constant = (part: PixelPart | undefined, name: string) => Array.from(part?.fitted[name]?.data as Float64Array);

  test("are finite, and differ between the layers", () => {
    expect([...lower, ...upper].every(Number.isFinite)).toBe(true);
    expect(lower).not.toEqual(upper);
  });

  test("flow-density-min is the smallest of both, each measured from its mean over known pixels", async () => {
    const part = several["flow-density-min"] as PixelPart;
    const [means, deviations] = [constant(part, "means"), constant(part, "deviations")];
    const measured = [lower, upper].map((map, at) =>
      map.map((value) => (value - (means[at] as number)) / (deviations[at] as number)),
    );
    expectClose(
      await mapOf(part),
      (measured[0] ?? []).map((value, at) => Math.min(value, measured[1]?.[at] ?? Number.NaN)),
    );
  });

  test("flow-density-logistic is their weighted sum", async () => {
    const part = several["flow-density-logistic"] as PixelPart;
    const [[first = 0, second = 0], [offset = 0]] = [constant(part, "weights"), constant(part, "offset")];
    expectClose(
      await mapOf(part),
      lower.map((value, at) => first * value + second * (upper[at] as number) + offset),
    );
  });

  test("come back from their file as they were, and join the model", async () => {
    for (const part of Object.values(several)) {
      const back = asPixelPart(decodeModel(encodeModel(encodePixelPart(part)), "part.onnx"), "part.onnx");
      expect(back).toEqual(part);
      expect(back.layers).toEqual([convolution, hidden]);
      const exported = anomalyModel(network, back, { classes: 4, size: { height: 12, width: 16 }, threshold: 1 });
      await (await engine.load(encodeModel(exported))).release();
    }
  });
});

test("the same scenes and seed give the same score, another seed another", async () => {
  const options = { "flow-density": { ...flow, steps: 5 } };
  const trained = (seed: number) =>
    refit("flow-density", [], { options: { "flow-density": { ...options["flow-density"], seed } } });
  const [first, again, other] = [await trained(1), await trained(1), await trained(2)];
  expect(again).toEqual(first);
  expect(other.fitted).not.toEqual(first.fitted);
});

test("layers that nobody names are the last maps of every size, what goes into the last layer at the end", () => {
  const deeplab = asClassifier(
    createSegmentationModel(
      segmentationArchitectures["deeplabv3plus-small"],
      { classes: 4, shape: [3, 64, 96], width: 1 },
      1,
    ),
  );
  const shapes = pixelShapes(deeplab, { height: 64, width: 96 });
  const found = findPixelLayers(deeplab, shapes);
  const sizes = found.map(({ tensor }) => shapes.values.get(tensor)?.dims.slice(2).join(" x "));
  expect(found.length).toBeGreaterThan(1);
  expect(new Set(sizes).size).toBe(found.length);
  expect(found.at(-1)).toEqual(findPixelFeatures(deeplab, shapes));
});

describe("what cannot be", () => {
  test("outliers that the labels do not have", async () => {
    const fitted = refit("flow-density-logistic", [convolution, hidden], { scenes: trainScenes() });
    await expect(fitted).rejects.toThrow(DataError);
    await expect(fitted).rejects.toThrow(
      "expected pixels that are labelled as outliers, beside those of classes, got none",
    );
  });

  test("pixels of classes that the labels do not have", async () => {
    const { image, height, width } = await trainScenes().readOne(0);
    const scenes = scenesOf("void", [{ image, height, width, labels: new Uint8Array(height * width).fill(voidLabel) }]);
    await expect(refit("flow-density", [], { scenes })).rejects.toThrow(
      "flow-density score: expected pixels that are labelled with a class, got none",
    );
  });

  test("a network that gives NaN", async () => {
    const { image, height, width } = await trainScenes().readOne(0);
    const labels = new Uint8Array(height * width);
    const scenes = scenesOf("some", [{ image, height, width, labels }]);
    const normalization = { mean: [0, 0, 0], std: [Number.NaN, 1, 1] };
    await expect(refit("flow-density", [], { scenes, normalization })).rejects.toThrow(
      "expected features that are finite numbers, got NaN",
    );
  });

  test("a layer that the network does not have", async () => {
    await expect(refit("flow-density", ["nowhere"])).rejects.toThrow(UnsupportedError);
    await expect(refit("flow-density-min", [hidden, "nowhere"])).rejects.toThrow("--layer nowhere");
  });

  test("one layer for a score of several, and several for a score of one", async () => {
    await expect(refit("flow-density-min", [hidden])).rejects.toThrow(OptionError);
    await expect(refit("flow-density", [convolution, hidden])).rejects.toThrow(
      "expected one layer for score flow-density",
    );
  });

  test("a network with maps of one size, where no layers are named", async () => {
    await expect(refit("flow-density-min", [])).rejects.toThrow("expected feature maps of at least two sizes");
  });

  test.each([
    ["couplings", 0, "a whole number of at least 1"],
    ["rate", 0, "a number above 0"],
    ["seed", -1, "a whole number of at least 0"],
  ])("%s of %d", async (name, value, expected) => {
    const options = { "flow-density": { ...flow, [name]: value } };
    await expect(refit("flow-density", [], { options })).rejects.toThrow(
      `flow-density score, option ${name}: expected ${expected}, got ${value}`,
    );
  });

  test("a request to stop is no reason to leave a score out", async () => {
    const stop = new AbortController();
    const update = () => stop.abort();
    const progress = { start() {}, update, finish() {} };
    const onRefusal = () => {};
    await expect(refit("flow-density", [], { progress, signal: stop.signal, onRefusal })).rejects.toThrow(
      CancelledError,
    );
  });
});
