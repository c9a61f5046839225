import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { encodeModel } from "../onnx/index.js";
import { tensorOf } from "../ops/index.js";
import { profileModel } from "./profile.js";

const zeros = (...dims: number[]) =>
  tensorOf(new Array<number>(dims.reduce((product, dim) => product * dim)).fill(0), "float32", dims);

/** A product with a constant matrix, which ONNX Runtime packs, and one of a transposed matrix, which it fuses. */
function products() {
  const graph = new GraphBuilder();
  const [x, y, z] = [
    graph.input("x", "float32", [2, 5]),
    graph.input("y", "float32", [6, 9]),
    graph.input("z", "float32", [6, 4]),
  ];
  const [packed] = graph.op("MatMul", [x, graph.constant(zeros(5, 70))], {}, { name: "packed" });
  const [turned] = graph.op("MatMul", [graph.op("Transpose", [y])[0], z]);
  if (packed === undefined || turned === undefined) throw new Error("no product");
  return encodeModel(graph.model({ packed, turned }));
}
const feeds = () => ({ x: zeros(2, 5), y: zeros(6, 9), z: zeros(6, 4) });

let folder = "";
/** ONNX Runtime puts files of its own beside ours. */
const left = async () => (await readdir(folder)).filter((name) => name.startsWith("offmap-"));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-profile-test-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("ONNX Runtime's profile is read: every node with its shape and its operations, and no file stays behind", async () => {
  const { milliseconds, nodes } = await profileModel(products(), feeds(), { repeats: 2, threads: 1 });
  expect(milliseconds).toBeGreaterThan(0);
  expect(nodes.find(({ name }) => name === "packed")).toMatchObject({ dims: [2, 70], operations: 2 * 2 * 5 * 70 });
  expect(nodes.filter(({ dims }) => dims[0] === 9)).toMatchObject([
    { op: "FusedMatMul", dims: [9, 4], operations: 2 * 9 * 6 * 4 },
  ]);
  expect(await left()).toEqual([]);
});

test("feeds that do not fit are refused with ONNX Runtime's reason, and no file stays behind", async () => {
  const wrong = profileModel(products(), { ...feeds(), x: zeros(2, 6) }, { repeats: 1, threads: 1 });
  await expect(wrong).rejects.toThrow(/ONNX Runtime cannot profile the graph: .*Got: 6 Expected: 5/s);
  expect(await left()).toEqual([]);
});

test("a request to stop ends it between two runs", async () => {
  const stopped = profileModel(products(), feeds(), { repeats: 1, threads: 1, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toThrow("stopped on request");
});
