import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  classNames,
  reference,
  referenceNetwork,
  scenesOf,
  testScenes,
  trainScenes,
} from "../../../test/reference/segmentation-scores.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { pixelKinds, type Scene, type SegmentationDataset } from "../../data/index.js";
import { resizeScene } from "../../data/segmentation/resize-scene.js";
import { DataError } from "../../errors.js";
import { fitPixelScores, type PixelPart } from "../../guard/segmentation/index.js";
import { rankScores } from "../../metrics/index.js";
import { LocalEngine } from "../../runtime/index.js";
import { asClassifier } from "../../training/classifier.js";
import { evaluateSegmentation } from "./evaluate-segmentation.js";
import { pixelHistogram } from "./pixel-histogram.js";
import { rarest, rateScale, scaleSteps, stepsOf } from "./rate-scale.js";

const engine = new LocalEngine({ threads: 1 });
let fitted: PixelPart[] = [];
beforeAll(async () => {
  fitted = await fitPixelScores(engine, referenceNetwork(), trainScenes(), ["sml", "mahalanobis"], {
    options: { sml: { width: 0, dilation: 0 } },
  });
});
afterAll(() => engine.close());

const scores = ["msp", "energy", "entropy", "abstention", "sml", "mahalanobis"] as const;
const evaluateOn = (dataset: SegmentationDataset, more: object = {}, network = referenceNetwork()) =>
  evaluateSegmentation(engine, network, dataset, { scores, fitted, preset: "official", ...more });

/** Scenes like those of the test set, changed one by one. */
async function changed(change: (scene: Scene, index: number) => Scene): Promise<SegmentationDataset> {
  const scenes = await Promise.all(Array.from({ length: 4 }, (_, index) => testScenes().readOne(index)));
  return scenesOf("changed", scenes.map(change));
}

describe("metrics of a set equal scikit-learn's and NumPy's on maps that PyTorch computed", () => {
  test("of every score, over all valid pixels of all images", async () => {
    const { rows, pixels } = await evaluateOn(testScenes(), { perImage: true });
    expect(rows.map(({ score }) => score)).toEqual([...scores]);
    for (const { score, auroc, aupr, fpr95, per_image: single } of rows) {
      const expected = reference.metrics[score as (typeof scores)[number]];
      expect(Math.abs(auroc - expected.auroc)).toBeLessThan(1e-4);
      expect(Math.abs(aupr - expected.aupr)).toBeLessThan(1e-4);
      expect(Math.abs(fpr95 - expected.fpr95)).toBeLessThan(2e-3);
      expect(Math.abs((single?.aupr ?? 0) - expected.mean_image_aupr)).toBeLessThan(1e-4);
      // One of the four images has no anomaly.
      expect([single?.n_images, single?.n_left_out]).toEqual([3, 1]);
    }
    expect(Object.values(pixels)).toEqual(reference.pixels);
  });

  test("of the classes: no void pixel, no anomaly, no output that is none", async () => {
    const { segmentation, classes } = await evaluateOn(testScenes());
    expect(classes).toBe(4);
    expect(segmentation?.miou).toBeCloseTo(reference.miou, 12);
    expect(segmentation?.class_iou).toEqual(
      classNames.map((name, index) => ({ class: name, iou: expect.closeTo(reference.iou[index] as number, 12) })),
    );
  });
});

test("a set of classes alone needs no anomalies where no score is asked for", async () => {
  const { rows, segmentation } = await evaluateOn(trainScenes(), { scores: [] });
  expect(rows).toEqual([]);
  expect(segmentation?.miou).toBeGreaterThan(0);
});

test("labels that only tell anomalies give no mIoU; classes come from another set, else from the model", async () => {
  const known = testScenes();
  const scenes = await Promise.all([0, 1].map((index) => known.readOne(index)));
  const masks = scenesOf(
    "masks",
    scenes.map((scene) => ({ ...scene, labels: scene.labels.map((label) => (label < 4 ? 0 : label)) })),
    [],
  );
  const withoutNames = { ...masks, classNames: undefined } as unknown as SegmentationDataset;
  const first = await evaluateOn(withoutNames, { scores: ["energy"], classNames });
  expect([first.classes, first.segmentation]).toEqual([4, undefined]);
  const second = await evaluateOn(withoutNames, { scores: ["energy"] });
  expect(second.classes).toBe(5);
});

test("images of several sizes are run one by one, each at its own size", async () => {
  const network = referenceNetwork({ anySize: true });
  const sizes = [6, 20, 6, 12];
  const mixed = await changed((scene, index) => resizeScene(scene, { height: sizes[index] as number, width: 16 }));
  const { pixels, rows } = await evaluateOn(mixed, { scores: ["energy"] }, network);
  expect(pixels.in_distribution + pixels.anomaly + pixels.void).toBe(16 * (6 + 20 + 6 + 12));
  expect(rows[0]?.auroc).toBeGreaterThan(0);
});

test("images of another size than the model's are brought to it, and the maps to the labels'", async () => {
  const doubled = await changed((scene) => resizeScene(scene, { height: 24, width: 32 }));
  const [own, larger] = [await evaluateOn(testScenes()), await evaluateOn(doubled)];
  expect(larger.pixels.anomaly).toBe(4 * own.pixels.anomaly);
  const difference = larger.rows.map(({ auroc }, index) => Math.abs(auroc - (own.rows[index]?.auroc ?? 0)));
  // Resizing twice takes away some of the noise of single pixels.
  expect(Math.max(...difference)).toBeLessThan(0.15);
});

test("components are judged at the threshold with the best F1 of single pixels", async () => {
  const { rows } = await evaluateOn(testScenes(), { scores: ["mahalanobis"], components: { truth: 2, prediction: 1 } });
  const [row] = rows;
  expect(row?.components).toMatchObject({ n_components: expect.any(Number), f1_mean: expect.any(Number) });
  expect(row?.components?.n_components).toBeGreaterThanOrEqual(3);
  expect(row?.threshold_f1).toBeGreaterThan(0);
  expect(row?.f1).toBeGreaterThan(0.3);
});

test("images of one kind only and anomalies too small to count leave out what needs others, and nothing else", async () => {
  const apart = await changed((scene, index) => ({
    ...scene,
    labels: scene.labels.map(() => (index % 2 === 0 ? 0 : 254)),
  }));
  const [row] = (await evaluateOn(apart, { scores: ["energy"], perImage: true })).rows;
  expect(row?.auroc).toBeGreaterThan(0);
  expect(row).not.toHaveProperty("per_image");
  const components = { truth: 10_000, prediction: 10_000 };
  const [small] = (await evaluateOn(testScenes(), { scores: ["energy"], components })).rows;
  expect(small?.auroc).toBeGreaterThan(0);
  expect(small).not.toHaveProperty("components");
});

test("95 % of the anomalous pixels lie at the threshold or above", async () => {
  const { rows, pixels, curves } = await evaluateOn(testScenes(), { scores: ["energy"] });
  const { tpr, thresholds } = curves.energy?.roc ?? { tpr: [], thresholds: [] };
  const at = Array.from(thresholds).findIndex((threshold) => threshold <= (rows[0]?.threshold95 ?? 0));
  expect((tpr[at] as number) * pixels.anomaly).toBeGreaterThanOrEqual(0.95 * pixels.anomaly - 1e-9);
});

describe("bad data are refused in one sentence", () => {
  const expectRefusal = async (dataset: SegmentationDataset, message: string, more: object = {}) =>
    expect(evaluateOn(dataset, more)).rejects.toThrow(message);

  test("no anomaly", async () => {
    await expectRefusal(
      trainScenes(),
      "memory:train: expected pixels of anomalies and of known classes, got no anomaly",
    );
  });

  test("nothing but anomalies", async () => {
    const all = await changed((scene) => ({ ...scene, labels: new Uint8Array(scene.labels.length).fill(254) }));
    await expectRefusal(
      all,
      "memory:changed: expected pixels of anomalies and of known classes, got anomalies only (768 pixels)",
    );
  });

  test("more classes than the model has", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const { length } = testScenes();
    const scenes = await Promise.all(Array.from({ length }, (_, index) => testScenes().readOne(index)));
    await expectRefusal(
      scenesOf("six", scenes, names),
      "memory:six: expected labels of at most 5 classes, which the model tells apart, got 6 (a, b, c, ...)",
    );
  });

  test("a score that is not a number", async () => {
    const weights = { "head.bias": Float32Array.of(Number.NaN, 0, 0, 0, 0) };
    const broken = asClassifier(tinyNetwork({ outputs: 5, weights }));
    await expect(evaluateOn(testScenes(), { scores: ["energy"] }, broken)).rejects.toThrow(
      "test image 0: expected finite scores",
    );
  });

  test("another normalisation than a score was fitted with", async () => {
    await expectRefusal(testScenes(), "--normalize: expected none, with which the score sml was fitted", {
      normalization: { mean: [0.5], std: [0.5] },
    });
  });

  test("a network whose output is no map", async () => {
    const { model } = referenceNetwork();
    const [first] = model.graph.nodes;
    const flat = {
      ...model,
      graph: {
        ...model.graph,
        nodes: [
          ...model.graph.nodes,
          {
            ...(first as object),
            name: "pool",
            op: "ReduceMean",
            inputs: ["logits"],
            outputs: ["one"],
            attributes: {},
          },
        ],
        outputs: [{ name: "one", dtype: "float32", dims: [1, 1, 1, 1] }],
      },
    } as typeof model;
    await expect(evaluateOn(testScenes(), { scores: ["msp"] }, asClassifier(flat))).rejects.toThrow(
      'output "one": expected logits',
    );
  });
});

test("a mask says 0 for classes, 1 for anomalies and 255 for void", () => {
  expect([...pixelKinds(Uint8Array.of(0, 3, 253, 254, 255))]).toEqual([0, 0, 0, 1, 255]);
});

describe("histograms over pixels", () => {
  test("count every pixel, the most extreme ones in the outermost bins", () => {
    const id = Float32Array.from({ length: 10_000 }, (_, index) => index / 10_000);
    id[0] = -1e6;
    const ood = Float32Array.from({ length: 3000 }, (_, index) => 0.5 + index / 3000);
    ood[17] = 1e9;
    const { edges, id: known, ood: anomalies } = pixelHistogram(rankScores(id, ood));
    expect(known.reduce((sum, count) => sum + count)).toBe(10_000);
    expect(anomalies.reduce((sum, count) => sum + count)).toBe(3000);
    expect(edges[0]).toBeGreaterThan(-0.01);
    expect(edges.at(-1)).toBeLessThan(1.51);
  });

  test("one score for all gives bins around it", () => {
    const { edges, id } = pixelHistogram(rankScores(Float32Array.of(2, 2), Float32Array.of(2)));
    expect([edges[0], edges.at(-1)]).toEqual([1.5, 2.5]);
    expect(id.reduce((sum, count) => sum + count)).toBe(2);
  });
});

describe("the scale that maps of all scores share", () => {
  const id = Float32Array.from({ length: 100_000 }, (_, index) => index);
  const scale = rateScale(rankScores(id, Float32Array.of(5)));

  test("goes from 100 % of the known pixels to 0.1 % in equal steps of the logarithm", () => {
    const shareAt = (step: number) => rarest ** (step / (scaleSteps - 1));
    const steps = stepsOf(Float32Array.of(-1, 0, 90_000, 99_000, 99_900, 1e9), scale);
    expect([steps[0], steps.at(-1)]).toEqual([0, 255]);
    for (const [at, share] of [
      [2, 0.1],
      [3, 0.01],
      [4, 0.001],
    ] as const) {
      const step = steps[at] as number;
      expect(shareAt(step)).toBeGreaterThanOrEqual(share - 1e-9);
      if (step < 255) expect(shareAt(step + 1)).toBeLessThan(share + 1e-9);
    }
  });

  test("does not depend on the unit of the score", () => {
    const stretched = rateScale(
      rankScores(
        id.map((value) => 3 * value - 7),
        Float32Array.of(5),
      ),
    );
    const some = Float32Array.of(3, 500, 70_000, 99_999);
    expect(
      stepsOf(
        some.map((value) => 3 * value - 7),
        stretched,
      ),
    ).toEqual(stepsOf(some, scale));
  });
});

test("data errors are data errors", async () => {
  await expect(evaluateOn(trainScenes())).rejects.toThrow(DataError);
});
