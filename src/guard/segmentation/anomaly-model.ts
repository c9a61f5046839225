/** One file to ship: a segmentation network's own outputs, an anomaly map, and a mask; standard operators only. */
import { z } from "zod";
import { formatNormalization, type Normalization, type Size } from "../../data/index.js";
import { FormatError, OptionError } from "../../errors.js";
import { append } from "../../graph/append.js";
import { type Model, origin } from "../../onnx/types.js";
import { type Expr, first, tensorOf, unsqueeze } from "../../ops/index.js";
import { type Classifier, normalizationFor, normalizationKey } from "../../training/classifier.js";
import { anomalyKey } from "../../training/start-model.js";
import { version } from "../../version.js";
import type { PixelCalibration } from "./calibrate-pixels.js";
import { pixelAddition } from "./pixel-graph.js";
import { pixelShapes } from "./pixel-network.js";
import { checkPixelPart, type PixelPart } from "./pixel-part.js";

export const anomalyMapOutput = "anomaly_map";
export const anomalyMaskOutput = "anomaly_mask";

const describedSchema = z.object({ score: z.string(), threshold: z.number(), classes: z.int().min(2) });

/** What a model that {@link anomalyModel} made says of itself. */
export type DescribedAnomalies = z.infer<typeof describedSchema>;

export interface AnomalyModelOptions {
  /** K: outputs beyond are left out of the score. */
  readonly classes: number;
  /** Of the images that the file will take: maps are smoothed up to their border, so it is part of the graph. */
  readonly size: Size;
  /** Pixels with at least this score are anomalies. */
  readonly threshold: number;
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  /** Where the threshold comes from, for the metadata. */
  readonly calibration?: PixelCalibration | undefined;
}

/**
 * The model with the outputs `anomaly_map` float32 [N, 1, H, W], higher for more out-of-distribution, and `anomaly_mask` bool [N, 1, H, W], map ≥
 * threshold, after its own.
 *
 * @throws OptionError for another normalisation than the score was fitted with, or an output's name that is taken
 * @throws UnsupportedError for a score that looks at what the model does not have, or takes one image at a time
 */
export function anomalyModel(
  classifier: Classifier,
  part: PixelPart,
  { classes, size, threshold, normalization: given, calibration }: AnomalyModelOptions,
): Model {
  const normalization = normalizationFor(classifier, given);
  checkPixelPart(part, classifier, normalization);
  const { upgraded, input } = classifier;
  const { inputs, nodes } = upgraded.graph;
  for (const name of [anomalyMapOutput, anomalyMaskOutput]) {
    if (![...inputs.map((each) => each.name), ...nodes.flatMap(({ outputs }) => outputs)].includes(name)) continue;
    throw new OptionError({
      where: "--model",
      expected: `a model without a tensor "${name}"`,
      received: "one that has it",
      hint: "export the model that this one was made from",
    });
  }
  const shapes = pixelShapes(classifier, size);
  const addition = pixelAddition(
    classifier,
    shapes,
    { classes, size, parts: [part], batch: "N" },
    ({ graph, outputs }) => {
      const map = unsqueeze(outputs[part.score] as Expr, [1]);
      // Not "at least": what is no number is no known pixel either.
      const below = first(graph.op("Less", [map, graph.constant(tensorOf(threshold))]));
      const mask = first(graph.op("Not", [below]));
      return { [anomalyMapOutput]: map, [anomalyMaskOutput]: mask };
    },
  );
  const { [origin]: _model, ...model } = upgraded;
  const { [origin]: _graph, ...graph } = model.graph;
  const sized = {
    ...graph,
    inputs: inputs.map((each) => (each.name === input ? { ...each, dims: ["N", 3, size.height, size.width] } : each)),
  };
  const { score, options } = part;
  const metadata = new Map(upgraded.metadata)
    .set("offmap.version", version)
    .set(anomalyKey, JSON.stringify({ score, options, threshold, classes, calibration }));
  if (normalization !== undefined) metadata.set(normalizationKey, formatNormalization(normalization));
  return append({ ...model, metadata, graph: sized }, [addition]);
}

/** Whether a model is one that {@link anomalyModel} made. */
export const isAnomalyModel = ({ metadata }: Pick<Model, "metadata">): boolean => metadata.has(anomalyKey);

/** @throws FormatError unless the model is one that {@link anomalyModel} made */
export function describedAnomalies({ metadata }: Pick<Model, "metadata">, file: string): DescribedAnomalies {
  try {
    return describedSchema.parse(JSON.parse(metadata.get(anomalyKey) ?? ""));
  } catch (cause) {
    throw new FormatError({
      where: `${file}, metadata "${anomalyKey}"`,
      expected: "what `offmap export` writes of a segmentation network",
      received: "something else",
      cause,
    });
  }
}
