import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { runModel } from "../../test/gradients/run-model.js";
import { headOf } from "../../test/reference/tiny-scores.js";
import { OptionError, UnsupportedError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import { rankFeatScore } from "./rank-feat.js";
import type { Head } from "./types.js";

interface Case {
  readonly map: string;
  readonly score: number;
  readonly energy: number;
  /** The two largest singular values. */
  readonly sigma: readonly [number, number];
  /** Of the angle between u₁ and the weights that the iteration starts from. */
  readonly tangent: number;
}
/** Made by test/reference/rankfeat.py. */
const at = (name: string) => new URL(`../../test/reference/rankfeat/${name}`, import.meta.url);
const reference = JSON.parse(readFileSync(at("rankfeat.json"), "utf8")) as {
  readonly arrays: Readonly<Record<string, { readonly offset: number; readonly dims: readonly number[] }>>;
  readonly cases: readonly Case[];
};
const bytes = readFileSync(at("maps.f32"));
const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
function array(name: string): Float32Array {
  const { offset, dims } = reference.arrays[name] as { offset: number; dims: readonly number[] };
  return numbers.slice(offset, offset + dims.reduce((product, size) => product * size, 1));
}
const realHead: Head = { weight: array("W"), bias: array("b"), classes: 10, dimension: 64 };
const largestRow = Math.max(
  ...Array.from({ length: realHead.classes }, (_, row) =>
    Math.hypot(...realHead.weight.subarray(row * 64, row * 64 + 64)),
  ),
);
const positions = 64;

/** Scores of maps [N, C, H, W], as ONNX Runtime computes the expression. */
async function score(head: Head, maps: Float32Array, size: readonly [number, number], iterations = 20) {
  const graph = new GraphBuilder();
  const logits = graph.input("logits", "float32", ["N", head.classes]);
  const map = graph.input("map", "float32", ["N", head.dimension, ...size]);
  const result = rankFeatScore.expression({ logits, map, head }, { iterations }, {});
  expect(result.dims).toEqual(["N"]);
  const dims = [maps.length / (head.dimension * size[0] * size[1]), head.dimension, ...size];
  const outputs = await runModel(graph.model({ score: result }), { map: { dtype: "float32", dims, data: maps } });
  return outputs.get("score")?.data as Float32Array;
}
const energyOfBias = ({ bias }: Head) => -Math.log(Array.from(bias, Math.exp).reduce((sum, power) => sum + power, 0));

describe("against the singular value decomposition", () => {
  test("the reference has maps whose second singular value is near the first, and removal changes each score", () => {
    const ratios = reference.cases.map(({ sigma: [first, second] }) => second / first);
    expect(reference.cases).toHaveLength(12);
    expect(Math.max(...ratios)).toBeGreaterThan(0.6);
    expect(Math.max(...ratios)).toBeLessThan(0.7);
    for (const each of reference.cases) expect(each.score - each.energy).toBeGreaterThan(1e-3);
  });

  test("scores are those of the exact decomposition to 1e-6 after 20 steps, on real and random maps", async () => {
    const found = await score(realHead, array("maps"), [8, 8]);
    reference.cases.forEach(({ score: expected, map }, index) => {
      expect(Math.abs((found[index] as number) / expected - 1), `${map}, ${index}`).toBeLessThan(1e-6);
    });
  });

  // After k steps v differs from v₁ by an angle φ with tan φ ≤ (σ₂/σ₁)^(2k - 1) · tan φ₀, φ₀ between u₁ and the start. With
  // v = v₁ cos φ + w sin φ, the means of v₁ and of w at most 1/√positions and |X w| ≤ σ₂, the part removed is off by at most
  // (sin² φ + sin φ cos φ) (σ₁ + σ₂) / √positions ≤ √2 tan φ (σ₁ + σ₂) / √positions; and the energy by that times the longest row of W.
  test.each([1, 2, 3, 5, 10, 20])(
    "after %d steps the error is within the bound of the power iteration",
    async (steps) => {
      const found = await score(realHead, array("maps"), [8, 8], steps);
      reference.cases.forEach(({ score: expected, sigma: [first, second], tangent, map }, index) => {
        const angle = (second / first) ** (2 * steps - 1) * tangent;
        const bound = (largestRow * Math.SQRT2 * angle * (first + second)) / Math.sqrt(positions);
        const rounding = 1e-6 * Math.abs(expected);
        expect(Math.abs((found[index] as number) - expected), `${map}, ${index}`).toBeLessThan(bound + rounding);
      });
    },
  );
});

const head = headOf(
  [
    [1, -2, 0.5],
    [0, 3, 1],
  ],
  [0.25, -0.75],
);

test("a map of rank 1 is removed whole, which leaves the bias", async () => {
  const [channels, along] = [
    [1, 3, 0.5],
    [2, 0, 1, 4, 0.5, 1],
  ];
  const map = Float32Array.from(channels.flatMap((channel) => along.map((value) => channel * value)));
  expect((await score(head, map, [2, 3]))[0]).toBeCloseTo(energyOfBias(head), 5);
});

test("one position is a map of rank 1", async () => {
  expect((await score(head, Float32Array.of(5, -1, 2), [1, 1]))[0]).toBeCloseTo(energyOfBias(head), 5);
});

test("a map of zeros gives the energy of the bias, and no NaN for its neighbours in the batch", async () => {
  const other = randomTensor([3, 4], 1).data as Float32Array;
  const [alone] = await score(head, other, [2, 2]);
  const found = await score(head, Float32Array.of(...new Float32Array(12), ...other), [2, 2]);
  expect(found[0]).toBeCloseTo(energyOfBias(head), 6);
  expect(found[1]).toBeCloseTo(alone as number, 5);
});

test("channels that cancel at every position still have a leading part", async () => {
  const halves = headOf([
    [1, 0],
    [0, 1],
  ]);
  expect((await score(halves, Float32Array.of(1, 3, -1, -3), [1, 2]))[0]).toBeCloseTo(energyOfBias(halves), 5);
});

test.each([1e-15, 1e15])("values of %d neither vanish nor overflow in the iteration", async (size) => {
  const map = randomTensor([3, 4], 2, { low: 0 }).data as Float32Array;
  const scaled = (by: number) => Float32Array.from(map, (value) => value * by);
  // A head of the inverse size, so that logits stay the same.
  const inverse = { ...head, weight: head.weight.map((weight) => weight / size) };
  const [expected] = await score(head, map, [2, 2]);
  expect((await score(inverse, scaled(size), [2, 2]))[0]).toBeCloseTo(expected as number, 5);
});

describe("what is refused", () => {
  test.each([0, 1.5, 201, Number.NaN])("%d iterations", (iterations) => {
    const check = () => rankFeatScore.check?.({ iterations });
    expect(check).toThrow(OptionError);
    expect(check).toThrow(`rankfeat score: expected a whole number of iterations from 1 to 200, got ${iterations}`);
  });

  test("logits alone", () => {
    const logits = new GraphBuilder().input("logits", "float32", ["N", 2]);
    const make = () => rankFeatScore.expression({ logits }, rankFeatScore.defaults, {});
    expect(make).toThrow(UnsupportedError);
    expect(make).toThrow("rankfeat score: expected a feature map before an average over positions");
  });
});
