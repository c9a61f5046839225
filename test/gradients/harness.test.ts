import { expect, test } from "vitest";
import { div, type Expr, findRule, tensorOf } from "../../src/ops/index.js";
import { register } from "../../src/ops/registry.js";
import { checkFold, checkOperator, checkShapes, differentiated, fed, int64, randomTensor } from "./index.js";

const matrix = randomTensor([2, 3], 1);
const rule = findRule("Mul");
if (rule === undefined) throw new Error("Mul is not registered");

test("a right rule passes: gradients, shapes and folding", async () => {
  await checkOperator({ op: "Mul", inputs: [differentiated(matrix), differentiated(randomTensor([3], 2))] });
  await checkOperator({ op: "ReduceSum", inputs: [differentiated(matrix), int64(1)] });
  await checkFold({ op: "Reshape", inputs: [fed(tensorOf([1, 2, 3, 4], "int64")), int64(2, -1)] });
});

test("a gradient that is off by a thousandth in one input is reported with the input and both numbers", async () => {
  const wrong = ({
    inputs,
    outputGradients,
  }: {
    inputs: readonly (Expr | undefined)[];
    outputGradients: readonly (Expr | undefined)[];
  }) => {
    const [a, b] = inputs as [Expr, Expr];
    const dz = outputGradients[0] as Expr;
    const op = (x: Expr, y: Expr) => x.builder.op("Mul", [x, y])[0] as Expr;
    return [op(dz, b), div(op(dz, a), 1.001)];
  };
  register([{ ...rule, gradient: wrong }]);
  try {
    const check = checkOperator({ op: "Mul", inputs: [differentiated(matrix), differentiated(matrix)] });
    await expect(check).rejects.toThrow(/gradient of input 1, Mul\(.*expected/s);
  } finally {
    register([rule]);
  }
});

test("a shape rule that disagrees with ONNX Runtime is reported", async () => {
  register([{ ...rule, shape: () => [{ dtype: "float32", dims: [6] }] }]);
  try {
    await expect(checkShapes({ op: "Mul", inputs: [fed(matrix), fed(matrix)] })).rejects.toThrow(
      /\[2,3\], inferred float32\[6\]/,
    );
  } finally {
    register([rule]);
  }
});

test("an operator that does not fold, or folds to other values, is reported", async () => {
  const call = { op: "Mul", inputs: [fed(tensorOf([2], "int64")), fed(tensorOf([3], "int64"))] };
  const { fold: _, ...bare } = rule;
  register([bare]);
  try {
    await expect(checkFold(call)).rejects.toThrow(/was not folded/);
    register([{ ...rule, fold: () => [tensorOf([7], "int64")] }]);
    await expect(checkFold(call)).rejects.toThrow(/expected 6/);
  } finally {
    register([rule]);
  }
});
