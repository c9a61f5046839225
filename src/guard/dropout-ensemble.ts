/** Monte-Carlo dropout. Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016. */
import { createGenerator, type Generator } from "../data/index.js";
import { OptionError, UnsupportedError } from "../errors.js";
import { freeStart } from "../graph/append.js";
import { neededNodes } from "../graph/import.js";
import type { Graph, Model, Node, Tensor } from "../onnx/types.js";
import { tensorOf } from "../ops/index.js";
import { type Classifier, inferShapes, logitsModel } from "../training/classifier.js";
import { averaged } from "./ensemble.js";
import { findFeatures } from "./features.js";

export interface DropoutOptions {
  /** Thinned copies, ≥ 2. */
  readonly samples: number;
  /** Share of the units that is left out, in (0, 1). */
  readonly rate: number;
  readonly seed: number;
}

/**
 * A model of several thinned copies of a classifier, with the logits of an ensemble of them, see `ensembleModel`. Where
 * the file keeps Dropout nodes the masks take their places, else they lie on what goes into the last linear layer. What comes before the first mask is computed once.
 *
 * Masks are drawn once, with the seed, and are the same for every image: scores can be repeated, and the file needs no random numbers.
 *
 * @param shape  of one image
 * @throws OptionError for values out of range
 */
export function dropoutEnsemble(
  classifier: Classifier,
  shape: readonly [number, number, number],
  { samples, rate, seed }: DropoutOptions,
): Model {
  if (!(rate > 0 && rate < 1)) {
    throw new OptionError({ where: "dropout", expected: "a rate in (0, 1)", received: String(rate) });
  }
  if (!(Number.isInteger(samples) && samples >= 2)) {
    throw new OptionError({ where: "dropout", expected: "two or more samples", received: String(samples) });
  }
  const { values, classes } = inferShapes(classifier, shape);
  const model = logitsModel(classifier);
  const masked = maskedTensors(classifier, shape);
  const sizes = new Map(masked.map(({ from }) => [from, values.get(from)?.dims.slice(1) as number[]]));
  const generator = createGenerator(seed);
  const prefixes = Array.from({ length: samples }, (_, index) => freeStart(model.graph, `sample${index + 1}/`));
  const copies = prefixes.map((prefix, index) =>
    thinned(model.graph, masked, sizes, { prefix, rate, generator: generator.fork(index) }),
  );
  const graph = {
    ...model.graph,
    nodes: [...model.graph.nodes, ...copies.flatMap(({ nodes }) => nodes)],
    initializers: new Map([...model.graph.initializers, ...copies.flatMap(({ masks }) => [...masks])]),
  };
  const logits = prefixes.map((prefix) => `${prefix}${classifier.logits}`);
  return averaged({ ...model, graph }, logits, classes);
}

interface Masked {
  readonly from: string;
  /** What other nodes read in its place. */
  readonly to: string;
  /** The node in whose place, or after which, the mask comes. */
  readonly after: Node | undefined;
}

/** The inputs of Dropout nodes on the way to the logits; without such nodes, the features. */
function maskedTensors(classifier: Classifier, shape: readonly [number, number, number]): Masked[] {
  const { graph } = classifier.upgraded;
  const nodes = neededNodes(graph, { outputs: [classifier.logits], bound: new Map() });
  const dropouts = nodes.filter(({ op }) => op === "Dropout");
  if (dropouts.length > 0) {
    return dropouts.map((node) => ({ from: node.inputs[0] as string, to: node.outputs[0] as string, after: node }));
  }
  const tensor = lastFeatures(classifier, shape);
  return [{ from: tensor, to: tensor, after: nodes.find(({ outputs }) => outputs.includes(tensor)) }];
}

function lastFeatures(classifier: Classifier, shape: readonly [number, number, number]): string {
  try {
    return findFeatures(classifier, shape).tensor;
  } catch (cause) {
    if (!(cause instanceof UnsupportedError)) throw cause;
    throw new UnsupportedError({
      where: "dropout",
      expected: "Dropout nodes on the way to the logits, or a linear layer with constant weights that makes them",
      received: "neither",
      hint: "export the network so that its Dropout nodes are kept",
      cause,
    });
  }
}

interface Thinning {
  readonly prefix: string;
  readonly rate: number;
  readonly generator: Generator;
}

/** The nodes that follow a mask once more, under other names. */
function thinned(
  { nodes }: Graph,
  masked: readonly Masked[],
  sizes: ReadonlyMap<string, readonly number[]>,
  { prefix, rate, generator }: Thinning,
): { nodes: Node[]; masks: Map<string, Tensor> } {
  const renamed = new Map<string, string>();
  const masks = new Map<string, Tensor>();
  const copies: Node[] = [];
  const mask = ({ from, to }: Masked) => {
    const dims = [1, ...(sizes.get(from) ?? [])];
    const count = dims.reduce((product, size) => product * size, 1);
    const kept = Array.from({ length: count }, () => (generator.uniform() < rate ? 0 : 1 / (1 - rate)));
    const name = `${prefix}mask of ${from}`;
    masks.set(name, tensorOf(kept, "float32", dims));
    const output = `${prefix}masked ${to}`;
    copies.push({
      ...{ name: output, op: "Mul", domain: "", attributes: {} },
      ...{ inputs: [renamed.get(from) ?? from, name], outputs: [output] },
    });
    renamed.set(to, output);
  };
  for (const node of nodes) {
    // A mask takes the place of a Dropout node.
    if (node.op !== "Dropout" && node.inputs.some((name) => renamed.has(name))) {
      for (const output of node.outputs) if (output !== "") renamed.set(output, `${prefix}${output}`);
      copies.push({
        ...node,
        name: `${prefix}${node.name}`,
        inputs: node.inputs.map((name) => renamed.get(name) ?? name),
        outputs: node.outputs.map((name) => (name === "" ? "" : `${prefix}${name}`)),
      });
    }
    for (const each of masked) if (each.after === node) mask(each);
  }
  return { nodes: copies, masks };
}
