/** A model seen as a segmentation network: which outputs are classes, which abstain, which are left out. */
import { createGenerator } from "../../data/index.js";
import { DataError, OffmapError, ShapeError } from "../../errors.js";
import type { ImportedGraph } from "../../graph/import.js";
import type { Parameter } from "../../graph/parameters.js";
import { widenHead } from "../../graph/widen-head.js";
import { abstentionKey } from "../../nn/index.js";
import { heFanIn } from "../../nn/initializers.js";
import { formatDims, type Model } from "../../onnx/index.js";
import { classNamesOf } from "../class-names.js";
import { asClassifier, type Classifier, importWhole, probeBatch } from "../classifier.js";
import { checkClassOrder, type LabelledClasses } from "./class-order.js";

/** The parts of {@link Classifier}, with logits [N, O, h, w]. */
export interface Segmenter extends Classifier {
  /** K: the first outputs, in the order of the train ids. */
  readonly classes: number;
  /** A: outputs after those of the classes. Further ones are left out. */
  readonly abstention: number;
  /** How errors call the model. */
  readonly where: string;
}

export interface Outputs {
  /** Number of classes of the data, K. */
  readonly classes: number;
  /** Outputs after those of the classes that the loss calls for, A. */
  readonly abstention: number;
  /** What the classes are called; default: nothing, and their order is not checked. */
  readonly labels?: LabelledClasses;
}

/**
 * A model with K + A outputs or more is taken as it is, unless it remembers that they are classes, and outputs beyond K + A are left out. One with exactly K outputs gets A more: the last
 * convolution is widened ({@link widenHead}), by rows drawn as by He et al., ICCV 2015, from the seed.
 *
 * @param shape  channels, height and width of the images
 * @param seed   of the rows that are added
 * @param where  how errors call the model
 * @throws ShapeError for a model without pixel-wise logits, or with fewer outputs than there are classes
 * @throws DataError for labels that number the model's classes otherwise: see {@link checkClassOrder}; and for a class that would be taken for an output to
 *   abstain with
 */
export function asSegmenter(
  model: Model,
  shape: readonly [number, number, number],
  { classes, abstention, labels = {} }: Outputs,
  seed: number,
  where = "model",
): Segmenter {
  const found = { ...asClassifier(model, where), classes, abstention, where };
  const { outputs } = inferPixelShapes(found, shape);
  checkClassOrder(model, outputs, labels, where);
  const own = classNamesOf(model) ?? [];
  if (abstention > 0 && own.length > classes) {
    throw new DataError({
      where,
      expected: `a network of the ${classes} classes of the labels, for a loss that adds an output to abstain with`,
      received: `one that has learnt "${own[classes]}" too, whose output would be taken for it`,
      hint: "begin with a network that was trained without that class, or take a loss without abstention",
    });
  }
  if (outputs >= classes + abstention) return withAbstentionKey(found);
  if (outputs !== classes) {
    throw new ShapeError({
      where: `${where}, output "${found.logits}"`,
      expected: `logits of ${classes} classes${abstention === 0 ? "" : `, or ${abstention} more for abstaining`}`,
      received: `${outputs} channels`,
      hint: "the model and the labels must have the same classes; void= and outlier= in the dataset leave classes out",
    });
  }
  const generator = createGenerator(seed).fork("abstention");
  const wide = widenHead(found.model, abstention, (dims) => heFanIn(dims, generator), where);
  const widened = { ...asClassifier(wide, where), classes, abstention, where };
  checkWidth(widened, shape, classes + abstention);
  return withAbstentionKey(widened);
}

/** The number of outputs that belong to no class stays with the model. */
function withAbstentionKey(segmenter: Segmenter): Segmenter {
  const { model } = segmenter;
  if (segmenter.abstention === 0) return segmenter;
  const metadata = new Map(model.metadata).set(abstentionKey, String(segmenter.abstention));
  return { ...segmenter, model: { ...model, metadata } };
}

/** What lies between the last convolution and the logits may insist on the old number of channels. */
function checkWidth(segmenter: Segmenter, shape: readonly [number, number, number], wanted: number): void {
  let outputs: number;
  try {
    ({ outputs } = inferPixelShapes(segmenter, shape));
  } catch (cause) {
    if (!(cause instanceof OffmapError)) throw cause;
    throw notWidened(segmenter, cause.message, wanted, cause);
  }
  if (outputs !== wanted) throw notWidened(segmenter, `${outputs} outputs`, wanted);
}

const notWidened = ({ where }: Segmenter, received: string, wanted: number, cause?: unknown) =>
  new ShapeError({
    where,
    expected: `${wanted} outputs once the last convolution has that many`,
    received,
    hint: "what follows the last convolution holds the old number; export the model with more outputs",
    cause,
  });

/** Height and width of the logits, and how many there are of each pixel. */
export interface PixelShapes extends ImportedGraph {
  /** O, at least 2. */
  readonly outputs: number;
  readonly height: number;
  readonly width: number;
}

/**
 * The whole graph imported for a small batch, which gives every tensor's shape.
 *
 * @param shape       channels, height and width of the images
 * @param parameters  that are trained
 * @param more        tensors wanted besides the logits
 * @throws ShapeError when the model does not give logits [N, O, h, w]
 */
export function inferPixelShapes(
  segmenter: Classifier,
  shape: readonly [number, number, number],
  parameters: readonly Parameter[] = [],
  more: readonly string[] = [],
): PixelShapes {
  const { logits } = segmenter;
  const imported = importWhole(segmenter, shape, parameters, [logits, ...more]);
  const value = imported.values.get(logits);
  const dims = value?.dims ?? [];
  const [rows, outputs, height, width] = dims;
  const known = typeof outputs === "number" && typeof height === "number" && typeof width === "number";
  if (dims.length !== 4 || rows !== probeBatch || !known || outputs < 2 || value?.dtype !== "float32") {
    throw new ShapeError({
      where: `output "${logits}"`,
      expected: `logits [${probeBatch}, classes, height, width] with at least two classes for a batch of ${probeBatch} images`,
      received: `${value?.dtype ?? "nothing"} ${formatDims(dims)}`,
      hint: "export the logits, not the classes, with a dynamic batch dimension (dynamic_axes={'input': {0: 'N'}} in PyTorch)",
    });
  }
  return { ...imported, outputs, height, width };
}

export type Task = "classification" | "segmentation";

/** Side of the images that shapes are inferred with where a model takes any size: large enough for the strides of all usual networks. */
const probeSide = 256;

/**
 * What a model does, by the rank of its first output: [N, K] tells images apart, [N, K, h, w] pixels.
 *
 * @throws ShapeError for another rank
 */
export function taskOf(model: Model, where = "model"): Task {
  const rank = model.graph.outputs[0]?.dims?.length ?? inferredRank(model, where);
  if (rank === 2) return "classification";
  if (rank === 4) return "segmentation";
  throw new ShapeError({
    where: `${where}, output "${model.graph.outputs[0]?.name ?? ""}"`,
    expected: "logits [N, K] of images, or [N, K, height, width] of pixels",
    received: rank === undefined ? "an unknown shape" : `${rank} dimensions`,
  });
}

function inferredRank(model: Model, where: string): number | undefined {
  const classifier = asClassifier(model, where);
  const [channels = 3, height = probeSide, width = probeSide] = classifier.shape;
  const { values } = importWhole(classifier, [channels, height, width], [], [classifier.logits]);
  return values.get(classifier.logits)?.dims.length;
}
