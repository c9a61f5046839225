import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  checkOperator,
  checkShapes,
  checkStored,
  differentiated,
  distinctTensor,
  fed,
  forAll,
  inferTypes,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { averagePoolForward, lpPoolForward, maxPoolForward } from "../../test/gradients/windowed.js";
import { type Attributes, int, ints, text } from "../onnx/types.js";

test.each(storedCases("pooling"))("PyTorch: $op: $name", checkStored);

/** Poolings whose padding is smaller than the window, as ONNX Runtime asks for. */
const anyPool = fc
  .record({
    axes: fc.array(
      fc
        .record({
          size: fc.integer({ min: 3, max: 7 }),
          kernel: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 3 }),
          dilation: fc.integer({ min: 1, max: 2 }),
          begin: fc.integer({ min: 0, max: 2 }),
          end: fc.integer({ min: 0, max: 2 }),
        })
        .filter(({ size, kernel, dilation, begin, end }) => {
          return begin < kernel && end < kernel && size + begin + end >= dilation * (kernel - 1) + 1;
        }),
      { minLength: 1, maxLength: 2 },
    ),
    autoPad: fc.constantFrom("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    ceil: fc.boolean(),
    includePad: fc.boolean(),
    seed: anySeed,
  })
  .filter(({ axes, autoPad }) =>
    axes.every(({ size, kernel, dilation }) => autoPad !== "VALID" || size >= dilation * (kernel - 1) + 1),
  );
type Pool = typeof anyPool extends fc.Arbitrary<infer T> ? T : never;

function attributesOf({ axes, autoPad, ceil }: Pool, dilated: boolean): Attributes {
  return {
    kernel_shape: ints(axes.map(({ kernel }) => kernel)),
    strides: ints(axes.map(({ stride }) => stride)),
    ceil_mode: int(ceil ? 1 : 0),
    ...(dilated && !autoPad.startsWith("SAME") ? { dilations: ints(axes.map(({ dilation }) => dilation)) } : {}),
    ...(autoPad === "NOTSET"
      ? { pads: ints([...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)]) }
      : { auto_pad: text(autoPad) }),
  };
}

const shapeOf = ({ axes }: Pool) => [1, 2, ...axes.map(({ size }) => size)];

test("MaxPool: output size and gradient for any stride, padding, dilation and rounding", async () => {
  await forAll(
    anyPool,
    (pool) =>
      checkOperator({
        op: "MaxPool",
        attributes: attributesOf(pool, true),
        inputs: [differentiated(distinctTensor(shapeOf(pool), pool.seed))],
        forward: maxPoolForward,
      }),
    60,
  );
});

test("MaxPool with Indices has their shape and type", async () => {
  const attributes = { kernel_shape: ints([2, 2]), strides: ints([2, 1]) };
  await checkShapes({ op: "MaxPool", attributes, inputs: [fed(randomTensor([1, 2, 4, 5], 1))], outputCount: 2 });
});

test("AveragePool: what counts as padding, for any stride, padding and rounding", async () => {
  await forAll(
    anyPool,
    (pool) =>
      checkOperator({
        op: "AveragePool",
        attributes: { ...attributesOf(pool, false), count_include_pad: int(pool.includePad ? 1 : 0) },
        inputs: [differentiated(randomTensor(shapeOf(pool), pool.seed))],
        forward: averagePoolForward,
      }),
    60,
  );
});

test("AveragePool with dilation (opset 19)", async () => {
  await checkOperator({
    op: "AveragePool",
    opset: 19,
    attributes: {
      kernel_shape: ints([2, 3]),
      dilations: ints([2, 2]),
      pads: ints([1, 1, 0, 1]),
      strides: ints([1, 2]),
    },
    inputs: [differentiated(randomTensor([1, 2, 5, 7], 1))],
    forward: averagePoolForward,
  });
});

test.each([1, 2, 3])("LpPool with p = %i: gradient away from 0", async (p) => {
  await forAll(anyPool, (pool) =>
    checkOperator({
      op: "LpPool",
      attributes: { ...attributesOf(pool, true), p: int(p) },
      inputs: [differentiated(randomTensor(shapeOf(pool), pool.seed, { avoid: [0], margin: 0.2 }))],
      forward: lpPoolForward,
    }),
  );
});

test.each([
  ["GlobalAveragePool", averagePoolForward, [2, 3, 3, 2]],
  ["GlobalAveragePool", averagePoolForward, [2, 3, 4]],
  ["GlobalMaxPool", maxPoolForward, [2, 3, 3, 2]],
  ["GlobalMaxPool", maxPoolForward, [2, 2, 2, 3, 2]],
])("%s: gradient over any spatial axes", async (op, windowed, dims) => {
  await checkOperator({
    op,
    inputs: [differentiated(distinctTensor(dims, 3, 0.15))],
    forward: (inputs) => windowed(inputs, { kernel_shape: ints(dims.slice(2)) }),
  });
});

test("SAME padding with dilation, on which ONNX and ONNX Runtime disagree, is refused", () => {
  const attributes = { kernel_shape: ints([2, 2]), dilations: ints([2, 1]), auto_pad: text("SAME_UPPER") };
  const call = { op: "MaxPool", attributes, inputs: [fed(randomTensor([1, 2, 4, 5], 1))] };
  expect(() => inferTypes(call)).toThrow(/auto_pad SAME_UPPER together with dilations \[2, 1\].*explicit pads/);
});

test("a window of the wrong rank is refused", () => {
  const call = {
    op: "MaxPool",
    attributes: { kernel_shape: ints([2, 2, 2]) },
    inputs: [fed(randomTensor([1, 2, 4, 5], 1))],
  };
  expect(() => inferTypes(call)).toThrow(/kernel_shape with 2 numbers/);
});
