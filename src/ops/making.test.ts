import { describe, expect, test } from "vitest";
import {
  checkFold,
  checkOperator,
  checkShapes,
  constant,
  differentiated,
  fed,
  inferFrom,
  randomIntegers,
  randomTensor,
} from "../../test/gradients/index.js";
import { GraphBuilder } from "../graph/builder.js";
import { float, floats, int, ints, type Tensor, text } from "../onnx/types.js";
import { first, tensorOf } from "./expressions.js";
import { valuesOf } from "./fold.js";

const scalarOf = (value: number, dtype: "int64" | "float32" | "int32" = "int64") => constant(tensorOf(value, dtype));

test("Shape and Size: any bounds, as ONNX Runtime gives them", async () => {
  const x = randomTensor([2, 3, 4, 5], 1);
  for (const attributes of [
    {},
    { start: int(1) },
    { start: int(-2), end: int(-1) },
    { end: int(99) },
    { start: int(-99), end: int(2) },
    { start: int(3), end: int(1) },
  ]) {
    await checkShapes({ op: "Shape", inputs: [fed(x)], attributes });
    await checkFold({ op: "Shape", inputs: [constant(x)], attributes });
  }
  await checkFold({ op: "Size", inputs: [constant(x)] });
});

describe("shapes of values that are not known", () => {
  const shapeOf = (dims: readonly (number | string)[], attributes = {}) => {
    const graph = new GraphBuilder();
    return first(graph.op("Shape", [graph.input("x", "float32", dims)], attributes));
  };

  test("are constants where the dimensions are known, however large the tensor", () => {
    expect(valuesOf(shapeOf([64, 512, 1024]).constant as Tensor)).toEqual([64n, 512n, 1024n]);
    expect(valuesOf(shapeOf(["N", 3, 32], { start: int(1) }).constant as Tensor)).toEqual([3n, 32n]);
  });

  test("are left to the run where a dimension is named", () => {
    expect(shapeOf(["N", 3]).constant).toBeUndefined();
  });

  test("the flattening that exporters write ends in a Reshape to a known shape", () => {
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", [8, 64, 7, 7]);
    const op = (type: string, ...inputs: Parameters<typeof graph.op>[1][number][]) => first(graph.op(type, inputs));
    const batch = op("Gather", op("Shape", x), graph.constant(tensorOf(0, "int64")));
    const axes = graph.constant(tensorOf([0], "int64"));
    const rest = graph.constant(tensorOf([-1], "int64"));
    const target = first(graph.op("Concat", [op("Unsqueeze", batch, axes), rest], { axis: int(0) }));
    expect(op("Reshape", x, target).dims).toEqual([8, 3136]);
    expect(graph.nodes.map(({ node }) => node.op)).toEqual(["Reshape"]);
  });
});

test("Constant: each attribute that holds a value", async () => {
  const value = randomIntegers([2, 2], 1, -9, 9);
  for (const attributes of [
    { value: { kind: "tensor" as const, value } },
    { value_float: float(1.5) },
    { value_floats: floats([1, 2.5]) },
    { value_int: int(-3) },
    { value_ints: ints([1, 2, 3]) },
  ]) {
    await checkFold({ op: "Constant", inputs: [], attributes });
  }
  expect(inferFrom("Constant", [], { value_string: text("label") })).toMatchObject([{ dtype: "string", dims: [] }]);
  expect(() => inferFrom("Constant", [], {})).toThrow(/one of the attributes value, value_float.*got none/);
});

test("ConstantOfShape: zeros by default, or one given element", async () => {
  const shape = constant(tensorOf([2, 3], "int64"));
  await checkFold({ op: "ConstantOfShape", inputs: [shape] });
  const attributes = { value: { kind: "tensor" as const, value: tensorOf([7], "int64") } };
  await checkFold({ op: "ConstantOfShape", inputs: [shape], attributes });
  await checkFold({ op: "ConstantOfShape", inputs: [constant(tensorOf([], "int64"))] });
});

test("Range: integers and floats, up and down, and empty", async () => {
  for (const values of [
    [0, 5, 1],
    [5, -4, -3],
    [3, 3, 1],
    [3, 0, 1],
    [-2, 7, 4],
  ]) {
    const [start, limit, delta] = values as [number, number, number];
    await checkFold({ op: "Range", inputs: [scalarOf(start), scalarOf(limit), scalarOf(delta)] });
  }
  const [start, limit, delta] = [scalarOf(0.5, "float32"), scalarOf(2.25, "float32"), scalarOf(0.25, "float32")];
  await checkFold({ op: "Range", inputs: [start, limit, delta] });
});

test("OneHot: the new axis anywhere", async () => {
  const indices = randomIntegers([2, 3], 1, -5, 4);
  const inputs = [fed(indices), constant(tensorOf(5, "int64")), fed(tensorOf([0, 1]))];
  for (const axis of [-1, 0, 1, 2, -3]) await checkShapes({ op: "OneHot", inputs, attributes: { axis: int(axis) } });
});

test("Dropout: passes its input and gradient on, with a mask that is all true", async () => {
  const x = differentiated(randomTensor([2, 3], 1));
  await checkOperator({ op: "Dropout", inputs: [x] });
  const off = constant(tensorOf(0, "bool", []));
  await checkOperator({ op: "Dropout", inputs: [x, constant(tensorOf(0.5)), off], outputCount: 2 });
});

describe("what cannot be known is refused with the node", () => {
  const unknown = { dtype: "int64" as const, dims: [] };
  const known = (...values: number[]) => ({ ...tensorOf(values, "int64"), constant: tensorOf(values, "int64") });

  test.each([
    ["Range", [unknown, known(3), known(1)], /start to be one number that is known before the model runs/],
    ["Range", [known(0), known(3), known(0)], /a step that is not 0/],
    ["ConstantOfShape", [{ dtype: "int64" as const, dims: [2] }], /input 0 \(shape\) to be known/],
    ["ConstantOfShape", [known(2, -1)], /sizes of 0 or more, got \[2, -1\]/],
    ["OneHot", [unknown, unknown, unknown], /input 1 \(depth\) to be known/],
    ["OneHot", [unknown, known(0), unknown], /a depth of 1 or more/],
  ] as const)("%s %#", (op, operands, message) => {
    expect(() => inferFrom(op, operands)).toThrow(message);
  });

  test("Dropout in training mode", () => {
    const training = { ...tensorOf(1, "bool"), constant: tensorOf(1, "bool") };
    const x = { dtype: "float32" as const, dims: ["N", 3] };
    expect(() => inferFrom("Dropout", [x, undefined, training])).toThrow(
      /inference mode only; export the model in evaluation mode/,
    );
  });
});
