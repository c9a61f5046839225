/** From a loss to moved parameters: what training steps of every kind end with. */
import { blockedLayout } from "../graph/blocked/layout.js";
import type { GraphBuilder } from "../graph/builder.js";
import { gradientsWhereReached } from "../graph/differentiate.js";
import { webGpuForms } from "../graph/web-gpu.js";
import { elementCount, type Tensor } from "../onnx/types.js";
import { type Expr, identity, slice, squeeze } from "../ops/index.js";
import { type OptimizerName, type OptimizerOptions, optimizers } from "./optimizers/index.js";
import { stepInputs } from "./step-inputs.js";
import type { Variables } from "./variables.js";

export interface UpdateOptions {
  readonly optimizer: OptimizerName;
  readonly optimizerOptions: OptimizerOptions;
  /** Parameters without weight decay, by name. */
  readonly undecayed?: ReadonlySet<string> | undefined;
}

/** What the graph is built for. */
export interface FormOptions {
  /** Channels per block of the blocked layout, where the engine has it. */
  readonly block?: number | undefined;
  /** Whether the step is to run on WebGPU. */
  readonly webGpu?: boolean;
}

/** What an optimizer moves. */
export interface Moving {
  readonly value: Expr;
  readonly start: Tensor;
}

/**
 * What the loss does not look at, such as an auxiliary head, stays as it is, decay included: PyTorch's optimizers pass over parameters without
 * a gradient, too, and Adam would make full steps of the decay alone.
 */
export function moveParameters(
  graph: GraphBuilder,
  options: UpdateOptions,
  moving: readonly Moving[],
  loss: Expr,
  variables: Variables,
): void {
  const optimizer = optimizers[options.optimizer];
  const learningRate = graph.input(stepInputs.learningRate, "float32", []);
  const count = optimizer.numbers(1).length;
  const given = count === 0 ? undefined : graph.input(stepInputs.optimizerNumbers, "float32", [count]);
  const numbers = Array.from({ length: count }, (_, place) =>
    squeeze(slice(given as Expr, { axes: [0], starts: [place], ends: [place + 1] }), [0]),
  );
  const slopes = gradientsWhereReached(
    graph,
    loss,
    moving.map(({ value }) => value),
  );
  moving.forEach(({ value: parameter, start }, index) => {
    const gradient = slopes[index];
    if (gradient === undefined) {
      variables.move(parameter.name, start, identity(parameter));
      return;
    }
    const slots = optimizer.slots.map((slot) => graph.input(`${parameter.name}/${slot}`, "float32", start.dims));
    const decay = options.undecayed?.has(parameter.name) ? { weightDecay: 0 } : {};
    const next = optimizer.next(
      { parameter, gradient, state: slots, learningRate, numbers },
      { ...options.optimizerOptions, ...decay },
    );
    variables.move(parameter.name, start, next.parameter);
    slots.forEach((slot, place) => {
      const zeros = { ...start, data: new Float32Array(elementCount(start.dims)) };
      variables.move(slot.name, zeros, next.state[place] as Expr);
    });
  });
}

/** The graph in the form in which the engine is fast, or right. */
export function formFor(
  { block, webGpu = false }: FormOptions,
  graph: GraphBuilder,
  outputs: Readonly<Record<string, Expr>>,
) {
  if (webGpu) return webGpuForms(graph, outputs);
  return block === undefined ? { graph, outputs } : blockedLayout(graph, outputs, block);
}
