/**
 * Scores that look at how the logits change with the image. Such a part holds a copy of the model and its gradient as nodes, but none of
 * its weights: those are inputs, which become the model's own when the part is put on top of it, so that files do not double.
 *
 * Differentiation knows one batch size and models take any, so the copy is made for one image and a Scan runs it for each.
 */
import type { Normalization } from "../data/index.js";
import { GraphBuilder, minimumOpset } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { importGraph } from "../graph/import.js";
import { findParameters } from "../graph/parameters.js";
import { type Dim, type Graph, int, type Model, type Node, type Tensor, type ValueInfo } from "../onnx/types.js";
import { concat, type Expr, squeeze, tensorOf, unsqueeze } from "../ops/index.js";
import {
  type Fitted,
  type ImageInputs,
  type ScoreDefinition,
  type ScoreInputs,
  type ScoreName,
  type ScoreOptions,
  scores,
} from "../scores/index.js";
import type { Classifier } from "../training/classifier.js";
import { asFeatures, type Features } from "./features.js";
import { outputWidth } from "./output-width.js";
import { imageInput, labelledPart, type ScorePart, scoreOutput, weightInput } from "./score-part.js";

/** What an image part is made of. */
export interface ImagePartOptions {
  readonly classifier: Classifier;
  /** Of the images: the part takes no others. */
  readonly shape: readonly [number, number, number];
  /** Of their pixels. */
  readonly normalization?: Normalization | undefined;
  /** Where they are; for scores that use them. */
  readonly features?: Features | undefined;
  /** What the score's `fit` found; nothing for scores without one. */
  readonly fitted?: Fitted;
}

/**
 * @throws UnsupportedError when the model has an operator without a gradient rule
 * @throws ShapeError when it lacks the output that the score is of
 */
export function buildImagePart(name: ScoreName, options: ScoreOptions, of: ImagePartOptions): ScorePart {
  return imagePart(name, options, of, (scoreWith) => squeeze(scoreWith(options), [0]));
}

/**
 * The score with each of several options, side by side: `ood_score` is [N, number of options]. What they have in common, such as the
 * gradient, is computed once. Throws as {@link buildImagePart}.
 */
export function buildImageParts(name: ScoreName, options: readonly ScoreOptions[], of: ImagePartOptions): ScorePart {
  return imagePart(name, {}, of, (scoreWith) => concat(options.map(scoreWith), 0));
}

/** @param combine  makes the output of one image from scores [1] */
function imagePart(
  name: ScoreName,
  options: ScoreOptions,
  { classifier, shape, normalization, features, fitted = {} }: ImagePartOptions,
  combine: (scoreWith: (options: ScoreOptions) => Expr) => Expr,
): ScorePart {
  const { expression, output, uses }: ScoreDefinition = scores[name];
  if (output !== undefined) outputWidth(name, classifier, output);
  const body = new GraphBuilder(Math.max(minimumOpset, classifier.upgraded.opset));
  const image = body.input(scanned.image, "float32", shape);
  const seen = output === undefined ? classifier : { ...classifier, logits: output };
  const used = uses.includes("features") ? features : undefined;
  const inputs = imageInputs(body, seen, unsqueeze(image, [0]), normalization, used);
  const score = combine((own) => expression(inputs, own, fitted));
  const model = eachImage(body, image, score, `${name} score`);
  return labelledPart(name, options, model, used && { features: used.tensor });
}

/** The inputs of such a score for one image [1, C, H, W]; the weights become inputs of the graph. */
export function imageInputs(
  graph: GraphBuilder,
  { upgraded, input, logits }: Classifier,
  pixels: Expr,
  { std }: Pick<Normalization, "std"> = { std: [1] },
  features?: Features,
): ScoreInputs & { readonly image: ImageInputs } {
  const weights = learnedNames(upgraded.graph).map((name): [string, Expr] => {
    const { dtype, dims } = upgraded.graph.initializers.get(name) as Tensor;
    return [name, graph.input(weightInput(name), dtype, dims)];
  });
  const bound = new Map(weights);
  const run = (from: Expr, copy: Graph, output: string) =>
    importGraph(graph, copy, { bound: new Map([...bound, [input, from]]), outputs: [output] }).values;
  const ofAnother = (from: Expr, output: string) =>
    run(from, namedAnew(upgraded.graph, from.name), output).get(output) as Expr;
  const values = run(pixels, upgraded.graph, logits);
  // Gradients by the name of the loss: the builder does not share all of their nodes.
  const known = new Map<string, Expr>();
  // What else the model stores, the second copy shares with the first.
  for (const name of upgraded.graph.initializers.keys()) {
    const constant = values.get(name);
    if (constant !== undefined) bound.set(name, constant);
  }
  return {
    logits: values.get(logits) as Expr,
    ...(features && { features: asFeatures(values.get(features.tensor) as Expr, features) }),
    image: {
      pixels,
      slope: graph.constant(
        tensorOf(
          std.map((deviation) => 1 / deviation),
          "float32",
          [1, std.length, 1, 1],
        ),
      ),
      logitsOf: (other) => ofAnother(other, logits),
      featuresOf: (other) => {
        if (features === undefined) throw new Error("no features were asked for");
        return asFeatures(ofAnother(other, features.tensor), features);
      },
      gradientOf: (loss) => {
        const gradient = known.get(loss.name) ?? (gradients(graph, loss, [pixels])[0] as Expr);
        known.set(loss.name, gradient);
        return gradient;
      },
    },
  };
}

/** Nodes of one graph must differ in name; their tensors get new names anyway. */
function namedAnew(graph: Graph, suffix: string): Graph {
  const nodes = graph.nodes.map((node) => ({ ...node, name: node.name && `${node.name} of ${suffix}` }));
  return { ...graph, nodes };
}

/** The initializers that training changes: parameters, and the running statistics of BatchNormalization. */
function learnedNames(graph: Graph): string[] {
  const statistics = graph.nodes
    .filter(({ op }) => op === "BatchNormalization")
    .flatMap(({ inputs }) => inputs.slice(3, 5))
    .filter((name) => graph.initializers.has(name));
  return [...new Set([...findParameters(graph).map(({ name }) => name), ...statistics])];
}

/** Names inside the Scan, which must differ from those around it. */
const scanned = { image: "one_image", score: "one_score" };

/** From a graph of one image [C, H, W] and its score, a scalar or a list, to one of any number of them. */
function eachImage(body: GraphBuilder, image: Expr, score: Expr, name: string): Model {
  const model = body.model({ [scanned.score]: score }, name);
  const isImage = (input: ValueInfo) => input.name === image.name;
  const { inputs } = model.graph;
  const scan: Node = {
    name: "each image",
    op: "Scan",
    domain: "",
    inputs: [imageInput],
    outputs: [scoreOutput],
    attributes: {
      num_scan_inputs: int(1),
      // The weights are not among the inputs: the body reads them from the graph around it.
      body: { kind: "graph", value: { ...model.graph, inputs: inputs.filter(isImage) } },
    },
  };
  const dims: Dim[] = ["N", ...image.dims];
  const graph: Graph = {
    name,
    inputs: [{ name: imageInput, dtype: "float32", dims }, ...inputs.filter((input) => !isImage(input))],
    outputs: [{ name: scoreOutput, dtype: "float32", dims: ["N", ...score.dims] }],
    nodes: [scan],
    initializers: new Map(),
  };
  return { ...model, graph };
}
