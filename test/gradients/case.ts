/** What a test says about one call of an operator. */
import type { Attributes, Tensor } from "../../src/onnx/types.js";
import { tensorOf } from "../../src/ops/index.js";

/** One input: its value, and what the graph knows about it. */
export interface CaseInput {
  readonly tensor: Tensor;
  /** `differentiated` and `fed` are graph inputs, with and without a gradient; `constant` is an initializer. */
  readonly role: "differentiated" | "fed" | "constant";
}

/** The operator in float64, in plain TypeScript, for operators that ONNX Runtime only computes in float32. */
export type Forward = (inputs: readonly (Tensor | undefined)[], attributes: Attributes) => Tensor[];

export interface OperatorCase {
  readonly op: string;
  /** In the operator's order; undefined for an optional input that is left out. */
  readonly inputs: readonly (CaseInput | undefined)[];
  readonly attributes?: Attributes;
  /** Number of outputs to ask for; 1 by default. */
  readonly outputCount?: number;
  /** Outputs that the loss depends on; all float outputs by default. */
  readonly lossOutputs?: readonly number[];
  /** 18 by default. */
  readonly opset?: number;
  /**
   * Float64 forward pass for finite differences. By default ONNX Runtime runs the operator itself in float64. When given, it
   * is first compared with ONNX Runtime's float32 result, so it cannot drift from the operator.
   */
  readonly forward?: Forward;
  /** Largest error allowed, relative to the largest element of the expected tensor; 1e-5 by default. */
  readonly tolerance?: number;
}

export const differentiated = (tensor: Tensor): CaseInput => ({ tensor, role: "differentiated" });
export const fed = (tensor: Tensor): CaseInput => ({ tensor, role: "fed" });
export const constant = (tensor: Tensor): CaseInput => ({ tensor, role: "constant" });
/** A constant int64 vector, as axes, shapes and pads are given. */
export const int64 = (...values: number[]): CaseInput => constant(tensorOf(values, "int64", [values.length]));

export const defaultTolerance = 1e-5;

/** A case in one line, for the message of a failed check. */
export function describeCase({ op, inputs, attributes = {}, opset = 18 }: OperatorCase): string {
  const given = inputs.map((x) => (x === undefined ? "-" : `${x.tensor.dtype}[${x.tensor.dims.join(",")}] ${x.role}`));
  const options = Object.entries(attributes).map(([name, a]) => {
    if (a.kind === "tensor") return `${name}=${a.value.dtype}[${a.value.dims.join(",")}]`;
    return `${name}=${"value" in a ? JSON.stringify(a.value) : "?"}`;
  });
  return `${op}(${[...given, ...options].join(", ")}) at opset ${opset}`;
}
