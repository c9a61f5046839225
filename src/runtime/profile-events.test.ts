import { expect, test } from "vitest";
import { nodeTimings, type ProfileEvent } from "./profile-events.js";

const event = (
  name: string,
  op: string,
  dur: number,
  inputs: readonly (readonly number[])[] = [],
  output: readonly number[] = [],
): ProfileEvent => ({
  cat: "Node",
  name: `${name}_kernel_time`,
  dur,
  args: {
    op_name: op,
    input_type_shape: inputs.map((dims) => ({ float: dims })),
    output_type_shape: [{ float: output }],
  },
});

test("a node's time is the median of its runs, those at the beginning left out, in milliseconds", () => {
  const runs = [9000, 1000, 3000, 2000].map((duration) => event("a", "Relu", duration, [[4]], [4]));
  const other: ProfileEvent[] = [
    { cat: "Session", name: "model_run", dur: 5 },
    { cat: "Node", name: "a_fence_before" },
  ];
  expect(nodeTimings([...other, ...runs], 1)).toEqual([
    { name: "a", op: "Relu", milliseconds: 2, dims: [4], operations: 0 },
  ]);
});

test("a node that only ran while runs were not counted is left out", () => {
  expect(nodeTimings([event("a", "Relu", 1)], 1)).toEqual([]);
});

test.each([
  // out 2x8x5x5, each of a 3x3 window over 4 channels
  [
    "Conv",
    [
      [2, 4, 7, 7],
      [8, 4, 3, 3],
    ],
    [2, 8, 5, 5],
    2 * 400 * 36,
  ],
  // every input element goes through 8 channels of 3x3
  [
    "ConvTranspose",
    [
      [2, 4, 5, 5],
      [4, 8, 3, 3],
    ],
    [2, 8, 7, 7],
    2 * 200 * 72,
  ],
  [
    "MatMul",
    [
      [3, 6, 5],
      [3, 5, 7],
    ],
    [3, 6, 7],
    2 * 126 * 5,
  ],
  [
    "Gemm",
    [
      [5, 6],
      [7, 5],
    ],
    [6, 7],
    2 * 6 * 7 * 5,
  ],
  // a constant second operand is packed, and then the profile does not show it
  ["MatMul", [[2, 70]], [2, 3], 2 * 2 * 3 * 70],
  ["Gemm", [[2, 5], [70]], [2, 70], 2 * 2 * 70 * 5],
  // a transposed first operand, as in the gradient of a weight
  [
    "FusedMatMul",
    [
      [6, 9],
      [6, 4],
    ],
    [9, 4],
    2 * 9 * 4 * 6,
  ],
  // one matrix for every one of a batch
  [
    "MatMul",
    [
      [6, 5],
      [3, 5, 7],
    ],
    [3, 6, 7],
    2 * 126 * 5,
  ],
  ["MatMul", [[6, 5], [5]], [6], 2 * 6 * 5],
  // the bias is not a filter
  ["Conv", [[2, 4, 7, 7], [8]], [2, 8, 5, 5], 0],
  ["Add", [[4], [4]], [4], 0],
] as const)("%s counts its multiplications and additions", (op, inputs, output, operations) => {
  expect(nodeTimings([event("a", op, 1, inputs, output)], 0)[0]?.operations).toBe(operations);
});
