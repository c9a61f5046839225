// Training from nothing on 14 real images and 28 outliers (test/fixtures/parity).
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { architectures, createModel } from "../nn/index.js";
import { readModel } from "../onnx/index.js";
import type { Tensor } from "../onnx/types.js";
import { train, tune } from "./index.js";
import { RunFolder } from "./run-files.js";
import type { TrainOptions } from "./train-options.js";
import { Trainer } from "./trainer.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/parity/${name}`, import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-train-"));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (out: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  arch: "resnet20",
  width: 0.25,
  id: `cifar:${fixture("known.bin")}`,
  outliers: `cifar:${fixture("outliers.bin")}`,
  out: join(folder, out),
  steps: 4,
  batch: 4,
  outlierBatch: 6,
  holdOut: 0,
  engine: { threads: 1 },
  ...more,
});

const weightsOf = async (path: string) => (await readModel(path)).graph.initializers;
const values = (tensor: Tensor | undefined) => Array.from(tensor?.data as Float32Array);

describe("train", () => {
  test("starts from the network's own starting values and moves all of them", async () => {
    const result = await train(options("moves", { steps: 1 }));
    const start = createModel(architectures.resnet20, { classes: 10, shape: [3, 32, 32], width: 0.25 }, 1).graph;
    const trained = await weightsOf(result.out);
    expect([...trained.keys()].sort()).toEqual([...start.initializers.keys()].sort());
    const parameters = [...start.initializers].filter(([name]) => !name.startsWith("constant"));
    const still = parameters.filter(([name, tensor]) => values(trained.get(name)).join() === values(tensor).join());
    expect(still.map(([name]) => name)).toEqual([]);
    expect(result).toMatchObject({ steps: 1, accuracy_before: null, margins: null, best: null });
  });

  test("has an output for every class of the files, those included that no image is left of", async () => {
    const { out } = await train(options("left out", { id: `cifar:${fixture("known.bin")}?exclude=9`, steps: 1 }));
    expect((await readModel(out)).graph.outputs[0]?.dims?.[1]).toBe(10);
  });

  test("overfits a handful of images", async () => {
    const result = await train(
      options("overfits", { steps: 60, batch: 14, learningRate: 0.05, augment: [], weightDecay: 0 }),
    );
    expect(result.accuracy_after).toBe(1);
    expect(result.loss).toBeLessThan(0.1);
  });

  test.each([
    ["adam", { optimizer: "adam", average: 0.9, learningRate: 0.01 }],
    ["sgd with a moving prior", { loss: "balanced-energy", priorMomentum: 0.8, mIn: -5, mOut: -1 }],
    ["open-sampling", { loss: "open-sampling" }],
    ["eat", { loss: "eat", batch: 6 }],
    ["cocl", { loss: "cocl", optimizer: "adam", sampling: "square-root" }],
    ["pascl", { loss: "pascl", augment: ["crop-flip", "color-jitter", "grayscale"] }],
    [
      "adamw with a warm-up, steps, classes equally often and images held out",
      { optimizer: "adamw", warmUp: 0.3, schedule: "step", sampling: "class-balanced", holdOut: 0.3 },
    ],
    ["wide network with dropout", { arch: "wrn-40-2", width: 0.125, mixup: 1, labelSmoothing: 0.1 }],
  ] as const)("%s gives the same bits after being stopped and resumed as without a stop", async (name, more) => {
    const whole = await train(options(`${name} whole`, more));
    const abort = new AbortController();
    const progress = { start() {}, finish() {}, update: (step: number) => step === 2 && abort.abort() };
    const parts = options(`${name} parts`, more);
    await expect(train(parts, { progress, signal: abort.signal })).rejects.toThrow("stopped after step 2");
    const resumed = await train({ ...parts, resume: true });
    expect(await readFile(resumed.out)).toEqual(await readFile(whole.out));
    expect(resumed.prior_after).toEqual(whole.prior_after);
    if ("priorMomentum" in more) expect(whole.prior_after?.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    else expect(whole.prior_after).toBeNull();
    const log = (of: string) => readFile(join(folder, `${name} ${of}`, "log.csv"), "utf8");
    expect(await log("parts")).toBe(await log("whole"));
  });

  test("a finished run that is resumed takes no step and keeps its timing", async () => {
    const told = options("timed", { steps: 3 });
    const { seconds_per_step, images_per_second } = await train(told);
    expect(seconds_per_step * images_per_second).toBeCloseTo((told.batch as number) + (told.outlierBatch as number), 6);
    const again = await train({ ...told, resume: true });
    expect(again.seconds_per_step).toBeGreaterThanOrEqual(seconds_per_step);
    expect(again.seconds_per_step).toBeLessThan(seconds_per_step + 0.1);
    expect(again.images_per_second / images_per_second).toBeCloseTo(seconds_per_step / again.seconds_per_step, 6);
  });

  test("the average of the weights is what the model gets, and changes nothing about the run", async () => {
    const keep = 0.75;
    const name = "conv1.weight";
    const told = options("averaged", { steps: 2, average: keep });
    const variables = async () => {
      const path = join(folder, "averaged", "checkpoint.onnx");
      const { graph, metadata } = await readModel(path);
      expect(JSON.parse(metadata.get("offmap.checkpoint") ?? "")).toHaveProperty("step");
      return values(graph.initializers.get(name));
    };
    const abort = new AbortController();
    const progress = { start() {}, finish() {}, update: () => abort.abort() };
    await expect(train(told, { progress, signal: abort.signal })).rejects.toThrow("stopped after step 1");
    const first = await variables();
    const result = await train({ ...told, resume: true });
    const second = await variables();
    const plain = await train(options("plain", { steps: 2 }));
    expect(second).toEqual(values((await weightsOf(plain.out)).get(name)));
    const { initializers } = createModel(
      architectures.resnet20,
      { classes: 10, shape: [3, 32, 32], width: 0.25 },
      1,
    ).graph;
    const mean = values((await weightsOf(result.out)).get(name));
    values(initializers.get(name)).forEach((start, place) => {
      const [one, two] = [first[place] as number, second[place] as number];
      expect(mean[place]).toBeCloseTo(keep * (keep * start + (1 - keep) * one) + (1 - keep) * two, 6);
    });
  });

  test("one image alone moves no running statistics of a layer without positions, as it has no variance", async () => {
    const statistics = async (steps: number) => {
      const more = { loss: "ce", head: "deconf", batch: 13, steps } as const;
      const { outliers: _, ...alone } = options(`last of ${steps}`, more);
      const { out } = await train(alone);
      const { initializers } = (await readModel(out)).graph;
      return ["g.1.running_mean", "g.1.running_var"].map((name) => initializers.get(name));
    };
    const first = await statistics(1);
    expect(first[1]?.data[0]).not.toBe(1);
    expect(await statistics(2)).toEqual(first);
  });

  test("a loss that contrasts images by class is not trained on mixed ones", async () => {
    for (const loss of ["pascl", "cocl"] as const) {
      await expect(train(options("mixed", { loss, mixup: 1 }))).rejects.toThrow(
        `--mixup: expected a loss that looks at logits alone, got ${loss}`,
      );
    }
  });

  test("the outputs a loss needs are in the model: a third kind of logit for eat, unit rows for pascl, cosines for deconf", async () => {
    const outputs = async (more: Partial<TrainOptions>) => {
      const { out } = await train(options(`outputs ${JSON.stringify(more)}`, { ...more, steps: 1 }));
      return (await readModel(out)).graph.outputs.map(({ name, dims }) => [name, dims?.[1]]);
    };
    expect(await outputs({ loss: "eat" })).toEqual([
      ["logits", 10],
      ["abstention_logits", 3],
    ]);
    expect(await outputs({ loss: "pascl" })).toEqual([
      ["logits", 10],
      ["projection", 128],
    ]);
    expect(await outputs({ head: "deconf" })).toEqual([
      ["logits", 10],
      ["cosine", 10],
    ]);
  });

  test("a network that abstains is tuned with as many outputs as it has", async () => {
    const { out } = await train(options("abstains", { loss: "eat", steps: 1 }));
    const { id, outliers = "" } = options("");
    const told = { model: out, id, outliers, loss: "eat", train: "all", steps: 1, batch: 4, outlierBatch: 6 } as const;
    const five = { ...told, out: join(folder, "five"), lossOptions: { abstentionClasses: 5 } };
    await expect(tune(five)).rejects.toThrow('loss eat: expected 5 columns of "abstention_logits", got 3');
    await tune({ ...told, out: join(folder, "three") });
  });

  test("prototypes of cocl are trained and kept for resuming, and stay out of the model", async () => {
    const { out } = await train(options("prototypes", { loss: "cocl", steps: 2 }));
    const { graph } = await readModel(join(folder, "prototypes", "checkpoint.onnx"));
    expect(graph.initializers.get("offmap.prototypes")?.dims).toEqual([4, 16]);
    expect([...(await weightsOf(out)).keys()]).not.toContain("offmap.prototypes");
  });

  test("watches every epoch on held-out images and keeps the best network", async () => {
    const result = await train(options("watched", { steps: 6, holdOut: 0.3, batch: 5, learningRate: 0.01 }));
    const rows = (await readFile(join(folder, "watched", "validation.csv"), "utf8")).trim().split("\n").slice(1);
    expect(rows.map((row) => row.split(",").slice(0, 2).join())).toEqual(["1,2", "2,4", "3,6"]);
    const best = Math.max(...rows.map((row) => Number(row.split(",")[2])));
    expect(result.best?.accuracy).toBe(best);
    expect(existsSync(result.best?.out ?? "")).toBe(true);
  });

  test("looks at the network behind the last update, too, where that is in the middle of an epoch", async () => {
    const { best } = await train(options("part of an epoch", { steps: 3, holdOut: 0.3, batch: 5 }));
    const rows = (await readFile(join(folder, "part of an epoch", "validation.csv"), "utf8")).trim().split("\n");
    expect(rows.slice(1).map((row) => row.split(",").slice(0, 2).join())).toEqual(["1,2", "1.5,3"]);
    expect(existsSync(best?.out ?? "")).toBe(true);
  });

  describe("images of several sizes", () => {
    const id = () => `folder:${join(folder, "mixed")}`;
    beforeAll(async () => {
      const sizes = { cat: [12, 8], dog: [8, 8] } as const;
      for (const [name, [width, height]] of Object.entries(sizes)) {
        await mkdir(join(folder, "mixed", name), { recursive: true });
        const pixels = Uint8Array.from({ length: 3 * width * height }, (_, at) => (at * 37) % 256);
        const raw = { width, height, channels: 3 } as const;
        await sharp(pixels, { raw })
          .png()
          .toFile(join(folder, "mixed", name, "1.png"));
      }
    });

    test("are refused, not squeezed to that of the first", async () => {
      const { outliers: _, ...told } = options("mixed out", { id: id(), batch: 2 });
      await expect(train(told)).rejects.toThrow(
        /expected 12 x 8 pixels as in the first image, got 8 x 8;.*size=HEIGHTxWIDTH/,
      );
    });

    test("are brought to the one that is given, as the dataset says", async () => {
      const { outliers: _, ...told } = options("sized", { batch: 2, steps: 1 });
      const [stretched, cropped] = await Promise.all(
        ["?size=16x20", "?size=16x20&resize=crop"].map((mode) =>
          train({ ...told, id: id() + mode, out: join(folder, `sized ${mode.slice(1)}`) }),
        ),
      );
      expect((await readModel(stretched?.out ?? "")).graph.inputs[0]?.dims?.slice(1)).toEqual([3, 16, 20]);
      expect(stretched?.loss).not.toBe(cropped?.loss);
    });
  });

  test.each([
    ["in the middle", 4],
    ["at the end", 6],
  ])(
    "stopped while an epoch %s is watched, a run saves what it has and goes on to the same bits",
    async (name, last) => {
      const more = { steps: 6, holdOut: 0.3, batch: 5, learningRate: 0.01 } as const;
      const whole = await train(options(`watched whole ${name}`, more));
      const abort = new AbortController();
      const { trained } = Trainer.prototype;
      let looks = 0;
      // The weights are read right before an epoch, of two steps, is watched.
      const spy = vi.spyOn(Trainer.prototype, "trained").mockImplementation(function (this: Trainer) {
        if (2 * ++looks === last) abort.abort();
        return trained.call(this);
      });
      const parts = options(`watched parts ${name}`, more);
      const stopped = train(parts, { signal: abort.signal });
      await expect(stopped).rejects.toThrow(`stopped after step ${last} of 6; the state is saved`);
      spy.mockRestore();
      const resumed = await train({ ...parts, resume: true });
      for (const file of ["model.onnx", "best.onnx", "validation.csv", "log.csv"]) {
        const read = (of: string) => readFile(join(folder, `watched ${of} ${name}`, file));
        expect(await read("parts"), file).toEqual(await read("whole"));
      }
      expect(resumed.best?.epoch).toBe(whole.best?.epoch);
    },
  );

  test("a checkpoint is never ahead of the log: rows that a killed run did not write could not be made again", async () => {
    const spy = vi.spyOn(RunFolder.prototype, "writeLog").mockRejectedValue(new Error("killed"));
    await expect(train(options("killed", { checkpointEvery: 1 }))).rejects.toThrow("killed");
    spy.mockRestore();
    expect(existsSync(join(folder, "killed", "checkpoint.onnx"))).toBe(false);
  });

  test.each([
    [{ loss: "cocl", width: 9 / 64 }, /loss cocl: expected an even number of features.*got 9/],
    [{ loss: "energy", mIn: "auto" }, /--m-in.*no trained model yet/],
    [{ loss: "oecc" }, /--loss-option: expected trainingAccuracy=NUMBER, as there is no trained model yet/],
    [{ loss: "oecc", lossOptions: { nonsense: 1 } }, /--loss-option.*inWeight.*"nonsense"/],
    [{ loss: "eat", head: "deconf" }, /--head deconf: expected a loss without abstention classes.*got eat/],
    [{ loss: "eat", lossOptions: { tailShare: 40 } }, /--loss-option tailShare: expected a share in \(0, 1\], got 40/],
    [
      { loss: "eat", lossOptions: { abstentionClasses: 0 } },
      /--loss-option abstentionClasses: expected a whole number/,
    ],
    [{ loss: "pascl", lossOptions: { temperature: 0 } }, /--loss-option temperature: expected a number above 0, got 0/],
    [{ loss: "energy", lossOptions: { mIn: -5 } }, /--loss-option: expected no options.*got "mIn"; --m-in is for that/],
    [{ id: `cifar:${fixture("known.bin")}?labels=none` }, /labelled in-distribution images/],
    [{ outliers: undefined, loss: "oe" }, /--outliers.*oe/],
  ] as const)("refuses %o", async (more, sentence) => {
    await expect(train(options("refused", more as Partial<TrainOptions>))).rejects.toThrow(sentence);
  });
});
