import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../data/index.js";
import { type BalanceCandidate, bestCandidate, splitByClass } from "./balance-search.js";
import { tune, tuneWithBalanceSearch } from "./index.js";
import type { TuneOptions } from "./tune-options.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../test/fixtures/parity/${name}`, import.meta.url));
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-search-"));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (out: string, more: Partial<TuneOptions> = {}): TuneOptions => ({
  model: fixture("resnet-tiny.onnx"),
  id: `cifar:${fixture("known.bin")}`,
  // Any labelled images will do as outliers here.
  outliers: `cifar:${fixture("known.bin")}`,
  out: join(folder, out),
  steps: 2,
  batch: 4,
  outlierBatch: 8,
  holdOut: 0.2,
  train: "all",
  engine: { threads: 1 },
  ...more,
});

interface Record {
  identity: { outliers: string; holdOut: number };
  options: { outliers: string; alpha: number; gamma: number };
}
const recordOf = async (...path: string[]) =>
  JSON.parse(await readFile(join(folder, ...path, "run.json"), "utf8")) as Record;

test("candidates see three quarters of the outliers' classes, and the last run sees all of them with the best pair", async () => {
  const { candidates, chosen, result } = await tuneWithBalanceSearch(options("search"), {
    alpha: [0, 5],
    gamma: [0.5],
  });
  expect(candidates.map(({ alpha, gamma }) => [alpha, gamma])).toEqual([
    [0, 0.5],
    [5, 0.5],
  ]);
  expect(chosen).toEqual(bestCandidate(candidates));
  expect(result.out).toBe(join(folder, "search", "model.onnx"));
  const whole = await openDataset(`cifar:${fixture("known.bin")}`);
  const classes = new Set(whole.labels);
  const { options: told } = await recordOf("search", "search", "alpha-0-gamma-0.5");
  const seen = new Set((await openDataset(told.outliers)).labels);
  expect(seen.size).toBe(classes.size - Math.floor(classes.size / 4));
  expect((await recordOf("search")).options).toMatchObject({
    // Any labelled images will do as outliers here.
    outliers: `cifar:${fixture("known.bin")}`,
    ...pair(chosen),
  });
});

test("`tune` with a grid is the search's last run, and leaves the table of candidates", async () => {
  const result = await tune(options("through tune", { search: { alpha: [2], gamma: [0.5, 1] } }));
  const table = JSON.parse(await readFile(join(folder, "through tune", "search.json"), "utf8")) as {
    candidates: BalanceCandidate[];
    chosen: BalanceCandidate;
  };
  expect(table.candidates.map(({ gamma }) => gamma)).toEqual([0.5, 1]);
  expect(result.margins).toMatchObject(pair(table.chosen));
});

const pair = ({ alpha, gamma }: BalanceCandidate) => ({ alpha, gamma });

test("a candidate that detects better and costs accuracy is not chosen", () => {
  const candidate = (alpha: number, auroc: number, accuracy: number) => ({ alpha, gamma: 1, auroc, accuracy });
  const [plain, tolerable, costly] = [candidate(0, 0.8, 0.9), candidate(5, 0.85, 0.896), candidate(10, 0.95, 0.89)];
  expect(bestCandidate([plain, tolerable, costly])).toBe(tolerable);
  expect(bestCandidate([costly, plain])).toBe(plain);
});

test.each([
  [{ loss: "energy" }, /loss balanced-energy/],
  [{ outliers: `cifar:${fixture("outliers.bin")}?labels=none` }, /at least 4 labelled classes/],
] as const)("refuses %o", async (more, sentence) => {
  await expect(tuneWithBalanceSearch(options("refused", more), { alpha: [1], gamma: [1] })).rejects.toThrow(sentence);
});

test("folders that are called as other classes are numbered are split as any others", async () => {
  const root = join(folder, "numbered");
  // In the order of their names these are classes 0 to 4.
  const names = ["0", "1", "10", "2", "3"];
  for (const [shade, name] of names.entries()) {
    await mkdir(join(root, name), { recursive: true });
    const image = sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 9 * shade, g: 0, b: 0 } } });
    await writeFile(join(root, name, "a.png"), await image.png().toBuffer());
  }
  for (const seed of [1, 2, 3, 4, 5]) {
    const { seen, unseen } = await splitByClass(`folder:${root}`, seed);
    const [one, other] = await Promise.all(
      [seen, unseen].map(async (spec) => [...((await openDataset(spec)).labels ?? [])]),
    );
    expect([...(one ?? []), ...(other ?? [])].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(other).toHaveLength(1);
  }
  // What images are brought to is up to the network that sees them.
  expect((await splitByClass(`folder:${root}?resize=crop`, 1)).unseen).toContain("resize=crop");
});
