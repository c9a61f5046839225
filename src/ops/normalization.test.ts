import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkOperator,
  checkStored,
  differentiated,
  type Forward,
  fed,
  forAll,
  inferTypes,
  numbersOf,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { float, int, type Tensor } from "../onnx/types.js";

test.each(storedCases("normalization"))("PyTorch: $op: $name", checkStored);

/** y = scale·(x - mean)/√(variance + epsilon) + B in float64 over equal runs of elements; `parameterOf` finds scale and B of an element. */
function normalizeRuns(
  [x, scale, bias]: readonly (Tensor | undefined)[],
  {
    run,
    epsilon,
    parameterOf,
    centre = true,
  }: {
    run: number;
    epsilon: number;
    parameterOf: (index: number) => number;
    centre?: boolean;
  },
): Tensor[] {
  const [values, scales] = [numbersOf(x as Tensor), numbersOf(scale as Tensor)];
  const biases = bias === undefined ? undefined : numbersOf(bias);
  const average = (part: number[]) => part.reduce((a, b) => a + b, 0) / part.length;
  const data = new Float64Array(values.length);
  for (let from = 0; from < values.length; from += run) {
    const part = values.slice(from, from + run);
    const mean = centre ? average(part) : 0;
    const deviation = Math.sqrt(average(part.map((value) => (value - mean) ** 2)) + epsilon);
    part.forEach((value, at) => {
      const parameter = parameterOf(from + at);
      data[from + at] = ((value - mean) / deviation) * (scales[parameter] as number) + (biases?.[parameter] ?? 0);
    });
  }
  return [{ dtype: "float64", dims: (x as Tensor).dims, data }];
}

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** Normalized runs need a few elements: of two, y is ±scale whatever x is. */
const epsilon = 0.05;

test.each([
  ["LayerNormalization", 18, true],
  ["RMSNormalization", 23, false],
])("%s: gradients from any axis on", async (op, opset, centre) => {
  await forAll(
    fc.tuple(anyShape({ minRank: 1, maxRank: 3, minSize: 3 }), fc.integer({ min: 1, max: 3 }), fc.boolean(), anySeed),
    ([dims, depth, withBias, seed]) => {
      const axis = -Math.min(depth, dims.length);
      const normalized = dims.slice(axis);
      const run = product(normalized);
      return checkOperator({
        op,
        opset,
        attributes: { axis: int(axis), epsilon: float(epsilon) },
        inputs: [
          differentiated(randomTensor([2, ...dims], seed)),
          differentiated(randomTensor(normalized, seed + 1)),
          ...(withBias && centre ? [differentiated(randomTensor(normalized, seed + 2))] : []),
        ],
        forward: (inputs) =>
          normalizeRuns(inputs, { run, epsilon: Math.fround(epsilon), parameterOf: (at) => at % run, centre }),
      });
    },
  );
});

test("LayerNormalization with three outputs: the gradient goes through mean and inverse deviation too", async () => {
  const forward: Forward = (inputs) => {
    const [x, scale, bias] = inputs as [Tensor, Tensor, Tensor];
    const [y] = normalizeRuns([x, scale, bias], { run: 4, epsilon: 0.5, parameterOf: (at) => at % 4 }) as [Tensor];
    const rows = [0, 1, 2].map((row) => numbersOf(x).slice(4 * row, 4 * row + 4));
    const means = rows.map((row) => row.reduce((a, b) => a + b, 0) / 4);
    const inverses = rows.map((row, at) => {
      return 1 / Math.sqrt(row.reduce((total, value) => total + (value - (means[at] as number)) ** 2, 0) / 4 + 0.5);
    });
    const column = (values: number[]): Tensor => ({ dtype: "float64", dims: [3, 1], data: Float64Array.from(values) });
    return [y, column(means), column(inverses)];
  };
  await checkOperator({
    op: "LayerNormalization",
    attributes: { epsilon: float(0.5) },
    inputs: [randomTensor([3, 4], 1), randomTensor([4], 2), randomTensor([4], 3)].map(differentiated),
    outputCount: 3,
    forward,
  });
});

test("InstanceNormalization: gradients over any spatial axes", async () => {
  await forAll(fc.tuple(anyShape({ minRank: 1, maxRank: 2, minSize: 3, maxSize: 4 }), anySeed), ([spatial, seed]) => {
    const run = product(spatial);
    return checkOperator({
      op: "InstanceNormalization",
      attributes: { epsilon: float(epsilon) },
      inputs: [randomTensor([2, 3, ...spatial], seed), randomTensor([3], seed + 1), randomTensor([3], seed + 2)].map(
        differentiated,
      ),
      forward: (inputs) =>
        normalizeRuns(inputs, { run, epsilon: Math.fround(epsilon), parameterOf: (at) => Math.floor(at / run) % 3 }),
    });
  });
});

test.each([
  ["per channel", 21],
  ["per group", 18],
])("GroupNormalization with scale %s (opset %i): gradients", async (_, opset) => {
  for (const groups of [1, 2, 4]) {
    const parameters = opset >= 21 ? 4 : groups;
    await checkOperator({
      op: "GroupNormalization",
      opset,
      attributes: { num_groups: int(groups), epsilon: float(epsilon) },
      inputs: [randomTensor([2, 4, 2, 3], groups), randomTensor([parameters], 5), randomTensor([parameters], 6)].map(
        differentiated,
      ),
      forward: (inputs) =>
        normalizeRuns(inputs, {
          run: 24 / groups,
          epsilon: Math.fround(epsilon),
          parameterOf: (at) => Math.floor((at % 24) / (24 / parameters)),
        }),
    });
  }
});

test.each([1, 2])("LpNormalization, p = %i: gradient along any axis", async (p) => {
  await forAll(
    anyShape({ minRank: 1, maxRank: 3, minSize: 2 }).chain((dims) =>
      fc.tuple(fc.constant(dims), fc.integer({ min: -dims.length, max: dims.length - 1 }), anySeed),
    ),
    ([dims, axis, seed]) =>
      checkOperator({
        op: "LpNormalization",
        attributes: { p: int(p), axis: int(axis) },
        inputs: [differentiated(randomTensor(dims, seed, { avoid: [0], margin: 0.2 }))],
      }),
  );
});

test("parameters of another length are refused with the shapes", () => {
  const inputs = [[2, 4, 3], [3], [4]].map((dims) => fed(randomTensor(dims, 1)));
  expect(() => inferTypes({ op: "InstanceNormalization", inputs })).toThrow(
    /scale and bias \[4\], got input \[2, 4, 3\] and \[3\]/,
  );
  expect(() => inferTypes({ op: "LayerNormalization", inputs })).toThrow(/broadcast/);
  const attributes = { num_groups: int(3) };
  expect(() => inferTypes({ op: "GroupNormalization", attributes, inputs })).toThrow(
    /divides into 3 groups, got \[2, 4, 3\]/,
  );
});
