/**
 * The frame of every training step: parameters, running statistics and the optimizer's state are variables of the engine that go into one
 * ONNX graph and come out of it moved. What lies between, from the boundary tensors to the loss, is the task's own.
 */
import { GraphBuilder } from "../graph/builder.js";
import type { ImportedGraph } from "../graph/import.js";
import type { Parameter } from "../graph/parameters.js";
import type { Model, Tensor } from "../onnx/types.js";
import type { Expr } from "../ops/index.js";
import { optimizers } from "./optimizers/index.js";
import { runningStatistics } from "./step-network.js";
import type { NetworkStepOptions } from "./step-options.js";
import { formFor, type Moving, moveParameters } from "./step-updates.js";
import { Variables } from "./variables.js";

export interface TrainingStep {
  readonly model: Model;
  /** Outputs that become engine variables. */
  readonly updates: Readonly<Record<string, string>>;
  /** Initial values of all variables. */
  readonly variables: Readonly<Record<string, Tensor>>;
  /** Variables to be written back into the model, by the initializer they belong to. */
  readonly written: ReadonlyMap<string, string>;
  /** What an update is fed by the number of updates, 1 for the first; see `Optimizer`. */
  optimizerNumbers(update: number): readonly number[];
}

/** What a task makes of the boundary tensors and the variables. */
export interface StepBody {
  readonly loss: Expr;
  /** Scalars that are given out. */
  readonly readings: Readonly<Record<string, Expr>>;
  readonly statistics: ImportedGraph["statistics"];
  /** What the optimizer moves besides the model's parameters. */
  readonly beside?: Moving | undefined;
}

const averageOf = (name: string) => `${name}/average`;

/**
 * @param rows  of the boundary tensors
 * @param body  gets an expression for every boundary tensor, parameter and running statistic, by name; may move variables of its own
 */
export function assembleStep(
  options: NetworkStepOptions,
  rows: number,
  body: (graph: GraphBuilder, bound: ReadonlyMap<string, Expr>, variables: Variables) => StepBody,
): TrainingStep {
  const { model, partition } = options;
  const graph = new GraphBuilder(model.opset, options.block);
  const bound = new Map<string, Expr>();
  for (const name of partition.boundary) {
    bound.set(name, graph.input(name, "float32", [rows, ...(options.rows.get(name) ?? [])]));
  }
  // Shapes may be asked of it, and fold; nothing else of it is read, and no input of the step remains.
  const { image } = partition;
  if (!bound.has(image.name)) bound.set(image.name, graph.input(image.name, "float32", [rows, ...image.row]));
  const parameters = options.parameters.map(({ name, tensor }) => graph.input(name, "float32", tensor.dims));
  for (const parameter of parameters) bound.set(parameter.name, parameter);
  const statistics = options.batchNorm === "batch" ? runningStatistics(model, partition) : new Map<string, Tensor>();
  for (const [name, tensor] of statistics) bound.set(name, graph.input(name, "float32", tensor.dims));

  const variables = new Variables();
  const { loss, readings, beside, ...network } = body(graph, bound, variables);
  const moved = parameters.map((value, index) => ({ value, start: (options.parameters[index] as Parameter).tensor }));
  moveParameters(graph, options, [...moved, ...(beside === undefined ? [] : [beside])], loss, variables);
  // Those of a layer that the loss does not look at, such as an auxiliary head's, stay as they are.
  const followed = network.statistics.flatMap(({ updates }) => [...updates]);
  for (const [name, value] of followed) variables.move(name, statistics.get(name) as Tensor, value);
  const own = new Set([...options.parameters.map(({ name }) => name), ...followed.map(([name]) => name)]);
  const { average } = options;
  if (average !== undefined) for (const name of own) variables.follow(graph, name, averageOf(name), average);
  const written = new Map([...own].map((name) => [name, average === undefined ? name : averageOf(name)]));

  const built = formFor(options, graph, { ...readings, ...variables.outputs });
  const { updates, initial } = variables;
  const optimizerNumbers = optimizers[options.optimizer].numbers;
  const assembled = built.graph.model(built.outputs, "training step");
  return { model: assembled, updates, variables: initial, written, optimizerNumbers };
}
