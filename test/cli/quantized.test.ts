// A network with quantized activations, as post-training quantization writes them, is scored, calibrated and exported as any other.
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { encodeModel, type Node, readModel } from "../../src/onnx/index.js";
import { tensorOf } from "../../src/ops/index.js";
import { json, runInMemory } from "./memory-host.js";

const asset = (name: string) => fileURLToPath(new URL(`../../assets/demo/${name}`, import.meta.url));
const sheet = (name: string, options: string) => `sheet:${asset(`${name}.json`)}${options}`;
const normalize = ["--normalize", "0.485,0.456,0.406:0.229,0.224,0.225"];
const [plain, images] = [asset("resnet20-cifar10.onnx"), sheet("cifar10-test", "?limit=60")];
let quantized = "";
let folder = "";

/** Every convolution reads its operand in steps of 8 bits. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-quantized-"));
  const model = await readModel(plain);
  const node = (op: string, inputs: string[], output: string): Node => ({
    ...{ name: output, op, domain: "", inputs, outputs: [output], attributes: {} },
  });
  const nodes = model.graph.nodes.flatMap((each): Node[] => {
    if (each.op !== "Conv") return [each];
    const [x, ...rest] = each.inputs as [string, ...string[]];
    const [bytes, floats] = [`${each.name}/bytes`, `${each.name}/floats`];
    return [
      node("QuantizeLinear", [x, "scale", "zero"], bytes),
      node("DequantizeLinear", [bytes, "scale", "zero"], floats),
      { ...each, inputs: [floats, ...rest] },
    ];
  });
  const initializers = new Map([
    ...model.graph.initializers,
    ["scale", tensorOf(0.03)] as const,
    ["zero", tensorOf(100, "uint8")] as const,
  ]);
  quantized = join(folder, "quantized.onnx");
  await writeFile(quantized, encodeModel({ ...model, graph: { ...model.graph, nodes, initializers } }));
});

test("its accuracy is near that of the network it was made from, and its guarded file decides as its calibration says", async () => {
  const sets = ["--id", images, "--ood", sheet("textures", "?limit=40"), "--scores", "energy", ...normalize];
  const [found, before] = await Promise.all(
    [quantized, plain].map((model) => json<{ id: { accuracy: number } }>("eval", "--model", model, ...sets)),
  );
  expect(Math.abs((found?.id.accuracy ?? 0) - (before?.id.accuracy ?? 1))).toBeLessThan(0.1);
  const at = (name: string) => join(folder, name);
  const model = ["--model", quantized, ...normalize];
  await json("fit", ...model, "--id", images, "--score", "knn", "--option", "k=5", "--out", at("knn.onnx"));
  await json(
    ...["calibrate", ...model, "--fit", at("knn.onnx"), "--id", images, "--alpha", "0.2", "--out", at("knn.json")],
  );
  const parts = ["--fit", at("knn.onnx"), "--calibration", at("knn.json")];
  await json("export", ...model, ...parts, "--out", at("guarded.onnx"));
  const { images: scored } = await json<{ images: { is_ood: boolean }[] }>(
    ...["score", "--model", at("guarded.onnx"), images],
  );
  const share = scored.filter((each) => each.is_ood).length / scored.length;
  expect(share).toBeLessThan(0.5);
});

test("it cannot be trained below what is quantized, and the error says which node is in the way", async () => {
  const outliers = sheet("textures", "?limit=40");
  const argv = ["tune", "--model", quantized, "--id", images, "--outliers", outliers, ...normalize, "--steps", "1"];
  const { exitCode, stderr } = await runInMemory([...argv, "--train", "all", "--out", join(folder, "all")]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("(DequantizeLinear): the operator has no gradient rule");
  await json(...argv, "--out", join(folder, "head"));
});
