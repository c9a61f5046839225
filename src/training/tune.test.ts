// The whole procedure on a tiny real network and 14 + 28 images (test/fixtures/parity).
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../data/index.js";
import { readModel } from "../onnx/index.js";
import { asClassifier, shapeHint } from "./classifier.js";
import { tune } from "./index.js";
import { readLog } from "./run-files.js";
import type { TuneOptions } from "./tune-options.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/parity/${name}`, import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-tune-"));
  process.env.OFFMAP_CACHE = join(folder, "cache");
});
afterAll(async () => {
  delete process.env.OFFMAP_CACHE;
  await rm(folder, { recursive: true });
});

const options = (out: string, more: Partial<TuneOptions> = {}): TuneOptions => ({
  model: fixture("resnet-tiny.onnx"),
  id: `cifar:${fixture("known.bin")}`,
  outliers: `cifar:${fixture("outliers.bin")}`,
  out: join(folder, out),
  steps: 7,
  batch: 4,
  outlierBatch: 8,
  holdOut: 0,
  engine: { threads: 1 },
  ...more,
});

interface ParityIndex {
  options: {
    steps: number;
    batch: number;
    outlier_batch: number;
    m_in: number;
    m_out: number;
    alpha: number;
    gamma: number;
    normalize: [number[], number[]];
  };
  models: {
    "resnet-tiny": {
      prior: number[];
      expected: string;
      tensors: { name: string; offset: number }[];
      cases: { train: string; bn: string; loss: string; weight: number; lr: number; offset: number }[];
    };
  };
}

const weightsOf = async (out: string) => {
  const { initializers } = (await readModel(join(folder, out, "model.onnx"))).graph;
  return new Map([...initializers].map(([name, { data }]) => [name, Array.from(data as Float32Array)]));
};

describe("tune", () => {
  test("keeps inputs, outputs and operator set, and remembers how the model was made", async () => {
    const normalization = { mean: [0.5, 0.45, 0.4], std: [0.25, 0.2, 0.3] };
    const result = await tune(options("metadata", { normalization, train: "all" }));
    const [before, after] = [await readModel(fixture("resnet-tiny.onnx")), await readModel(result.out)];
    expect(after.graph.inputs).toEqual(before.graph.inputs);
    expect(after.graph.outputs).toEqual(before.graph.outputs);
    expect(after.opset).toBe(before.opset);
    expect(after.graph.nodes.length).toBe(before.graph.nodes.length);
    expect(after.metadata.get("offmap.normalization")).toBe("0.5,0.45,0.4:0.25,0.2,0.3");
    expect(JSON.parse(after.metadata.get("offmap.prior") ?? "")).toEqual(result.prior);
    expect(JSON.parse(after.metadata.get("offmap.tuned") ?? "")).toMatchObject({
      alpha: 5,
      mIn: result.margins?.m_in,
      normalization,
    });
    const record = JSON.parse(await readFile(join(folder, "metadata", "run.json"), "utf8")) as Record<string, unknown>;
    expect(record).toMatchObject({ steps: 7, loss: result.loss });
    expect((await readFile(join(folder, "metadata", "log.csv"), "utf8")).trim().split("\n")).toHaveLength(8);
  });

  test("of the head leaves every other weight as it was", async () => {
    await tune(options("head", { augment: [] }));
    const before = (await readModel(fixture("resnet-tiny.onnx"))).graph.initializers;
    const changed = [...(await weightsOf("head"))].filter(
      ([name, values]) => values.join() !== Array.from(before.get(name)?.data as Float32Array).join(),
    );
    expect(changed.map(([name]) => name).sort()).toEqual(["head.bias", "head.weight"]);
  });

  test("measures the same prior, margins and accuracy from stored features as from the images", async () => {
    const stored = await tune(options("stored", { augment: [], steps: 1 }));
    const images = await tune(options("images", { augment: ["crop-flip"], steps: 1 }));
    expect(stored.prior).toEqual(images.prior);
    expect(stored.margins?.m_in).toBeCloseTo(images.margins?.m_in as number, 4);
    expect(stored.margins?.m_out).toBeCloseTo(images.margins?.m_out as number, 4);
    expect(stored.accuracy_before).toBe(images.accuracy_before);
  });

  // The head from stored features, everything from the image: both must reach PyTorch's weights.
  test.each([
    ["head", "frozen"],
    ["all", "batch"],
  ] as const)("--train %s --bn %s in the datasets' own order reaches PyTorch's weights", async (train, batchNorm) => {
    const { options: told, models } = JSON.parse(await readFile(fixture("index.json"), "utf8")) as ParityIndex;
    const { prior, cases, tensors, expected } = models["resnet-tiny"];
    const c = cases.find((each) => each.train === train && each.bn === batchNorm && each.loss === "balanced-energy");
    if (c === undefined) throw new Error("the fixtures lack this case");
    const priorFile = join(folder, "prior.json");
    await writeFile(priorFile, JSON.stringify({ prior }));
    const [mean, std] = told.normalize;
    await tune(
      options(`torch-${train}`, {
        ...{ train, batchNorm, prior: priorFile, augment: [], shuffle: false, normalization: { mean, std } },
        ...{ steps: told.steps, batch: told.batch, outlierBatch: told.outlier_batch, learningRate: c.lr },
        ...{ mIn: told.m_in, mOut: told.m_out, alpha: told.alpha, gamma: told.gamma, weight: c.weight },
      }),
    );
    const stored = await readFile(fixture(expected));
    const trained = await weightsOf(`torch-${train}`);
    for (const { name, offset } of tensors) {
      trained.get(name)?.forEach((value, index) => {
        const wanted = stored.readFloatLE(4 * (c.offset + offset + index));
        expect(Math.abs(value - wanted), name).toBeLessThanOrEqual(2e-6 + 2e-5 * Math.abs(wanted));
      });
    }
  });

  test("gives the same bits after being stopped and resumed as without a stop", async () => {
    const more = { train: "all", batchNorm: "batch", checkpointEvery: 2 } as const;
    await tune(options("straight", more));
    const stop = new AbortController();
    const progress = {
      start() {},
      finish() {},
      update(done: number, note?: string) {
        if (note?.startsWith("loss") && done === 3) stop.abort();
      },
    };
    const stopped = tune(options("resumed", more), { signal: stop.signal, progress });
    await expect(stopped).rejects.toThrow(
      /stopped after step 3 of 7; the state is saved in .*checkpoint\.onnx; repeat the command with --resume/,
    );
    expect(existsSync(join(folder, "resumed", "model.onnx"))).toBe(false);
    await tune(options("resumed", { ...more, resume: true }));
    expect(await weightsOf("resumed")).toEqual(await weightsOf("straight"));
    const log = (name: string) => readFile(join(folder, name, "log.csv"), "utf8");
    expect(await log("resumed")).toBe(await log("straight"));
  });

  test("differs with the seed", async () => {
    await tune(options("seed1", { seed: 1, steps: 2 }));
    await tune(options("seed2", { seed: 2, steps: 2 }));
    expect(await weightsOf("seed1")).not.toEqual(await weightsOf("seed2"));
  });

  test("refuses to resume with other options, naming the one that differs", async () => {
    await tune(options("other", { steps: 2 }));
    await expect(tune(options("other", { steps: 2, alpha: 7, resume: true }))).rejects.toThrow(
      "--resume: expected the options, model and data the checkpoint was made with, got alpha 7 instead of 5",
    );
  });

  test("refuses to resume what was never started", async () => {
    await expect(tune(options("nothing", { resume: true }))).rejects.toThrow("--resume: expected a checkpoint at");
  });

  test("stops at a loss that is no number, says what to try, and writes no model", async () => {
    const wild = tune(options("wild", { train: "all", learningRate: 1e20, steps: 7 }));
    await expect(wild).rejects.toThrow(/step \d: the loss became (NaN|-?Infinity).*a lower --lr/);
    expect(existsSync(join(folder, "wild", "model.onnx"))).toBe(false);
    const rows = await readLog(join(folder, "wild"));
    expect(rows.map(({ loss }) => Number.isFinite(loss))).toEqual([...rows.slice(1).map(() => true), false]);
    // No loss is read behind the last update.
    const last = tune(options("wild last", { train: "all", learningRate: 1e39, schedule: "constant", steps: 1 }));
    await expect(last).rejects.toThrow(
      /step 1: the parameter .* became NaN or infinite; start again, without --resume/,
    );
    expect(existsSync(join(folder, "wild last", "model.onnx"))).toBe(false);
    expect(existsSync(join(folder, "wild last", "checkpoint.onnx"))).toBe(false);
  });

  test("refuses a pattern for --no-decay that no parameter matches", async () => {
    await expect(tune(options("undecayed", { noDecay: "*.bias,gn*" }))).rejects.toThrow(
      '--no-decay: expected at least one parameter to keep from decay, got none for "gn*"',
    );
  });

  test("a pattern for --no-decay may be of parameters that stay as they are", async () => {
    await tune(options("undecayed", { noDecay: "*.bias,conv1.weight", steps: 1 }));
  });

  test("takes away what an earlier run has left in the folder, once it begins", async () => {
    await mkdir(join(folder, "again"));
    for (const name of ["best.onnx", "validation.csv", "notes.txt"])
      await writeFile(join(folder, "again", name), "old");
    const refused = tune(options("again", { steps: 1, loss: "oecc", lossOptions: { inWeight: -1 } }));
    await expect(refused).rejects.toThrow("--loss-option inWeight");
    expect(existsSync(join(folder, "again", "best.onnx"))).toBe(true);
    await tune(options("again", { steps: 1 }));
    expect((await readdir(join(folder, "again"))).sort()).toEqual(
      ["checkpoint.onnx", "log.csv", "model.onnx", "notes.txt", "run.json"].sort(),
    );
  });

  test("images that were cropped to the network's size are remembered, and cropped again where nothing is said", async () => {
    const photos = join(folder, "photos");
    for (const [at, name] of ["a", "b"].entries()) {
      await mkdir(join(photos, name), { recursive: true });
      const pixels = Uint8Array.from({ length: 3 * 40 * 20 }, (_, place) => (place * (at + 3)) % 256);
      await sharp(pixels, { raw: { width: 40, height: 20, channels: 3 } }).toFile(join(photos, name, "1.png"));
    }
    const { shape } = asClassifier(await readModel(fixture("resnet-tiny.onnx")));
    const list = join(folder, "photos.txt");
    await writeFile(list, "photos/a/1.png 0\nphotos/b/1.png 1\n");
    const more = { id: `list:${list}?resize=crop`, loss: "ce", steps: 1, batch: 2 } as const;
    const { out } = await tune(options("cropped", more));
    const tuned = asClassifier(await readModel(out));
    expect(shapeHint(tuned)).toEqual({ shape, resize: "crop" });
    const seen = await openDataset(`list:${list}`, shapeHint(tuned));
    const cropped = await openDataset(`list:${list}?resize=crop`, shapeHint(tuned));
    expect(await seen.read([0, 1])).toEqual(await cropped.read([0, 1]));
    const squeezed = await tune(options("squeezed", { ...more, model: out, id: `list:${list}?resize=stretch` }));
    expect(shapeHint(asClassifier(await readModel(squeezed.out)))).toEqual({ shape });
  });

  test("a prior of an earlier tuning does not stay where the loss has none", async () => {
    const { out: model } = await tune(options("with prior", { steps: 1 }));
    expect((await readModel(model)).metadata.has("offmap.prior")).toBe(true);
    const { out } = await tune(options("without prior", { model, loss: "ce", steps: 1 }));
    expect((await readModel(out)).metadata.has("offmap.prior")).toBe(false);
  });

  test("stopped behind the last update, a run says how to go on, and needs no further step", async () => {
    const abort = new AbortController();
    const passes: string[] = [];
    const progress = {
      start(title: string) {
        // The accuracy before, the prior, and the accuracy after.
        if (title.startsWith("Running the model") && passes.includes("Training")) abort.abort();
        passes.push(title);
      },
      finish() {},
      update() {},
    };
    const told = options("stopped late", { steps: 2, train: "all" });
    await expect(tune(told, { progress, signal: abort.signal })).rejects.toThrow(/stopped after step 2 of 2.*--resume/);
    await expect(tune({ ...told, resume: true })).resolves.toMatchObject({ steps: 2 });
  });

  test("goes on where the share kept out is spelled out that it had by default", async () => {
    const id = `cifar:${fixture("known.bin")}?include=0,1`;
    const { holdOut: _, ...rest } = options("spelled", { steps: 1, id });
    await tune(rest);
    await expect(tune({ ...rest, holdOut: 0, resume: true })).resolves.toMatchObject({ steps: 1 });
    await expect(tune({ ...rest, holdOut: 0.3, resume: true })).rejects.toThrow("got holdOut 0.3 instead of 0");
  });

  test("two runs at once compute the same features without getting into each other's way", async () => {
    process.env.OFFMAP_CACHE = join(folder, "shared cache");
    const [one, two] = await Promise.all(
      ["at once 1", "at once 2"].map((out) => tune(options(out, { steps: 1, augment: [] }))),
    );
    process.env.OFFMAP_CACHE = join(folder, "cache");
    expect(one?.loss).toBe(two?.loss);
  });

  test("refuses a prior file that holds nothing", async () => {
    const prior = join(folder, "null.json");
    await writeFile(prior, "null");
    await expect(tune(options("refused", { prior }))).rejects.toThrow("expected a list of numbers of at least 0");
  });

  test.each([
    [{ steps: 0 }, "training option steps: expected a whole number from 1 on, got 0"],
    [{ steps: undefined, epochs: 1.5 }, "training option epochs: expected a whole number from 1 on, got 1.5"],
    [{ holdOut: 1 }, "training option holdOut: expected a share in [0, 0.5], got 1"],
    [{ learningRate: Number.NaN }, "training option learningRate: expected a number above 0, got NaN"],
    [{ warmUp: 1 }, "training option warmUp: expected a number in [0, 1), got 1"],
  ])("refuses %o", async (more, sentence) => {
    await expect(tune(options("refused", more as Partial<TuneOptions>))).rejects.toThrow(sentence);
  });

  test("keeps no image out where every class has one", async () => {
    const single = `cifar:${fixture("known.bin")}?limit=1`;
    const { holdOut: _, ...rest } = options("single", { id: single, steps: 1, batch: 1 });
    await expect(tune(rest)).resolves.toMatchObject({ steps: 1 });
  });

  test("needs outliers for every loss but plain cross entropy", async () => {
    const { outliers: _, ...alone } = options("alone", { steps: 2 });
    await expect(tune(alone)).rejects.toThrow(
      "--outliers: expected a dataset of outliers for the loss balanced-energy",
    );
    const result = await tune({ ...alone, loss: "ce" });
    expect(result).toMatchObject({ steps: 2, margins: null, prior: null });
  });

  describe("the accuracy that oecc aims at", () => {
    const oecc = { loss: "oecc", augment: [], steps: 2 } as const;
    const record = async (out: string) =>
      JSON.parse(await readFile(join(folder, out, "run.json"), "utf8")) as Record<string, unknown>;

    test("is that of the untouched model on the images that are trained on, which held-out ones are not", async () => {
      const all = await tune(options("oecc all", oecc));
      // Without a hold-out it is what accuracy is watched on, and the model is wrong about some.
      expect(all.training_accuracy?.value).toBe(all.accuracy_before);
      expect(all.training_accuracy?.reason).toMatch(/^0\.\d{4}, measured on 14 training images$/);
      expect(all.training_accuracy?.value).toBeGreaterThan(0);
      expect(all.training_accuracy?.value).toBeLessThan(1);
      const part = await tune(options("oecc part", { ...oecc, holdOut: 0.3 }));
      const [, images = ""] = /measured on (\d+) training/.exec(part.training_accuracy?.reason ?? "") ?? [];
      expect(Number(images)).toBeLessThan(14);
      const right = (accuracy: number | null | undefined, of: number) => Math.round((accuracy ?? 0) * of);
      expect(
        right(part.training_accuracy?.value, Number(images)) + right(part.accuracy_before, 14 - Number(images)),
      ).toBe(right(all.training_accuracy?.value, 14));
      expect(await record("oecc all")).toMatchObject({ training_accuracy: all.training_accuracy });
    });

    test("is the number that is given, when one is", async () => {
      const measured = await tune(options("oecc measured", oecc));
      const value = measured.training_accuracy?.value as number;
      const told = (trainingAccuracy: number) => ({ ...oecc, lossOptions: { trainingAccuracy } });
      await tune(options("oecc same", told(value)));
      const other = await tune(options("oecc other", told(0.1)));
      expect(other.training_accuracy).toEqual({ value: 0.1, reason: "0.1 as given" });
      expect(await weightsOf("oecc same")).toEqual(await weightsOf("oecc measured"));
      expect(await weightsOf("oecc other")).not.toEqual(await weightsOf("oecc measured"));
      await expect(tune(options("oecc percent", told(94.86)))).rejects.toThrow(
        "--loss-option: expected trainingAccuracy=NUMBER with a share from 0 to 1, got 94.86",
      );
    });

    test("is that of the checkpoint in a run that goes on, and not measured again", async () => {
      const stop = new AbortController();
      const passes: string[] = [];
      const progress = {
        start: (title: string) => void passes.push(title),
        finish() {},
        update: (_: number, note?: string) => note && stop.abort(),
      };
      const more = { ...oecc, train: "all" } as const;
      const stopped = tune(options("oecc resumed", more), { signal: stop.signal, progress });
      await expect(stopped).rejects.toThrow("stopped after step 1 of 2");
      const overImages = () => passes.filter((title) => title.startsWith("Running the model")).length;
      expect(overImages()).toBe(2);
      const whole = await tune(options("oecc whole", more));
      const result = await tune(options("oecc resumed", { ...more, resume: true }), { progress });
      expect(result.training_accuracy).toEqual(whole.training_accuracy);
      // The accuracy after training is one more.
      expect(overImages()).toBe(3);
      expect(await weightsOf("oecc resumed")).toEqual(await weightsOf("oecc whole"));
    });

    test("is not measured for other losses", async () => {
      expect((await tune(options("oe", { loss: "oe", steps: 1 }))).training_accuracy).toBeNull();
    });
  });

  test("says which options nothing looks at", async () => {
    const sentences: string[] = [];
    const ofLoss = { loss: "oe", weight: 1, alpha: 3, mIn: -5, balanceBy: "mean", detachZ: true } as const;
    const others = { decay: 0.5, milestones: [0.5], shuffle: false, sampling: "class-balanced", steps: 1 } as const;
    const updates = { optimizer: "adam", momentum: 0.5, noDecay: "*.bias", weightDecay: 0, dropout: true } as const;
    const warn = (sentence: string) => void sentences.push(sentence);
    await tune(options("unused", { ...ofLoss, ...others, ...updates }), { warn });
    expect(sentences).toEqual([
      ...["--alpha", "--balance-by", "--detach-z", "--m-in"].map((flag) => `${flag} has no effect on the loss oe`),
      ...["--milestones", "--decay"].map((flag) => `${flag} has no effect on the schedule cosine`),
      "--momentum has no effect on adam",
      "--no-decay has no effect without decay",
      "--no-shuffle has no effect on training images with --sampling class-balanced, which draws them",
      "dropout has no effect: what is trained has no Dropout node, which exporters leave out in evaluation mode",
    ]);
    sentences.length = 0;
    const { outliers: _, ...alone } = options("unused", { loss: "ce", outlierBatch: 4, steps: 1 });
    await tune(alone, { warn });
    expect(sentences).toEqual(["--outlier-batch has no effect without --outliers"]);
  });

  test("warns when accuracy falls by more than two points", async () => {
    const sentences: string[] = [];
    await tune(
      options("worse", {
        train: "all",
        mIn: -40,
        mOut: 20,
        weight: 0.2,
        learningRate: 0.002,
        steps: 20,
        batchNorm: "batch",
      }),
      {
        warn: (sentence) => sentences.push(sentence),
      },
    );
    expect(sentences).toHaveLength(1);
    expect(sentences[0]).toMatch(/^accuracy on the training images fell from [\d.]+ % to [\d.]+ %: lower --weight/);
  });
});
