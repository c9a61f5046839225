/** What a training step is made of, each piece with its gradients: the graphs that must run on WebGPU for training there. */
import { GraphBuilder } from "../../src/graph/builder.js";
import { gradients } from "../../src/graph/differentiate.js";
import { type LossDefinition, type LossName, losses } from "../../src/losses/index.js";
import { int, ints, type Model, type Tensor } from "../../src/onnx/types.js";
import { type Expr, mul, sum, tensorOf, trainingBatchNorm } from "../../src/ops/index.js";
import { gradientModel } from "../gradients/build.js";
import { differentiated } from "../gradients/case.js";
import { distinctTensor, randomTensor } from "../gradients/random.js";
import { type LossFeeds, lossGraph } from "../loss-graph.js";

/** A graph with values for its inputs. */
export interface FedGraph {
  readonly name: string;
  readonly model: Model;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

export const trainingGraphs = (): FedGraph[] => [
  convolution(),
  maxPool(),
  batchNorm(),
  ...(Object.keys(losses) as LossName[]).map(loss),
];

function convolution(): FedGraph {
  const [x, w, b] = [randomTensor([2, 3, 5, 5], 1), randomTensor([4, 3, 3, 3], 2), randomTensor([4], 3)];
  const model = gradientModel({
    op: "Conv",
    inputs: [x, w, b].map(differentiated),
    attributes: { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) },
  });
  const feeds = { input0: x, input1: w, input2: b, cotangent0: randomTensor([2, 4, 3, 3], 4) };
  return { name: "Conv 3x3, stride 2, with the gradients of input, weight and bias", model, feeds };
}

function maxPool(): FedGraph {
  const x = distinctTensor([2, 3, 6, 6], 1);
  const model = gradientModel({
    op: "MaxPool",
    inputs: [differentiated(x)],
    attributes: { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), ceil_mode: int(0) },
  });
  const feeds = { input0: x, cotangent0: randomTensor([2, 3, 3, 3], 2) };
  return { name: "MaxPool 3x3, stride 2, with its gradient", model, feeds };
}

function batchNorm(): FedGraph {
  const graph = new GraphBuilder();
  const feeds = {
    x: randomTensor([4, 3, 2, 2], 1),
    scale: randomTensor([3], 2, { low: 0.5 }),
    bias: randomTensor([3], 3),
    dy: randomTensor([4, 3, 2, 2], 4),
  };
  const input = (name: keyof typeof feeds) => graph.input(name, "float32", feeds[name].dims);
  const targets = [input("x"), input("scale"), input("bias")] as [Expr, Expr, Expr];
  const { y, mean, variance } = trainingBatchNorm(...targets, 1e-5);
  const [dx, dScale, dBias] = gradients(graph, sum(mul(y, input("dy"))), targets) as [Expr, Expr, Expr];
  return {
    name: "Batch normalization with the batch's statistics, with the gradients of input, scale and bias",
    model: graph.model({ y, mean, variance, dx, dScale, dBias }),
    feeds,
  };
}

function loss(name: LossName): FedGraph {
  const definition = losses[name] as LossDefinition<object>;
  const { defaults: options, weight } = definition;
  const classCounts = [40, 30, 10, 10, 10, 1];
  const width = classCounts.length + (definition.abstentionClasses?.(options) ?? 0);
  const matrix = (rows: number, columns: number, seed: number) => randomTensor([rows, columns], seed);
  const feeds: LossFeeds = {
    // Energies on both sides of the default margins, so that hinges are open and closed.
    logits: randomTensor([4, width], 1, { low: -10, high: 30 }),
    outlierLogits: randomTensor([5, width], 2, { low: -5, high: 8 }),
    labels: tensorOf([0, 5, 2, 5], "int64"),
    ...(definition.outlierLabels && { outlierLabels: tensorOf([5, 4, 3, 5, 1], "int64") }),
    ...(definition.projects && { projections: matrix(4, 8, 3), outlierProjections: matrix(5, 8, 4) }),
    ...(definition.usesFeatures && { features: matrix(4, 8, 5), outlierFeatures: matrix(5, 8, 6) }),
    ...(definition.prototypes && { prototypes: matrix(definition.prototypes(classCounts, options), 8, 7) }),
    ...(definition.pastedClasses && { pastedLogits: matrix(3, width, 8), pastedLabels: tensorOf([4, 5, 5], "int64") }),
  };
  const prior = [0.4, 0.3, 0.1, 0.1, 0.1, 0];
  return {
    name: `Loss ${name}, with the gradients of all it is differentiated by`,
    model: lossGraph({ definition, options, weight, prior, classCounts }, feeds),
    feeds,
  };
}
