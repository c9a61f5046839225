// fit, calibrate, export, score and compare, one after the other as a user would, on the demo's model and images.
import { mkdtemp, readFile, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeModel, readModel } from "../../src/onnx/index.js";
import { ints, type Model } from "../../src/onnx/types.js";
import { idxBytes, write } from "../data/files.js";
import { json, runInMemory, text } from "./memory-host.js";

const asset = (name: string) => fileURLToPath(new URL(`../../assets/demo/${name}`, import.meta.url));
const sheet = (name: string, options = "") => `sheet:${asset(`${name}.json`)}${options}`;
const model = ["--model", asset("resnet20-cifar10.onnx")];
const normalize = ["--normalize", "0.485,0.456,0.406:0.229,0.224,0.225"];

let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-guard-")));
  await text("fit", ...model, "--id", sheet("cifar10-train"), "--score", "vim", ...normalize, "--out", at("vim.onnx"));
  await text(
    ...["calibrate", ...model, "--fit", at("vim.onnx"), "--id", sheet("cifar10-test"), ...normalize],
    ...["--out", at("vim.json")],
  );
}, 60_000);

test("ensemble makes one model of several, which scores as any other", async () => {
  const one = asset("resnet20-cifar10.onnx");
  const made = await json<{ classes: number }>("ensemble", one, one, "--out", at("twice.onnx"));
  expect(made.classes).toBe(10);
  const sets = ["--id", sheet("cifar10-test", "?limit=100"), "--ood", sheet("textures", "?limit=50"), ...normalize];
  type Evaluated = { average: { auroc: number }[] };
  const [twice, once] = await Promise.all(
    [at("twice.onnx"), one].map((path) => json<Evaluated>("eval", "--model", path, ...sets, "--scores", "msp")),
  );
  expect(twice?.average[0]?.auroc).toBeCloseTo(once?.average[0]?.auroc ?? 0, 3);
  const thinned = await text("ensemble", one, "--dropout", "0.2", "--samples", "4", "--out", at("thinned.onnx"));
  expect(thinned).toContain("4 thinned copies of 10 classes");
  const [copies] = (await json<Evaluated>("eval", "--model", at("thinned.onnx"), ...sets, "--scores", "entropy"))
    .average;
  expect(copies?.auroc).toBeGreaterThan(0.75);
});

describe("fit", () => {
  test("several scores in one pass become files in a folder", async () => {
    const found = await json<{ images: number; fitted: { score: string; file: string; features: string | null }[] }>(
      ...["fit", ...model, "--id", sheet("cifar10-train", "?limit=300"), "--score", "react,knn,sml", ...normalize],
      ...["--option", "k=3", "--out", at("scores")],
    ).catch(() => undefined);
    // knn alone has the option: the others refuse it.
    expect(found).toBeUndefined();
    const parts = await json<{ images: number; fitted: { score: string; file: string; features: string | null }[] }>(
      ...[
        "fit",
        ...model,
        "--id",
        sheet("cifar10-train", "?limit=300"),
        "--score",
        "react,knn",
        ...["--layer", "auto"],
        ...normalize,
        "--out",
        at("scores"),
      ],
    );
    expect(parts.images).toBe(300);
    expect(parts.fitted.map(({ score, file }) => [score, file])).toEqual([
      ["react", at("scores/react.onnx")],
      ["knn", at("scores/knn.onnx")],
    ]);
    expect(parts.fitted[0]?.features).toBe(parts.fitted[1]?.features);
    expect((await readModel(at("scores/knn.onnx"))).metadata.get("offmap.score")).toBe("knn");
  });

  test("fewer images than there are are kept for scores of a bank, and it is said", async () => {
    const images = ["--id", sheet("cifar10-train", "?limit=300"), ...normalize];
    const argv = ["fit", ...model, ...images, "--score", "knn,energy", "--sample", "100", "--out", at("sampled")];
    const { exitCode, stderr } = await runInMemory(argv);
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      "offmap: warning: knn: fitted to 100 of the 300 images, drawn by chance; --sample takes more\n",
    );
  });

  test("the text says what each score was fitted with", async () => {
    const images = ["--id", sheet("cifar10-train", "?limit=100"), ...normalize];
    const [first, second] = (
      await text("fit", ...model, ...images, "--score", "odin", "--option", "epsilon=0.002", "--out", at("odin.onnx"))
    ).split("\n");
    expect(first).toMatch(/^fitted to 100 images in [\d.]+ s$/);
    expect(second).toMatch(/^odin: .*odin\.onnx, \d+ kB, temperature=1000, epsilon=0\.002$/);
  });

  test("layers that would be left out of account are refused", async () => {
    const refused = async (score: string, ...layers: string[]) => {
      const flags = layers.flatMap((layer) => ["--layer", layer]);
      const images = ["--id", sheet("cifar10-train", "?limit=100"), ...normalize];
      const out = ["--out", at("refused.onnx")];
      return runInMemory(["fit", ...model, ...images, "--score", score, ...flags, ...out]);
    };
    const two = await refused("mahalanobis", "early", "late");
    expect(two.exitCode).toBe(2);
    expect(two.stderr).toContain(
      "--layer: expected one tensor, as scores of image classifiers look at one layer, got early, late; fit once for each layer, and weigh the scores by `offmap combine`",
    );
    expect((await refused("sml", "nowhere")).stderr).toContain(
      "--layer nowhere: expected a score of features, got sml; leave --layer out",
    );
  });

  test("a singular covariance is made up for, and said", async () => {
    const few = ["--id", sheet("cifar10-train", "?per-class=5"), ...normalize];
    const { exitCode, stderr } = await runInMemory([
      "fit",
      ...model,
      ...few,
      "--score",
      "mahalanobis",
      "--out",
      at("singular.onnx"),
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      "offmap: warning: mahalanobis score: the covariance is singular, as 50 images of 10 classes vary along at most 40 of 64 dimensions; the ridge of 0.000001 stands in for the variance that is missing\n",
    );
  });
});

test("combine weighs the distances of two layers, and the sum is a score like any other", async () => {
  const { graph } = await readModel(asset("resnet20-cifar10.onnx"));
  const layers = graph.nodes.filter(({ op }) => op === "Relu").map(({ outputs }) => outputs[0] as string);
  const files = [at("early.onnx"), at("late.onnx")];
  for (const [index, layer] of [layers.at(-7), layers.at(-1)].entries()) {
    await text(
      ...["fit", ...model, "--id", sheet("cifar10-train"), "--score", "mahalanobis", "--layer", layer as string],
      ...[...normalize, "--out", files[index] as string],
    );
  }
  const ood = `noise=${sheet("outliers", "?limit=300")}`;
  const made = await json<{ members: { weight: number }[]; offset: number }>(
    ...["combine", ...files, ...model, "--id", sheet("cifar10-test", "?limit=300"), "--ood", ood, ...normalize],
    ...["--out", at("both.onnx")],
  );
  const image = sheet("textures", "?limit=5");
  type Scored = { images: { score: number }[] };
  const score = async (file: string) =>
    (await json<Scored>("score", ...model, "--fit", file, ...normalize, image)).images.map((one) => one.score);
  const [early = [], late = [], both = []] = await Promise.all([...files, at("both.onnx")].map(score));
  both.forEach((value, index) => {
    const terms = [early[index] as number, late[index] as number].map(
      (one, at) => one * (made.members[at]?.weight ?? 0),
    );
    const expected = made.offset + (terms[0] as number) + (terms[1] as number);
    expect(Math.abs(value - expected)).toBeLessThan(1e-4 * Math.max(...terms.map(Math.abs), 1));
  });
  expect(both).toHaveLength(5);
  // Without outliers each is standardised over the images, and counts the same.
  const even = await json<{ members: { weight: number }[]; offset: number }>(
    ...["combine", ...files, ...model, "--id", image, ...normalize, "--out", at("even.onnx")],
  );
  const standardised = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    return values.map((value) => (value - mean) / deviation);
  };
  const [one, other] = [standardised(early), standardised(late)];
  (await score(at("even.onnx"))).forEach((value, index) => {
    expect(Math.abs(value - ((one[index] as number) + (other[index] as number)) / 2)).toBeLessThan(1e-4);
  });
  expect(even.members.every(({ weight }) => weight > 0)).toBe(true);
  const twice = await runInMemory([
    ...["eval", ...model, "--id", image, "--ood", image, "--fit", files.join(","), ...normalize],
  ]);
  expect(twice.stderr).toContain("--fit: expected a file for each score, got two of mahalanobis");
  const shown = await text(
    ...["eval", ...model, "--id", sheet("cifar10-test", "?limit=200"), "--ood", sheet("textures", "?limit=100")],
    ...["--fit", at("both.onnx"), ...normalize],
  );
  expect(shown).toContain("combined");
});

describe("calibrate", () => {
  test("says what it guarantees, what it measured and what it detects", async () => {
    const shown = await text(
      ...["calibrate", ...model, "--fit", at("vim.onnx"), "--id", sheet("cifar10-test"), ...normalize],
      ...["--alpha", "0.1", "--ood", `textures=${sheet("textures", "?limit=200")}`],
    );
    expect(shown).toMatch(/^OOD when vim > -?\d/);
    expect(shown).toMatch(
      /of in-distribution images like the 800 calibrated with, at most 10\.00 % are called OOD on average/,
    );
    expect(shown).toMatch(/measured on fresh in-distribution images: \d+\.\d\d % of 200 images called OOD/);
    expect(shown).toMatch(/detected of textures: [4-9]\d\.\d\d % of 200 images/);
  });

  test("the file has what export needs", async () => {
    const written = JSON.parse(await readFile(at("vim.json"), "utf8")) as Record<string, unknown>;
    expect(written).toMatchObject({ score: "vim", alpha: 0.05, count: 800, options: { dimension: 0 }, detected: {} });
    expect(written.shape).toEqual([3, 32, 32]);
    expect(written.scores).toHaveLength(800);
  });
});

describe("export and score", () => {
  const exported = (name: string, ...more: string[]) =>
    json<{ inputs: string[]; outputs: string[] }>(
      ...[
        "export",
        ...model,
        "--fit",
        at("vim.onnx"),
        "--calibration",
        at("vim.json"),
        ...normalize,
        "--out",
        at(name),
        ...more,
      ],
    );

  test("one file gives class, score, p-value and decision, with the images resized by it or by us", async () => {
    const plain = await exported("guarded.onnx");
    const whole = await exported("whole.onnx", "--preprocess");
    expect(plain.outputs.slice(-3)).toEqual(["ood_score", "ood_p_value", "is_ood"]);
    expect(whole.inputs).toEqual(["images"]);
    const noise = Buffer.from(Uint8Array.from({ length: 3 * 32 * 32 }, (_, at) => (at * 7919) % 256));
    await writeFile(
      at("noise.png"),
      await sharp(noise, { raw: { width: 32, height: 32, channels: 3 } })
        .png()
        .toBuffer(),
    );
    type Scored = { images: { score: number; p_value: number; is_ood: boolean; predicted: number }[] };
    const [one] = (await json<Scored>("score", ...["--model", at("guarded.onnx")], at("noise.png"))).images;
    const [other] = (await json<Scored>("score", ...["--model", at("whole.onnx")], at("noise.png"))).images;
    expect(one).toMatchObject({ is_ood: true });
    expect(one?.p_value).toBeLessThan(0.05);
    expect(Math.abs((other?.score ?? 0) - (one?.score ?? 1))).toBeLessThan(1e-3 * Math.abs(one?.score ?? 1));
    expect(await text("score", "--model", at("whole.onnx"), at("noise.png"))).toMatch(/noise\.png .* OOD/);
    expect(await text("score", "--model", at("whole.onnx"), at("noise.png"), "--csv")).toContain("p_value,is_ood\n");
    const named = await runInMemory(["score", "--model", at("whole.onnx"), "--score", "msp", at("noise.png")]);
    expect(named.stderr).toContain("--score: expected options of an exported model, which brings its own score");
    const tuned = await runInMemory([
      "tune",
      "--model",
      at("guarded.onnx"),
      "--loss",
      "ce",
      "--id",
      at("id"),
      "--out",
      at("t"),
    ]);
    expect(tuned.stderr).toContain("guarded.onnx: expected a model as it was before `offmap export`");
    // The same score without the rest, of the model and the fitted part.
    const bare = await json<Scored>("score", ...model, "--fit", at("vim.onnx"), ...normalize, at("noise.png"));
    expect(Math.abs((bare.images[0]?.score ?? 0) - (one?.score ?? 1))).toBeLessThan(1e-5 * Math.abs(one?.score ?? 1));
  });
});

describe("a model that takes images of any size", () => {
  const anySize = async () => {
    const model = await readModel(asset("resnet20-cifar10.onnx"));
    const inputs = model.graph.inputs.map((input) => ({ ...input, dims: ["N", 3, "H", "W"] }));
    await writeFile(at("any.onnx"), encodeModel({ ...model, graph: { ...model.graph, inputs } }));
    return at("any.onnx");
  };
  const guard = ["--fit", "vim.onnx", "--calibration", "vim.json"];

  test("export takes that of the calibration and no other, and ensemble wants to be told one", async () => {
    const any = await anySize();
    const files = guard.map((each) => (each.startsWith("--") ? each : at(each)));
    const argv = ["export", "--model", any, ...files, ...normalize, "--out", at("any-guarded.onnx")];
    for (const size of [[], ["--size", "32x32"]]) {
      const made = await json<{ inputs: string[]; outputs: string[] }>(...argv, ...size);
      expect(made.outputs.slice(-3)).toEqual(["ood_score", "ood_p_value", "is_ood"]);
      expect((await readModel(at("any-guarded.onnx"))).graph.inputs).toMatchObject([{ dims: ["N", 3, 32, 32] }]);
    }
    const larger = await runInMemory([...argv, "--size", "64x64"]);
    expect(larger.exitCode).toBe(2);
    expect(larger.stderr).toContain(
      "--calibration: expected a calibration with images of 64x64, 3 channels, as the file is to take, got one with images of 32x32",
    );
    const other = await runInMemory(["export", ...model, ...files, ...normalize, "--size", "64x64", "--out", at("o")]);
    expect(other.stderr).toContain("--size: expected nothing, or 32x32, which the model takes, got 64x64");
    const pair = ["ensemble", any, any, "--out", at("any-pair.onnx")];
    expect((await runInMemory(pair)).stderr).toContain("--size: expected HEIGHTxWIDTH");
    expect((await json<{ classes: number }>(...pair, "--size", "32x32")).classes).toBe(10);
  });

  test("gets OOD images in the size of the in-distribution ones, which would else tell them apart", async () => {
    const pixels = Uint8Array.from({ length: 2 * 64 * 64 }, (_, index) => (index * 7) % 256);
    const larger = await write(at("larger.idx"), idxBytes([2, 64, 64], pixels));
    const sets = ["--id", sheet("cifar10-test", "?limit=20"), "--ood", larger, ...normalize, "--scores", "energy"];
    const [any, sized] = [
      await json<{ rows: object[] }>("eval", "--model", await anySize(), ...sets),
      await json<{ rows: object[] }>("eval", ...model, ...sets),
    ];
    expect(any.rows).toEqual(sized.rows);
  });

  test("is given grey images as colours", async () => {
    const grey = Uint8Array.from({ length: 2 * 32 * 32 }, (_, index) => (index * 7) % 256);
    const images = await write(at("grey.idx"), idxBytes([2, 32, 32], grey));
    const any = ["--model", await anySize(), ...normalize];
    const [sized, unsized] = [
      await json<{ images: object[] }>("score", ...model, ...normalize, images),
      await json<{ images: object[] }>("score", ...any, images),
    ];
    expect(unsized.images).toEqual(sized.images);
    const prior = await json<{ counts: number[] }>("prior", ...any, "--outliers", images);
    expect(prior).toMatchObject(await json<object>("prior", ...model, ...normalize, "--outliers", images));
    expect(prior.counts.reduce((sum, count) => sum + count)).toBe(2);
  });

  test("class counts of the training images give adjusted logits", async () => {
    const files = guard.map((each) => (each.startsWith("--") ? each : at(each)));
    const made = await json<{ outputs: string[] }>(
      ...["export", ...model, ...files, ...normalize, "--class-counts", sheet("cifar10-train")],
      ...["--out", at("adjusted.onnx")],
    );
    expect(made.outputs.slice(-4)).toEqual(["adjusted_logits", "ood_score", "ood_p_value", "is_ood"]);
  });
});

/** The same function, whose average over positions is made in two steps: over columns, then over rows. */
function averagedTwice(model: Model): Model {
  const nodes = model.graph.nodes.flatMap((node) => {
    if (node.op !== "ReduceMean") return [node];
    const over = (axis: number) => ({ ...node.attributes, axes: ints([axis]) });
    const columns = { ...node, name: `${node.name} of columns`, outputs: ["columns"], attributes: over(3) };
    return [columns, { ...node, inputs: columns.outputs, attributes: over(2) }];
  });
  return { ...model, graph: { ...model.graph, nodes } };
}

describe("compare", () => {
  const sets = [
    "--id",
    sheet("cifar10-test", "?limit=200"),
    "--ood",
    sheet("textures", "?limit=100"),
    "--ood",
    sheet("scenes", "?limit=100"),
  ];

  test("ranks all scores, and writes a report with their ranks", async () => {
    const found = await json<{ average: { score: string; auroc: number }[]; fit_seconds: number }>(
      ...["compare", ...model, "--fit-on", sheet("cifar10-test"), ...sets, ...normalize, "--out", at("comparison")],
    );
    const aurocs = found.average.map(({ auroc }) => auroc);
    expect(aurocs.length).toBeGreaterThan(20);
    expect(aurocs).toEqual(aurocs.toSorted((a, b) => a - b));
    const html = await readFile(at("comparison/report.html"), "utf8");
    expect(html).toContain("Ranks of the scores");
    expect(html).toContain(`Best on average:`);
  });

  test("a model without a feature map is compared on all other scores, and the one left out is named", async () => {
    const twice = averagedTwice(await readModel(asset("resnet20-cifar10.onnx")));
    await writeFile(at("twice.onnx"), encodeModel(twice));
    const argv = ["compare", "--model", at("twice.onnx"), "--fit-on", sheet("cifar10-test"), ...sets, ...normalize];
    const { exitCode, stdout, stderr } = await runInMemory(argv);
    expect(stderr).toMatch(
      /^offmap: warning: left out rankfeat: score rankfeat: expected a model whose last linear layer takes the means .*\n$/,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/knn +\d/);
    expect(stdout).not.toContain("rankfeat");
    const alone = await runInMemory([...argv, "--scores", "energy,rankfeat"]);
    expect(alone.exitCode).not.toBe(0);
    expect(alone.stderr).toContain(
      "score rankfeat: expected a model whose last linear layer takes the means of a tensor",
    );
  });

  test("without training images it leaves out what must be fitted, and says so", async () => {
    const { exitCode, stdout, stderr } = await runInMemory(["compare", ...model, ...sets, ...normalize]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^offmap: warning: without --fit-on these scores are left out: .*mahalanobis/);
    expect(stdout).toMatch(/energy +\d/);
    expect(stdout).not.toMatch(/knn +\d/);
  });
});
