// Numbers by test/reference/segments.py (SciPy, scikit-learn).
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, scenesOf } from "../../../../test/reference/segmentation-scores.js";
import { outlierLabel, type SegmentationDataset } from "../../../data/index.js";
import { DataError, FormatError, OptionError } from "../../../errors.js";
import { GraphBuilder } from "../../../graph/builder.js";
import { ints } from "../../../onnx/types.js";
import { first } from "../../../ops/index.js";
import { LocalEngine } from "../../../runtime/index.js";
import { asClassifier } from "../../../training/classifier.js";
import { pixelModel } from "../pixel-graph.js";
import { type PixelPart, pixelOptionsOf, readyPixelPart } from "../pixel-part.js";
import { runScenes } from "../pixel-runner.js";
import { type FittedSegments, fitSegments, segmentMaps } from "./fit-segments.js";
import { type SegmentMaps, segmentFeatureNames, segmentsOf } from "./segment-features.js";
import {
  below,
  checkSegmentJudge,
  decodeSegmentJudge,
  encodeSegmentJudge,
  judgeSegments,
  type SegmentJudge,
  withProbabilities,
} from "./segment-judge.js";

const reference = JSON.parse(
  readFileSync(new URL("../../../../test/reference/segments.json", import.meta.url), "utf8"),
) as {
  readonly size: readonly [number, number];
  readonly weight: readonly number[];
  readonly bias: readonly number[];
  readonly threshold: number;
  readonly train: readonly { readonly image: string; readonly labels: string }[];
  readonly test: readonly { readonly image: string; readonly labels: string }[];
  readonly counts: Pick<FittedSegments, "found" | "falseAlarms" | "skipped">;
  readonly right: FittedSegments["right"];
  readonly segments: readonly {
    readonly features: readonly (readonly number[])[];
    readonly evidence: readonly number[];
    readonly removed: string;
  }[];
};
const classes = 3;
const [height, width] = reference.size;
const { threshold } = reference;
const engine = new LocalEngine({ threads: 1 });
afterAll(() => engine.close());

const scenes = (name: "train" | "test"): SegmentationDataset =>
  scenesOf(
    name,
    reference[name].map(({ image, labels }) => ({ image: bytesOf(image), labels: bytesOf(labels), height, width })),
    ["red", "green", "blue"],
  );

/** One convolution 1x1. */
function network() {
  const graph = new GraphBuilder();
  const image = graph.input("image", "float32", ["N", 3, height, width]);
  const parameter = (name: string, dims: readonly number[], values: readonly number[]) =>
    graph.initializer(name, { dtype: "float32", dims, data: Float32Array.from(values) });
  const inputs = [
    image,
    parameter("weight", [classes, 3, 1, 1], reference.weight),
    parameter("bias", [classes], reference.bias),
  ];
  const logits = first(graph.op("Conv", inputs, { kernel_shape: ints([1, 1]) }));
  return asClassifier(graph.model({ logits }, "linear"));
}

const part = readyPixelPart("entropy");
const fitted = (options: { threshold: number | "auto" } = { threshold }, dataset = scenes("train")) =>
  fitSegments(engine, network(), dataset, part, options);

async function testMaps(): Promise<SegmentMaps[]> {
  const found: SegmentMaps[] = [];
  const classifier = network();
  await runScenes(
    engine,
    classifier,
    scenes("test"),
    (shapes, size) => pixelModel(classifier, shapes, { classes, size, parts: [part] }, withProbabilities),
    {},
    ({ scene, outputs }) => {
      found.push(segmentMaps(part, outputs, scene));
    },
  );
  return found;
}

let result: FittedSegments;
let maps: SegmentMaps[];
beforeAll(async () => {
  result = await fitted();
  maps = await testMaps();
});

describe("segments are judged as by SciPy and scikit-learn", () => {
  test("by the same features", () => {
    expect(reference.segments[0]?.features[0]).toHaveLength(segmentFeatureNames(classes).length);
    reference.segments.forEach(({ features }, index) => {
      const found = segmentsOf(maps[index] as SegmentMaps, threshold).features;
      expect(found).toHaveLength(features.length);
      features.forEach((row, segment) => {
        row.forEach((value, at) => {
          const own = found[segment]?.[at] as number;
          expect(Math.abs(own - value), segmentFeatureNames(classes)[at]).toBeLessThan(
            2e-6 * Math.max(1, Math.abs(value)),
          );
        });
      });
    });
  });

  test("after a fit to as many segments of either kind, of which as many are told right", () => {
    const { found, falseAlarms, skipped, right } = result;
    expect({ found, falseAlarms, skipped }).toEqual(reference.counts);
    expect(right).toEqual(reference.right);
  });

  test("with the same evidence", () => {
    const { weights, offset } = result.judge;
    const names = segmentFeatureNames(classes);
    reference.segments.forEach(({ evidence }, index) => {
      const { features } = segmentsOf(maps[index] as SegmentMaps, threshold);
      evidence.forEach((value, segment) => {
        const own = names.reduce(
          (sum, name, at) => sum + (weights[name] as number) * (features[segment]?.[at] as number),
          offset,
        );
        expect(Math.abs(own - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
      });
    });
  });

  test("and false alarms fall just below the threshold, while everything else stays", () => {
    reference.segments.forEach(({ removed }, index) => {
      const own = maps[index] as SegmentMaps;
      const judged = judgeSegments(own, result.judge);
      const expected = own.scores.map((score, pixel) => (bytesOf(removed)[pixel] === 1 ? below(threshold) : score));
      expect(judged.scores).toEqual(expected);
      expect(judged.removed).toBe(reference.segments[index]?.evidence.filter((value) => value >= 0).length);
    });
    expect(below(threshold)).toBeLessThan(threshold);
  });
});

test("a threshold of its own is the one with the best F1 of pixels", async () => {
  // Outliers are what has a score above 0.6 in the left half; what has one in the right half is a false alarm.
  const relabelled = await Promise.all(
    maps.map(async ({ scores }, index) => {
      const { image } = await scenes("test").readOne(index);
      const labels = new Uint8Array(height * width);
      for (let pixel = 0; pixel < labels.length; pixel++) {
        if (pixel % width < width / 2 && (scores[pixel] as number) > 0.6) labels[pixel] = outlierLabel;
      }
      return { image, height, width, labels };
    }),
  );
  const f1At = (threshold: number) => {
    let [called, found, all] = [0, 0, 0];
    relabelled.forEach(({ labels }, index) => {
      (maps[index] as SegmentMaps).scores.forEach((score, pixel) => {
        const outlier = labels[pixel] === outlierLabel;
        all += Number(outlier);
        called += Number(score >= threshold);
        found += Number(score >= threshold && outlier);
      });
    });
    return (2 * found) / (called + all);
  };
  const { judge } = await fitted({ threshold: "auto" }, scenesOf("relabelled", relabelled, ["red", "green", "blue"]));
  const best = f1At(judge.threshold);
  expect(judge.threshold).toBeGreaterThan(0.6);
  for (const { scores } of maps) for (const other of scores) expect(f1At(other)).toBeLessThanOrEqual(best);
});

test.each([0, 1, -1, 0.62, -1e-40, 1e30, 3])("the largest float32 below %d", (value) => {
  const found = below(value);
  expect(found).toBe(Math.fround(found));
  expect(found).toBeLessThan(value);
  expect(Math.fround(found + Math.max(Math.abs(found) * 2 ** -23, 2 ** -149))).toBeGreaterThanOrEqual(value);
});

test("a segment of one pixel in a corner has features that are numbers", () => {
  const scores = new Float32Array(12);
  scores[0] = 1;
  const corner = {
    height: 3,
    width: 4,
    scores,
    probabilities: new Float32Array(24).fill(0.5),
    predicted: new Uint8Array(12),
  };
  const { pixels, features } = segmentsOf(corner, 0.5);
  expect(pixels).toEqual([Int32Array.of(0)]);
  expect(Array.from(features[0] as Float32Array).every(Number.isFinite)).toBe(true);
});

describe("files", () => {
  test("come back as they were", () => {
    expect(decodeSegmentJudge(encodeSegmentJudge(result.judge), "s.json")).toEqual(result.judge);
  });

  test.each([
    ["no JSON", "{", "s.json: expected a file that `offmap fit --segments` has written"],
    ["another JSON", "{}", "s.json: expected a file that `offmap fit --segments` has written"],
  ])("%s is refused", (_, text, message) => {
    expect(() => decodeSegmentJudge(text, "s.json")).toThrow(FormatError);
    expect(() => decodeSegmentJudge(text, "s.json")).toThrow(message);
  });

  test("without one of the weights are refused", () => {
    const { size: _, ...weights } = result.judge.weights;
    expect(() => decodeSegmentJudge(encodeSegmentJudge({ ...result.judge, weights }), "s.json")).toThrow(
      's.json: expected a weight of "size", got none',
    );
  });
});

describe("what cannot be", () => {
  test("segments of another score, or of images normalised otherwise", () => {
    expect(() => checkSegmentJudge(result.judge, readyPixelPart("msp"), network(), undefined)).toThrow(OptionError);
    expect(() => checkSegmentJudge(result.judge, part, network(), { mean: [0.5, 0.5, 0.5], std: [1, 1, 1] })).toThrow(
      "--normalize: expected none, with which the segments were fitted",
    );
    checkSegmentJudge(result.judge, part, network(), undefined);
    const { part: _, ...old } = result.judge;
    expect(() => decodeSegmentJudge(JSON.stringify(old), "old.json")).toThrow(
      "old.json: expected a file that `offmap fit --segments` has written, got part",
    );
  });

  test("segments of another fit of the same score", async () => {
    const fitOf = (mean: number): PixelPart => ({
      ...{ score: "sml", options: pixelOptionsOf("sml", { width: 0, dilation: 0 }) },
      fitted: {
        mean: { dtype: "float64", dims: [3], data: Float64Array.of(mean, 0.5, 0.5) },
        std: { dtype: "float64", dims: [3], data: Float64Array.of(1, 1, 1) },
      },
    });
    const { judge } = await fitSegments(engine, network(), scenes("train"), fitOf(0.5), { threshold: -3 });
    checkSegmentJudge(judge, fitOf(0.5), network(), undefined);
    expect(() => checkSegmentJudge(judge, fitOf(0.75), network(), undefined)).toThrow(
      "--segments: expected the fit of sml that the segments are of, got one to other scenes or features; give its file with --fit, or fit the segments again",
    );
  });

  test("another number of classes", () => {
    const judge: SegmentJudge = { ...result.judge, classes: 5 };
    expect(() => judgeSegments(maps[0] as SegmentMaps, judge)).toThrow(DataError);
  });

  test("a threshold that nothing reaches, and scenes without outliers", async () => {
    const message = "expected segments that overlap outliers, and others that overlap none";
    await expect(fitted({ threshold: 5 })).rejects.toThrow(message);
    const all = scenes("train");
    const plain = {
      ...all,
      readOne: async (index: number) => {
        const scene = await all.readOne(index);
        return { ...scene, labels: scene.labels.map((label) => (label === 254 ? 0 : label)) };
      },
    };
    await expect(fitted({ threshold }, plain)).rejects.toThrow(message);
    await expect(fitted({ threshold: "auto" }, plain)).rejects.toThrow(DataError);
  });
});
