import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anySeed,
  checkOperator,
  checkShapes,
  checkStored,
  constant,
  differentiated,
  fed,
  forAll,
  inferTypes,
  randomTensor,
  storedCases,
} from "../../test/gradients/index.js";
import { float, int, text } from "../onnx/types.js";

test.each(storedCases("products"))("PyTorch: $op: $name", checkStored);

const anySize = fc.integer({ min: 1, max: 4 });

/** Shapes of two operands: batch axes that broadcast, or a vector on either side. */
const anyProduct = fc
  .record({
    sizes: fc.tuple(anySize, anySize, anySize),
    batch: fc.array(fc.record({ size: anySize, left: fc.boolean(), right: fc.boolean() }), { maxLength: 2 }),
    droppedLeft: fc.integer({ min: 0, max: 2 }),
    droppedRight: fc.integer({ min: 0, max: 2 }),
    vectors: fc.constantFrom("none", "none", "left", "right", "both"),
  })
  .map(({ sizes: [m, k, n], batch, droppedLeft, droppedRight, vectors }) => {
    const left = batch.map(({ size, left }) => (left ? size : 1)).slice(droppedLeft);
    const right = batch.map(({ size, right }) => (right ? size : 1)).slice(droppedRight);
    return {
      a: vectors === "left" || vectors === "both" ? [k] : [...left, m, k],
      b: vectors === "right" || vectors === "both" ? [k] : [...right, k, n],
    };
  });

test("MatMul: gradients for every rank and for batch axes that broadcast", async () => {
  await forAll(
    fc.tuple(anyProduct, anySeed),
    ([{ a, b }, seed]) =>
      checkOperator({
        op: "MatMul",
        inputs: [differentiated(randomTensor(a, seed)), differentiated(randomTensor(b, seed + 1))],
      }),
    40,
  );
});

test("Gemm: gradients for every transposition and every shape of C", async () => {
  await forAll(
    fc.record({
      sizes: fc.tuple(anySize, anySize, anySize),
      transA: fc.boolean(),
      transB: fc.boolean(),
      c: fc.constantFrom("none", "scalar", "row", "column", "full"),
      alpha: fc.constantFrom(1, 0.5, -2),
      beta: fc.constantFrom(1, 0.25, -3),
      seed: anySeed,
    }),
    ({ sizes: [m, k, n], transA, transB, c, alpha, beta, seed }) => {
      const a = randomTensor(transA ? [k, m] : [m, k], seed);
      const b = randomTensor(transB ? [n, k] : [k, n], seed + 1);
      const shapes = { none: undefined, scalar: [], row: [n], column: [m, 1], full: [m, n] };
      const shape = shapes[c as keyof typeof shapes];
      return checkOperator({
        op: "Gemm",
        attributes: {
          alpha: float(alpha),
          beta: float(beta),
          transA: int(transA ? 1 : 0),
          transB: int(transB ? 1 : 0),
        },
        inputs: [a, b, ...(shape === undefined ? [] : [randomTensor(shape, seed + 2)])].map(differentiated),
      });
    },
    40,
  );
});

test("a gradient is built only for the operand that is trained", async () => {
  const [a, b] = [randomTensor([2, 3], 1), randomTensor([3, 4], 2)];
  for (const op of ["MatMul", "Gemm"]) {
    await checkOperator({ op, inputs: [fed(a), differentiated(b)] });
    await checkOperator({ op, inputs: [differentiated(a), constant(b)] });
  }
});

test("Einsum: gradients of drawn equations, with indices that are summed alone", async () => {
  const letters = (allowed: string) => fc.shuffledSubarray([...allowed], { minLength: 0 });
  await forAll(
    fc.tuple(letters("abcd"), letters("bcde"), letters("abcde"), fc.boolean(), anySeed),
    ([first, second, output, single, seed]) => {
      const operands = single ? [first] : [first, second];
      const known = output.filter((letter) => operands.flat().includes(letter));
      // ONNX Runtime refuses operands without indices.
      if (operands.some((operand) => operand.length === 0)) return Promise.resolve();
      const size = (letter: string) => 1 + (letter.charCodeAt(0) % 3);
      return checkOperator({
        op: "Einsum",
        attributes: { equation: text(`${operands.map((o) => o.join("")).join(",")}->${known.join("")}`) },
        inputs: operands.map((o, index) => differentiated(randomTensor(o.map(size), seed + index))),
      });
    },
    40,
  );
});

test.each([
  ["ij->ik", /an output index "k" of no operand/],
  ["i1->i", /"i1"/],
  ["ij->ii", /a repeated index/],
  ["ij,jk->ik", /2 operands for 1 inputs/],
  ["ijk->i", /operand 0 with the 3 indices "ijk", got \[2, 2\]/],
])("Einsum %s is refused with what is wrong", (equation, message) => {
  const inputs = [fed(randomTensor([2, 2], 1))];
  expect(() => inferTypes({ op: "Einsum", attributes: { equation: text(equation) }, inputs })).toThrow(message);
});

const einsumOf = (equation: string, shapes: readonly number[][]) => ({
  op: "Einsum",
  attributes: { equation: text(equation) },
  inputs: shapes.map((shape, index) => differentiated(randomTensor(shape, index + 1))),
});

test.each([
  [
    "...i,ij->...j",
    [
      [2, 3, 4],
      [4, 5],
    ],
  ],
  [
    "b...d,d...->b...",
    [
      [2, 3, 4],
      [4, 3],
    ],
  ],
  [
    "...i,...i",
    [
      [2, 3, 4],
      [2, 3, 4],
    ],
  ],
  ["i...->...", [[3, 2, 4]]],
  [
    "ij,jk,kl->il",
    [
      [2, 3],
      [3, 4],
      [4, 2],
    ],
  ],
  [
    "bi,bj,bk->bijk",
    [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
  ],
] as const)("Einsum %s: shape and gradients", (equation, shapes) =>
  checkOperator(
    einsumOf(
      equation,
      shapes.map((one) => [...one]),
    ),
  ),
);

test.each([
  ["ii->i", [[3, 3]], /a repeated index/],
  [
    "...i,...i->...",
    [
      [2, 1, 4],
      [2, 3, 4],
    ],
    /an ellipsis over axes that are stretched/,
  ],
] as const)("Einsum %s has a shape, and its gradient is refused", async (equation, given, message) => {
  const shapes = given.map((one) => [...one]);
  const { inputs, ...rest } = einsumOf(equation, shapes);
  await checkShapes({ ...rest, inputs: shapes.map((shape, index) => fed(randomTensor(shape, index + 1))) });
  await expect(checkOperator({ ...rest, inputs })).rejects.toThrow(message);
});

test.each([
  ["MatMul", [2, 3], [4, 2], /\[\.\.\., M, K\] and \[\.\.\., K, N\], got \[2, 3\] and \[4, 2\]/],
  ["Gemm", [2, 3], [4, 2], /\[M, K\] and \[K, N\] after transposing, got \[2, 3\] and \[4, 2\]/],
  ["Gemm", [1, 2, 3], [3, 2], /two matrices, got \[1, 2, 3\]/],
])("%s of %j and %j is refused with both shapes", (op, a, b, message) => {
  expect(() => inferTypes({ op, inputs: [fed(randomTensor(a, 1)), fed(randomTensor(b, 2))] })).toThrow(message);
});

test("Einsum operands that disagree about an index are refused", () => {
  const inputs = [fed(randomTensor([2, 3], 1)), fed(randomTensor([4, 2], 2))];
  const attributes = { equation: text("ij,jk->ik") };
  expect(() => inferTypes({ op: "Einsum", attributes, inputs })).toThrow(/one size for index "j", got 3 and 4/);
});
