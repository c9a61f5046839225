import type { Tensor } from "../../src/onnx/types.js";

export const numbersOf = (tensor: Tensor): number[] => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

/**
 * Throws unless dims and dtype are the same and no element is off by more than `tolerance` times the largest finite expected
 * magnitude. Infinities and NaN must be matched exactly, integers and booleans too.
 */
export function expectTensor(actual: Tensor | undefined, expected: Tensor, tolerance: number, what: string): void {
  if (actual === undefined) throw new Error(`${what}: missing`);
  if (actual.dtype !== expected.dtype || actual.dims.join() !== expected.dims.join()) {
    throw new Error(
      `${what}: ${actual.dtype}[${actual.dims.join(",")}], expected ${expected.dtype}[${expected.dims.join(",")}]`,
    );
  }
  const [got, want] = [numbersOf(actual), numbersOf(expected)];
  const exact = !expected.dtype.startsWith("float");
  const scale = Math.max(0, ...want.filter(Number.isFinite).map(Math.abs));
  const allowed = exact ? 0 : tolerance * scale;
  want.forEach((value, index) => {
    const found = got[index] as number;
    const matches = Number.isFinite(value) ? Math.abs(found - value) <= allowed : Object.is(found, value);
    if (!matches) {
      throw new Error(
        `${what}: element ${index} of [${expected.dims.join(",")}] is ${found}, expected ${value} ± ${allowed.toExponential(1)}\n` +
          `  got      ${got.slice(0, 40).join(" ")}\n  expected ${want.slice(0, 40).join(" ")}`,
      );
    }
  });
}
