/** The graphs a case is checked with. */
import { GraphBuilder } from "../../src/graph/builder.js";
import { gradients } from "../../src/graph/differentiate.js";
import type { Attributes, Model, Node, Tensor } from "../../src/onnx/types.js";
import {
  AttributeReader,
  add,
  type Expr,
  findRule,
  mul,
  type OperandType,
  sum,
  type ValueType,
} from "../../src/ops/index.js";
import type { OperatorCase } from "./case.js";
import { randomTensor } from "./random.js";

export const inputName = (index: number) => `input${index}`;
export const outputName = (index: number) => `output${index}`;
export const gradientName = (index: number) => `gradient${index}`;
const cotangentName = (index: number) => `cotangent${index}`;

/** Whether an output enters the loss. */
const enters = ({ lossOutputs }: OperatorCase, { dtype }: ValueType, index: number) =>
  (dtype === "float32" || dtype === "float64") && (lossOutputs?.includes(index) ?? true);

/** Output types by the operator's shape rule, for operands of which some may be known and dims may be names. */
export function inferFrom(
  op: string,
  operands: readonly (OperandType | undefined)[],
  attributes: Attributes = {},
  { outputCount = 1, opset = 18 } = {},
): ValueType[] {
  const rule = findRule(op);
  if (rule === undefined) throw new Error(`no rule for ${op} is registered`);
  const where = `node "tested" (${op})`;
  const reader = new AttributeReader(attributes, where);
  return rule.shape({ op, where, inputs: operands, attributes: reader, outputCount, opset });
}

/** Output types of a case; `constant` inputs are known to the rule, the others are not. */
export function inferTypes({ op, inputs, attributes, outputCount = 1, opset = 18 }: OperatorCase): ValueType[] {
  const operands = inputs.map((x) =>
    x === undefined ? undefined : { ...x.tensor, ...(x.role === "constant" ? { constant: x.tensor } : {}) },
  );
  return inferFrom(op, operands, attributes, { outputCount, opset });
}

/** The operator alone, written without any rule. Outputs are declared with a type but no shape: ONNX Runtime finds that itself. */
export function forwardModel(test: OperatorCase, outputTypes: readonly ValueType[]): Model {
  const { op, inputs, attributes = {}, opset = 18 } = test;
  const node: Node = {
    name: "tested",
    op,
    domain: "",
    inputs: inputs.map((x, index) => (x === undefined ? "" : inputName(index))),
    outputs: outputTypes.map((_, index) => outputName(index)),
    attributes,
  };
  const fedInputs = inputs.flatMap((x, index) =>
    x === undefined || x.role === "constant"
      ? []
      : [{ name: inputName(index), dtype: x.tensor.dtype, dims: x.tensor.dims }],
  );
  const initializers = inputs.flatMap((x, index) =>
    x?.role === "constant" ? [[inputName(index), x.tensor] as const] : [],
  );
  return {
    graph: {
      name: op,
      inputs: fedInputs,
      outputs: outputTypes.map(({ dtype }, index) => ({ name: outputName(index), dtype })),
      nodes: [node],
      initializers: new Map(initializers),
    },
    opset,
    imports: new Map([["", opset]]),
    irVersion: opset > 20 ? 10 : 8,
    producer: "",
    metadata: new Map(),
  };
}

/**
 * Outputs of the operator and, for `loss = Σ_outputs sum(output · cotangent)`, the gradient of every differentiated input.
 * The cotangents are graph inputs, so that ONNX Runtime folds nothing that a training graph would have to compute.
 */
export function gradientModel(test: OperatorCase): Model {
  const { op, inputs, attributes = {}, outputCount = 1, opset = 18 } = test;
  const graph = new GraphBuilder(opset);
  const operands = inputs.map((x, index) => {
    if (x === undefined) return undefined;
    const { dtype, dims } = x.tensor;
    return x.role === "constant" ? graph.constant(x.tensor) : graph.input(inputName(index), dtype, dims);
  });
  const outputs = graph.op(op, operands, attributes, { name: "tested", outputs: outputCount });
  const terms = outputs.flatMap((output, index) =>
    enters(test, output, index) ? [sum(mul(output, graph.input(cotangentName(index), output.dtype, output.dims)))] : [],
  );
  const targets = inputs.flatMap((x, index) => (x?.role === "differentiated" ? [index] : []));
  const named: Record<string, Expr> = Object.fromEntries(outputs.map((x, index) => [outputName(index), x]));
  if (terms.length > 0 && targets.length > 0) {
    const results = gradients(
      graph,
      terms.reduce(add),
      targets.map((index) => operands[index] as Expr),
    );
    results.forEach((gradient, at) => {
      named[gradientName(targets[at] as number)] = gradient;
    });
  }
  return graph.model(named);
}

/** What to feed a model of the case. */
export function feeds(test: OperatorCase, cotangents: readonly (Tensor | undefined)[] = []): Record<string, Tensor> {
  const values = test.inputs.flatMap((x, index) =>
    x === undefined || x.role === "constant" ? [] : [[inputName(index), x.tensor] as const],
  );
  const weights = cotangents.flatMap((x, index) => (x === undefined ? [] : [[cotangentName(index), x] as const]));
  return Object.fromEntries([...values, ...weights]);
}

/** Fixed random weights for the outputs in the loss: bounded away from 0, of both signs. */
export function fixedCotangents(test: OperatorCase, outputs: readonly Tensor[]): (Tensor | undefined)[] {
  return outputs.map((output, index) =>
    enters(test, output, index) ? randomTensor(output.dims, 7 + index, { avoid: [0], margin: 0.2 }) : undefined,
  );
}
