import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  anyShape,
  checkOperator,
  checkShapes,
  checkStored,
  differentiated,
  fed,
  forAll,
  inferTypes,
  randomIntegers,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { int, text } from "../onnx/types.js";

test.each(storedCases("softmax"))("PyTorch: $op: $name", checkStored);

test.each(["Softmax", "LogSoftmax"])("%s: gradient along any axis, counted from either end", async (op) => {
  await forAll(
    anyShape({ minRank: 1 }).chain((dims) =>
      fc.tuple(fc.constant(dims), fc.integer({ min: -dims.length, max: dims.length - 1 }), anySeed),
    ),
    ([dims, axis, seed]) => {
      // Along an axis of size 1 softmax is constant: the gradient is 0, up to rounding that no relative error measures.
      if (dims.at(axis) === 1)
        return checkShapes({ op, attributes: { axis: int(axis) }, inputs: [fed(randomTensor(dims, seed))] });
      return checkOperator({ op, attributes: { axis: int(axis) }, inputs: [differentiated(randomTensor(dims, seed))] });
    },
    30,
  );
});

test.each(["mean", "sum", "none"])(
  "SoftmaxCrossEntropyLoss, %s: gradient through loss and log_prob",
  async (reduction) => {
    await forAll(fc.tuple(anyShape({ maxRank: 2 }), fc.boolean(), anySeed), async ([rest, weighted, seed]) => {
      const scores = randomTensor([3, 4, ...rest], seed);
      const labels = randomIntegers([3, ...rest], seed + 1, 0, 3);
      const weights = randomTensor([4], seed + 2, { low: 0.25 });
      await checkOperator({
        op: "SoftmaxCrossEntropyLoss",
        attributes: { reduction: text(reduction), ignore_index: int(3) },
        inputs: [differentiated(scores), fed(labels), ...(weighted ? [fed(weights)] : [])],
        outputCount: 2,
      });
    });
  },
);

test("labels of the wrong shape are refused with both shapes", () => {
  const inputs = [fed(randomTensor([3, 4], 1)), fed(randomIntegers([4], 1, 0, 3))];
  expect(() => inferTypes({ op: "SoftmaxCrossEntropyLoss", inputs })).toThrow(/got \[3, 4\] and \[4\]/);
});

test("class weights that are trained are refused, not silently left alone", async () => {
  const inputs = [
    differentiated(randomTensor([3, 4], 1)),
    fed(randomIntegers([3], 1, 0, 3)),
    differentiated(randomTensor([4], 2, { low: 0.25 })),
  ];
  await expect(checkOperator({ op: "SoftmaxCrossEntropyLoss", inputs })).rejects.toThrow(
    /weights of a loss cannot be trained/,
  );
});
