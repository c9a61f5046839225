/** Seeded tensors and fast-check arbitraries for shapes. A property draws a seed, not the values: shrinking stays fast. */
import fc from "fast-check";
import { elementCount, type Tensor } from "../../src/onnx/types.js";
import { tensorOf } from "../../src/ops/index.js";

export interface RandomOptions {
  /** Range of the values; -2 to 2 by default. */
  readonly low?: number;
  readonly high?: number;
  /** Points the values keep clear of, because the operator has a kink or a pole there, and by how much (0.05). */
  readonly avoid?: readonly number[];
  readonly margin?: number;
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** float32 values, uniform in a range without the neighbourhoods of some points. */
export function randomTensor(
  dims: readonly number[],
  seed: number,
  { low = -2, high = 2, avoid = [], margin = 0.05 }: RandomOptions = {},
): Tensor {
  const next = uniform(seed);
  const draw = (): number => {
    const value = low + (high - low) * next();
    return avoid.some((point) => Math.abs(value - point) < margin) ? draw() : value;
  };
  return tensorOf(Array.from({ length: elementCount(dims) }, draw), "float32", dims);
}

/** float32 values at least `gap` (0.1) apart in random order: no two tie, whatever a finite difference adds. */
export function distinctTensor(dims: readonly number[], seed: number, gap = 0.1): Tensor {
  const next = uniform(seed);
  const count = elementCount(dims);
  const order = Array.from({ length: count }, (_, index) => ({ index, key: next() })).sort((a, b) => a.key - b.key);
  return tensorOf(
    order.map(({ index }) => (index - (count - 1) / 2) * gap),
    "float32",
    dims,
  );
}

/** int64 values in [low, high]. */
export function randomIntegers(dims: readonly number[], seed: number, low: number, high: number): Tensor {
  const next = uniform(seed);
  const values = Array.from({ length: elementCount(dims) }, () => low + Math.floor((high - low + 1) * next()));
  return tensorOf(values, "int64", dims);
}

export const anySeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** Shapes of small tensors. */
export const anyShape = ({ minRank = 0, maxRank = 4, minSize = 1, maxSize = 3 } = {}): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: minSize, max: maxSize }), { minLength: minRank, maxLength: maxRank });

/** `count` shapes that broadcast together: parts of one shape, leading axes dropped and others set to 1. */
export const broadcastingShapes = (count: number): fc.Arbitrary<number[][]> =>
  anyShape().chain((full) =>
    fc.tuple(
      ...Array.from({ length: count }, () =>
        fc
          .tuple(
            fc.integer({ min: 0, max: full.length }),
            fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
          )
          .map(([dropped, ones]) => full.map((size, axis) => (ones[axis] ? 1 : size)).slice(dropped)),
      ),
    ),
  );

/** Runs a property over drawn values with a fixed seed, so that every run of the suite draws the same. */
export async function forAll<T>(
  values: fc.Arbitrary<T>,
  check: (value: T) => Promise<unknown>,
  runs = 15,
): Promise<void> {
  const property = fc.asyncProperty(values, async (value) => {
    await check(value);
  });
  await fc.assert(property, { seed: 20230618, numRuns: runs, interruptAfterTimeLimit: 40_000 });
}
