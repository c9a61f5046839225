// Meta-OOD's classifier of false alarms on the command line: fitted to scenes with pasted objects, then used on others.
import { mkdtemp, readFile, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/data/index.js";
import { sceneSpec, writeSceneFiles } from "../segmentation/scene-files.js";
import { json, runInMemory, text } from "./memory-host.js";

/** So near to the largest entropy of three classes, log 3, that there are segments of both kinds. */
const threshold = 1.07;
let folder = "";
const at = (name: string) => join(folder, name);
const model = () => ["--model", at("segmenter.onnx")];
const known = () => sceneSpec(folder, "&void=thing");
const objects = () => ["--paste", `cutouts:${at("objects")}`];
const fitting = (...more: string[]) => [
  "fit",
  ...model(),
  "--id",
  known(),
  "--score",
  "entropy",
  ...objects(),
  ...more,
];

interface Judged {
  readonly score: string;
  readonly threshold: number;
  readonly segments: number;
  readonly removed: number;
  readonly before: { readonly tpr: number; readonly fpr: number };
  readonly after: { readonly tpr: number; readonly fpr: number };
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-segments-")));
  await writeSceneFiles(folder);
  const { segments } = await json<{ segments: Record<string, unknown> }>(
    ...fitting("--segments", String(threshold), "--out", at("segments.json")),
  );
  expect(segments).toMatchObject({ score: "entropy", threshold, found: 3, false_alarms: 8, skipped: 1 });
});

test("eval tells what judging the segments changes", async () => {
  const sets = ["--ood", `pasted=${known()}`, ...objects(), "--scores", "entropy", "--segments", at("segments.json")];
  const { sets: found } = await json<{ sets: [{ segments: Judged }] }>("eval", ...model(), ...sets);
  const { score, segments, removed, before, after } = found[0].segments;
  expect({ score, segments }).toEqual({ score: "entropy", segments: 12 });
  // These are the scenes that it was fitted to: it tells their segments apart, and the one that is mostly void is nobody's.
  expect(removed).toBeGreaterThanOrEqual(8);
  expect(removed).toBeLessThanOrEqual(9);
  expect(after.tpr).toBe(before.tpr);
  expect(after.fpr).toBeLessThan(before.fpr / 2);
  const shown = await text("eval", ...model(), ...sets, "--components", "obstacle");
  expect(shown).toMatch(
    /segmenter, segments of entropy at 1\.070 on pasted: 9 of 12 are judged false alarms; in %, AUROC .* sIoU /,
  );
});

test("score lowers the false alarms in the maps to just below the threshold, and nothing else", async () => {
  const found = { kept: 0, lowered: 0, removed: 0 };
  const maps = async (out: string, ...more: string[]) => {
    const options = [...model(), "--classes", "3", "--score", "entropy", "--out", at(out), ...more];
    return (
      await json<{ images: readonly { scores: string; removed?: number }[] }>("score", at("scenes/images"), ...options)
    ).images;
  };
  const plain = await maps("plain");
  for (const [index, { scores, removed = 0 }] of (await maps("judged", "--segments", at("segments.json"))).entries()) {
    const before = (await readNpy(plain[index]?.scores as string)).data as Float32Array;
    const after = (await readNpy(scores)).data as Float32Array;
    found.removed += removed;
    before.forEach((value, pixel) => {
      if (after[pixel] === value) {
        found.kept++;
        return;
      }
      found.lowered++;
      expect(value).toBeGreaterThanOrEqual(threshold);
      expect(after[pixel]).toBeLessThan(threshold);
      expect(after[pixel]).toBeGreaterThan(threshold - 1e-6);
    });
  }
  expect(found.removed).toBeGreaterThan(0);
  expect(found.lowered).toBeGreaterThan(0);
  expect(found.kept).toBeGreaterThan(0);
});

test("how objects are pasted is told to the fit too", async () => {
  const judgeFrom = async (name: string, ...more: string[]) => {
    const out = ["--segments", String(threshold), "--out", at(name)];
    return (await json<{ segments: { false_alarms: number } }>(...fitting(...out, ...more))).segments;
  };
  const small = await judgeFrom("small.json", "--paste-scale", "0.5:0.5", "--feather", "1");
  expect(await readFile(at("small.json"), "utf8")).not.toBe(await readFile(at("segments.json"), "utf8"));
  expect(small.false_alarms).toBeGreaterThan(0);
});

describe("is refused", () => {
  const failed = async (...argv: string[]) => {
    const { exitCode, stderr } = await runInMemory(argv);
    expect(exitCode).toBe(2);
    return stderr;
  };
  const judged = (score: string, file: string) =>
    failed("eval", ...model(), "--ood", known(), ...objects(), "--scores", score, "--segments", at(file));

  test("a file that is none", async () => {
    await writeFile(at("none.json"), "{}");
    expect(await judged("entropy", "none.json")).toContain(
      "none.json: expected a file that `offmap fit --segments` has written",
    );
    expect(await judged("entropy", "nowhere.json")).toContain("nowhere.json");
  });

  test("several scores, and options of scores, where segments are fitted", async () => {
    const out = ["--segments", "1", "--out", at("other.json")];
    expect(await failed(...fitting("--score", "msp", ...out))).toContain("expected one score with --segments");
    expect(await failed(...fitting("--layer", "features", ...out))).toContain(
      "--layer: expected nothing beside --segments, got features",
    );
  });
});
