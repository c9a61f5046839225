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
import { type Expr, squeeze, tensorOf, unsqueeze } from "../ops/index.js";
import {
  type ImageInputs,
  type ScoreDefinition,
  type ScoreInputs,
  type ScoreName,
  type ScoreOptions,
  scores,
} from "../scores/index.js";
import type { Classifier } from "../training/classifier.js";
import { imageInput, labelledPart, type ScorePart, scoreOutput, weightInput } from "./score-part.js";

/**
 * @param shape          of the images: the part takes no others
 * @param normalization  of their pixels
 * @throws UnsupportedError when the model has an operator without a gradient rule
 */
export function buildImagePart(
  name: ScoreName,
  options: ScoreOptions,
  classifier: Classifier,
  shape: readonly [number, number, number],
  normalization?: Normalization,
): ScorePart {
  const body = new GraphBuilder(Math.max(minimumOpset, classifier.upgraded.opset));
  const image = body.input(scanned.image, "float32", shape);
  const inputs = imageInputs(body, classifier, unsqueeze(image, [0]), normalization);
  const { expression }: ScoreDefinition = scores[name];
  const score = expression(inputs, options, {});
  return labelledPart(name, options, eachImage(body, image, squeeze(score, [0]), `${name} score`));
}

/** The inputs of such a score for one image [1, C, H, W]; the weights become inputs of the graph. */
export function imageInputs(
  graph: GraphBuilder,
  { upgraded, input, logits }: Classifier,
  pixels: Expr,
  { std }: Pick<Normalization, "std"> = { std: [1] },
): ScoreInputs & { readonly image: ImageInputs } {
  const weights = learnedNames(upgraded.graph).map((name): [string, Expr] => {
    const { dtype, dims } = upgraded.graph.initializers.get(name) as Tensor;
    return [name, graph.input(weightInput(name), dtype, dims)];
  });
  const bound = new Map(weights);
  const run = (from: Expr, copy: Graph) =>
    importGraph(graph, copy, { bound: new Map([...bound, [input, from]]), outputs: [logits] });
  const { values } = run(pixels, upgraded.graph);
  // What else the model stores, the second copy shares with the first.
  for (const name of upgraded.graph.initializers.keys()) {
    const constant = values.get(name);
    if (constant !== undefined) bound.set(name, constant);
  }
  return {
    logits: values.get(logits) as Expr,
    image: {
      pixels,
      slope: graph.constant(
        tensorOf(
          std.map((deviation) => 1 / deviation),
          "float32",
          [1, std.length, 1, 1],
        ),
      ),
      logitsOf: (other) => run(other, namedAnew(upgraded.graph, other.name)).values.get(logits) as Expr,
      gradientOf: (loss) => gradients(graph, loss, [pixels])[0] as Expr,
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

/** From a graph of one image [C, H, W] and its score, a scalar, to one of any number of them. */
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
    outputs: [{ name: scoreOutput, dtype: "float32", dims: ["N"] }],
    nodes: [scan],
    initializers: new Map(),
  };
  return { ...model, graph };
}
