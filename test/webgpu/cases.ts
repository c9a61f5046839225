/** The calls of every operator that are run on WebGPU: those compared with PyTorch, and more for operators without such. */
import { readdirSync } from "node:fs";
import { type Attributes, float, int, type Tensor, text } from "../../src/onnx/types.js";
import { findRule, tensorOf } from "../../src/ops/index.js";
import { type CaseInput, constant, differentiated, fed, int64, type OperatorCase } from "../gradients/case.js";
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

const random = (...dims: number[]): CaseInput => differentiated(randomTensor(dims, 11 + dims.length));
const positive = (...dims: number[]): CaseInput => differentiated(randomTensor(dims, 5, { low: 0.5, high: 2 }));
const truth = (...values: number[]): CaseInput => fed(tensorOf(values, "bool"));
const labels = (...values: number[]): CaseInput => fed(tensorOf(values, "int64"));
const plain = (
  op: string,
  name: string,
  inputs: readonly (CaseInput | undefined)[],
  attributes: Attributes = {},
  outputCount = 1,
): NamedCase => ({ name, call: { op, inputs, attributes, outputCount } });

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
    plain("OneHot", "labels", [labels(0, 2, 1), int64(3), constant(tensorOf([0, 1]))]),
    ...products(),
    ...normalizations(),
    ...rearrangements(),
    ...["Softmax", "LogSoftmax"].flatMap((op) => [
      plain(op, "last axis", [random(2, 5)], { axis: int(-1) }),
      plain(op, "middle axis", [random(2, 3, 4)], { axis: int(1) }),
      plain(op, "large values", [differentiated(tensorOf([200, 100, -100, 0], "float32", [1, 4]))], { axis: int(1) }),
    ]),
    ...["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"].map((op) =>
      plain(op, "mean over the batch", [random(3, 4), labels(0, 3, 1)]),
    ),
  ];
}

function products(): NamedCase[] {
  return [
    plain("MatMul", "matrices", [random(3, 4), random(4, 2)]),
    plain("MatMul", "batches, one operand shared", [random(2, 3, 4), random(4, 2)]),
    plain("MatMul", "batches broadcast", [random(2, 1, 3, 4), random(3, 4, 2)]),
    plain("Gemm", "plain with bias", [random(3, 4), random(4, 2), random(2)]),
    plain("Gemm", "weights transposed", [random(3, 4), random(2, 4), random(2)], { transB: int(1) }),
    plain("Gemm", "all attributes", [random(4, 3), random(2, 4), random(3, 2)], {
      alpha: float(0.5),
      beta: float(2),
      transA: int(1),
      transB: int(1),
    }),
    plain("Einsum", "matrix product", [random(2, 3), random(3, 4)], { equation: text("ij,jk->ik") }),
    plain("Einsum", "attention scores", [random(2, 3, 2, 4), random(2, 3, 2, 4)], {
      equation: text("bqhd,bkhd->bhqk"),
    }),
  ];
}

function normalizations(): NamedCase[] {
  const statistics = [random(3), positive(3)];
  return [
    plain("BatchNormalization", "inference", [random(2, 3, 2, 2), positive(3), random(3), ...statistics]),
    plain(
      "BatchNormalization",
      "training",
      [random(4, 3, 2, 2), positive(3), random(3), ...statistics.map((x) => fed(x.tensor))],
      { training_mode: int(1) },
      3,
    ),
    plain("InstanceNormalization", "images", [random(2, 3, 2, 2), positive(3), random(3)]),
    plain("LayerNormalization", "last axis", [random(2, 3, 4), positive(4), random(4)]),
    plain("LayerNormalization", "last two axes, no bias", [random(2, 3, 4), positive(3, 4)], { axis: int(-2) }),
    {
      name: "two groups",
      call: {
        op: "GroupNormalization",
        opset: 21,
        inputs: [random(2, 4, 2, 2), positive(4), random(4)],
        attributes: { num_groups: int(2) },
      },
    },
    { name: "last axis", call: { op: "RMSNormalization", opset: 23, inputs: [random(2, 3, 4), positive(4)] } },
    plain("LpNormalization", "length 1", [random(2, 3)], { axis: int(1) }),
    plain("GlobalLpPool", "images", [random(2, 3, 2, 2)], { p: int(2) }),
  ];
}

function rearrangements(): NamedCase[] {
  const image = random(1, 2, 3, 4);
  const pads = int64(0, 0, 1, 2, 0, 0, 2, 1);
  const scales = (...values: number[]) => constant(tensorOf(values));
  return [
    ...["constant", "reflect", "edge", "wrap"].map((mode) =>
      plain("Pad", mode, [image, mode === "wrap" ? int64(0, 0, 1, 2, 0, 0, 1, 1) : pads], { mode: text(mode) }),
    ),
    plain("Resize", "nearest, twice the size", [image, undefined, scales(1, 1, 2, 2)], {
      coordinate_transformation_mode: text("asymmetric"),
      nearest_mode: text("floor"),
    }),
    plain("Resize", "linear, twice the size", [image, undefined, scales(1, 1, 2, 2)], { mode: text("linear") }),
    plain("Resize", "linear, smaller", [image, undefined, undefined, int64(1, 2, 2, 3)], { mode: text("linear") }),
    ...["DCR", "CRD"].map((mode) =>
      plain("DepthToSpace", mode, [random(1, 4, 2, 3)], { blocksize: int(2), mode: text(mode) }),
    ),
    plain("SpaceToDepth", "blocks of two", [random(1, 2, 2, 4)], { blocksize: int(2) }),
  ];
}
