import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkOperator,
  checkStored,
  checkValues,
  constant,
  differentiated,
  type Forward,
  fed,
  forAll,
  inferFrom,
  numbersOf,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { erf } from "../../test/gradients/special-functions.js";
import { type Attributes, float, type Tensor, text } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

const kinks = [-3, -2.5, -0.75, 0, 0.5, 1, 2.5, 3];
const calls: [string, Attributes][] = [
  ["Relu", {}],
  ["LeakyRelu", {}],
  ["LeakyRelu", { alpha: float(-0.5) }],
  ["Elu", {}],
  ["Elu", { alpha: float(1.5) }],
  ["Selu", {}],
  ["Selu", { alpha: float(1.5), gamma: float(0.75) }],
  ["Sigmoid", {}],
  ["HardSigmoid", {}],
  ["HardSigmoid", { alpha: float(0.5), beta: float(0.375) }],
  ["HardSwish", {}],
  ["Tanh", {}],
  ["Softplus", {}],
  ["Softsign", {}],
  ["Mish", {}],
  ["ThresholdedRelu", {}],
  ["ThresholdedRelu", { alpha: float(0.5) }],
];

test.each(calls)("%s %j: gradient away from the kinks", async (op, attributes) => {
  await forAll(fc.tuple(anyShape(), anySeed), ([dims, seed]) => {
    // 1 - y² loses digits where tanh is nearly 1, and with them a test of one element its scale.
    const range = op === "Tanh" ? 2 : 4;
    const x = randomTensor(dims, seed, { low: -range, high: range, avoid: kinks });
    return checkOperator({ op, attributes, inputs: [differentiated(x)] });
  });
});

const elementwise =
  (f: (x: number) => number): Forward =>
  ([x]) => [{ ...(x as Tensor), data: Float64Array.from(numbersOf(x as Tensor), f) }];

test.each([
  ["none", elementwise((x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2)],
  ["tanh", elementwise((x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2)],
])("Gelu, approximate %s: gradient", async (approximate, forward) => {
  await forAll(fc.tuple(anyShape(), anySeed), ([dims, seed]) =>
    checkOperator({
      op: "Gelu",
      opset: 20,
      attributes: { approximate: text(approximate) },
      inputs: [differentiated(randomTensor(dims, seed, { low: -4, high: 4 }))],
      forward,
    }),
  );
});

test("PRelu: gradients of input and slope, with the slope broadcast", async () => {
  for (const slope of [[], [1], [4], [3, 1], [3, 4], [2, 3, 4]]) {
    await checkOperator({
      op: "PRelu",
      inputs: [differentiated(randomTensor([2, 3, 4], 1, { avoid: [0] })), differentiated(randomTensor(slope, 2))],
    });
  }
});

test("Clip: gradients of input and bounds, each bound optional", async () => {
  const x = differentiated(randomTensor([3, 5], 1, { avoid: [-0.5, 0.75] }));
  const [low, high] = [tensorOf(-0.5), tensorOf(0.75)];
  for (const inputs of [
    [x, constant(low), constant(high)],
    [x, differentiated(low), differentiated(high)],
    [x, undefined, fed(high)],
    [x, constant(low)],
    [x],
  ]) {
    await checkOperator({ op: "Clip", inputs });
  }
});

test.each(["Relu", "Clip", "ThresholdedRelu", "HardSigmoid"])(
  "%s: an infinite gradient does not become NaN where the function is flat",
  async (op) => {
    const bounds = op === "Clip" ? [constant(tensorOf(0)), constant(tensorOf(6))] : [];
    await checkValues(
      { op, inputs: [differentiated(tensorOf([-9])), ...bounds] },
      {
        outputs: [tensorOf([0])],
        cotangents: [tensorOf([Number.POSITIVE_INFINITY])],
        gradients: [tensorOf([0])],
      },
    );
  },
);

test.each(storedCases("activations"))("$op equals PyTorch: $name", checkStored);

describe("shapes", () => {
  const x = { dtype: "float32" as const, dims: ["N", 3, 8, 8] };
  test("named dimensions pass", () => {
    expect(inferFrom("Relu", [x])).toEqual([x]);
    expect(inferFrom("PRelu", [x, { dtype: "float32", dims: [3, 1, 1] }])).toEqual([x]);
  });
  test("a slope that would enlarge the input, and bounds that are no single number, are refused", () => {
    const four = { dtype: "float32" as const, dims: [4, 1, 1] };
    expect(() => inferFrom("PRelu", [{ ...x, dims: ["N", 1, 8, 8] }, four])).toThrow(
      /expected a slope that broadcasts/,
    );
    expect(() => inferFrom("Clip", [x, four])).toThrow(
      /expected bounds that are single numbers, got a bound of shape \[4, 1, 1\]/,
    );
  });
});
