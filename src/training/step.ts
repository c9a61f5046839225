/**
 * The training step: one ONNX graph from a joined batch of in-distribution images and outliers to the loss and the moved
 * parameters. Parameters, momenta and running statistics are variables of the engine that go in and come out.
 */
import { blockedLayout } from "../graph/blocked/layout.js";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { importGraph } from "../graph/import.js";
import type { Parameter } from "../graph/parameters.js";
import type { Partition } from "../graph/partition.js";
import { webGpuForms } from "../graph/web-gpu.js";
import { crossEntropy, type LossDefinition } from "../losses/index.js";
import type { Model, Tensor } from "../onnx/types.js";
import { add, type Expr, mean, mul, slice, tensorOf } from "../ops/index.js";
import { energy } from "../scores/index.js";
import { type SgdOptions, sgdUpdate } from "./sgd.js";

export type BatchNormMode = "batch" | "frozen";

export interface StepOptions<Options extends object> {
  /** The model, of operator set 18 or newer. */
  readonly model: Model;
  /** Name of the tensor that holds the logits, [N, K]. */
  readonly logits: string;
  readonly partition: Partition;
  readonly parameters: readonly Parameter[];
  readonly loss: LossDefinition<Options>;
  readonly lossOptions: Options;
  readonly weight: number;
  /** Share of each class among the outliers, [K]. */
  readonly prior: readonly number[];
  /** `batch`: the statistics of the joined batch, and running statistics that follow; `frozen`: the running statistics as they are. */
  readonly batchNorm: BatchNormMode;
  readonly sgd: SgdOptions;
  /** Shape of one row of each boundary tensor, by name. */
  readonly rows: ReadonlyMap<string, readonly number[]>;
  readonly batch: number;
  /** 0 for a run without outliers, which only the plain cross entropy allows. */
  readonly outlierBatch: number;
  /** Channels per block of the blocked layout, where the engine has it. */
  readonly block?: number | undefined;
  /** Whether the step is to run on WebGPU. */
  readonly webGpu?: boolean;
}

type FormOptions = Pick<StepOptions<object>, "block" | "webGpu">;

export interface TrainingStep {
  readonly model: Model;
  /** Outputs that become engine variables. */
  readonly updates: Readonly<Record<string, string>>;
  /** Initial values of all variables. */
  readonly variables: Readonly<Record<string, Tensor>>;
  /** Variables that are initializers of the model, to be written back. */
  readonly written: readonly string[];
}

/** The scalar outputs of a step, in the order of `log.csv`; the energies are means over the batch. */
export const stepReadings = ["loss", "crossEntropy", "regularization", "inEnergy", "outEnergy"] as const;
/** `outEnergy` is NaN in a run without outliers. */
export type StepReadings = Record<(typeof stepReadings)[number], number>;

/** Inputs of the step other than the boundary tensors. */
export const labelsInput = "offmap.labels";
export const learningRateInput = "offmap.learning_rate";
const momentumOf = (name: string) => `${name}/momentum`;

export function buildTrainingStep<Options extends object>(options: StepOptions<Options>): TrainingStep {
  const { model, partition, batch, outlierBatch } = options;
  const graph = new GraphBuilder(model.opset, options.block);
  const bound = new Map<string, Expr>();
  for (const name of partition.boundary) {
    bound.set(name, graph.input(name, "float32", [batch + outlierBatch, ...(options.rows.get(name) ?? [])]));
  }
  const labels = graph.input(labelsInput, "int64", [batch]);
  const learningRate = graph.input(learningRateInput, "float32", []);
  const parameters = options.parameters.map(({ name, tensor }) => graph.input(name, "float32", tensor.dims));
  for (const parameter of parameters) bound.set(parameter.name, parameter);
  const statistics = options.batchNorm === "batch" ? runningStatistics(model, partition) : [];
  for (const [name, tensor] of statistics) bound.set(name, graph.input(name, "float32", tensor.dims));

  const imported = importGraph(graph, model.graph, {
    bound,
    outputs: [options.logits],
    batchStatistics: (node) => options.batchNorm === "batch" && partition.trained.has(node),
    mergeBatchNorm: true,
  });
  const joined = imported.values.get(options.logits) as Expr;
  const rows = (from: number, to: number) => slice(joined, { axes: [0], starts: [from], ends: [to] });
  const logits = outlierBatch === 0 ? joined : rows(0, batch);
  const fit = crossEntropy(logits, labels);
  const readings: Record<string, Expr> = { crossEntropy: fit, inEnergy: mean(energy(logits)) };
  let loss = fit;
  if (outlierBatch > 0) {
    const outlierLogits = rows(batch, batch + outlierBatch);
    const prior = graph.constant(tensorOf(options.prior));
    const regularization = options.loss.expression({ logits, outlierLogits, prior }, options.lossOptions);
    if (options.weight !== 0) loss = add(fit, mul(regularization, options.weight));
    Object.assign(readings, { regularization, outEnergy: mean(energy(outlierLogits)) });
  }
  readings.loss = loss;

  const outputs: Record<string, Expr> = { ...readings };
  const updates: Record<string, string> = {};
  const update = (variable: string, value: Expr) => {
    outputs[`${variable}/next`] = value;
    updates[`${variable}/next`] = variable;
  };
  const slopes = gradients(graph, loss, parameters);
  parameters.forEach((parameter, index) => {
    const velocity = graph.input(momentumOf(parameter.name), "float32", parameter.dims);
    const next = sgdUpdate(parameter, slopes[index] as Expr, velocity, learningRate, options.sgd);
    update(parameter.name, next.parameter);
    update(velocity.name, next.momentum);
  });
  for (const { updates: moved } of imported.statistics) for (const [name, value] of moved) update(name, value);

  const variables: Record<string, Tensor> = Object.fromEntries(statistics);
  for (const { name, tensor } of options.parameters) {
    variables[name] = tensor;
    variables[momentumOf(name)] = { ...tensor, data: new Float32Array(tensor.data.length) };
  }
  const written = [...options.parameters.map(({ name }) => name), ...statistics.map(([name]) => name)];
  const built = formFor(options, graph, outputs);
  return { model: built.graph.model(built.outputs, "training step"), updates, variables, written };
}

/** The graph in the form in which the engine is fast, or right. */
function formFor({ block, webGpu = false }: FormOptions, graph: GraphBuilder, outputs: Readonly<Record<string, Expr>>) {
  if (webGpu) return webGpuForms(graph, outputs);
  return block === undefined ? { graph, outputs } : blockedLayout(graph, outputs, block);
}

/** Running means and variances of the trained part, by initializer name. */
function runningStatistics(model: Model, partition: Partition): [string, Tensor][] {
  const found = new Map<string, Tensor>();
  for (const node of partition.trained) {
    if (node.op !== "BatchNormalization") continue;
    for (const name of node.inputs.slice(3, 5)) {
      const tensor = model.graph.initializers.get(name);
      if (tensor !== undefined) found.set(name, tensor);
    }
  }
  return [...found];
}
