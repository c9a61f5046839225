/** One file to ship: a model's own outputs, its OOD score, a p-value and a decision; standard operators only. */
import { formatNormalization, type Normalization, type ResizeMode } from "../data/index.js";
import { OptionError } from "../errors.js";
import { type Addition, append } from "../graph/append.js";
import { GraphBuilder } from "../graph/builder.js";
import { type Graph, type Model, origin } from "../onnx/types.js";
import { add, first, greaterOrEqual, indicator, mul, sum, tensorOf, unsqueeze } from "../ops/index.js";
import { adjustedLogits } from "../scores/index.js";
import {
  type Classifier,
  imageShape,
  inferShapes,
  normalizationFor,
  normalizationKey,
} from "../training/classifier.js";
import { guardKey } from "../training/start-model.js";
import { version } from "../version.js";
import type { Calibration } from "./calibrate.js";
import { networkFingerprint, partFingerprint } from "./fingerprints.js";
import { preprocessing } from "./preprocess.js";
import { checkNormalization } from "./same-normalization.js";
import { checkFitted, type ScorePart, scoreOutput } from "./score-part.js";
import { additions, checkSizes } from "./scored-model.js";

export const pValueOutput = "ood_p_value";
export const decisionOutput = "is_ood";
export const adjustedOutput = "adjusted_logits";

export interface GuardOptions {
  /** Default: the one that the model remembers, else none. */
  readonly normalization?: Normalization | undefined;
  /** Channels, height and width of the images that the file takes, which are those of the calibration; default: the calibration's. */
  readonly shape?: readonly [number, number, number];
  /** Takes uint8 images [N, H, W, C] of any size, and brings them to the shape and normalises them inside; default false. */
  readonly preprocess?: boolean;
  /** Training images of each class, [K]: gives the output `adjusted_logits`. */
  readonly classCounts?: readonly number[];
}

/**
 * The model with the outputs `ood_score` [N] float32, `ood_p_value` [N] float32 and `is_ood` [N] bool after its own. The p-value is
 * (1 + number of calibration scores at least as high) / (n + 1), rounded down so that p <= alpha wherever `is_ood` is true; `is_ood` says
 * score > threshold, and is true for a NaN too, whose p-value is the smallest. With class counts `adjusted_logits` [N, K] float32 comes before them, {@link adjustedLogits} with τ = 1.
 *
 * @throws OptionError when the calibration belongs to another score or network, score or calibration to another normalisation, an output's name is
 *         taken, class counts are not > 0, or the images have another shape than those that the calibration was made with
 * @throws ShapeError when the score was fitted to another model, and for another number of counts than classes
 */
export function guardedModel(
  classifier: Classifier,
  part: ScorePart,
  calibration: Calibration,
  { normalization: given, shape = calibration.shape, preprocess = false, classCounts }: GuardOptions = {},
): Model {
  const normalization = normalizationFor(classifier, given);
  const { upgraded } = classifier;
  for (const name of [adjustedOutput, scoreOutput, pValueOutput, decisionOutput]) checkFree(upgraded.graph, name);
  checkShape(classifier, shape, calibration);
  checkSizes(classifier, [part], shape);
  checkFitted(part, classifier, normalization);
  checkBelongs(part, classifier, calibration);
  checkNormalization(calibration.normalization, normalization, {
    what: "calibration was made",
    again: "give the same one, or calibrate again",
  });
  const scored = append(anyBatch(upgraded, shape), [
    ...(classCounts === undefined ? [] : [adjustment(classifier, shape, classCounts)]),
    ...additions(classifier, [part], () => scoreOutput),
  ]);
  const guarded = append(scored, [
    {
      graph: decision(calibration, upgraded.opset),
      inputs: { score: scoreOutput },
      outputs: { p: pValueOutput, decision: decisionOutput },
      prefix: "offmap/guard/",
    },
  ]);
  const metadata = new Map(upgraded.metadata);
  const { scores: _scores, ...summary } = calibration;
  metadata.set("offmap.version", version);
  const { features, map, fittedTo } = part;
  metadata.set(guardKey, JSON.stringify({ ...summary, features, map, fitted_to: fittedTo }));
  if (normalization !== undefined) metadata.set(normalizationKey, formatNormalization(normalization));
  const model = { ...guarded, metadata };
  if (!preprocess) return model;
  return preprocessing(model, classifier.input, shape, {
    normalization,
    resize: calibration.resize ?? "stretch",
  });
}

/** How images of other sizes were brought to the model's when an exported model was calibrated. */
export function calibratedResize({ metadata }: Model): ResizeMode {
  const summary = JSON.parse(metadata.get(guardKey) ?? "{}") as Partial<Calibration>;
  return summary.resize ?? "stretch";
}

/** @throws OptionError for images normalised otherwise than those that an exported model was calibrated with */
export function checkCalibratedWith({ metadata }: Model, normalization: Normalization | undefined): void {
  const summary = JSON.parse(metadata.get(guardKey) ?? "{}") as Partial<Calibration>;
  checkNormalization(summary.normalization, normalization, {
    what: "model was calibrated",
    again: "leave it out, as the model remembers it",
  });
}

/** A score has another distribution over images of another size, and with it another threshold. */
function checkShape(
  classifier: Classifier,
  asked: readonly [number, number, number],
  { shape }: Pick<Calibration, "shape">,
): void {
  const told = ([channels, height, width]: readonly number[]) => `images of ${height}x${width}, ${channels} channels`;
  for (const [wanted, who] of [
    [imageShape(classifier, shape), "the model takes"],
    [asked, "the file is to take"],
  ] as const) {
    if (wanted.every((size, axis) => size === shape[axis])) continue;
    throw new OptionError({
      where: "--calibration",
      expected: `a calibration with ${told(wanted)}, as ${who}`,
      received: `one with ${told(shape)}`,
      hint: "run `offmap calibrate` with images of the size that the file will take",
    });
  }
}

function adjustment(
  classifier: Classifier,
  shape: readonly [number, number, number],
  classCounts: readonly number[],
): Addition {
  const { upgraded, logits } = classifier;
  const graph = new GraphBuilder(upgraded.opset);
  const plain = graph.input("logits", "float32", ["N", inferShapes(classifier, shape).classes]);
  return {
    graph: graph.build({ adjusted: adjustedLogits(plain, classCounts) }),
    inputs: { logits },
    outputs: { adjusted: adjustedOutput },
    prefix: "offmap/adjusted/",
  };
}

function decision({ scores, threshold, count }: Calibration, opset: number): Graph {
  const graph = new GraphBuilder(opset);
  const score = graph.input("score", "float32", ["N"]);
  const known = graph.constant(tensorOf(scores, "float32", [1, scores.length]));
  const higher = sum(indicator(greaterOrEqual(known, unsqueeze(score, [1]))), { axes: [1] });
  // The factor is short of 1/(n + 1) by what rounding the factor and the product to float32 can add.
  const p = mul(add(higher, 1), (1 - 2 ** -22) / (count + 1));
  // Not "greater": what is no number is no known image either.
  const within = first(graph.op("LessOrEqual", [score, graph.constant(tensorOf(threshold))]));
  return graph.build({ p, decision: first(graph.op("Not", [within])) });
}

/** The model for any number of images of a shape, with its own outputs. */
function anyBatch(model: Model, shape: readonly [number, number, number]): Model {
  const { [origin]: _model, ...plainModel } = model;
  const { [origin]: _graph, ...plainGraph } = model.graph;
  const open = (values: Graph["outputs"]) =>
    values.map((value) => (value.dims === undefined ? value : { ...value, dims: ["N", ...value.dims.slice(1)] }));
  const inputs = model.graph.inputs.map((input) => ({ ...input, dims: ["N", ...shape] }));
  return { ...plainModel, graph: { ...plainGraph, inputs, outputs: open(model.graph.outputs) } };
}

function checkBelongs(part: ScorePart, classifier: Classifier, calibration: Calibration): void {
  const { score, options } = part;
  const refuse = (expected: string, received: string): never => {
    const hint = "run `offmap calibrate` with the same --model, and the same --fit or --score";
    throw new OptionError({ where: "--calibration", expected, received, hint });
  };
  const told = (name: string, of: object) => `${name} ${JSON.stringify(of)}`;
  if (score !== calibration.score || JSON.stringify(calibration.options) !== JSON.stringify(options)) {
    refuse(
      `a calibration of the score ${told(score, options)}`,
      `one of ${told(calibration.score, calibration.options)}`,
    );
  }
  if (calibration.network !== networkFingerprint(classifier)) {
    refuse("a calibration of this network", "one of a network with other weights or nodes");
  }
  if (calibration.part !== partFingerprint(part)) {
    refuse(`a calibration of this fit of ${score}`, "one of a fit to other images or features");
  }
}

function checkFree({ nodes, inputs }: Graph, name: string): void {
  if (![...inputs.map((input) => input.name), ...nodes.flatMap(({ outputs }) => outputs)].includes(name)) return;
  throw new OptionError({
    where: "--model",
    expected: `a model without a tensor "${name}"`,
    received: "one that has it",
    hint: "export the model that this one was made from",
  });
}
