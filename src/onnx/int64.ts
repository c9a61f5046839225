/** Integers of ONNX, 64 bits wide, from numbers. */

const limit = 2n ** 63n;

/**
 * An integer as int64. The ends of int64, which stand for "to the end" in Slice, are not exact as numbers: what lies beyond is clamped.
 *
 * @throws RangeError when the value is not an integer
 */
export function toInt64(value: number): bigint {
  const exact = BigInt(value);
  return exact >= limit ? limit - 1n : exact < -limit ? -limit : exact;
}
