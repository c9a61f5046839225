/**
 * What an operator rule is and what it is given. A rule says two things about an ONNX operator, side by side in one file:
 * the shape of its outputs, and the gradient of its inputs.
 */
import type { Attributes, DataType, Dim, Tensor } from "../onnx/types.js";
import type { AttributeReader } from "./attributes.js";

/** Element type and shape of a value. */
export interface ValueType {
  readonly dtype: DataType;
  readonly dims: readonly Dim[];
}

/** An operand as a shape rule sees it: its type and, where it is already known, its value. */
export interface OperandType extends ValueType {
  readonly constant?: Tensor;
}

/** A value in a graph under construction. Expressions are combined by the functions of `expressions.ts`. */
export interface Expr extends OperandType {
  readonly builder: Builder;
  /** Tensor name in the graph, unique within its builder. */
  readonly name: string;
}

export interface OpOptions {
  /** Node name, for error messages and profiles. */
  readonly name?: string;
  /** Operator domain; "" is the standard one. */
  readonly domain?: string;
  /** How many outputs to ask for; 1 by default. */
  readonly outputs?: number;
}

/** The part of the graph builder that rules and expressions use; `graph/builder.ts` implements it. */
export interface Builder {
  /** Version of the standard operator set that nodes are written for, 18 or newer. */
  readonly opset: number;
  /** Channels per block where the graph will run in ONNX Runtime's blocked layout; undefined where it will not. */
  readonly block?: number | undefined;
  /**
   * Appends one node and returns its outputs. Infers their shapes by the operator's rule, computes the node at once where
   * all its inputs are small constants, and returns the earlier outputs when the same node exists already.
   */
  op(type: string, inputs: readonly (Expr | undefined)[], attributes?: Attributes, options?: OpOptions): Expr[];
  /** A known value, stored as an initializer if something uses it. */
  constant(tensor: Tensor): Expr;
  /**
   * Computes `compute()` and differentiates it with `gradient` instead of node by node, where a hand-written derivative is
   * cheaper or more exact than the mechanical one.
   *
   * @param inputs    what `compute` depends on and `gradient` answers for, in order
   * @param gradient  from the gradients of the outputs (undefined: not used by the loss) to those of the inputs
   */
  withGradient(inputs: readonly Expr[], compute: () => Expr[], gradient: CustomGradient): Expr[];
}

export type CustomGradient = (
  outputGradients: readonly (Expr | undefined)[],
  wanted: readonly boolean[],
) => readonly (Expr | undefined)[];

/** One call of an operator, as the shape rule sees it. */
export interface ShapeCall {
  readonly op: string;
  /** `node "layer3.0.conv1" (Conv)`: where an error message says the trouble is. */
  readonly where: string;
  readonly inputs: readonly (OperandType | undefined)[];
  readonly attributes: AttributeReader;
  /** Number of outputs the node has. */
  readonly outputCount: number;
  readonly opset: number;
}

/** A call whose inputs are all known, small tensors; with `foldsFromTypes`, a call whose inputs may be unknown. */
export interface FoldCall extends ShapeCall {
  readonly constants: readonly (Tensor | undefined)[];
}

/** One call of an operator, as the gradient rule sees it. */
export interface GradientCall {
  readonly op: string;
  readonly where: string;
  readonly builder: Builder;
  readonly inputs: readonly (Expr | undefined)[];
  readonly outputs: readonly Expr[];
  readonly attributes: AttributeReader;
  /** Gradient of the loss with respect to each output; undefined where the loss does not depend on it. */
  readonly outputGradients: readonly (Expr | undefined)[];
  /** Which inputs a gradient is wanted for; a rule should not build the others. */
  readonly wanted: readonly boolean[];
}

/** Gradients in the order of the inputs; undefined means zero or not wanted. */
export type GradientRule = (call: GradientCall) => readonly (Expr | undefined)[];

/** An operator whose derivative is zero wherever it exists (Floor), or that has none (integers, booleans, indices). */
export interface NoGradient {
  readonly none: string;
}

/** An operator that has a derivative and no rule for it: nothing below it can be trained. */
export interface MissingGradient {
  readonly missing: true;
}

/** Everything Offmap knows about an operator. */
export interface OperatorRule {
  readonly op: string;
  /** Operator domain; the standard one, "", by default. */
  readonly domain?: string;
  /** One line each for the generated `docs/operators.md`. */
  readonly summary: { readonly shape: string; readonly gradient: string };
  /** @throws ShapeError when the operands do not fit the operator */
  shape(call: ShapeCall): ValueType[];
  readonly gradient: GradientRule | NoGradient | MissingGradient;
  /** Whether the rule is for a node with these attributes, for operators where it is not for all. Default: it is. */
  hasGradient?(attributes: AttributeReader): boolean;
  /** Value of the outputs for known inputs: only for the operators that occur in shape arithmetic. */
  fold?(call: FoldCall): Tensor[] | undefined;
  /** The fold needs no values, only types and attributes (Shape), so it is asked also when inputs are unknown or large. */
  readonly foldsFromTypes?: true;
}
