import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryScenes } from "../../../test/data/segmentation.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { outlierLabel, type SegmentationDataset } from "../../data/index.js";
import { connectedComponents } from "../../metrics/index.js";
import { createEngine, type Engine } from "../../runtime/index.js";
import { asClassifier } from "../../training/index.js";
import { asPixelCalibration, calibratePixels, checkPixelCalibration } from "./calibrate-pixels.js";
import { pixelModel } from "./pixel-graph.js";
import { readyPixelPart } from "./pixel-part.js";
import { runScenes } from "./pixel-runner.js";

const classifier = asClassifier(tinyNetwork({ outputs: 4 }));
const part = readyPixelPart("energy");
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.close());

/** The lower right quarter is void, which nothing may depend on. */
function withVoid(scenes: SegmentationDataset): SegmentationDataset {
  const readOne = async (index: number) => {
    const scene = await scenes.readOne(index);
    return { ...scene, labels: scene.labels.map((label, at) => (at >= 96 && at % 16 >= 8 ? 255 : label)) };
  };
  return { ...scenes, readOne };
}

function withAnomaly(scenes: SegmentationDataset): SegmentationDataset {
  const readOne = async (index: number) => {
    const scene = await scenes.readOne(index);
    return { ...scene, labels: scene.labels.map((label, at) => (at < 20 ? outlierLabel : label)) };
  };
  return { ...scenes, name: "odd", readOne };
}

const id = withVoid(memoryScenes(30, 12, 16));

/** Which pixels of each scene are known, and their scores, without the code under test. */
async function maps(dataset: SegmentationDataset) {
  const found: { labels: Uint8Array; map: Float32Array }[] = [];
  await runScenes(
    engine,
    classifier,
    dataset,
    (shapes, size) => pixelModel(classifier, shapes, { classes: 4, size, parts: [part] }),
    {},
    ({ scene, outputs }) => void found.push({ labels: scene.labels, map: outputs.energy?.data as Float32Array }),
  );
  return found;
}

test("the share of flagged pixels of all images is within what the inequality allows, and the detection rate is that of the anomalous pixels", async () => {
  const odd = withAnomaly(memoryScenes(5, 12, 16));
  const found = await calibratePixels(engine, classifier, part, id, [odd], { alpha: 0.1, fresh: 0 });
  expect(found).toMatchObject({ count: 30, classes: 4, false_alarms: null, alarm_pixels: null });
  const shares = (await maps(id)).map(({ labels, map }) => {
    const known = [...map].filter((_, at) => (labels[at] as number) < outlierLabel);
    return known.filter((score) => score >= found.threshold).length / known.length;
  });
  const rate = shares.reduce((sum, share) => sum + share, 0) / 30;
  expect(found.rate).toBeCloseTo(rate, 12);
  expect((30 * rate + 1) / 31).toBeLessThanOrEqual(0.1);
  const anomalous = (await maps(odd)).flatMap(({ labels, map }) =>
    [...map].filter((_, at) => labels[at] === outlierLabel),
  );
  expect(found.detected).toEqual({
    odd: {
      ...{ images: 5, pixels: 100 },
      share: anomalous.filter((score) => score >= found.threshold).length / 100,
    },
  });
});

test("with alarmPixels, at most alpha (n + 1) - 1 images have a flagged component of more pixels", async () => {
  const options = { alpha: 0.2, alarmPixels: 4, fresh: 0.2 };
  const found = await calibratePixels(engine, classifier, part, id, [], options);
  expect(found).toMatchObject({ count: 24, alarm_pixels: 4, false_alarms: { images: 6 } });
  const alarms = (await maps(id)).map(({ labels, map }) => {
    const flagged = Uint8Array.from(map, (score, at) =>
      (labels[at] as number) < outlierLabel && score >= found.threshold ? 1 : 0,
    );
    return Math.max(0, ...connectedComponents(flagged, 16).sizes.subarray(1)) > 4 ? 1 : 0;
  });
  const all = alarms.reduce<number>((sum, alarm) => sum + alarm, 0);
  const fresh = (found.false_alarms?.images_with_alarm ?? Number.NaN) * 6;
  expect(found.rate * 24).toBeCloseTo(all - fresh, 9);
  // ⌊0.2 · 25⌋ = 5, less the one that the image to come is counted as.
  expect(found.rate * 24).toBeLessThanOrEqual(4);
});

test("too few images, and a set without anomalies, are refused; the first before the model runs", async () => {
  const refused = calibratePixels(engine, classifier, part, id, [], { alpha: 0.03 });
  await expect(refused).rejects.toThrow(
    "calibration images: expected at least 41 for a rate of 0.03, of which 8 are kept back to measure it, got 30",
  );
  const plain = calibratePixels(engine, classifier, part, id, [memoryScenes(2, 12, 16)], { alpha: 0.2 });
  await expect(plain).rejects.toThrow("got no anomaly");
});

test("a calibration of another score, other classes or another normalisation is told from this one", async () => {
  const found = await calibratePixels(engine, classifier, part, id, [], { alpha: 0.2 });
  const read = asPixelCalibration(JSON.parse(JSON.stringify(found)), "mask.json");
  expect(read).toEqual(found);
  const now = { classes: 4, normalization: "none", size: { height: 12, width: 16 } };
  expect(() => checkPixelCalibration(read, classifier, part, now)).not.toThrow();
  expect(() => checkPixelCalibration(read, classifier, readyPixelPart("msp"), now)).toThrow(
    "expected a calibration of msp",
  );
  expect(() => checkPixelCalibration(read, classifier, part, { ...now, classes: 3 })).toThrow("of 3 classes");
  expect(() => checkPixelCalibration(read, classifier, part, { ...now, normalization: "0.5:0.5" })).toThrow(
    "normalised by 0.5:0.5",
  );
  expect(() => checkPixelCalibration({ ...read, network: "0" }, classifier, part, now)).toThrow(
    "expected a calibration of this network, got one of a network with other weights or nodes",
  );
  expect(() => checkPixelCalibration({ ...read, part: "0" }, classifier, part, now)).toThrow(
    "one of a fit to other scenes",
  );
  expect(() => asPixelCalibration({ score: "energy" }, "old.json")).toThrow("old.json");
  const halved = { ...now, size: { height: 6, width: 8 } };
  expect(() => checkPixelCalibration(read, classifier, part, halved)).toThrow(
    "--calibration: expected a calibration of scenes of 6x8, got one of scenes of 12x16; calibrate with scenes of the size that the file will take",
  );
  expect(() => asPixelCalibration({ ...read, size: undefined }, "old.json")).toThrow("old.json");
});

test("scenes of several sizes are remembered as such, wherever the other one comes, and suit any size", async () => {
  const [small, large] = [memoryScenes(5, 12, 16), memoryScenes(5, 18, 24)];
  for (const odd of [0, 2, 4]) {
    const readOne = (index: number) => (index === odd ? large : small).readOne(index);
    const found = await calibratePixels(engine, classifier, part, { ...small, readOne }, [], { alpha: 0.2, fresh: 0 });
    expect(found.size).toBeNull();
    const now = { classes: 4, normalization: "none", size: { height: 6, width: 8 } };
    expect(() => checkPixelCalibration(found, classifier, part, now)).not.toThrow();
  }
  const alike = await calibratePixels(engine, classifier, part, large, [], { alpha: 0.2, fresh: 0 });
  expect(alike.size).toEqual({ height: 18, width: 24 });
});
