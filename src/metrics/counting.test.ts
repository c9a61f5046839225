import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countFloat32 } from "./counting.js";

/** A fixed, cheap sequence of 32-bit words; its quality does not matter here. */
function words(count: number, seed: number): Uint32Array {
  let state = seed;
  return Uint32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  });
}

/** The same from a table of every value. */
function counted(id: Float32Array, ood: Float32Array) {
  const values = [...new Set([...id, ...ood].map((value) => value + 0))].sort((a, b) => b - a);
  const tally = (scores: Float32Array) => {
    const table = new Map<number, number>();
    for (const score of scores) table.set(score + 0, (table.get(score + 0) ?? 0) + 1);
    return Uint32Array.from(values, (value) => table.get(value) ?? 0);
  };
  return { thresholds: Float32Array.from(values), idCounts: tally(id), oodCounts: tally(ood) };
}

describe("countFloat32", () => {
  test("orders floats of every exponent and sign", () => {
    const [id, ood] = [1, 2].map((seed) => new Float32Array(words(50_000, seed).buffer).filter(Number.isFinite)) as [
      Float32Array,
      Float32Array,
    ];
    expect(id.length).toBeGreaterThan(49_000);
    expect(countFloat32(id, ood)).toEqual(counted(id, ood));
  });

  test("counts ties within piles of more scores than a half has values", () => {
    const scores = (seed: number) => Float32Array.from(words(150_000, seed), (word) => 1 + (word >>> 24) / 2 ** 20);
    const [id, ood] = [scores(3), scores(4)];
    const found = countFloat32(id, ood);
    expect(found).toEqual(counted(id, ood));
    expect(found.thresholds).toHaveLength(256);
  });

  test("-0 and +0 are one threshold, between the smallest numbers of either sign", () => {
    const found = countFloat32(Float32Array.of(-0, 1e-45, 0), Float32Array.of(0, -1e-45));
    expect(found.thresholds).toEqual(Float32Array.of(1e-45, 0, -1e-45));
    expect(found.idCounts).toEqual(Uint32Array.of(1, 2, 0));
    expect(found.oodCounts).toEqual(Uint32Array.of(0, 1, 1));
  });

  test("reads views that start within a buffer, and leaves the scores as they were", () => {
    const id = Float32Array.of(9, 2, -1, 0.5).subarray(1);
    expect(countFloat32(id, Float32Array.of(2)).thresholds).toEqual(Float32Array.of(2, 0.5, -1));
    expect(id).toEqual(Float32Array.of(2, -1, 0.5));
  });

  test("equals a table of every value for any finite scores", () => {
    const scores = fc
      .array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1, -1, 1.5)), {
        minLength: 1,
        maxLength: 60,
      })
      .map((values) => Float32Array.from(values));
    const equal = fc.property(scores, scores, (id, ood) => {
      expect(countFloat32(id, ood)).toEqual(counted(id, ood));
    });
    fc.assert(equal);
  });
});
