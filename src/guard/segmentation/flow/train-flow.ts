/** Trains a flow by maximum likelihood, with the engine and the optimizer that train networks. */
import { createGenerator } from "../../../data/index.js";
import { CancelledError, DataError, RunError } from "../../../errors.js";
import { GraphBuilder } from "../../../graph/builder.js";
import { encodeModel } from "../../../onnx/index.js";
import type { Tensor } from "../../../onnx/types.js";
import { mean } from "../../../ops/index.js";
import { type Progress, silent } from "../../../progress.js";
import type { Engine } from "../../../runtime/index.js";
import { optimizers } from "../../../training/optimizers/index.js";
import { learningRateAt } from "../../../training/schedule.js";
import { stepInputs } from "../../../training/step-inputs.js";
import { moveParameters } from "../../../training/step-updates.js";
import { Variables } from "../../../training/variables.js";
import { asFlow, type Flow, type FlowShape, flowTensors, negativeLogDensity, startingFlow } from "./real-nvp.js";

export interface FlowTraining extends Omit<FlowShape, "dimension"> {
  readonly steps: number;
  /** Rows in a step; all rows where there are fewer. */
  readonly batch: number;
  /** Of Adam at the start; it falls along a cosine. */
  readonly rate: number;
  /** Of the masks, the first weights and the order of the rows. */
  readonly seed: number;
}

export interface FlowRun {
  /** What is shown while it runs. */
  readonly title?: string;
  readonly progress?: Progress | undefined;
  readonly signal?: AbortSignal | undefined;
}

const rowsInput = "rows";
/** Name of a tensor among the variables of the engine. */
const variableOf = (name: string) => `flow/${name}`;
/** Steps between two looks at the loss. */
const stepsPerUpdate = 50;

/**
 * Minimises the mean of {@link negativeLogDensity} over the rows by Adam. Same rows, options, machine and threads: same flow.
 *
 * @param rows  float32 [count, d] row by row, about of mean 0 and variance 1
 * @throws DataError for no rows
 * @throws RunError when the loss becomes infinite or NaN
 * @throws CancelledError after a request to stop
 */
export async function trainFlow(
  engine: Engine,
  rows: Float32Array,
  dimension: number,
  options: FlowTraining,
  { title = "Training a flow", progress = silent, signal }: FlowRun = {},
): Promise<Flow<Tensor>> {
  const { steps, rate, seed } = options;
  const count = rows.length / dimension;
  if (count === 0) throw new DataError({ where: "flow", expected: "rows to train it on", received: "none" });
  const batch = Math.min(options.batch, count);
  const start = startingFlow({ dimension, couplings: options.couplings, hidden: options.hidden }, seed);
  const { model, variables } = trainingStep(start, [batch, dimension]);
  const session = await engine.load(encodeModel(model), { updates: variables.updates });
  const draws = batches(count, batch, seed);
  const schedule = { schedule: "cosine", learningRate: rate, milestones: [], decay: 1, warmUp: 0 } as const;
  progress.start(title, steps, "steps");
  try {
    await engine.assign(variables.initial);
    for (let update = 1; update <= steps; update++) {
      if (signal?.aborted) throw new CancelledError({ problem: "stopped on request" });
      const { loss } = await session.run({
        [rowsInput]: { dtype: "float32", dims: [batch, dimension], data: chosen(rows, dimension, draws()) },
        [stepInputs.learningRate]: scalar(learningRateAt(schedule, update, steps)),
        [stepInputs.optimizerNumbers]: {
          ...{ dtype: "float32", dims: [2] },
          data: Float32Array.from(optimizers.adam.numbers(update)),
        },
      });
      if (update % stepsPerUpdate !== 0 && update < steps) continue;
      const reading = loss?.data[0] as number;
      if (!Number.isFinite(reading)) {
        throw new RunError({
          where: `flow, step ${update}`,
          expected: "a finite loss",
          received: String(reading),
          hint: "choose a smaller rate, as --option rate=0.0003",
        });
      }
      progress.update(update, `-log p ${reading.toFixed(3)}`);
    }
    const trained = await engine.read(trainedTensors.map(variableOf));
    progress.finish();
    return asFlow((name) => trained[variableOf(name)] ?? start[name]);
  } finally {
    await session.release();
  }
}

const trainedTensors = flowTensors.filter((name) => name !== "mask");

function trainingStep(start: Flow<Tensor>, dims: readonly [number, number]) {
  const graph = new GraphBuilder();
  const rows = graph.input(rowsInput, "float32", dims);
  const flow = asFlow((name) =>
    name === "mask" ? graph.constant(start.mask) : graph.input(variableOf(name), "float32", start[name].dims),
  );
  const loss = mean(negativeLogDensity(rows, flow));
  const moving = trainedTensors.map((name) => ({ value: flow[name], start: start[name] }));
  const variables = new Variables();
  const optimizer = { optimizer: "adam", optimizerOptions: { momentum: 0, weightDecay: 0 } } as const;
  moveParameters(graph, optimizer, moving, loss, variables);
  return { model: graph.model({ loss, ...variables.outputs }, "flow"), variables };
}

/** Indices for one batch after another: all rows in random order, again and again; what is left over at the end waits for another turn. */
function batches(count: number, batch: number, seed: number): () => Int32Array {
  const generator = createGenerator(seed).fork("batches");
  let [turn, order, place] = [0, generator.fork(0).permutation(count), 0];
  return () => {
    if (place + batch > count) [order, place] = [generator.fork(++turn).permutation(count), 0];
    place += batch;
    return order.subarray(place - batch, place);
  };
}

function chosen(rows: Float32Array, dimension: number, indices: Int32Array): Float32Array {
  const result = new Float32Array(indices.length * dimension);
  indices.forEach((index, place) => {
    result.set(rows.subarray(index * dimension, (index + 1) * dimension), place * dimension);
  });
  return result;
}

const scalar = (value: number) => ({ dtype: "float32", dims: [], data: Float32Array.of(value) }) as const;
