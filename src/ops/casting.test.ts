import { expect, test } from "vitest";
import {
  checkFold,
  checkShapes,
  checkStored,
  constant,
  fed,
  inferFrom,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { int, type Tensor } from "../onnx/types.js";
import { tensorOf } from "./expressions.js";

const codes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float64: 11 };

test.each(storedCases("casting"))("$op equals PyTorch: $name", checkStored);

test.each(Object.entries(codes))("Cast to %s: the type that ONNX Runtime returns", async (_name, to) => {
  await checkShapes({ op: "Cast", inputs: [fed(randomTensor([2, 3], 1))], attributes: { to: int(to) } });
  await checkShapes({ op: "Cast", inputs: [fed(tensorOf([1, 0], "bool"))], attributes: { to: int(to) } });
});

test.each(["float32", "int32", "int64", "bool", "float64"] as const)(
  "known values are cast to %s exactly",
  async (name) => {
    const attributes = { to: int(codes[name]) };
    await checkFold({ op: "Cast", inputs: [constant(tensorOf([-2.75, -0.5, 0, 0.5, 3.99]))], attributes });
    await checkFold({ op: "Cast", inputs: [constant(tensorOf([-7, 0, 2 ** 24 + 1], "int64"))], attributes });
    await checkFold({ op: "Cast", inputs: [constant(tensorOf([1, 0], "bool"))], attributes });
    const large = {
      dtype: "int64",
      dims: [3],
      data: BigInt64Array.of(2n ** 63n - 1n, -(2n ** 62n) - 5n, 123456789n ** 2n),
    };
    await checkFold({ op: "Cast", inputs: [constant(large as Tensor)], attributes });
    await checkFold({ op: "CastLike", inputs: [constant(tensorOf([1.5, 0])), constant(tensorOf([1], name))] });
  },
);

test("a cast to a type that Offmap does not compute with is refused with the node and the code", () => {
  const x = { dtype: "float32" as const, dims: ["N"] };
  expect(() => inferFrom("Cast", [x], { to: int(17) })).toThrow(/node "tested" \(Cast\).*got type code 17/);
  expect(inferFrom("Cast", [x], { to: int(7) })).toEqual([{ dtype: "int64", dims: ["N"] }]);
});
