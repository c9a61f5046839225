import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createGenerator } from "./random.js";
import { classCounts, holdOut, indicesByClass } from "./splits.js";

describe("hold-out", () => {
  test("parts any labelled set in two, every class by its share and with an image left", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 10, maxLength: 200 }),
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        fc.nat(1000),
        (list, amount, seed) => {
          const labels = Int32Array.from(list);
          const wanted = Math.round(amount * labels.length);
          const groups = indicesByClass(labels);
          fc.pre(wanted >= 1 && wanted <= labels.length - groups.size);
          const { train, held } = holdOut(labels, amount, createGenerator(seed));
          expect(held).toHaveLength(wanted);
          expect([...train, ...held].sort((one, other) => one - other)).toEqual([...labels.keys()]);
          const taken = indicesByClass(held.map((index) => labels[index] as number));
          let clamped = false;
          for (const [label, { length }] of groups) {
            const number = taken.get(label)?.length ?? 0;
            expect(number).toBeLessThan(length);
            if (number === length - 1) clamped = true;
          }
          if (clamped) return;
          for (const [label, { length }] of groups) {
            expect(Math.abs((taken.get(label)?.length ?? 0) - (length * wanted) / labels.length)).toBeLessThan(1);
          }
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  test("takes a number of images when given one, and others with another seed", () => {
    const labels = Int32Array.from({ length: 100 }, (_, index) => index % 4);
    const one = holdOut(labels, 20, createGenerator(1));
    expect([
      ...classCounts(
        one.held.map((index) => labels[index] as number),
        4,
      ),
    ]).toEqual([5, 5, 5, 5]);
    expect(holdOut(labels, 20, createGenerator(1))).toEqual(one);
    expect(holdOut(labels, 20, createGenerator(2))).not.toEqual(one);
  });

  test.each([0, -1, 1, 2.5, 0.1, 0.99, Number.NaN])("of %d from two classes of one image each is refused", (amount) => {
    expect(() => holdOut(Int32Array.of(0, 1), amount, createGenerator(1))).toThrow(
      "hold-out: expected between 1 and 0 of 2 images",
    );
  });
});

describe("class counts", () => {
  test("count classes without images too", () => {
    expect([...classCounts(Int32Array.of(2, 0, 2), 4)]).toEqual([1, 0, 2, 0]);
  });

  test.each([-1, 3])("refuse a label of %i", (label) => {
    expect(() => classCounts(Int32Array.of(0, label), 3)).toThrow(`label of image 1: expected 0 to 2, got ${label}`);
  });
});
