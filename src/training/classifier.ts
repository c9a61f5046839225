/** A model seen as an image classifier: which input takes images, which tensor holds the logits, how many classes. */
import { type Normalization, type OpenDatasetOptions, parseNormalization } from "../data/index.js";
import { ShapeError, UnsupportedError } from "../errors.js";
import { GraphBuilder, minimumOpset } from "../graph/builder.js";
import { type ImportedGraph, importGraph } from "../graph/import.js";
import { withLiftedWeights } from "../graph/lift-weights.js";
import type { Parameter } from "../graph/parameters.js";
import { upgradeModel } from "../graph/upgrade.js";
import { formatDims, type Model, type Node, origin } from "../onnx/index.js";
import { AttributeReader } from "../ops/index.js";

/** Key in a model's metadata under which the pixel normalisation it was tuned with is remembered. */
export const normalizationKey = "offmap.normalization";
/** Metadata key of how images of other sizes were brought to the model's, where that is not the default. */
export const resizeKey = "offmap.resize";
/** Key under which a tuned model remembers the names of its classes, as a JSON list. */
export const classNamesKey = "offmap.class_names";

export interface Classifier {
  /** The model as it was read. */
  readonly model: Model;
  /** The same in operator set 18 or newer, which the operator rules know. */
  readonly upgraded: Model;
  /** Name of the image input. */
  readonly input: string;
  /** Channels, height and width of one image; undefined where the model takes any size. */
  readonly shape: readonly [number | undefined, number | undefined, number | undefined];
  /** Tensor with the logits: the first output, or what goes into its Softmax when it ends in one, behind which Identity and Dropout change nothing. */
  readonly logits: string;
  readonly endsInSoftmax: boolean;
}

/** Operators that change nothing outside training. */
const passing: readonly string[] = ["Identity", "Dropout"];
/** Operators that change no number. */
const reshaping: readonly string[] = [...passing, "Flatten", "Reshape", "Squeeze"];

/**
 * @param file  how errors call the model
 * @throws ShapeError when the model does not take one batch of images or does not give one row of numbers per image
 * @throws UnsupportedError for other numbers than float32, for a Softmax whose shape is changed before it is given out, and for BatchNormalization in
 *   training mode
 */
export function asClassifier(read: Model, file = "model"): Classifier {
  const model = withLiftedWeights(read);
  const upgraded = upgradeModel(model);
  const { inputs, outputs } = upgraded.graph;
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new ShapeError({
      where: file,
      expected: "one input that takes images",
      received: `${inputs.length} inputs (${inputs.map((x) => x.name).join(", ")})`,
    });
  }
  if (input.dtype !== "float32") {
    throw new UnsupportedError({
      where: `${file}, input "${input.name}"`,
      expected: "float32 images",
      received: input.dtype,
    });
  }
  if (input.dims?.length !== 4) {
    throw new ShapeError({
      where: `${file}, input "${input.name}"`,
      expected: "images [N, channels, height, width]",
      received: formatDims(input.dims),
    });
  }
  const output = outputs[0];
  if (output === undefined)
    throw new ShapeError({ where: file, expected: "an output with logits", received: "no outputs" });
  // Of the file's own nodes: an old Softmax is upgraded to one between two changes of shape.
  const { nodes } = model.graph;
  const last = makerOf(nodes, output.name, passing);
  const endsInSoftmax = isSoftmax(last);
  const before = makerOf(nodes, output.name, reshaping);
  if (!endsInSoftmax && isSoftmax(before)) {
    throw new UnsupportedError({
      where: `${file}, output "${output.name}"`,
      expected: "logits, or their Softmax as the last step",
      received: `a ${before?.op} with a ${last?.op} after it`,
      hint: "export the model without its Softmax",
    });
  }
  const size = (axis: number) => {
    const dim = input.dims?.[axis];
    return typeof dim === "number" ? dim : undefined;
  };
  refuseBatchStatistics(upgraded.graph.nodes, input.name, file);
  return {
    model,
    upgraded,
    input: input.name,
    shape: [size(1), size(2), size(3)],
    logits: endsInSoftmax ? (last?.inputs[0] as string) : output.name,
    endsInSoftmax,
  };
}

/** In training mode what is said of an image depends on those beside it. Of weights, which no image moves, it is a way to standardise them. */
function refuseBatchStatistics(nodes: readonly Node[], image: string, file: string): void {
  const seen = new Set([image]);
  for (const { name, op, inputs, outputs, attributes } of nodes) {
    if (!inputs.some((input) => seen.has(input))) continue;
    for (const output of outputs) seen.add(output);
    const isTraining = new AttributeReader(attributes, name).int("training_mode", 0) === 1;
    if (op !== "BatchNormalization" || !isTraining || !seen.has(inputs[0] ?? "")) continue;
    throw new UnsupportedError({
      where: `${file}, node "${name}" (${op})`,
      expected: "the running statistics of inference",
      received: "training mode, in which images change each other's results",
      hint: "export the model in evaluation mode",
    });
  }
}

/** The node that makes a tensor, or what goes through nodes of some operators to it; undefined where a graph begins with it. */
function makerOf(nodes: readonly Node[], tensor: string, through: readonly string[]): Node | undefined {
  const node = nodes.find(({ outputs }) => outputs.includes(tensor));
  return node !== undefined && through.includes(node.op) ? makerOf(nodes, node.inputs[0] ?? "", through) : node;
}

const isSoftmax = (node: Node | undefined): boolean => node?.op === "Softmax" || node?.op === "LogSoftmax";

/** The size images must have: the model's own, filled up with the dataset's where the model takes any. */
export function imageShape(classifier: Classifier, found: readonly [number, number, number]): [number, number, number] {
  const [channels, height, width] = classifier.shape;
  return [channels ?? found[0], height ?? found[1], width ?? found[2]];
}

/** The normalisation given, else the one that the model's metadata remember, else none: what every function of the library goes by. */
export function normalizationFor(
  { model }: Pick<Classifier, "model">,
  given: Normalization | undefined,
): Normalization | undefined {
  const remembered = model.metadata.get(normalizationKey);
  return given ?? (remembered === undefined ? undefined : parseNormalization(remembered));
}

/** How datasets are opened: images are brought to the model's size and channels, in the way that it remembers; where it takes any, to the dataset's. */
export function shapeHint({
  model: { metadata },
  shape: [channels, height, width],
}: Classifier): Pick<OpenDatasetOptions, "shape" | "channels" | "resize"> {
  const resize = metadata.get(resizeKey) === "crop" ? ({ resize: "crop" } as const) : {};
  if (channels === undefined) return resize;
  const isOpen = height === undefined || width === undefined;
  return { ...resize, ...(isOpen ? { channels } : { shape: [channels, height, width] as const }) };
}

/** A batch that no hard-coded batch size of 1 can pass for. */
export const probeBatch = 2;

/** The whole graph imported for a batch of {@link probeBatch} images, which gives every tensor's shape. */
export function importWhole(
  { upgraded, input }: Classifier,
  shape: readonly [number, number, number],
  parameters: readonly Parameter[],
  outputs: readonly string[],
): ImportedGraph {
  const builder = new GraphBuilder(Math.max(minimumOpset, upgraded.opset));
  const bound = new Map([[input, builder.input(input, "float32", [probeBatch, ...shape])]]);
  // What is trained must not be folded away as a constant.
  for (const { name, tensor } of parameters) bound.set(name, builder.input(name, tensor.dtype, tensor.dims));
  return importGraph(builder, upgraded.graph, { bound, outputs });
}

/**
 * The whole graph imported for a small batch, and the number of classes. Models exported for a fixed batch size pass when nothing
 * inside them depends on it.
 *
 * @param more  further tensors that are asked for
 * @throws ShapeError when the model does not give one row of logits per image
 */
export function inferShapes(
  classifier: Classifier,
  shape: readonly [number, number, number],
  parameters: readonly Parameter[] = [],
  more: readonly string[] = [],
): ImportedGraph & { classes: number } {
  const { logits } = classifier;
  const imported = importWhole(classifier, shape, parameters, [logits, ...more]);
  const dims = imported.values.get(logits)?.dims ?? [];
  const [rows, classes] = dims;
  if (dims.length !== 2 || rows !== probeBatch || typeof classes !== "number" || classes < 2) {
    throw new ShapeError({
      where: `output "${logits}"`,
      expected: `logits [${probeBatch}, classes] with at least two classes for a batch of ${probeBatch} images`,
      received: formatDims(dims),
      hint: "export the model with a dynamic batch dimension (dynamic_axes={'input': {0: 'N'}} in PyTorch)",
    });
  }
  return { ...imported, classes };
}

/** The model for inference: any batch size in, the logits as the only output. */
export function logitsModel({ upgraded, input, logits }: Classifier): Model {
  const { [origin]: _model, ...plainModel } = upgraded;
  const { [origin]: _graph, ...plainGraph } = upgraded.graph;
  const inputs = plainGraph.inputs.map((x) =>
    x.name === input && x.dims ? { ...x, dims: ["N", ...x.dims.slice(1)] } : x,
  );
  return {
    ...plainModel,
    graph: { ...plainGraph, inputs, outputs: [{ name: logits, dtype: "float32", dims: ["N", "K"] }] },
  };
}
