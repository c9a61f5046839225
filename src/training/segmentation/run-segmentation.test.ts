// Whole runs on a tiny network and scenes of 16 x 24 pixels: dark sky over bright ground, with red cut-outs.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeLabels, writePixels } from "../../../test/data/segmentation.js";
import { loadModel } from "../../../test/gradients/run-model.js";
import { tinyNetwork } from "../../../test/segmentation/tiny-network.js";
import { createGenerator } from "../../data/index.js";
import { append } from "../../graph/append.js";
import { GraphBuilder } from "../../graph/builder.js";
import { Network, pytorchDefault } from "../../nn/network.js";
import { readModel, writeModel } from "../../onnx/index.js";
import type { Tensor } from "../../onnx/types.js";
import { readLog } from "../run-files.js";
import { trainSegmentation, tuneSegmentation } from "./index.js";
import type { TuneSegmentationOptions } from "./segmentation-options.js";

const [height, width] = [16, 24];
let folder = "";
let id = "";
let outliers = "";

/** Sky (0) above a horizon that differs from scene to scene, ground (1) below, a column of void at the left. */
async function writeScenes(root: string, count: number): Promise<string> {
  const generator = createGenerator(3);
  for (let scene = 0; scene < count; scene++) {
    const horizon = 5 + generator.integer(6);
    const ids = Array.from({ length: height * width }, (_, at) =>
      at % width === 0 ? 9 : Math.floor(at / width) < horizon ? 0 : 1,
    );
    const pixels = Uint8Array.from(
      ids.flatMap((label) => [0, 1, 2].map(() => 60 + 100 * (label % 9) + generator.integer(40))),
    );
    await writePixels(join(root, "images", `${scene}.png`), pixels, width, 3);
    await writeLabels(join(root, "labels", `${scene}.png`), ids, width);
  }
  const map = join(root, "map.json");
  await writeFile(map, JSON.stringify({ classes: ["sky", "ground"], ids: { 0: 0, 1: 1, 9: "void" } }));
  return `pairs:${join(root, "images")},${join(root, "labels")}?map=${map}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-segmentation-"));
  id = await writeScenes(join(folder, "scenes"), 6);
  const objects = join(folder, "objects");
  await mkdir(objects);
  for (const side of [4, 6]) {
    const pixels = Uint8Array.from({ length: side * side * 4 }, (_, at) => [220, 20, 20, 255][at % 4] as number);
    await writePixels(join(objects, `${side}.png`), pixels, side, 4);
  }
  outliers = `cutouts:${objects}`;
  await writeModel(tinyNetwork({ outputs: 2, size: [height, width], head: "final.0" }), join(folder, "tiny.onnx"));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (out: string, more: Partial<TuneSegmentationOptions> = {}): TuneSegmentationOptions => ({
  ...{ model: join(folder, "tiny.onnx"), id, outliers, out: join(folder, out) },
  ...{ batch: 4, steps: 5, priorScenes: 8, engine: { threads: 1 } },
  ...more,
});

const initializersOf = async (path: string) => (await readModel(path)).graph.initializers;
/** Names of the initializers that differ. */
async function changedBy(out: string): Promise<string[]> {
  const [before, after] = [
    await initializersOf(join(folder, "tiny.onnx")),
    await initializersOf(join(folder, out, "model.onnx")),
  ];
  const text = (tensor: Tensor | undefined) => Array.from((tensor?.data ?? []) as Float32Array).join();
  return [...after.keys()].filter((name) => text(before.get(name)) !== text(after.get(name))).sort();
}

describe("tuneSegmentation", () => {
  test("of the head changes the final block alone, and the file says how it was made", async () => {
    const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
    const result = await tuneSegmentation(options("head", { normalization }));
    expect(await changedBy("head")).toEqual(["final.0.bias", "final.0.weight"]);
    const [before, after] = [await readModel(join(folder, "tiny.onnx")), await readModel(result.out)];
    expect(after.graph.inputs).toEqual(before.graph.inputs);
    expect(after.graph.outputs).toEqual(before.graph.outputs);
    expect(after.metadata.get("offmap.normalization")).toBe("0.5,0.5,0.5:0.25,0.25,0.25");
    expect(after.metadata.get("offmap.class_names")).toBe('["sky","ground"]');
    expect(JSON.parse(after.metadata.get("offmap.prior") ?? "")).toEqual(result.prior);
    expect(JSON.parse(after.metadata.get("offmap.tuned") ?? "")).toMatchObject({
      loss: "balanced-energy",
      gamma: 3,
      mIn: result.margins?.m_in,
    });
    expect(Object.keys(result.class_iou)).toEqual(["sky", "ground"]);
    expect(await readLog(join(folder, "head"))).toHaveLength(5);
    const record = JSON.parse(await readFile(join(folder, "head", "run.json"), "utf8")) as object;
    expect(record).toMatchObject({ steps: 5, miou_after: result.miou_after });
  });

  test("with moving statistics below the head leaves the weights there alone, as PyTorch does in training mode", async () => {
    await tuneSegmentation(options("moving", { batchNorm: "batch", trunkStatistics: "moving" }));
    const moved = ["final.0.bias", "final.0.weight", "norm.running_mean", "norm.running_var"];
    expect(await changedBy("moving")).toEqual(moved);
    await tuneSegmentation(options("fixed", { batchNorm: "batch" }));
    expect(await changedBy("fixed")).toEqual(moved.slice(0, 2));
  });

  test.each(["head", "all"])("of %s resumes to the same bits as a run without a stop", async (train) => {
    const more = { train, batchNorm: "batch", average: 0.9, checkpointEvery: 2 } as const;
    await tuneSegmentation(options(`whole-${train}`, more));
    const stop = new AbortController();
    const progress = {
      start() {},
      finish() {},
      update: (done: number, note?: string) => note && done === 3 && stop.abort(),
    };
    const stopped = options(`stopped-${train}`, more);
    await expect(tuneSegmentation(stopped, { progress, signal: stop.signal })).rejects.toThrow(
      "stopped after step 3 of 5",
    );
    await tuneSegmentation({ ...stopped, resume: true });
    const initializers = (out: string) => initializersOf(join(folder, `${out}-${train}`, "model.onnx"));
    expect(await initializers("stopped")).toEqual(await initializers("whole"));
    const log = (out: string) => readFile(join(folder, `${out}-${train}`, "log.csv"), "utf8");
    expect(await log("stopped")).toBe(await log("whole"));
    const other = tuneSegmentation({ ...stopped, resume: true, flip: 0.1 });
    await expect(other).rejects.toThrow("flip 0.1 instead of 0.5");
  });

  test("PEBAL gives the model an output to abstain with, in the file, too", async () => {
    const result = await tuneSegmentation(options("pebal", { loss: "pebal" }));
    const model = await readModel(result.out);
    expect(model.metadata.get("offmap.abstention_classes")).toBe("1");
    expect(model.graph.outputs[0]?.dims).toEqual(["N", 3, 8, 12]);
    const loaded = await loadModel(model);
    const image = {
      dtype: "float32",
      dims: [1, 3, height, width],
      data: new Float32Array(3 * height * width),
    } as const;
    expect((await loaded.run({ image })).get("logits")?.dims).toEqual([1, 3, 8, 12]);
    await loaded.close();
    // A second run starts from the output that is there.
    const again = await tuneSegmentation(options("pebal-again", { loss: "pebal", model: result.out }));
    expect((await initializersOf(again.out)).get("final.0.weight")?.dims[0]).toBe(3);
  });

  test("DenseHybrid adds a head that tells outliers, and trains it", async () => {
    const result = await tuneSegmentation(options("hybrid", { loss: "dense-hybrid" }));
    const model = await readModel(result.out);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["logits", "outlier_logits"]);
    const names = ["conv.bias", "conv.weight", "norm.bias", "norm.weight"].map((name) => `final.outlier.${name}`);
    expect(await changedBy("hybrid")).toEqual(expect.arrayContaining(names));
    const loaded = await loadModel(model);
    const image = {
      dtype: "float32",
      dims: [1, 3, height, width],
      data: new Float32Array(3 * height * width),
    } as const;
    expect((await loaded.run({ image })).get("outlier_logits")?.dims).toEqual([1, 2, 8, 12]);
    await loaded.close();
  });

  test("a head that the loss does not look at stays as it is, its statistics too", async () => {
    const { out } = await tuneSegmentation(options("headed", { loss: "dodh" }));
    const more = { model: out, loss: "pebal", train: "all", batchNorm: "batch", weightDecay: 0.1 } as const;
    const again = await tuneSegmentation(options("headed-pebal", more));
    const [before, after] = [await initializersOf(out), await initializersOf(again.out)];
    const outlierHead = [...before.keys()].filter((name) => name.startsWith("final.outlier.norm"));
    expect(outlierHead).toHaveLength(4);
    // Decay alone moves nothing either.
    const weights = [...before.keys()].filter((name) => name.startsWith("final.outlier.") && name.endsWith(".weight"));
    expect(weights.length).toBeGreaterThan(1);
    for (const name of [...outlierHead, ...weights]) expect(after.get(name), name).toEqual(before.get(name));
    expect(after.get("norm.running_mean")).not.toEqual(before.get("norm.running_mean"));
  });

  test("an auxiliary output with statistics of its own is no hindrance to training everything", async () => {
    const tiny = tinyNetwork({ outputs: 2, size: [height, width], head: "final.0" });
    const graph = new GraphBuilder();
    const logits = graph.input("logits", "float32", ["N", 2, 8, 12]);
    const network = new Network(graph, pytorchDefault, createGenerator(1));
    const auxiliary = graph.build({ normal: network.batchNorm("norm", logits) });
    const model = append(tiny, [
      { graph: auxiliary, inputs: { logits: "logits" }, outputs: { normal: "auxiliary" }, prefix: "aux." },
    ]);
    const path = join(folder, "auxiliary.onnx");
    await writeModel(model, path);
    const more = { model: path, train: "all", batchNorm: "batch", average: 0.9 } as const;
    const { out } = await tuneSegmentation(options("auxiliary", more));
    const [before, after] = [await initializersOf(path), await initializersOf(out)];
    expect(after.get("aux.norm.running_mean")).toEqual(before.get("aux.norm.running_mean"));
    expect(after.get("norm.running_mean")).not.toEqual(before.get("norm.running_mean"));
  });

  test.each([
    ["deep-gambler", { payoff: 1.5 }],
    ["void-classifier", {}],
  ] as const)("%s needs no outliers", async (loss, lossOptions) => {
    const { outliers: _outliers, ...told } = options(`no-outliers-${loss}`, { loss, lossOptions });
    await tuneSegmentation(told);
    const log = await readLog(told.out);
    expect(log.every((row) => Number.isFinite(row.loss) && Number.isNaN(row.outEnergy))).toBe(true);
  });

  test("a run in which no scene gets an object has a finite loss and no energy of outliers", async () => {
    await tuneSegmentation(options("none", { outlierShare: 0, mIn: -3, mOut: -1 }));
    const log = await readLog(join(folder, "none"));
    expect(log.every(({ loss, outEnergy }) => Number.isFinite(loss) && Number.isNaN(outEnergy))).toBe(true);
  });

  test("says which options the loss does not look at", async () => {
    const warnings: string[] = [];
    const more = { loss: "oe", mIn: -3, prior: "none.json", steps: 1 } as const;
    await tuneSegmentation(options("unused", more), { warn: (sentence) => warnings.push(sentence) });
    const flags = ["--m-in", "--prior", "--prior-scenes"];
    expect(warnings).toEqual(flags.map((flag) => `${flag} has no effect on the loss oe`));
  });

  test("margins that are given and a prior from a file need no measuring", async () => {
    const prior = join(folder, "prior.json");
    await writeFile(prior, JSON.stringify({ counts: [3, 1] }));
    const result = await tuneSegmentation(options("given", { prior, mIn: -4, mOut: -1, priorScenes: 1e9 }));
    expect(result).toMatchObject({ prior: [0.75, 0.25], margins: { m_in: -4, m_out: -1, alpha: 5, gamma: 3 } });
  });

  test("scenes are brought to the size of a model that has one", async () => {
    await writeModel(tinyNetwork({ outputs: 2, size: [8, 12] }), join(folder, "half.onnx"));
    const result = await tuneSegmentation(options("half", { model: join(folder, "half.onnx"), val: id }));
    expect(result.best?.epoch).toBeGreaterThan(0);
  });

  test("a model of any size takes scenes and crops as they are", async () => {
    await writeModel(tinyNetwork({ outputs: 2, anySize: true }), join(folder, "any.onnx"));
    const more = { model: join(folder, "any.onnx"), crop: { height: 10, width: 14 }, val: id, loss: "dodh" } as const;
    const result = await tuneSegmentation(options("any", more));
    expect((await readModel(result.out)).graph.outputs.map(({ dims }) => dims?.slice(2))).toEqual([
      ["h", "w"],
      ["h", "w"],
    ]);
  });

  test.each([
    [{ outliers: undefined }, "--outliers: expected objects to paste, for the loss balanced-energy, got none"],
    [
      { loss: "void-classifier", lossOptions: { useVoid: false }, outliers: undefined },
      "--outliers: expected objects to paste, for the loss void-classifier, got none",
    ],
    [{ crop: { height: 8, width: 8 } }, "--crop: expected 16x24, the only size that the model takes, got 8x8"],
    [
      { lossOptions: { beta: 1 } },
      "expected options of balanced-energy: alpha (number), gamma (number), weight (number), got beta=1",
    ],
    [{ lossOptions: { alpha: true } }, "got alpha=true"],
    [{ lossOptions: { weight: -1 } }, "--loss-option weight: expected a number from 0 on, got -1"],
    [{ trunkStatistics: "moving" }, "--trunk-statistics moving: expected --bn batch"],
    [{ train: "nothing.*" }, '--train: expected at least one parameter to train, got none for "nothing.*"'],
  ] as const)("refuses %o in words", async (more, message) => {
    const { outliers: _outliers, ...rest } = options("refused", more as Partial<TuneSegmentationOptions>);
    const told = "outliers" in more ? rest : { ...rest, outliers };
    await expect(tuneSegmentation(told)).rejects.toThrow(message);
  });

  test("refuses validation scenes with other classes", async () => {
    const other = options("other", { val: `${id}&void=sky` });
    await expect(tuneSegmentation(other)).rejects.toThrow(
      "expected the classes that are trained on (sky, ground), got ground",
    );
  });

  test("outputs beyond the classes of the data are left out", async () => {
    const few = { id: `${id}&void=ground`, val: `${id}&void=ground`, loss: "ce" } as const;
    expect((await tuneSegmentation(options("few", few))).class_iou).toEqual({ sky: 1 });
    // Without the sky, the ground would be taught to the output of the sky.
    const shifted = { id: `${id}&void=sky`, val: `${id}&void=sky`, loss: "ce" } as const;
    await expect(tuneSegmentation(options("shifted", shifted))).rejects.toThrow('expected class "ground" as number 1');
  });
});

describe("trainSegmentation", () => {
  test("learns the scenes, watches mIoU on others, and keeps the best epoch", async () => {
    const result = await trainSegmentation({
      ...{ id, val: id, out: join(folder, "trained"), arch: "deeplabv3plus-small", width: 0.25 },
      ...{ epochs: 12, batch: 3, learningRate: 0.01, engine: { threads: 1 } },
    });
    expect(result.miou_before).toBeNull();
    expect(result.best?.miou).toBeGreaterThan(0.8);
    const rows = (await readFile(join(folder, "trained", "validation.csv"), "utf8")).trim().split("\n");
    expect(rows[0]).toBe("epoch,step,miou");
    expect(rows).toHaveLength(13);
    const best = await readModel(join(folder, "trained", "best.onnx"));
    expect(best.graph.outputs[0]?.dims).toEqual(["N", 2, height, width]);
    expect(JSON.parse(best.metadata.get("offmap.trained") ?? "")).toMatchObject({ arch: "deeplabv3plus-small" });
  });

  test.each([
    ["", [16, 24]],
    ["&size=12x20", [12, 20]],
  ] as const)("on crops makes a network for whole scenes, watched on these (%s)", async (brought, size) => {
    const result = await trainSegmentation({
      ...{ id: `${id}${brought}`, val: `${id}${brought}`, outliers, loss: "dodh", crop: { height: 10, width: 16 } },
      ...{ out: join(folder, `crops${brought}`), arch: "deeplabv3plus-small", width: 0.25 },
      ...{ epochs: 12, batch: 3, learningRate: 0.01, engine: { threads: 1 } },
    });
    expect(result.best?.miou).toBeGreaterThan(0.6);
    for (const path of [result.out, result.best?.out ?? ""]) {
      const { inputs, outputs } = (await readModel(path)).graph;
      expect(inputs[0]?.dims).toEqual(["N", 3, ...size]);
      expect(outputs[0]?.dims).toEqual(["N", 2, ...size]);
    }
  });

  test("refuses validation scenes of another size than the network's before the first step", async () => {
    const told = { id, val: `${id}&size=8x12`, out: join(folder, "sizes"), arch: "deeplabv3plus-small" } as const;
    await expect(trainSegmentation(told)).rejects.toThrow(
      "expected scenes of 16x24, the only size that the model takes, got 8x12; leave size= and scale= out",
    );
  });

  test("with abstention makes a network that has the output", async () => {
    const result = await trainSegmentation({
      ...{ id, outliers, out: join(folder, "gambling"), arch: "deeplabv3plus-small", width: 0.25 },
      ...{ loss: "void-classifier", lossOptions: { useVoid: false }, steps: 2, batch: 2, engine: { threads: 1 } },
    });
    expect((await readModel(result.out)).graph.outputs[0]?.dims?.[1]).toBe(3);
  });

  test("refuses margins that no trained model is there to fit", async () => {
    const told = {
      id,
      outliers,
      out: join(folder, "auto"),
      arch: "deeplabv3plus-small",
      loss: "energy",
      mIn: "auto",
    } as const;
    await expect(trainSegmentation(told)).rejects.toThrow("--m-in and --m-out: expected numbers");
  });
});

describe("dropout in front of the last layer", () => {
  test("is written with the network, drops units while it is tuned, and starts from the same function", async () => {
    const own = { loss: "ce", train: "all", learningRate: 1e-3 } as const;
    const plain = await tuneSegmentation(options("without-dropout", own));
    const dropped = await tuneSegmentation(options("head-dropout", { ...own, headDropout: 0.5 }));
    expect(dropped.miou_before).toBe(plain.miou_before);
    const first = async (out: string) => (await readLog(join(folder, out)))[0]?.loss;
    expect(await first("head-dropout")).not.toBe(await first("without-dropout"));
    const { graph } = await readModel(dropped.out);
    expect(graph.nodes.filter(({ op }) => op === "Dropout")).toHaveLength(1);
  });

  test("a warning says so where it lies in the frozen part", async () => {
    const warnings: string[] = [];
    const headAlone = { loss: "ce", train: "final.0.*", headDropout: 0.5, steps: 1 } as const;
    await tuneSegmentation(options("frozen-dropout", headAlone), { warn: (sentence) => warnings.push(sentence) });
    expect(warnings).toContain(
      "--head-dropout has no effect: the last layer alone is trained, and nothing in front of it",
    );
  });
});
