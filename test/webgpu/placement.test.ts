import { expect, test } from "vitest";
import { readPlacement } from "./placement.js";

// As ONNX Runtime Web 1.30 writes them.
const line = (text: string) =>
  `2026-01-01 06:49:45.190699 [V:onnxruntime:, session_state.cc:1380 VerifyEachNodeIsAssignedToAnEp] ${text}`;
const title = line("Node placements");

test("a graph that is on WebGPU altogether has no node on the CPU", () => {
  const lines = [title, line(" All nodes placed on [WebGpuExecutionProvider]. Number of nodes: 4")];
  expect(readPlacement(lines)).toEqual({ webgpu: 4, cpu: [] });
});

test("of a split graph the CPU's node types are named, once each and without the copies between the devices", () => {
  const lines = [
    title,
    line(" Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3"),
    line("   Sign (a (b))"),
    line("   Mod (c)"),
    line("   Sign (d)"),
    line(" Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 2"),
    line("   Mul (e)"),
    line("   MemcpyToHost (f)"),
  ];
  expect(readPlacement(lines)).toEqual({ webgpu: 2, cpu: ["Mod", "Sign"] });
});

test("a graph that is on the CPU altogether is not taken for one on WebGPU", () => {
  const lines = [title, line(" All nodes placed on [CPUExecutionProvider]. Number of nodes: 1")];
  expect(readPlacement(lines)).toEqual({ webgpu: 0, cpu: ["every node"] });
});

test("a log that tells no placement is an error, not a graph without CPU nodes", () => {
  expect(() => readPlacement([])).toThrow("no node placement in the log");
});
