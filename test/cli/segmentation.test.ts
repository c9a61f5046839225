import { copyFile, mkdir, mkdtemp, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/data/index.js";
import { encodeModel, readModel } from "../../src/onnx/index.js";
import { writeLabels } from "../data/segmentation.js";
import { elements } from "../report/markup-checks.js";
import { sceneSpec, writeSceneFiles } from "../segmentation/scene-files.js";
import { json, runInMemory, text } from "./memory-host.js";

let folder = "";
const at = (name: string) => join(folder, name);
const model = () => ["--model", at("segmenter.onnx")];
const known = () => sceneSpec(folder, "&void=thing");
const strange = () => sceneSpec(folder, "&outlier=thing");

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-segmentation-")));
  await writeSceneFiles(folder);
});

interface Evaluated {
  readonly task: string;
  readonly id: { miou: number; class_iou: object[] } | null;
  readonly sets: { set: string; rows: Record<string, unknown>[]; per_image?: object[] }[];
  readonly average: { score: string; auroc: number }[];
}

describe("eval", () => {
  test("tells the task by the model, and gives mIoU and a row per set and score", async () => {
    const found = await json<Evaluated>("eval", ...model(), "--id", known(), "--ood", `held-out=${strange()}`);
    expect(Object.keys(found)).toEqual(["model", "task", "id", "sets", "average"]);
    expect(found.task).toBe("segmentation");
    expect(found.id?.class_iou).toHaveLength(3);
    expect(found.sets.map(({ set, rows }) => [set, rows.map(({ score }) => score)])).toEqual([
      ["held-out", ["msp", "energy"]],
    ]);
    expect(Object.keys(found.sets[0]?.rows[0] ?? {})).toEqual([
      ...["score", "auroc", "aupr", "fpr95", "threshold95", "threshold_f1", "f1"],
    ]);
  });

  test("classes alone are enough, and then only they are judged", async () => {
    const shown = await text("eval", ...model(), "--id", known());
    expect(shown).toMatch(/segmenter: mIoU [\d.]+ % over 3 classes of images \(4 images\), pixel accuracy [\d.]+ %/);
    expect(shown).not.toContain("AUROC");
  });

  test("pasted objects are the anomalies of scenes that have none", async () => {
    const paste = ["--paste", `cutouts:${at("objects")}`, "--per-image", "--components", "obstacle"];
    const run = (seed: string) =>
      json<Evaluated>("eval", ...model(), "--ood", `pasted=${known()}`, ...paste, "--paste-seed", seed);
    const [first, again, other] = [await run("1"), await run("1"), await run("2")];
    expect(first).toEqual(again);
    expect(first.average).not.toEqual(other.average);
    expect(first.sets[0]?.per_image).toHaveLength(4);
    expect(first.sets[0]?.rows[0]).toMatchObject({ per_image: { n_images: 4 }, components: { n_components: 4 } });
    // The plan that --out keeps gives the same set without the seed, and the other protocols have tables of their own.
    const argv = ["eval", ...model(), "--ood", `pasted=${known()}`, ...paste];
    const shown = await text(...argv, "--paste-seed", "2", "--out", at("pasted"));
    expect(shown).toMatch(
      /Means over images.*\nmodel +score +set +AUROC ↑[\s\S]*Objects found.*\nmodel +score +set +sIoU ↑/,
    );
    const table = await readFile(at("pasted/table.md"), "utf8");
    expect(table).toMatch(/\| segmenter \| energy \| pasted \| [\d.]+ \| [\d.]+ \| [\d.]+ \| 4 \| 0 \|/);
    const page = await readFile(at("pasted/report.html"), "utf8");
    expect(page).toContain('<section id="protocols"');
    expect(page).toContain("drawn from seed 2");
    expect((await json<Evaluated>(...argv, "--paste-plan", at("pasted/plan-pasted.json"))).sets).toEqual(other.sets);
  });

  test("the report of a plan tells how the plan pastes", async () => {
    const argv = ["eval", ...model(), "--ood", `pasted=${known()}`, "--paste", `cutouts:${at("objects")}`];
    await text(...argv, "--feather", "1", "--scores", "msp", "--out", at("feathered"));
    const plan = ["--paste-plan", at("feathered/plan-pasted.json")];
    await text(...argv, ...plan, "--scores", "msp", "--out", at("planned"));
    expect(await readFile(at("planned/report.html"), "utf8")).toContain("plan-pasted.json says, feathered by 1 pixels");
  });

  test("two models and a folder make a report with both side by side", async () => {
    await writeFile(at("three.json"), JSON.stringify({ counts: [1, 2, 3] }));
    await writeFile(at("other.onnx"), await readFile(at("segmenter.onnx")));
    const out = at("results");
    const sets = ["--id", known(), "--ood", `held-out=${strange()}`];
    const shown = await text(
      "eval",
      ...model(),
      "--baseline",
      at("other.onnx"),
      ...sets,
      "--out",
      out,
      "--prior",
      at("three.json"),
    );
    expect(shown).toContain("other, energy");
    expect((await readdir(out)).sort()).toEqual(["eval.json", "report.html", "table.csv", "table.md"]);
    const page = await readFile(join(out, "report.html"), "utf8");
    // Two images have things; each with its labels, and a prediction and two maps of both models.
    expect(page).toContain('id="prior-section"');
    expect(elements(page, "img")).toHaveLength(2 * (2 + 2 * 3));
    expect(JSON.parse(await readFile(join(out, "eval.json"), "utf8"))).toHaveProperty("baseline.sets");
  });

  test("three models: all of them in tables and pictures, differences to the first", async () => {
    for (const name of ["first", "second"]) await writeFile(at(`${name}.onnx`), await readFile(at("segmenter.onnx")));
    const baselines = ["--baseline", at("first.onnx"), "--baseline", at("second.onnx")];
    const out = at("figure");
    const argv = ["eval", ...model(), ...baselines, "--ood", `held-out=${strange()}`, "--scores", "energy"];
    const found = await json<{ model: string; baseline: { model: string }; others: { model: string }[] }>(
      ...[...argv, "--out", out],
    );
    expect([found.model, found.baseline.model, ...found.others.map((other) => other.model)]).toEqual(
      ["segmenter", "first", "second"].map((name) => at(`${name}.onnx`)),
    );
    const page = await readFile(join(out, "report.html"), "utf8");
    expect(page).toContain("Second line: difference to first in percentage points");
    expect(page).toContain("(second)");
    // Two images have things; each with its labels, and a prediction and a map of all three models.
    expect(elements(page, "img")).toHaveLength(2 * (2 + 3 * 2));
  });

  test("options of classifiers are refused", async () => {
    const { exitCode, stderr } = await runInMemory(["eval", ...model(), "--id", known(), "--class-counts", "x"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--class-counts: expected options of segmentation networks");
  });
});

describe("fit, compare and scores from files", () => {
  test("all scores are compared in one pass, and what the model does not have is left out with a warning", async () => {
    const { exitCode, stdout, stderr } = await runInMemory([
      ...["compare", ...model(), "--fit-on", known(), "--ood", `held-out=${strange()}`, "--json"],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("left out mutual-information");
    expect(stderr).toContain("left out dense-hybrid");
    const { average } = JSON.parse(stdout) as Evaluated;
    const names = average.map(({ score }) => score);
    for (const name of ["msp", "blurred-energy", "abstention", "sml", "mahalanobis", "knn-density"]) {
      expect(names).toContain(name);
    }
    const values = average.map(({ auroc }) => auroc);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  });

  test("without scenes to fit on, only scores that need none are compared", async () => {
    const { exitCode, stderr } = await runInMemory([
      ...["compare", ...model(), "--ood", strange(), "--scores", "energy,sml", "--json"],
    ]);
    expect([exitCode, stderr]).toEqual([0, "offmap: warning: without --fit-on these scores are left out: sml\n"]);
  });

  test("a fitted score is used by eval, score and export", async () => {
    const file = at("sml.onnx");
    await text("fit", ...model(), "--id", known(), "--score", "sml", "--option", "dilation=1", "--out", file);
    const found = await json<Evaluated>("eval", ...model(), "--ood", strange(), "--fit", file);
    expect(found.average.map(({ score }) => score)).toEqual(["msp", "energy", "sml"]);
    await json("score", at("scenes/images"), ...model(), "--classes", "3", "--fit", file, "--out", at("sml-maps"));
    const shown = await text(
      "export",
      ...model(),
      "--classes",
      "3",
      "--fit",
      file,
      "--threshold",
      "1.5",
      "--out",
      at("g.onnx"),
    );
    expect(shown).toContain("anomaly_mask where sml of 3 classes >= 1.5");
  });

  test("a score that only images have is refused with those of pixels", async () => {
    const { exitCode, stderr } = await runInMemory(["eval", ...model(), "--ood", strange(), "--scores", "vim"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^offmap: --scores: expected a score of a segmentation network \(msp, .*\), got "vim"/);
  });
});

describe("the number of classes, where the labels tell none", () => {
  const masks = () => `anomalies=smiyc:${at("masks")}`;
  const failed = async (...argv: string[]) => (await runInMemory([...argv, "--json"])).stderr;
  beforeAll(async () => {
    await mkdir(at("masks/images"), { recursive: true });
    await copyFile(at("scenes/images/0.png"), at("masks/images/0.png"));
    const labels = Array.from({ length: 12 * 16 }, (_, pixel) => Number(pixel % 16 < 4));
    await writeLabels(at("masks/labels_masks/0_labels_semantic.png"), labels, 16);
    await text(
      "fit",
      ...model(),
      "--id",
      known(),
      "--score",
      "sml",
      "--option",
      "dilation=1",
      "--out",
      at("three.onnx"),
    );
  });

  test("is told by --classes, and a score that was fitted with another number is refused", async () => {
    const argv = ["eval", ...model(), "--ood", masks(), "--fit", at("three.onnx")];
    expect(await failed(...argv)).toContain("score sml: expected 3 classes, with which it was fitted, got 5");
    const found = await json<{ sets: { classes: number }[] }>(...argv, "--classes", "3");
    expect(found.sets.map(({ classes }) => classes)).toEqual([3]);
  });

  test("is not told against the labels", async () => {
    expect(await failed("eval", ...model(), "--id", known(), "--ood", masks(), "--classes", "5")).toContain(
      "--classes: expected 3, as many as the labels of images tell, got 5",
    );
  });

  test("is that of the scenes that compare fits on, which must have the classes of the test sets where these tell", async () => {
    const compare = (fitOn: string, ood: string) => ["compare", ...model(), "--fit-on", fitOn, "--ood", ood];
    const scores = ["--scores", "energy,sml"];
    const found = await json<{ sets: { classes: number }[] }>(...compare(known(), masks()), ...scores);
    expect(found.sets.map(({ classes }) => classes)).toEqual([3]);
    expect(await failed(...compare(sceneSpec(folder), strange()), ...scores)).toContain(
      "--fit-on: expected scenes of 3 classes, as the test sets have, got 4",
    );
  });
});

describe("an option without effect is refused", () => {
  const objects = () => ["--paste", `cutouts:${at("objects")}`];
  const judging = () => ["eval", ...model(), "--ood", known()];
  const training = () => ["--id", known(), ...objects().with(0, "--outliers"), "--out", at("never")];
  test.each<[string, string, () => string[]]>([
    ["--paste-seed", "expected --paste OBJECTS beside it", () => [...judging(), "--paste-seed", "2"]],
    ["--paste-scale", "expected --paste OBJECTS beside it", () => [...judging(), "--paste-scale", "0.5:1"]],
    ["--feather", "expected --paste OBJECTS beside it", () => [...judging(), "--feather", "1"]],
    [
      "--feather",
      "expected nothing beside --paste-plan",
      () => [...judging(), ...objects(), "--paste-plan", "plan.json", "--feather", "1"],
    ],
    [
      "--paste",
      "expected scenes to paste into, as --ood",
      () => ["calibrate", ...model(), "--id", known(), ...objects()],
    ],
    ["--batch", "of segmentation networks", () => ["compare", ...model(), "--ood", known(), "--batch", "2"]],
    [
      "--sample",
      "of segmentation networks",
      () => ["fit", ...model(), "--id", known(), "--score", "sml", "--sample", "9", "--out", at("never.onnx")],
    ],
    ["--augment", "of segmentation networks", () => ["tune", ...model(), ...training(), "--augment", "crop-flip"]],
    ["--no-augment", "of segmentation networks", () => ["tune", ...model(), ...training(), "--no-augment"]],
    ["--mixup", "of segmentation networks", () => ["tune", ...model(), ...training(), "--mixup", "1"]],
    ["--sampling", "of segmentation networks", () => ["tune", ...model(), ...training(), "--sampling", "shuffled"]],
    [
      "--head",
      "of segmentation networks",
      () => ["train", "--arch", "deeplabv3plus-small", ...training(), "--head", "deconf"],
    ],
  ])("%s: %s", async (flag, message, argv) => {
    const { exitCode, stderr } = await runInMemory(argv());
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`offmap: ${flag}: `)]);
    expect(stderr).toContain(message);
  });
});

describe("score", () => {
  test("writes a heat map and the raw scores of every image", async () => {
    const out = at("maps");
    const found = await json<{
      range: number[];
      images: { file: string; scores: string; map: string; highest: number }[];
    }>(...["score", at("scenes/images"), ...model(), "--classes", "3", "--out", out]);
    expect(found.images).toHaveLength(4);
    for (const { scores, map, highest } of found.images) {
      const { shape, type, data } = await readNpy(scores);
      expect([shape, type]).toEqual([[12, 16], "f4"]);
      expect(Math.max(...(data as Float32Array))).toBe(highest);
      const { width, height, format } = await sharp(map).metadata();
      expect([width, height, format]).toEqual([16, 12, "png"]);
    }
  });

  test("the range decides the colours", async () => {
    const brightness = async (range: string) => {
      const out = at(`range${range.replace(",", "to")}`);
      await json("score", at("scenes/images/0.png"), ...model(), "--range", range, "--out", out);
      const { channels } = await sharp(join(out, "0.png")).stats();
      return channels.reduce((sum, { mean }) => sum + mean, 0);
    };
    expect(await brightness("-100,-99")).toBeGreaterThan(await brightness("99,100"));
  });

  test("a map never takes the place of its picture", async () => {
    const picture = at("scenes/images/0.png");
    const before = await readFile(picture);
    const argv = ["score", at("scenes/images"), ...model(), "--classes", "3", "--out", at("scenes/images")];
    const { exitCode, stderr } = await runInMemory(argv);
    expect([exitCode, stderr]).toEqual([
      2,
      `offmap: --out: expected a place where nothing that is read would be written over, got ${picture}; choose another name or folder\n`,
    ]);
    expect(await readFile(picture)).toEqual(before);
  });

  test("a folder for the maps is required", async () => {
    const { exitCode, stderr } = await runInMemory(["score", at("scenes/images/0.png"), ...model()]);
    expect([exitCode, stderr]).toEqual([
      2,
      "offmap: score: --out DIR is missing; add it, or see `offmap score --help`\n",
    ]);
  });
});

test("export puts map and mask behind the model's own outputs", async () => {
  const out = at("guarded.onnx");
  await text("export", ...model(), "--score", "blurred-energy", "--classes", "3", "--threshold", "-2", "--out", out);
  const { graph } = await readModel(out);
  expect(graph.outputs.map(({ name, dtype, dims }) => [name, dtype, dims])).toEqual([
    ["logits", "float32", ["N", 5, 6, 8]],
    ["anomaly_map", "float32", ["N", 1, 12, 16]],
    ["anomaly_mask", "bool", ["N", 1, 12, 16]],
  ]);
});

describe("score of an exported network", () => {
  const exported = async (name: string, ...more: string[]) => {
    const options = ["--score", "blurred-energy", "--classes", "3", "--threshold", "-2", ...more];
    await text("export", ...model(), ...options, "--out", at(name));
    return ["score", at("scenes/images"), "--model", at(name)];
  };
  interface Scored {
    readonly score: string;
    readonly threshold?: number;
    readonly images: readonly { readonly scores: string; readonly mostly: number; readonly flagged?: number }[];
  }
  const values = async (path: string) => (await readNpy(path)).data as Float32Array;

  test("is its own map, that of the score it was exported with, and what its mask flags", async () => {
    const argv = await exported("own.onnx");
    const own = await json<Scored>(...argv, "--out", at("own-maps"));
    const again = ["score", at("scenes/images"), ...model(), "--classes", "3", "--score", "blurred-energy"];
    const computed = await json<Scored>(...again, "--out", at("computed-maps"));
    expect(own).toMatchObject({ score: "blurred-energy", threshold: -2 });
    for (const [index, { scores, mostly, flagged }] of own.images.entries()) {
      const map = await values(scores);
      const expected = computed.images[index];
      expect(mostly).toBe(expected?.mostly);
      for (const [pixel, value] of (await values(expected?.scores ?? "")).entries()) {
        expect(Math.abs(value - (map[pixel] as number))).toBeLessThan(1e-5);
      }
      expect(flagged).toBe(map.filter((value) => value >= -2).length);
    }
    expect(own.images.some(({ flagged = 0 }) => flagged > 0)).toBe(true);
    const shown = await text(...argv, "--out", at("own-maps"));
    expect(shown).toMatch(/file +mostly +mean blurred-energy +highest +flagged +map\n/);
    expect(shown).toContain("Flagged are the pixels of anomaly_mask, where blurred-energy >= -2.");
  });

  test.each([
    ["--score", "energy"],
    ["--fit", "sml.onnx"],
    ["--segments", "segments.json"],
    ["--classes", "3"],
  ])("is refused with %s, which the file has decided", async (flag, value) => {
    const argv = await exported("decided.onnx");
    const { exitCode, stderr } = await runInMemory([...argv, flag, value, "--out", at("never")]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${flag}: expected options of an exported model, which brings its own score`);
  });

  test("is refused with images normalised otherwise than where it was exported", async () => {
    const argv = await exported("normalised.onnx", "--normalize", "0.5:0.25");
    await json(...argv, "--out", at("normalised"));
    const { exitCode, stderr } = await runInMemory([...argv, "--normalize", "0.4:0.25", "--out", at("never")]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("with which the model was exported");
  });
});

test("prior counts the pixels of pasted objects, and writes a file that tune reads", async () => {
  const out = at("prior.json");
  const found = await json<{ prior: number[]; outliers: number; scenes: number }>(
    ...["prior", ...model(), "--id", known(), "--outliers", `cutouts:${at("objects")}`, "--scenes", "10", "--out", out],
  );
  expect(found.scenes).toBe(10);
  expect(found.outliers).toBeGreaterThan(100);
  expect(found.prior.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  expect(JSON.parse(await readFile(out, "utf8"))).toEqual(found);
  expect(await readFile(at("prior.svg"), "utf8")).toContain("<svg");
  const halved = await json<{ outliers: number }>(
    ...["prior", ...model(), "--id", known(), "--outliers", `cutouts:${at("objects")}`, "--scenes", "10"],
    ...["--paste-scale", "0.5:0.5", "--feather", "1"],
  );
  expect(halved.outliers).toBeLessThan(found.outliers / 2);
  const small = ["prior", ...model(), "--id", `${known()}&scale=0.5`, "--outliers", `cutouts:${at("objects")}`];
  const { exitCode, stderr } = await runInMemory([...small, "--out", out]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("expected scenes of 16 x 12, which the model takes, got 8 x 6; leave size= and scale= out");
});

test("tune and train take scenes, and give models that eval takes", async () => {
  const objects = ["--outliers", `cutouts:${at("objects")}`];
  const short = ["--steps", "2", "--batch", "2"];
  const tuned = await json<{ out: string; miou_after: number }>(
    ...[
      "tune",
      ...model(),
      "--id",
      known(),
      ...objects,
      ...short,
      "--prior-scenes",
      "4",
      "--loss",
      "pebal",
      "--out",
      at("tuned"),
    ],
  );
  expect(tuned.miou_after).toBeGreaterThanOrEqual(0);
  await json<Evaluated>("eval", "--model", tuned.out, "--ood", strange(), "--scores", "energy,abstention");
  const headed = await json<{ out: string }>(
    ...["tune", ...model(), "--id", known(), ...objects, ...short, "--loss", "dense-hybrid", "--out", at("headed")],
  );
  const found = await json<Evaluated>(
    ...["eval", "--model", headed.out, "--ood", strange(), "--scores", "dense-hybrid,outlier-head"],
  );
  expect(found.average).toHaveLength(2);
  const trained = await json<{ out: string }>(
    ...["train", "--arch", "deeplabv3plus-small", "--width", "0.25", "--id", known(), "--steps", "1", "--batch", "2"],
    ...["--out", at("trained")],
  );
  await json<Evaluated>("eval", "--model", trained.out, "--id", known());
});

test("the paper's settings with a loss without margins warn of nothing but dropout in a network that has none", async () => {
  const options = ["--id", known(), "--outliers", `cutouts:${at("objects")}`, "--loss", "dodh", "--out", at("dodh")];
  const short = ["--steps", "1", "--batch", "2", "--crop", "12x16"];
  const { stderr, exitCode } = await runInMemory([
    "tune",
    ...model(),
    "--preset",
    "paper-cityscapes",
    ...options,
    ...short,
  ]);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^offmap: warning: dropout has no effect: what is trained has no Dropout node, .*\n$/);
  const { options: used } = JSON.parse(await readFile(at("dodh/run.json"), "utf8")) as { options: object };
  expect(used).toMatchObject({ trunkStatistics: "moving", flip: 0.8 });
});

describe("calibrate", () => {
  const plenty = () => join(folder, "plenty");
  const scenes = () => sceneSpec(plenty(), "&void=thing");
  beforeAll(async () => {
    await writeSceneFiles(plenty(), 12);
  });
  type Calibrated = Record<"threshold" | "count" | "rate", number> & {
    readonly false_alarms: { images: number; share: number; images_with_alarm: number | null };
    readonly detected: Record<string, { share: number; pixels: number }>;
  };

  test("says what is promised, over images, and what it is worth on fresh scenes and on pasted objects", async () => {
    const sets = ["--ood", `pasted=${scenes()}`, "--paste", `cutouts:${at("objects")}`];
    const options = ["--id", scenes(), "--alpha", "0.2", ...sets];
    const found = await json<Calibrated>("calibrate", ...model(), ...options);
    expect(found).toMatchObject({ task: "segmentation", score: "energy", count: 10, false_alarms: { images: 2 } });
    expect((found.rate * 10 + 1) / 11).toBeLessThanOrEqual(0.2);
    expect(found.detected.pasted?.pixels).toBeGreaterThan(0);
    const shown = await text("calibrate", ...model(), ...options);
    expect(shown).toContain("anomaly where energy >= ");
    expect(shown).toContain(
      "guarantee: of images like the 10 calibrated with, at most 20.00 % of the in-distribution pixels of an image are called anomalies on average (conformal risk control over images, not over pixels)",
    );
    expect(shown).toMatch(/measured on 2 fresh in-distribution images: [\d.]+ % of the pixels/);
    expect(shown).toMatch(/detected of pasted: [\d.]+ % of \d+ anomalous pixels/);
    const alarms = await text("calibrate", ...model(), "--id", scenes(), "--alpha", "0.2", "--alarm-pixels", "3");
    expect(alarms).toContain("at most 20.00 % have a false alarm of more than 3 connected pixels on average");
  });

  test("export makes the mask of the calibration's threshold, and refuses one of another score", async () => {
    const calibration = ["--calibration", at("mask.json")];
    const { threshold } = await json<Calibrated>(
      ...["calibrate", ...model(), "--id", scenes(), "--alpha", "0.2", "--out", at("mask.json")],
    );
    const classes = ["--classes", "3"];
    await text("export", ...model(), ...calibration, ...classes, "--out", at("calibrated.onnx"));
    const { metadata } = await readModel(at("calibrated.onnx"));
    expect(JSON.parse(metadata.get("offmap.anomaly") ?? "{}")).toMatchObject({
      score: "energy",
      threshold,
      classes: 3,
      calibration: { score: "energy", alpha: 0.2, threshold, count: expect.any(Number) },
    });
    const failed = async (...more: string[]) =>
      (await runInMemory(["export", ...model(), ...more, "--out", at("never.onnx")])).stderr;
    expect(await failed(...calibration, ...classes, "--score", "msp")).toContain("expected a calibration of msp");
    expect(await failed(...calibration)).toContain("of 5 classes");
    expect(await failed(...calibration, ...classes, "--threshold", "1")).toContain(
      "either --calibration or --threshold",
    );
    expect(await failed()).toContain("--calibration FILE or --threshold T is missing");
  });

  test("a network of any size is exported for the size of the calibration's scenes, and no network for another", async () => {
    const network = await readModel(at("segmenter.onnx"));
    const inputs = network.graph.inputs.map((input) => ({ ...input, dims: ["N", 3, "H", "W"] }));
    await writeFile(at("any-size.onnx"), encodeModel({ ...network, graph: { ...network.graph, inputs } }));
    const any = ["--model", at("any-size.onnx")];
    const calibration = ["--calibration", at("any-size.json"), "--classes", "3"];
    await text("calibrate", ...any, "--id", scenes(), "--alpha", "0.2", "--out", at("any-size.json"));
    const out = ["--out", at("any-size-guarded.onnx")];
    const made = await json<{ size: number[] }>("export", ...any, ...calibration, ...out);
    expect(made.size).toEqual([12, 16]);
    const other = await runInMemory(["export", ...any, ...calibration, "--size", "24x32", ...out]);
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain("expected a calibration of scenes of 24x32, got one of scenes of 12x16");
    const without = await runInMemory(["export", ...any, "--threshold", "1", "--classes", "3", ...out]);
    expect(without.stderr).toContain("--size: expected HEIGHTxWIDTH of the images, as the model takes any, got none");
    // As it would be of scenes of several sizes.
    const several = { ...JSON.parse(await readFile(at("any-size.json"), "utf8")), size: null } as object;
    await writeFile(at("any-size.json"), JSON.stringify(several));
    expect((await runInMemory(["export", ...any, ...calibration, ...out])).stderr).toContain("--size: expected");
    const warned = await runInMemory(["export", ...any, ...calibration, "--size", "24x32", ...out]);
    expect(warned.exitCode).toBe(0);
    expect(warned.stderr).toBe(
      "offmap: warning: the scenes of --calibration differ in size: what the threshold promises was measured over all of their sizes, not for 24x32 alone\n",
    );
  });

  test("refuses too few images with the number that is needed", async () => {
    const { stderr } = await runInMemory(["calibrate", ...model(), "--id", scenes(), "--alpha", "0.05"]);
    expect(stderr).toContain("expected at least 24 for a rate of 0.05, of which 5 are kept back to measure it, got 12");
  });
});
