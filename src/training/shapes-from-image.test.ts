// Networks whose trained part asks for the shape of the image, as exporters write `x.view(x.size(0), -1)`, or lets something else than images come first.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomTensor } from "../../test/gradients/random.js";
import { GraphBuilder } from "../graph/builder.js";
import { writeModel } from "../onnx/index.js";
import { int, ints, type Node } from "../onnx/types.js";
import { type Expr, first, matMul, mean, relu, tensorOf, transpose } from "../ops/index.js";
import { tune } from "./index.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/parity/${name}`, import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-shapes-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A frozen convolution, above it what a design makes of its output and the weight `head`, and more nodes, which read `last` and give `logits`. */
async function written(
  name: string,
  head: readonly number[],
  design: (x: Expr, head: Expr) => Expr,
  more: readonly Node[] = [],
) {
  const graph = new GraphBuilder();
  const image = graph.input("image", "float32", ["N", 3, 32, 32]);
  const weights = { trunk: [4, 3, 8, 8], head };
  const [trunk, own] = Object.entries(weights).map(([key, dims]) => graph.input(key, "float32", dims)) as [Expr, Expr];
  const frozen = relu(first(graph.op("Conv", [image, trunk], { strides: ints([8, 8]) })));
  const model = graph.model({ [more.length === 0 ? "logits" : "last"]: design(frozen, own) });
  const initializers = new Map(model.graph.initializers);
  Object.entries(weights).forEach(([key, dims], seed) => {
    initializers.set(key, randomTensor(dims, seed + 1));
  });
  const path = join(folder, `${name}.onnx`);
  const { inputs, nodes, outputs } = model.graph;
  const named = outputs.map((output) => ({ ...output, name: "logits", dims: ["N", 10] }));
  const whole = { inputs: inputs.slice(0, 1), nodes: [...nodes, ...more], outputs: named, initializers };
  await writeModel({ ...model, graph: { ...model.graph, ...whole } }, path);
  return path;
}

const node = (op: string, inputs: string[], output: string, attributes: Node["attributes"] = {}): Node => ({
  ...{ name: output, op, domain: "", inputs, outputs: [output], attributes },
});

const options = (model: string, out: string) => ({
  ...{
    model,
    id: `cifar:${fixture("known.bin")}`,
    outliers: `cifar:${fixture("outliers.bin")}`,
    loss: "energy" as const,
  },
  ...{ train: "head", steps: 2, batch: 4, outlierBatch: 6, holdOut: 0, engine: { threads: 1 }, out: join(folder, out) },
});

test.each(["stored features", "images"])("such a part is trained, from %s", async (from) => {
  const model = await written(
    `asks ${from}`,
    [10, 4, 1, 1],
    (x, head) => mean(first(x.builder.op("Conv", [x, head])), { axes: [2, 3], keep: true }),
    [
      node("Shape", ["image"], "rows", { start: int(0), end: int(1) }),
      node("Shape", ["last"], "classes", { start: int(1), end: int(2) }),
      node("Concat", ["rows", "classes"], "target", { axis: int(0) }),
      node("Reshape", ["last", "target"], "logits"),
    ],
  );
  const { steps, accuracy_after } = await tune({
    ...options(model, `asks ${from}`),
    augment: from === "images" ? ["crop-flip"] : [],
  });
  expect(steps).toBe(2);
  expect(Number.isFinite(accuracy_after)).toBe(true);
});

test("tokens that come before images are no rows of a batch", async () => {
  const model = await written("tokens", [4, 10], (x, head) => {
    // [N, 4, 4, 4] as [16 tokens, N, 4], as a transformer with batch_first=False has them.
    const rows = first(x.builder.op("Reshape", [x, x.builder.constant(tensorOf([-1, 4, 16], "int64"))]));
    return mean(matMul(transpose(rows, [2, 0, 1]), head), { axes: [0] });
  });
  await expect(tune(options(model, "tokens"))).rejects.toThrow(
    "expected float32 features with one row per image where the frozen part ends",
  );
});
