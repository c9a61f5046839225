/** The calls of every operator that are run on WebGPU: those compared with PyTorch, and more for operators without such. */
import { readdirSync } from "node:fs";
import type { Tensor } from "../../src/onnx/types.js";
import { findRule, tensorOf } from "../../src/ops/index.js";
import { type CaseInput, constant, fed, int64, type OperatorCase } from "../gradients/case.js";
import { randomTensor } from "../gradients/random.js";
import { caseFrom, cotangentsFrom, storedCases } from "../gradients/stored.js";

/** A call of an operator with a name that tells it from the operator's other calls. */
export interface NamedCase {
  readonly name: string;
  readonly call: OperatorCase;
  /** Weights of the outputs in the differentiated loss; fixed random ones when absent. */
  readonly cotangents?: readonly (Tensor | undefined)[];
}

/** Operators whose result is computed while a graph is built: no graph that runs contains them. */
export const foldedAway = ["Constant", "ConstantOfShape", "Range", "Shape", "Size"];

/** Every call, by operator. */
export function casesByOperator(): Map<string, NamedCase[]> {
  const families = readdirSync(new URL("../reference/operators/", import.meta.url)).map((file) =>
    file.replace(".json", ""),
  );
  const stored = families.flatMap(storedCases).map((c) => ({
    name: c.name,
    call: caseFrom(c),
    cotangents: cotangentsFrom(c),
  }));
  const cases = new Map<string, NamedCase[]>();
  for (const item of [...stored, ...plainCases()]) {
    const known = cases.get(item.call.op);
    if (known === undefined) cases.set(item.call.op, [item]);
    else known.push(item);
  }
  return cases;
}

/** Whether the operator has a gradient and the call asks for one. */
export function isDifferentiable({ op, inputs }: OperatorCase): boolean {
  const gradient = findRule(op)?.gradient;
  return gradient !== undefined && !("none" in gradient) && inputs.some((x) => x?.role === "differentiated");
}

const truth = (...values: number[]): CaseInput => fed(tensorOf(values, "bool"));
const labels = (...values: number[]): CaseInput => fed(tensorOf(values, "int64"));
const plain = (op: string, name: string, inputs: readonly CaseInput[]): NamedCase => ({ name, call: { op, inputs } });

/** Operators without stored cases: they have no gradient. */
function plainCases(): NamedCase[] {
  const [left, right] = [truth(0, 0, 1, 1), truth(0, 1, 0, 1)];
  const [numbers, others] = [fed(tensorOf([-1, 0, 2, 3])), fed(tensorOf([-1, 1, 1, 3]))];
  const comparisons = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"];
  const special = fed(tensorOf([1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]));
  return [
    ...["And", "Or", "Xor"].map((op) => plain(op, "all four pairs", [left, right])),
    plain("Not", "both values", [right]),
    ...comparisons.map((op) => plain(op, "floats", [numbers, others])),
    ...comparisons.map((op) => plain(op, "int64", [labels(1, 2, 3), labels(3, 2, 1)])),
    ...["IsInf", "IsNaN"].map((op) => plain(op, "special values", [special])),
    plain("Conv", "nine channels in, eight out", [
      fed(randomTensor([2, 9, 8, 8], 1)),
      fed(randomTensor([8, 9, 3, 3], 2)),
    ]),
    plain("OneHot", "labels", [labels(0, 2, 1), int64(3), constant(tensorOf([0, 1]))]),
  ];
}
