import { mkdtemp, readdir, readFile, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../src/onnx/index.js";
import { makeFiles } from "../bad-input/files.js";
import { json, runInMemory, text } from "./memory-host.js";

let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-commands-")));
  await makeFiles(folder);
});

const tuneArguments = (out: string) => [
  ...["tune", "--model", at("model.onnx"), "--id", at("three-classes"), "--outliers", at("outliers")],
  ...["--batch", "2", "--outlier-batch", "2", "--out", at(out)],
];

describe("inspect", () => {
  test("says what head would train and that nothing stands in the way", async () => {
    expect(await json("inspect", at("model.onnx"))).toMatchObject({
      opset: 18,
      inputs: [{ name: "image", dtype: "float32", dims: ["N", 3, 8, 8] }],
      outputs: [{ name: "logits", dtype: "float32", dims: ["N", 3] }],
      parameters: { count: 9, list: [{ name: "head.weight", dims: [3, 3], node: "/Gemm", op: "Gemm" }] },
      head: { node: "/Gemm", op: "Gemm", features: ["features"], parameters: ["head.weight"], count: 9 },
      ends_in_softmax: false,
      blocked: { head: [], all: [] },
    });
  });

  test("names the operator that training cannot go through, and only it", async () => {
    const found = await json<{ blocked: unknown; operators: { op: string; gradient: string }[] }>(
      "inspect",
      at("unknown-operator.onnx"),
    );
    expect(found.blocked).toEqual({
      head: ["/FancyNorm (com.example.FancyNorm)"],
      all: ["/FancyNorm (com.example.FancyNorm)"],
    });
    expect(found.operators.filter(({ gradient }) => gradient === "missing").map(({ op }) => op)).toEqual(["FancyNorm"]);
    expect(await text("inspect", at("unknown-operator.onnx"))).toContain(
      "--train head is not possible: no gradient rule for /FancyNorm (com.example.FancyNorm)",
    );
  });

  test("a model without layers has no head", async () => {
    expect(await json("inspect", at("no-layers.onnx"))).toMatchObject({
      head: null,
      parameters: { count: 0, list: [] },
    });
  });
});

describe("profile", () => {
  interface Found {
    images: number;
    milliseconds: number;
    images_per_second: number;
    parts: { part: string; milliseconds: number }[];
    rows: { name: string; op?: string; calls: number; share: number }[];
  }

  test("of a model adds up to the whole, for the number of images asked for", async () => {
    const found = await json<Found>("profile", at("model.onnx"), "--batch", "3", "--repeats", "1");
    expect(found.images).toBe(3);
    expect(found.images_per_second).toBeCloseTo(3000 / found.milliseconds, 6);
    expect(found.rows.map(({ name }) => name)).toContain("Gemm");
    expect(found.rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  test("of a run is that of its training step, node by node where asked for", async () => {
    await json(...tuneArguments("profiled"), "--steps", "1");
    const found = await json<Found>("profile", at("profiled"), "--by", "node", "--repeats", "1");
    expect(found.images).toBe(4);
    // Forward and the gradient of the weight.
    expect(found.rows.filter(({ op }) => op === "Gemm" || op === "MatMul").length).toBeGreaterThanOrEqual(2);
    const shown = await text("profile", at("profiled"), "--top", "2", "--repeats", "1");
    expect(shown).toContain("balanced-energy, --train head, --bn frozen, 2 + 2 images");
    expect(shown).toMatch(/more rows/);
  });

  test("of a run includes the frozen part only where training runs it", async () => {
    await json(...tuneArguments("augmented"), "--steps", "1");
    await json(...tuneArguments("stored"), "--steps", "1", "--no-augment");
    const partsOf = async (run: string) => await json<Found>("profile", at(run), "--repeats", "1");
    const augmented = await partsOf("augmented");
    expect(augmented.parts.map(({ part }) => part)).toEqual(["frozen part", "trained part"]);
    expect(augmented.milliseconds).toBeCloseTo(
      augmented.parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      9,
    );
    expect(augmented.rows.map(({ name }) => name)).toContain("GlobalAveragePool");
    const stored = await partsOf("stored");
    expect(stored.parts.map(({ part }) => part)).toEqual(["trained part"]);
    expect(stored.rows.map(({ name }) => name)).not.toContain("GlobalAveragePool");
  });

  test("of a run says that flags which only a model takes do nothing", async () => {
    await json(...tuneArguments("fixed"), "--steps", "1");
    const { exitCode, stderr } = await runInMemory(["profile", at("fixed"), "--batch", "8", "--repeats", "1"]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("offmap: warning: --batch has no effect on the profile of a run, which has its own\n");
  });
});

describe("metrics", () => {
  test("the fields of the contract, with a score against itself at chance", async () => {
    const found = await json<object>("metrics", "--id", at("scores.npy"), "--ood", at("scores.npy"));
    expect(Object.keys(found)).toEqual(["auroc", "aupr", "fpr95", "n_id", "n_ood", "preset"]);
    expect(found).toMatchObject({ auroc: 0.5, n_id: 4, n_ood: 4 });
  });

  test("the text names the preset that its numbers follow", async () => {
    const shown = await text("metrics", "--id", at("scores.npy"), "--ood", at("scores.npy"), "--preset", "openood");
    expect(shown).toContain("preset openood");
  });
});

describe("prior", () => {
  test("counts the class of every outlier, writes JSON that tune takes, and a chart", async () => {
    // Red, green and blue images go to their own class; grey is a tie that goes to the first.
    const found = await json(
      "prior",
      "--model",
      at("model.onnx"),
      "--outliers",
      at("outliers"),
      "--out",
      at("prior-3.json"),
    );
    expect(found).toMatchObject({ outliers: 4, counts: [2, 1, 1], prior: [0.5, 0.25, 0.25], imbalance_ratio: 2 });
    expect(JSON.parse(await readFile(at("prior-3.json"), "utf8"))).toEqual(found);
    expect(await readFile(at("prior-3.svg"), "utf8")).toMatch(/^<\?xml|^<svg/);
    const tuned = await json(...tuneArguments("with-prior"), "--steps", "1", "--prior", at("prior-3.json"));
    expect(tuned).toMatchObject({ prior: [0.5, 0.25, 0.25] });
  });

  test("the text shows one bar per class, the longest first", async () => {
    const bars = (await text("prior", "--model", at("model.onnx"), "--outliers", at("outliers")))
      .split("\n")
      .filter((line) => line.includes("█"));
    expect(bars.map((line) => line.replace(/[█▏▎▍▌▋▊▉ ]+/gu, " "))).toEqual([
      "class 0 50.00 % 2",
      "class 1 25.00 % 1",
      "class 2 25.00 % 1",
    ]);
    const length = (line: string | undefined) => (line?.match(/█/g) ?? []).length;
    expect(length(bars[0])).toBe(2 * length(bars[1]));
  });
});

describe("tune", () => {
  test("prints the fields of the contract and writes the files of a run", async () => {
    const found = await json<{ steps: number; margins: object; out: string }>(
      ...tuneArguments("run-json"),
      "--steps",
      "2",
    );
    expect(Object.keys(found)).toEqual([
      ...["steps", "seconds_per_step", "images_per_second", "loss", "margins", "training_accuracy", "prior"],
      "prior_after",
      ...["accuracy_before", "accuracy_after", "best", "out"],
    ]);
    expect(found.steps).toBe(2);
    expect(found.out).toBe(at("run-json/model.onnx"));
    expect((await readdir(at("run-json"))).sort()).toEqual(["checkpoint.onnx", "log.csv", "model.onnx", "run.json"]);
  });

  test("every flag reaches the run under the name the library knows", async () => {
    await json(
      ...[...tuneArguments("flags"), "--steps", "1", "--loss", "balanced-energy", "--alpha", "2", "--gamma", "0.5"],
      ...["--gamma-weight", "0.25", "--m-in", "-9", "--m-out", "auto", "--weight", "0.2", "--balance-by", "mean"],
      ...["--detach-z", "--train", "head.*,*.weight", "--bn", "batch", "--lr", "0.01", "--momentum", "0.5"],
      ...["--weight-decay", "0", "--schedule", "constant", "--normalize", "0.5:0.25", "--no-augment", "--no-shuffle"],
      ...["--seed", "7", "--hold-out", "0", "--checkpoint-every", "3", "--threads", "1"],
    );
    const { options } = JSON.parse(await readFile(at("flags/run.json"), "utf8")) as { options: object };
    expect(options).toMatchObject({
      loss: "balanced-energy",
      alpha: 2,
      gamma: 0.5,
      gammaWeight: 0.25,
      mIn: -9,
      mOut: "auto",
      weight: 0.2,
      balanceBy: "mean",
      detachZ: true,
      train: "head.*,*.weight",
      batchNorm: "batch",
      learningRate: 0.01,
      momentum: 0.5,
      weightDecay: 0,
      schedule: "constant",
      normalization: { mean: [0.5], std: [0.25] },
      augment: [],
      shuffle: false,
      seed: 7,
      holdOut: 0,
      checkpointEvery: 3,
      steps: 1,
      batch: 2,
      outlierBatch: 2,
      engine: { threads: 1 },
    });
  });

  test("flags win over a preset, and steps take the place of its epochs", async () => {
    const argv = [...tuneArguments("preset"), "--preset", "paper-cifar10-lt-resnet18", "--steps", "1", "--alpha", "3"];
    await json(...argv);
    const { options } = JSON.parse(await readFile(at("preset/run.json"), "utf8")) as {
      options: Record<string, unknown>;
    };
    expect(options).toMatchObject({
      mIn: -23,
      mOut: -5,
      alpha: 3,
      gamma: 0.75,
      train: "all",
      batchNorm: "batch",
      steps: 1,
    });
    expect(options).not.toHaveProperty("epochs");

    // Another loss takes its own weight, and nobody is warned of what the preset says about balancing.
    await json(...tuneArguments("preset-oe"), "--preset", "paper-cifar10-lt-resnet18", "--steps", "1", "--loss", "oe");
    expect(JSON.parse(await readFile(at("preset-oe/run.json"), "utf8"))).toMatchObject({ options: { weight: 0.5 } });
  });
});

describe("eval", () => {
  interface Row {
    readonly ood: string;
    readonly score: string;
    readonly auroc: number;
  }

  test("prints the contract, writes tables and report, and its raw scores give the same metrics", async () => {
    const found = await json<{ rows: Row[]; id: object; ood: { name: string }[]; average: Row[] }>(
      ...["eval", "--model", at("model.onnx"), "--id", at("three-classes"), "--ood", `far=${at("outliers")}`],
      ...["--ood", at("four-classes"), "--scores", "msp,energy", "--out", at("results")],
    );
    expect(found.id).toMatchObject({ images: 6, accuracy: 1, class_accuracies: [1, 1, 1] });
    expect(found.ood.map(({ name }) => name)).toEqual(["far", "four-classes"]);
    expect(found.rows.map(({ ood, score }) => `${ood} ${score}`)).toEqual([
      ...["far msp", "far energy", "four-classes msp", "four-classes energy"],
    ]);
    expect(found.average.map(({ score }) => score)).toEqual(["msp", "energy"]);
    expect((await readdir(at("results"))).sort()).toEqual([
      "eval.json",
      "report.html",
      "scores",
      "table.csv",
      "table.md",
    ]);
    expect(JSON.parse(await readFile(at("results/eval.json"), "utf8"))).toEqual(found);
    const scores = (set: string) => at(`results/scores/${set}-energy.npy`);
    const again = await json<Row & { n_ood: number }>("metrics", "--id", scores("id"), "--ood", scores("far"));
    expect(again).toMatchObject({ auroc: found.rows[1]?.auroc, preset: "official" });
    expect(found.ood[0]).toEqual({ name: "far", images: again.n_ood, also_in_distribution: 0 });
  });

  test("compares with a baseline and names the preset", async () => {
    await json(...tuneArguments("tuned-for-eval"), "--steps", "3");
    const argv = ["eval", "--model", at("tuned-for-eval/model.onnx"), "--baseline", at("overflowing.onnx")];
    const rest = ["--id", at("three-classes"), "--ood", `far=${at("outliers")}`];
    const missing = await runInMemory([...argv, ...rest]);
    expect(missing.exitCode).toBe(2);
    argv[4] = at("model.onnx");
    const found = await json<{ rows: Row[]; baseline: { model: string; rows: Row[] } }>(...argv, ...rest);
    expect(found.baseline.model).toBe(at("model.onnx"));
    expect(found.baseline.rows).toHaveLength(found.rows.length);
    const shown = await text(...argv, ...rest);
    expect(shown).toContain("Preset official");
    expect(shown).toContain("tuned-for-eval/model");
    const counted = await text(...argv, ...rest, "--class-counts", at("three-classes"));
    expect(counted).toMatch(
      /^\S+\/model: accuracy 100\.00 % of 6 images \(many-shot –, medium-shot 100\.00, few-shot –\)\n/,
    );
    expect(counted).toContain("tuned-for-eval/model, logits adjusted to the class counts: ");
  });
});

describe("score", () => {
  test("a tuned model names the classes it was trained on and needs no --normalize again", async () => {
    await json(...tuneArguments("remembers"), "--steps", "1", "--lr", "1e-9", "--normalize", "0.5:0.25");
    const model = at("remembers/model.onnx");
    expect((await readModel(model)).metadata.get("offmap.normalization")).toBe("0.5:0.25");
    const argv = ["--model", model, at("three-classes/dog/1.png"), at("three-classes/fox/2.png")];
    const found = await json<{ images: { file: string; class: string; score: number; confidence: number }[] }>(
      "score",
      ...argv,
    );
    expect(found.images.map((row) => row.class)).toEqual(["dog", "fox"]);
    expect(found.images.map(({ file }) => file)).toEqual([
      at("three-classes/dog/1.png"),
      at("three-classes/fox/2.png"),
    ]);
    const given = await json("score", ...argv, "--normalize", "0.5:0.25");
    expect(given).toEqual(found);
    expect(await json("score", ...argv, "--normalize", "0:1")).not.toEqual(found);

    const compared = ["eval", "--model", model, "--baseline", at("model.onnx"), "--id", at("three-classes")];
    const sets = [...compared, "--ood", at("outliers")];
    const unlike = await runInMemory(sets);
    expect(unlike.stderr).toBe(
      `offmap: warning: ${at("model.onnx")} takes pixels from 0 to 1 as they are, where the other models normalize them; if it was trained with a normalization, give it as --normalize\n`,
    );
    expect(unlike.exitCode).toBe(0);
    await text(...sets, "--normalize", "0.5:0.25");
  });

  test("an image does not change its score with the images beside it", async () => {
    interface Scored {
      readonly images: { readonly file: string; readonly score: number }[];
    }
    const folderOf = await json<Scored>("score", "--model", at("model.onnx"), at("outliers"));
    expect(folderOf.images).toHaveLength(4);
    const alone = await json<Scored>("score", "--model", at("model.onnx"), at("outliers/2.png"));
    expect(alone.images[0]?.score).toBeCloseTo(folderOf.images[2]?.score as number, 5);
  });

  test("CSV has a header and one line per image, without notes that would break it", async () => {
    const lines = (await text("score", "--model", at("model.onnx"), at("outliers"), "--csv")).trim().split("\n");
    expect(lines[0]).toBe("file,predicted,class,confidence,score");
    expect(lines).toHaveLength(5);
    for (const line of lines.slice(1)) expect(line).toMatch(/^[^,]+\.png,[0-2],,0?\.?\d+(e-\d+)?,-?\d/);
  });

  test("CSV and JSON at once are refused", async () => {
    const both = ["score", "--model", at("model.onnx"), at("outliers"), "--csv", "--json"];
    const { exitCode, stdout } = await runInMemory(both);
    expect(exitCode).toBe(2);
    expect(stdout).toContain("--csv: expected one format for the scores, got --json too");
  });
});
