import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  checkOperator,
  checkStored,
  constant,
  differentiated,
  fed,
  forAll,
  inferTypes,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { convForward, convTransposeForward } from "../../test/gradients/windowed.js";
import { type Attributes, int, ints, text } from "../onnx/types.js";

test.each(storedCases("conv"))("PyTorch: $op: $name", checkStored);

/** Small calls of every kind: 1 to 3 spatial axes, groups, depthwise, enough channels for each form of the weight gradient. */
const anyCall = fc
  .record({
    images: fc.integer({ min: 1, max: 2 }),
    group: fc.constantFrom(1, 1, 2, 3),
    perGroup: fc.constantFrom(
      { inputs: 1, outputs: 1 },
      { inputs: 1, outputs: 2 },
      { inputs: 2, outputs: 3 },
      { inputs: 3, outputs: 1 },
      { inputs: 16, outputs: 1 },
    ),
    axes: fc.array(
      fc.record({
        size: fc.integer({ min: 4, max: 7 }),
        kernel: fc.integer({ min: 1, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        begin: fc.integer({ min: 0, max: 3 }),
        end: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    autoPad: fc.constantFrom("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    unitStride: fc.boolean(),
    bias: fc.boolean(),
    seed: anySeed,
  })
  .filter(({ axes, autoPad }) =>
    axes.every(({ size, kernel, dilation, begin, end }) => {
      const padding = autoPad === "NOTSET" ? begin + end : 0;
      return autoPad.startsWith("SAME") || size + padding >= dilation * (kernel - 1) + 1;
    }),
  );
type Call = typeof anyCall extends fc.Arbitrary<infer T> ? T : never;

function attributesOf({ group, axes, autoPad, unitStride }: Call): Attributes {
  const pads = [...axes.map(({ begin }) => begin), ...axes.map(({ end }) => end)];
  return {
    group: int(group),
    strides: ints(axes.map(({ stride }) => (unitStride ? 1 : stride))),
    // ONNX Runtime has no dilation together with SAME padding in Conv.
    dilations: ints(axes.map(({ dilation }) => (autoPad.startsWith("SAME") ? 1 : dilation))),
    kernel_shape: ints(axes.map(({ kernel }) => kernel)),
    ...(autoPad === "NOTSET" ? { pads: ints(pads) } : { auto_pad: text(autoPad) }),
  };
}

test("Conv: gradients of input, weight and bias for any stride, padding, dilation and group", async () => {
  await forAll(
    anyCall,
    (call) => {
      const { images, group, perGroup, axes, bias, seed } = call;
      const [inputs, outputs] = [group * perGroup.inputs, group * perGroup.outputs];
      const x = randomTensor([images, inputs, ...axes.map(({ size }) => size)], seed);
      const w = randomTensor([outputs, perGroup.inputs, ...axes.map(({ kernel }) => kernel)], seed + 1);
      return checkOperator({
        op: "Conv",
        attributes: attributesOf(call),
        inputs: [x, w, ...(bias ? [randomTensor([outputs], seed + 2)] : [])].map(differentiated),
        forward: convForward,
      });
    },
    60,
  );
});

test("ConvTranspose: gradients for any stride, padding, output_padding, dilation and group", async () => {
  await forAll(
    fc.tuple(anyCall, fc.integer({ min: 0, max: 2 })),
    ([call, added]) => {
      const { images, group, perGroup, axes, bias, seed, autoPad } = call;
      const [inputs, outputs] = [group * perGroup.inputs, group * perGroup.outputs];
      const x = randomTensor([images, inputs, ...axes.map(({ size }) => Math.ceil(size / 2))], seed);
      const w = randomTensor([inputs, perGroup.outputs, ...axes.map(({ kernel }) => kernel)], seed + 1);
      const attributes = attributesOf(call);
      const strides = axes.map(({ stride }) => (call.unitStride ? 1 : stride));
      const results = axes.map(({ size, kernel, dilation, begin, end }, axis) => {
        const span = (Math.ceil(size / 2) - 1) * (strides[axis] as number) + dilation * (kernel - 1) + 1;
        return autoPad === "NOTSET" ? span - begin - end : span;
      });
      if (results.some((size) => size < 1)) return Promise.resolve();
      return checkOperator({
        op: "ConvTranspose",
        attributes: {
          ...attributes,
          output_padding: ints(strides.map((stride) => (autoPad.startsWith("SAME") ? 0 : Math.min(added, stride - 1)))),
        },
        inputs: [x, w, ...(bias ? [randomTensor([outputs], seed + 2)] : [])].map(differentiated),
        forward: convTransposeForward,
      });
    },
    60,
  );
});

test.each([
  ["SAME_UPPER", [8, 9]],
  ["SAME_LOWER", [8, 9]],
  ["NOTSET", [7, 8]],
])("ConvTranspose %s with output_shape %j: the padding is split as ONNX Runtime does", async (autoPad, shape) => {
  await checkOperator({
    op: "ConvTranspose",
    attributes: { strides: ints([2, 2]), output_shape: ints(shape), auto_pad: text(autoPad) },
    inputs: [randomTensor([1, 2, 4, 4], 1), randomTensor([2, 3, 3, 4], 2)].map(differentiated),
    forward: convTransposeForward,
  });
});

test("Conv with three spatial axes has gradients", async () => {
  await checkOperator({
    op: "Conv",
    attributes: { pads: ints([1, 0, 1, 0, 1, 1]), strides: ints([1, 2, 1]) },
    inputs: [randomTensor([1, 2, 3, 4, 3], 1), randomTensor([2, 2, 2, 2, 2], 2)].map(differentiated),
    forward: convForward,
  });
});

test("a gradient is built only for what is trained: weight alone, input alone", async () => {
  const [x, w] = [randomTensor([1, 2, 5, 5], 1), randomTensor([3, 2, 3, 3], 2)];
  await checkOperator({ op: "Conv", inputs: [fed(x), differentiated(w)], forward: convForward });
  await checkOperator({ op: "Conv", inputs: [differentiated(x), constant(w)], forward: convForward });
});

test("an input with the wrong number of channels is refused with both shapes", () => {
  const call = { op: "Conv", inputs: [fed(randomTensor([1, 4, 5, 5], 1)), fed(randomTensor([3, 2, 3, 3], 2))] };
  expect(() => inferTypes(call)).toThrow(
    /expected input \[N, 2, \.\.\.\] for weight \[3, 2, 3, 3\].* got input \[1, 4, 5, 5\]/,
  );
});

test("a window larger than the padded input is refused with both sizes", () => {
  const call = { op: "Conv", inputs: [fed(randomTensor([1, 2, 2, 2], 1)), fed(randomTensor([3, 2, 5, 5], 2))] };
  expect(() => inferTypes(call)).toThrow(
    /at least as large as the window, 5 along spatial axis 0, got 2 and 0 of padding/,
  );
});
