import { expect, test } from "vitest";
import { summarise } from "./profile-rows.js";

const nodes = [
  { name: "first", op: "Conv", milliseconds: 1, dims: [2], operations: 4e6 },
  { name: "relu", op: "Relu", milliseconds: 2, dims: [2], operations: 0 },
  { name: "second", op: "Conv", milliseconds: 5, dims: [2], operations: 8e6 },
];

test("rows by operator add up time, calls and operations, the slowest first", () => {
  expect(summarise(nodes, "operator")).toEqual([
    { name: "Conv", calls: 2, milliseconds: 6, share: 0.75, gflops: 2 },
    { name: "Relu", calls: 1, milliseconds: 2, share: 0.25, gflops: null },
  ]);
});

test("rows by node name their operator", () => {
  expect(summarise(nodes, "node").map(({ name, op, gflops }) => [name, op, gflops])).toEqual([
    ["second", "Conv", 1.6],
    ["relu", "Relu", null],
    ["first", "Conv", 4],
  ]);
});

test("of no nodes there are no rows", () => {
  expect(summarise([], "operator")).toEqual([]);
});
