/** Predictions and scores of pixels as a graph on top of a segmentation network. */
import type { Size } from "../../data/index.js";
import { mostClasses } from "../../data/segmentation/types.js";
import { UnsupportedError } from "../../errors.js";
import { type Addition, append } from "../../graph/append.js";
import { GraphBuilder, minimumOpset } from "../../graph/builder.js";
import { type Dim, type Model, origin } from "../../onnx/types.js";
import { cast, type Expr, slice } from "../../ops/index.js";
import { predictedClass } from "../../scores/needed.js";
import { classNamesOf } from "../../training/class-names.js";
import type { Classifier } from "../../training/classifier.js";
import { outlierOutput } from "../../training/segmentation/outlier-head.js";
import { resizeLogits } from "../../training/segmentation/resize-logits.js";
import type { PixelShapes } from "../../training/segmentation/segmenter.js";
import { dropoutSamples, eachSample } from "./dropout-samples.js";
import { abstainingOutputs, hasOutlierHead } from "./pixel-network.js";
import { checkPartClasses, type PixelPart, refuseMissing } from "./pixel-part.js";
import { type PixelScoreDefinition, type PixelScoreInputs, pixelScores } from "./scores/index.js";

export interface PixelGraphOptions {
  /** K: outputs beyond are left out. */
  readonly classes: number;
  /** Of the maps; logits of another size are brought to it, bilinearly. */
  readonly size: Size;
  readonly parts: readonly PixelPart[];
  /** Images per run; a name where any number may come. */
  readonly batch: Dim;
}

/** Name of the output with the predicted class. */
export const predictedOutput = "offmap.predicted";

export interface PixelExpressions {
  readonly graph: GraphBuilder;
  /** {@link predictedOutput}, uint8 [N, H, W], and for each part, by its score, float32 [N, H, W]. */
  readonly outputs: Readonly<Record<string, Expr>>;
  /** Of the classes, float32 [N, K, H, W]. */
  readonly logits: Expr;
  /** A tensor of the model as an input of the graph. */
  readonly take: (tensor: string) => Expr;
  /** Those that were taken, by their names in the model. */
  readonly taken: ReadonlyMap<string, Expr>;
}

/**
 * @throws UnsupportedError for a score that looks at what the model does not have
 * @throws OptionError for a score that was fitted with another number of classes
 */
export function pixelExpressions(
  classifier: Classifier,
  shapes: PixelShapes,
  { classes, size, parts, batch }: PixelGraphOptions,
): PixelExpressions {
  const graph = new GraphBuilder(Math.max(minimumOpset, classifier.upgraded.opset));
  const taken = new Map<string, Expr>();
  const take = (name: string): Expr => {
    const known = taken.get(name);
    if (known !== undefined) return known;
    const { dtype, dims } = shapes.values.get(name) as Expr;
    // Under another name: the builder numbers tensors as the one that made the network may have done.
    const input = graph.input(`model/${name}`, dtype, [batch, ...dims.slice(1)]);
    taken.set(name, input);
    return input;
  };
  if (classes > mostClasses) {
    throw new UnsupportedError({
      where: `output "${classifier.logits}"`,
      expected: `at most ${mostClasses} classes, as labels have`,
      received: String(classes),
      hint: "--classes says how many of the outputs are classes",
    });
  }
  const sized = (map: Expr) => resizeLogits(map, size.height, size.width);
  const everyOutput = sized(take(classifier.logits));
  const logits = firstOf(everyOutput, classes);
  const allLogits = firstOf(everyOutput, classes + abstainingOutputs(classifier, shapes.outputs, classes));
  const outputs: Record<string, Expr> = { [predictedOutput]: cast(predictedClass(logits), "uint8") };
  for (const part of parts) {
    checkPartClasses(part, classes);
    const { uses, expression }: PixelScoreDefinition = pixelScores[part.score];
    const inputs: { -readonly [Key in keyof PixelScoreInputs]: PixelScoreInputs[Key] } = { logits, allLogits, size };
    if (uses.includes("abstention") && shapes.outputs === classes) {
      refuseMissing(part.score, `a model with outputs beyond its ${classes} classes`, `${shapes.outputs} outputs`);
    }
    const own = classNamesOf(classifier.model)?.length ?? classes;
    if (uses.includes("abstention") && own > classes) {
      refuseMissing(
        part.score,
        `the ${own} classes of the model to be judged, as outputs behind them abstain`,
        String(classes),
      );
    }
    if (uses.includes("features")) inputs.features = take(featuresOf(part, shapes));
    if (uses.includes("layers")) inputs.layers = layersOf(part, shapes).map(take);
    if (uses.includes("outlier-head")) {
      if (!hasOutlierHead(classifier)) {
        refuseMissing(part.score, `a model with a second head, output "${outlierOutput}"`, "a model without it");
      }
      inputs.outlierLogits = sized(take(outlierOutput));
    }
    if (uses.includes("dropout")) {
      if (batch !== 1) refuseMissing(part.score, "one image at a time", "any number of images");
      const { samples = 2, seed = 1 } = part.options;
      const own = dropoutSamples(graph, classifier, shapes, { samples, seed }, take);
      inputs.samples = eachSample(firstOf(sized(own), classes));
    }
    outputs[part.score] = expression(inputs, part.options, part.fitted);
  }
  return { graph, outputs, logits, take, taken };
}

function firstOf(logits: Expr, count: number): Expr {
  return logits.dims[1] === count ? logits : slice(logits, { axes: [1], starts: [0], ends: [count] });
}

const featuresOf = ({ score, features = "" }: PixelPart, shapes: PixelShapes): string =>
  tensorOfModel(score, features, shapes);

const layersOf = ({ score, layers = [] }: PixelPart, shapes: PixelShapes): string[] =>
  layers.map((tensor) => tensorOfModel(score, tensor, shapes));

function tensorOfModel(score: PixelPart["score"], tensor: string, { values }: PixelShapes): string {
  if (values.has(tensor)) return tensor;
  return refuseMissing(score, `the model it was fitted to, with a tensor "${tensor}"`, "a model without it");
}

/** From the expressions to the outputs of a graph. */
export type Finish = (expressions: PixelExpressions) => Record<string, Expr>;

/** The expressions as what {@link append} puts on a model. */
export function pixelAddition(
  classifier: Classifier,
  shapes: PixelShapes,
  options: PixelGraphOptions,
  finish: Finish = ({ outputs }) => outputs,
): Addition {
  const expressions = pixelExpressions(classifier, shapes, options);
  const { graph, taken } = expressions;
  const built = graph.build(finish(expressions));
  return {
    graph: built,
    inputs: Object.fromEntries([...taken].map(([tensor, { name }]) => [name, tensor])),
    outputs: Object.fromEntries(built.outputs.map(({ name }) => [name, name])),
    prefix: "offmap/pixels/",
  };
}

/** A network that gives {@link predictedOutput} and the scores of one image, or other outputs, and nothing else. */
export function pixelModel(
  classifier: Classifier,
  shapes: PixelShapes,
  options: Omit<PixelGraphOptions, "batch">,
  finish?: Finish,
): Model {
  const { [origin]: _model, ...model } = classifier.upgraded;
  const { [origin]: _graph, ...graph } = model.graph;
  const bare = { ...model, graph: { ...graph, outputs: [] } };
  return append(bare, [pixelAddition(classifier, shapes, { ...options, batch: 1 }, finish)]);
}
