import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  checkOperator,
  differentiated,
  fed,
  forAll,
  inferTypes,
  numbersOf,
  randomTensor,
} from "../../test/gradients/index.js";
import { float, int, type Tensor } from "../onnx/types.js";

/** By its definition, in float64. */
function localResponse([x]: readonly (Tensor | undefined)[], size: number, alpha: number, beta: number, bias: number) {
  const { dims } = x as Tensor;
  const values = numbersOf(x as Tensor);
  const [, channels = 1, ...positions] = dims;
  const area = positions.reduce((product, length) => product * length, 1);
  const data = Float64Array.from(values, (value, at) => {
    const channel = Math.floor(at / area) % channels;
    let squares = 0;
    for (let other = 0; other < channels; other++) {
      const near = other >= channel - Math.floor((size - 1) / 2) && other <= channel + Math.ceil((size - 1) / 2);
      if (near) squares += (values[at + (other - channel) * area] as number) ** 2;
    }
    return value / (bias + (alpha / size) * squares) ** beta;
  });
  return [{ dtype: "float64", dims, data } as Tensor];
}

test("LRN: outputs by the definition, gradient over windows that reach beyond the channels", async () => {
  const cases = fc.tuple(fc.constantFrom(1, 3, 5), fc.integer({ min: 1, max: 6 }), fc.boolean(), anySeed);
  await forAll(cases, ([size, channels, image, seed]) => {
    const [alpha, beta, bias] = [0.5, 0.75, 2].map(Math.fround) as [number, number, number];
    return checkOperator({
      op: "LRN",
      attributes: { size: int(size), alpha: float(alpha), beta: float(beta), bias: float(bias) },
      // ONNX Runtime takes images only.
      inputs: [differentiated(randomTensor([2, channels, image ? 3 : 1, 2], seed))],
      forward: (inputs) => localResponse(inputs, size, alpha, beta, bias),
    });
  });
});

test("LRN: a size below 1 and rows without channels are refused", () => {
  const inputs = [fed(randomTensor([2, 3, 2], 1))];
  expect(() => inferTypes({ op: "LRN", attributes: { size: int(0) }, inputs })).toThrow("expected a size ≥ 1, got 0");
  const rows = [fed(randomTensor([2, 3], 1))];
  expect(() => inferTypes({ op: "LRN", attributes: { size: int(3) }, inputs: rows })).toThrow(
    "expected input [N, C, ...], got [2, 3]",
  );
});
