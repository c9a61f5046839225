import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkOperator,
  checkShapes,
  checkStored,
  checkValues,
  constant,
  differentiated,
  fed,
  forAll,
  inferTypes,
  int64,
  numbersOf,
  type OperatorCase,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { type Attributes, int, ints, type Tensor, text } from "../onnx/types.js";
import { sum, tensorOf } from "./expressions.js";
import type { Expr } from "./types.js";

test.each(storedCases("resampling"))("PyTorch: $op: $name", checkStored);

test.each([
  ["constant", 18],
  ["edge", 18],
  ["reflect", 18],
  ["wrap", 19],
])("Pad %s: gradient for pads of every axis, some negative", async (mode, opset) => {
  await forAll(
    fc.tuple(
      fc.array(
        fc.record({
          // A reflection must fit into what a crop at the other end leaves.
          size: fc.integer({ min: 4, max: 5 }),
          begin: fc.integer({ min: -1, max: 2 }),
          end: fc.integer({ min: -1, max: 2 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      anySeed,
    ),
    ([axes, seed]) =>
      checkOperator({
        op: "Pad",
        opset,
        attributes: { mode: text(mode) },
        inputs: [
          differentiated(
            randomTensor(
              axes.map(({ size }) => size),
              seed,
            ),
          ),
          int64(...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)),
          ...(mode === "constant" ? [differentiated(tensorOf(0.75))] : []),
        ],
      }),
    30,
  );
});

test("Pad: axes are counted from either end, in any order", async () => {
  await checkOperator({
    op: "Pad",
    attributes: { mode: text("reflect") },
    inputs: [differentiated(randomTensor([2, 3, 4], 1)), int64(3, 1, 0, 2), undefined, int64(-1, 1)],
  });
});

test("pads that leave nothing, or of the wrong number, are refused", () => {
  const x = fed(randomTensor([2, 3], 1));
  expect(() => inferTypes({ op: "Pad", inputs: [x, int64(0, -2, 0, -2)] })).toThrow(/leave something of axis 1/);
  expect(() => inferTypes({ op: "Pad", inputs: [x, int64(1, 1, 1)] })).toThrow(
    /two pads for each of 2 different axes, got 3 pads/,
  );
});

const modes: [string, string][] = [
  ["linear", "round_prefer_floor"],
  ["nearest", "round_prefer_floor"],
  ["nearest", "round_prefer_ceil"],
  ["nearest", "floor"],
  ["nearest", "ceil"],
];

/**
 * Resize is linear, so ONNX Runtime itself gives the expected gradient: with every basis image as one entry of the batch, one run
 * returns the whole matrix.
 */
async function checkResize(
  dims: readonly number[],
  attributes: Attributes,
  target: { scales?: number[]; sizes?: number[] },
) {
  const call = (tensor: Tensor): OperatorCase => {
    const rank = tensor.dims.length;
    const [scales, sizes] = [target.scales, target.sizes];
    const whole = attributes.axes === undefined ? tensor.dims.slice(0, rank - 2) : [];
    return {
      op: "Resize",
      attributes,
      inputs: [
        differentiated(tensor),
        undefined,
        scales === undefined ? undefined : constant(tensorOf([...whole.map(() => 1), ...scales])),
        ...(sizes === undefined ? [] : [int64(...whole, ...sizes)]),
      ],
    };
  };
  const count = dims.reduce((all, size) => all * size, 1);
  const basis = Array.from({ length: count ** 2 }, (_, at) => (at % (count + 1) === 0 ? 1 : 0));
  const [columns] = (await checkShapes(call(tensorOf(basis, "float32", [count, 1, ...dims])))) as [Tensor];
  const test = call(randomTensor([1, 1, ...dims], 1));
  const outputs = await checkShapes(test);
  const cotangents = outputs.map((output) => randomTensor(output.dims, 2));
  const weights = numbersOf(cotangents[0] as Tensor);
  const values = numbersOf(columns);
  const gradient = Array.from({ length: count }, (_, row) =>
    weights.reduce((total, weight, at) => total + weight * (values[row * weights.length + at] as number), 0),
  );
  await checkValues(test, { outputs, cotangents, gradients: [tensorOf(gradient, "float32", [1, 1, ...dims])] });
}

test.each(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])(
  "Resize, %s: gradient of linear and every nearest_mode, by scales and by sizes",
  async (transform) => {
    await forAll(
      fc.record({
        mode: fc.constantFrom(...modes),
        input: fc.tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 2, max: 5 })),
        sizes: fc.option(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))),
        scales: fc.tuple(fc.constantFrom(0.5, 0.6, 1, 1.5, 2, 2.7), fc.constantFrom(0.5, 0.75, 1, 1.3, 3)),
      }),
      ({ mode: [mode, nearestMode], input, sizes, scales }) => {
        const attributes = {
          mode: text(mode),
          nearest_mode: text(nearestMode),
          coordinate_transformation_mode: text(transform),
        };
        return checkResize(input, attributes, sizes === null ? { scales } : { sizes });
      },
      80,
    );
  },
);

test.each(modes)(
  "Resize, %s %s: a tensor whose sizes stay is copied, whatever the scales",
  async (mode, nearestMode) => {
    const attributes = { mode: text(mode), nearest_mode: text(nearestMode) };
    await checkResize([4, 4], attributes, { scales: [1.1, 1.2] });
    await checkResize([4, 4], attributes, { scales: [1.1, 1.3] });
  },
);

test("Resize of chosen axes, in any order", async () => {
  await checkResize([3, 4], { mode: text("linear"), axes: ints([3, 2]) }, { sizes: [7, 5] });
});

const toFour = [undefined, undefined, int64(1, 1, 4, 4)] as const;

test.each<[string, Attributes, RegExp]>([
  ["cubic", { mode: text("cubic") }, /mode to be one of nearest, linear, got cubic/],
  ["antialias", { mode: text("linear"), antialias: int(1) }, /no gradient goes through antialias/],
  ["crops", { coordinate_transformation_mode: text("tf_crop_and_resize") }, /got tf_crop_and_resize/],
  ["an unknown rounding", { nearest_mode: text("toString") }, /nearest_mode to be one of .*, got toString/],
])("no gradient goes through Resize with %s, whose shape is known", (_, attributes, message) => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1, 1, 2, 2]);
  const sizes = graph.constant(tensorOf([1, 1, 4, 4], "int64"));
  const [y] = graph.op("Resize", [x, undefined, undefined, sizes], attributes) as [Expr];
  expect(y.dims).toEqual([1, 1, 4, 4]);
  expect(() => gradients(graph, sum(y), [x])).toThrow(message);
});

test.each<[string, Attributes, RegExp]>([
  ["a kept aspect ratio", { keep_aspect_ratio_policy: text("not_larger") }, /stretch, got not_larger/],
])("Resize with %s is refused by name", (_, attributes, message) => {
  const inputs = [fed(randomTensor([1, 1, 2, 2], 1)), ...toFour];
  expect(() => inferTypes({ op: "Resize", attributes, inputs })).toThrow(message);
});

test("Resize by scales of what is cropped is refused", () => {
  const attributes = { coordinate_transformation_mode: text("tf_crop_and_resize") };
  const inputs = [fed(randomTensor([1, 1, 2, 2], 1)), undefined, constant(tensorOf([1, 1, 2, 2]))];
  expect(() => inferTypes({ op: "Resize", attributes, inputs })).toThrow(/got tf_crop_and_resize/);
});

test("Resize with scales and sizes, or neither, is refused", () => {
  const x = fed(randomTensor([1, 1, 2, 2], 1));
  const scales = constant(tensorOf([1, 1, 2, 2]));
  expect(() => inferTypes({ op: "Resize", inputs: [x, undefined, scales, int64(1, 1, 4, 4)] })).toThrow(
    /either scales or sizes, got both/,
  );
  expect(() => inferTypes({ op: "Resize", inputs: [x] })).toThrow(/either scales or sizes, got neither/);
});

test.each(["DCR", "CRD"])("DepthToSpace, mode %s: gradient", async (mode) => {
  await forAll(
    fc.tuple(anyShape({ minRank: 4, maxRank: 4 }), fc.integer({ min: 1, max: 3 }), anySeed),
    ([[n, c, h, w], block, seed]) =>
      checkOperator({
        op: "DepthToSpace",
        attributes: { blocksize: int(block), mode: text(mode) },
        inputs: [
          differentiated(randomTensor([n as number, (c as number) * block ** 2, h as number, w as number], seed)),
        ],
      }),
  );
});

test("SpaceToDepth: gradient", async () => {
  await forAll(
    fc.tuple(anyShape({ minRank: 4, maxRank: 4 }), fc.integer({ min: 1, max: 3 }), anySeed),
    ([[n, c, h, w], block, seed]) =>
      checkOperator({
        op: "SpaceToDepth",
        attributes: { blocksize: int(block) },
        inputs: [
          differentiated(randomTensor([n as number, c as number, (h as number) * block, (w as number) * block], seed)),
        ],
      }),
  );
});

test("blocks that do not divide the input are refused with its shape", () => {
  const inputs = [fed(randomTensor([1, 6, 3, 4], 1))];
  const attributes = { blocksize: int(2) };
  expect(() => inferTypes({ op: "DepthToSpace", attributes, inputs })).toThrow(/C divisible by 4, got \[1, 6, 3, 4\]/);
  expect(() => inferTypes({ op: "SpaceToDepth", attributes, inputs })).toThrow(
    /H and W divisible by 2, got \[1, 6, 3, 4\]/,
  );
});
