import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bytesOf,
  reference,
  referenceNetwork,
  scenesOf,
  testScenes,
  trainScenes,
} from "../../../test/reference/segmentation-scores.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import type { SegmentationDataset } from "../../data/index.js";
import { DataError, OptionError, UnsupportedError } from "../../errors.js";
import { abstentionKey } from "../../nn/index.js";
import { decodeModel, encodeModel } from "../../onnx/index.js";
import type { Tensor } from "../../onnx/types.js";
import { LocalEngine } from "../../runtime/index.js";
import { asClassifier, type Classifier, classNamesKey } from "../../training/classifier.js";
import { fitPixelScores } from "./fit-pixel-scores.js";
import { pixelModel, predictedOutput } from "./pixel-graph.js";
import { classesOf, pixelShapes } from "./pixel-network.js";
import { asPixelPart, encodePixelPart, isPixelPart, type PixelPart, readyPixelPart } from "./pixel-part.js";
import { runScenes } from "./pixel-runner.js";

const engine = new LocalEngine({ threads: 1 });
const options = {
  sml: { width: 0, dilation: 0 },
  "knn-density": { k: reference.neighbours },
};
let fitted: PixelPart[] = [];

beforeAll(async () => {
  const names = ["sml", "mahalanobis", "knn-density"] as const;
  fitted = await fitPixelScores(engine, referenceNetwork(), trainScenes(), names, { options });
});
afterAll(() => engine.close());

/** Every output of all scenes one after the other. */
async function mapsOf(
  classifier: Classifier,
  parts: readonly PixelPart[],
  scenes: SegmentationDataset = testScenes(),
): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  await runScenes(
    engine,
    classifier,
    scenes,
    (shapes, size) => pixelModel(classifier, shapes, { classes: 4, size, parts }),
    {},
    ({ outputs }) => {
      for (const [name, { data }] of Object.entries(outputs)) {
        found[name] = [...(found[name] ?? []), ...(data as Float32Array)];
      }
    },
  );
  return found;
}

function expectClose(found: readonly number[] | undefined, expected: readonly number[], relative: number): void {
  expect(found).toHaveLength(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - (found?.[at] ?? Number.NaN))), 0);
  expect(worst / scale).toBeLessThan(relative);
}

describe("scores of pixels equal those of NumPy and PyTorch", () => {
  test.each(["msp", "energy", "entropy", "abstention"] as const)("%s", async (name) => {
    const maps = await mapsOf(referenceNetwork(), [readyPixelPart(name)]);
    expectClose(maps[name], reference.maps[name], 2e-6);
  });

  test.each([
    ["sml", 5e-6],
    ["mahalanobis", 2e-5],
    // Distances of near neighbours come from products.
    ["knn-density", 2e-4],
  ] as const)("%s, fitted to the training scenes", async (name, tolerance) => {
    const part = fitted.find(({ score }) => score === name) as PixelPart;
    const maps = await mapsOf(referenceNetwork(), [part]);
    expectClose(maps[name], reference.maps[name], tolerance);
  });

  test("the predicted classes, without the output that is none", async () => {
    const maps = await mapsOf(referenceNetwork(), []);
    expect(maps[predictedOutput]).toEqual([...bytesOf(reference.predicted)]);
  });

  test("the temperature that fits the labels of all pixels best", async () => {
    const [part] = await fitPixelScores(engine, referenceNetwork(), trainScenes(), ["temperature-scaling"]);
    const { data } = (part as PixelPart).fitted.temperature as Tensor;
    expect(Math.abs((data[0] as number) / reference.temperature - 1)).toBeLessThan(1e-5);
  });

  test("mean and spread of the maximum logit by predicted class", () => {
    const sml = fitted.find(({ score }) => score === "sml") as PixelPart;
    for (const name of ["mean", "std"] as const) {
      const { data } = sml.fitted[name] as Tensor;
      expectClose([...(data as Float64Array)], reference.sml[name], 1e-6);
    }
  });
});

describe("a network with more outputs than its classes and what it abstains with", () => {
  const more = (name: string, values: readonly number[]) =>
    [name, Float32Array.from([...(reference.weights[name] ?? []), ...values])] as const;
  /** The network of the reference with one output more, which its loss would have left out. */
  function wideNetwork(metadata: Readonly<Record<string, string>>): Classifier {
    const others = Object.entries(reference.weights).map(([name, values]) => [name, Float32Array.from(values)]);
    const head = [more("head.weight", [3, 3, 3, 3, 3, 3]), more("head.bias", [2])];
    const weights = Object.fromEntries([...others, ...head]) as Record<string, Float32Array>;
    const model = tinyNetwork({ outputs: 6, weights });
    return asClassifier({ ...model, metadata: new Map(Object.entries(metadata)) });
  }

  test("abstains by the softmax that it was trained with", async () => {
    const maps = await mapsOf(wideNetwork({ [abstentionKey]: "1" }), [readyPixelPart("abstention")]);
    expectClose(maps.abstention, reference.maps.abstention, 2e-6);
  });

  test("has the classes that it was trained on where labels tell none", () => {
    const named = { [classNamesKey]: '["red","green","blue","yellow"]', [abstentionKey]: "1" };
    expect(classesOf(wideNetwork(named), 6, {}, "anomalies")).toBe(4);
    expect(classesOf(wideNetwork({ [abstentionKey]: "1" }), 6, {}, "anomalies")).toBe(5);
  });
});

test("a network for images of any size gives the same as one of a fixed size", async () => {
  const parts = [readyPixelPart("energy"), ...fitted];
  const [open, fixed] = [
    await mapsOf(referenceNetwork({ anySize: true }), parts),
    await mapsOf(referenceNetwork(), parts),
  ];
  expect(open).toEqual(fixed);
});

test("boundary suppression and smoothing are on unless they are turned off", async () => {
  const part = fitted.find(({ score }) => score === "sml") as PixelPart;
  const smooth = { ...part, options: { width: 4, iterations: 4, dilation: 1 } };
  const [plain, changed] = [await mapsOf(referenceNetwork(), [part]), await mapsOf(referenceNetwork(), [smooth])];
  const spread = (values: readonly number[] = []) => Math.max(...values) - Math.min(...values);
  expect(spread(changed.sml)).toBeLessThan(spread(plain.sml));
});

test("a fitted score comes back from its file as it was", () => {
  for (const part of fitted) {
    const model = decodeModel(encodeModel(encodePixelPart(part)), "part.onnx");
    expect(isPixelPart(model)).toBe(true);
    expect(asPixelPart(model, "part.onnx")).toEqual(part);
    expect(part.classes).toBe(4);
  }
});

test("tensors of a network may be called as those of the scores on top of it", async () => {
  const network = referenceNetwork();
  const [height, width] = reference.size;
  const parts = [readyPixelPart("energy"), ...fitted];
  const { nodes } = pixelModel(network, pixelShapes(network, { height, width }), {
    ...{ classes: 4, size: { height, width }, parts },
  }).graph;
  const prefix = "offmap/pixels/";
  const own = nodes.flatMap(({ outputs }) => outputs).filter((name) => name.startsWith(prefix));
  const name = (own[0] as string).slice(prefix.length);
  const features = fitted.find(({ score }) => score === "knn-density")?.features;
  const renamed = (tensors: readonly string[]) => tensors.map((tensor) => (tensor === features ? name : tensor));
  const graph = {
    ...network.model.graph,
    nodes: network.model.graph.nodes.map((node) => ({
      ...node,
      inputs: renamed(node.inputs),
      outputs: renamed(node.outputs),
    })),
  };
  const moved = parts.map((part) => (part.features === undefined ? part : { ...part, features: name }));
  expect(await mapsOf(asClassifier({ ...network.model, graph }), moved)).toEqual(await mapsOf(network, parts));
});

test("a feature map of many positions is brought to fewer before neighbours are looked for", async () => {
  const side = 192;
  const scene = {
    ...{ height: side, width: side, image: new Uint8Array(3 * side * side).fill(90) },
    labels: new Uint8Array(side * side),
  };
  const part = fitted.find(({ score }) => score === "knn-density") as PixelPart;
  const maps = await mapsOf(referenceNetwork({ anySize: true }), [part], scenesOf("large", [scene]));
  // All pixels alike: what is computed in 90 x 90 positions is the same everywhere but at the border.
  const middle = maps["knn-density"]?.slice((side / 2) * side + 20, (side / 2) * side + side - 20) ?? [];
  expect(Math.max(...middle) - Math.min(...middle)).toBeLessThan(1e-4);
  expect(maps["knn-density"]).toHaveLength(side * side);
});

describe("what cannot be", () => {
  test("a score that must be fitted is refused without its fit", () => {
    expect(() => readyPixelPart("sml")).toThrow(OptionError);
  });

  test("an unknown option is named with the known ones", () => {
    expect(() => readyPixelPart("gen", { gama: 1 })).toThrow("--option gama: expected one of gamma, largest, got gama");
  });

  test("outputs beyond the classes are needed for abstention", async () => {
    const four = asClassifier(tinyNetwork({ outputs: 4 }));
    await expect(mapsOf(four, [readyPixelPart("abstention")])).rejects.toThrow(
      "score abstention: expected a model with outputs beyond its 4 classes, got 4 outputs",
    );
  });

  test.each(["outlier-head", "dense-hybrid"] as const)("%s needs a second head", async (name) => {
    await expect(mapsOf(referenceNetwork(), [readyPixelPart(name)])).rejects.toThrow(UnsupportedError);
  });

  test("mutual information needs Dropout nodes", async () => {
    await expect(mapsOf(referenceNetwork(), [readyPixelPart("mutual-information")])).rejects.toThrow(
      "score mutual-information: expected a model with Dropout nodes on the way to its logits, got one without",
    );
  });

  test("another number of classes than a score was fitted with", async () => {
    const parts = fitted.filter(({ score }) => score === "sml").map((part) => ({ ...part, classes: 3 }));
    await expect(mapsOf(referenceNetwork(), parts)).rejects.toThrow(
      "score sml: expected 3 classes, with which it was fitted, got 4",
    );
  });

  test("features of another model", async () => {
    const part = { ...(fitted.find(({ score }) => score === "mahalanobis") as PixelPart), features: "elsewhere" };
    await expect(mapsOf(referenceNetwork(), [part])).rejects.toThrow('with a tensor "elsewhere"');
  });

  test("a class without pixels is named by Mahalanobis, and left out where all scores are asked for", async () => {
    const { image, height, width } = await trainScenes().readOne(0);
    const scenes = scenesOf("one class", [{ image, height, width, labels: new Uint8Array(height * width).fill(1) }]);
    const refit = (onRefusal?: (name: string, error: Error) => void) =>
      fitPixelScores(engine, referenceNetwork(), scenes, ["mahalanobis", "sml"], onRefusal && { onRefusal });
    await expect(refit()).rejects.toThrow(
      "mahalanobis score: expected pixels of every class, 0 to 3, got none of class 0",
    );
    const refused: string[] = [];
    const left = await refit((name) => refused.push(name));
    expect([refused, left.map(({ score }) => score)]).toEqual([["mahalanobis"], ["sml"]]);
  });

  test("scenes whose labels tell no classes are nothing to fit to", async () => {
    const scenes = { ...trainScenes(), classNames: undefined } as unknown as SegmentationDataset;
    await expect(fitPixelScores(engine, referenceNetwork(), scenes, ["sml"])).rejects.toThrow(DataError);
  });

  test("void pixels alone are nothing to fit to", async () => {
    const { image, height, width } = await trainScenes().readOne(0);
    const scenes = scenesOf("void", [{ image, height, width, labels: new Uint8Array(height * width).fill(255) }]);
    await expect(fitPixelScores(engine, referenceNetwork(), scenes, ["sml"])).rejects.toThrow(
      "sml score: expected pixels with different maximum logits, got no pixel that is labelled with a class",
    );
  });
});
