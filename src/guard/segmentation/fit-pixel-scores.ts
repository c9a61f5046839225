/** Fits scores of pixels to in-distribution images: all of them in one pass, in bounded memory. */
import { createGenerator, type SegmentationDataset } from "../../data/index.js";
import { resizeLabels } from "../../data/segmentation/resize-scene.js";
import { CancelledError, DataError, OffmapError, OptionError } from "../../errors.js";
import type { Tensor } from "../../onnx/types.js";
import { type Expr, reduceMax, slice } from "../../ops/index.js";
import type { Engine } from "../../runtime/index.js";
import { Sample } from "../../scores/fit/sample.js";
import type { ScoreOptions } from "../../scores/index.js";
import type { Classifier } from "../../training/classifier.js";
import { ClassSums, MaxLogits } from "./class-sums.js";
import { LayerFlows } from "./flow/layer-flows.js";
import { LayerSample } from "./flow/layer-sample.js";
import { findPixelFeatures, findPixelLayers, type PixelFeatures } from "./pixel-features.js";
import { pixelModel, predictedOutput } from "./pixel-graph.js";
import { classesOf, inputSize, pixelShapes } from "./pixel-network.js";
import { type PixelPart, pixelOptionsOf, pixelPartFittedWith } from "./pixel-part.js";
import { rowsOf, stepOf } from "./pixel-rows.js";
import { type RunScenesOptions, runScenes, type SceneOutputs } from "./pixel-runner.js";
import {
  type PixelFitData,
  type PixelFitPart,
  type PixelScoreDefinition,
  type PixelScoreName,
  pixelScores,
} from "./scores/index.js";

export interface FitPixelOptions extends RunScenesOptions {
  /** Tensors with the features, several for scores of several layers; default: what goes into the last layer, and what `findPixelLayers` finds. */
  readonly layers?: readonly string[] | undefined;
  /** Options of the scores, by the name of the score. */
  readonly options?: Readonly<Partial<Record<PixelScoreName, ScoreOptions>>>;
  /** Told of a score that the model or the data do not allow, which is then left out. Default: the error is thrown. */
  readonly onRefusal?: ((name: PixelScoreName, error: OffmapError) => void) | undefined;
}

/** Which features are kept should not change between two fits. */
const bankSeed = 1;
/** Most positions that are kept, for scores that look at single ones. */
const mostKept = 50_000;

/**
 * Pixels that are void or outliers in the labels enter nothing: classes that are held out are void in training.
 *
 * @param dataset  in-distribution scenes with classes
 * @throws DataError for data whose labels tell no classes, or too little in them for a score
 * @throws UnsupportedError when the model lacks what a score looks at
 */
export async function fitPixelScores(
  engine: Engine,
  classifier: Classifier,
  dataset: SegmentationDataset,
  names: readonly PixelScoreName[],
  { layers: named = [], options = {}, onRefusal, ...run }: FitPixelOptions = {},
): Promise<PixelPart[]> {
  const attempt = async <Result>(name: PixelScoreName, make: () => Promise<Result>): Promise<Result | undefined> => {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof OffmapError) || error instanceof CancelledError || onRefusal === undefined) throw error;
      onRefusal(name, error);
      return undefined;
    }
  };
  if (dataset.classNames === undefined) {
    throw new DataError({
      where: dataset.spec,
      expected: "labels of classes to fit scores to",
      received: "labels that only tell anomalies from the rest",
    });
  }
  const shapes = pixelShapes(classifier, inputSize(classifier, await dataset.readOne(0)));
  const classes = classesOf(classifier, shapes.outputs, dataset, dataset.spec);
  const wanted = names.map((name) => {
    const definition: PixelScoreDefinition = pixelScores[name];
    return { name, definition, settings: pixelOptionsOf(name, options[name]) };
  });
  let features: PixelFeatures | undefined;
  let layers: readonly PixelFeatures[] | undefined;
  const allowed: typeof wanted = [];
  for (const one of wanted) {
    const { uses } = one.definition;
    const done = await attempt(one.name, async () => {
      if (uses.includes("features")) features ??= findPixelFeatures(classifier, shapes, onlyLayer(named, one.name));
      if (uses.includes("layers")) layers ??= findPixelLayers(classifier, shapes, named);
      return true;
    });
    if (done) allowed.push(one);
  }
  const reads = new Set(allowed.flatMap(({ definition }) => definition.reads ?? []));
  const data =
    reads.size === 0 ? undefined : await gather(engine, classifier, dataset, { classes, features, layers, reads }, run);
  const parts: PixelPart[] = [];
  for (const { name, definition, settings } of allowed) {
    const part = await attempt(name, async (): Promise<PixelPart> => {
      const fitted = data === undefined ? {} : ((await definition.fit?.(data, settings)) ?? {});
      const tensor = definition.uses.includes("features") ? features?.tensor : undefined;
      const tensors = definition.uses.includes("layers") ? layers?.map((layer) => layer.tensor) : undefined;
      return {
        ...{ score: name, options: settings, fitted },
        ...(tensor !== undefined && { features: tensor }),
        ...(tensors !== undefined && { layers: tensors }),
      };
    });
    if (part === undefined) continue;
    const { normalization } = run;
    parts.push(definition.fit === undefined ? part : pixelPartFittedWith(part, classifier, { normalization, classes }));
  }
  return parts;
}

/** @throws OptionError when several layers are named */
function onlyLayer([layer, ...more]: readonly string[], name: PixelScoreName): string | undefined {
  if (more.length === 0) return layer;
  throw new OptionError({
    where: "--layer",
    expected: `one layer for score ${name}`,
    received: [layer, ...more].join(", "),
  });
}

interface Gathered {
  readonly classes: number;
  readonly features: PixelFeatures | undefined;
  /** Where scores of several layers are fitted; the last is `features` where that is there too. */
  readonly layers: readonly PixelFeatures[] | undefined;
  readonly reads: ReadonlySet<PixelFitPart>;
}

const logitsOutput = "offmap.logits";
const topOutput = "offmap.top";
const rowsOutput = "offmap.rows";

async function gather(
  engine: Engine,
  classifier: Classifier,
  dataset: SegmentationDataset,
  { classes, features, layers, reads }: Gathered,
  run: RunScenesOptions,
): Promise<PixelFitData> {
  const tops = new MaxLogits(classes);
  const dimension = features?.dimension ?? 0;
  const sample = new Sample(
    { classes: 0, dimension },
    createGenerator(bankSeed).fork("pixels"),
    reads.has("bank") ? mostKept : 0,
  );
  const pixels = new Sample(
    { classes, dimension: 0 },
    createGenerator(bankSeed).fork("labelled pixels"),
    reads.has("labelled") ? mostKept : 0,
  );
  const flowLayers = layers ?? (features === undefined ? [] : [features]);
  const layerSample = reads.has("flows")
    ? new LayerSample(flowLayers, classes, createGenerator(bankSeed).fork("layers"))
    : undefined;
  const ofPositions = features !== undefined && (reads.has("bank") || reads.has("classMoments"));
  const moments = reads.has("classMoments") ? await ClassSums.load(engine, classes, dimension) : undefined;
  try {
    await runScenes(
      engine,
      classifier,
      dataset,
      (shapes, size) =>
        pixelModel(classifier, shapes, { classes, size, parts: [] }, ({ outputs, logits, take }) => ({
          ...(reads.has("maxLogits") ? { ...outputs, [topOutput]: reduceMax(logits, { axes: [1] }) } : {}),
          ...(reads.has("labelled") ? { [logitsOutput]: thinned(logits) } : {}),
          ...(ofPositions && { [rowsOutput]: rowsOf(take(features.tensor)) }),
          ...layerSample?.outputs(take),
        })),
      run,
      async ({ scene, outputs }) => {
        const top = outputs[topOutput];
        if (top !== undefined)
          tops.add(top.data as Float32Array, outputs[predictedOutput]?.data as Uint8Array, scene.labels);
        const some = outputs[logitsOutput];
        if (some !== undefined) pixels.add(labelledPixels(some, scene, classes));
        layerSample?.add(scene, outputs);
        const rows = outputs[rowsOutput];
        if (rows === undefined) return;
        const known = withClass(rows, scene, classes);
        sample.add(known);
        await moments?.add(known.features, known.labels);
      },
    );
    return {
      maxLogits: tops.moments(),
      classMoments: moments?.results() ?? [],
      labelled: pixels.rows(),
      bank: { features: sample.rows().features, dimension },
      flows: new LayerFlows(engine, layerSample?.rows() ?? [], run),
    };
  } finally {
    await moments?.release();
  }
}

/** Logits [1, K, H, W] of every so many-th pixel, as [h, w, K]. */
function thinned(logits: Expr): Expr {
  const [height, width] = logits.dims.slice(2) as [number, number];
  const step = stepOf({ height, width });
  const at = { axes: [2, 3], starts: [0, 0], ends: [height, width], steps: [step, step] };
  return rowsOf(slice(logits, at));
}

/** Their logits and labels, where these are classes. */
function labelledPixels(logits: Tensor, scene: SceneOutputs["scene"], classes: number) {
  const step = stepOf(scene);
  const [height, width] = logits.dims as [number, number];
  const labels = Uint8Array.from({ length: height * width }, (_, place) => {
    const [row, column] = [Math.floor(place / width), place % width];
    return scene.labels[step * (row * scene.width + column)] as number;
  });
  const { count, rows, labels: own } = selected(logits, labels, classes);
  return { count, features: new Float32Array(0), logits: rows, labels: own };
}

/** The rows of positions whose label is a class, that of the pixel in the middle of what they stand for. */
function withClass(features: Tensor, scene: SceneOutputs["scene"], classes: number) {
  const [height, width] = features.dims as [number, number];
  const { count, rows, labels } = selected(features, resizeLabels(scene.labels, scene, { height, width }), classes);
  return { count, features: rows, logits: new Float32Array(0), labels };
}

/** Rows of [h, w, D] whose label is a class. */
function selected({ dims, data }: Tensor, labels: Uint8Array, classes: number) {
  const dimension = dims[2] as number;
  const places: number[] = [];
  labels.forEach((label, place) => {
    if (label < classes) places.push(place);
  });
  const rows = new Float32Array(places.length * dimension);
  places.forEach((place, row) => {
    rows.set((data as Float32Array).subarray(place * dimension, (place + 1) * dimension), row * dimension);
  });
  return { count: places.length, rows, labels: Int32Array.from(places, (place) => labels[place] as number) };
}
