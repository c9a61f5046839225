import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readNpy } from "../../src/data/index.js";
import { makeFiles } from "../bad-input/files.js";
import { temporaryFolder, write, writeImage } from "../data/files.js";
import { json, text } from "./memory-host.js";

// The model's energy falls with the red of an image whose green and blue are 0: the darker, the more out-of-distribution.
const folder = temporaryFolder();
await makeFiles(folder);
for (const red of [255, 200, 150]) await writeImage(join(folder, "id", "a", `${red}.png`), [red, 0, 0], 8, 8);
for (const empty of ["b", "c"]) await writeImage(join(folder, "id", empty, "0.png"), [255, 0, 0], 8, 8);

const lines: string[] = [];
for (const [red, scLabel] of [
  [180, -1],
  [60, 0],
  [40, -1],
]) {
  await writeImage(join(folder, "sc", "data", "images", "shots", `${red}.png`), [red as number, 0, 0]);
  lines.push(`shots/${red}.png {'label': -1, 'sc_label': ${scLabel}}`);
}
const list = (name: string, content: readonly string[]) =>
  write(join(folder, "sc", "data", "imglist", "benchmark_cifar10", `test_${name}.txt`), `${content.join("\n")}\n`);
await list("texture", lines);
for (const name of ["svhn", "cifar100", "tin", "lsun", "places365"]) await list(name, lines.slice(2));

interface Document {
  readonly id: { readonly images: number; readonly accuracy: number };
  readonly rows: readonly {
    readonly ood: string;
    readonly auroc: number;
    readonly aupr: number;
    readonly fpr95: number;
  }[];
  readonly average: readonly { readonly auroc: number; readonly aupr: number; readonly fpr95: number }[];
}

const evaluation = [
  ...["eval", "--model", join(folder, "model.onnx"), "--id", `folder:${join(folder, "id")}?include=a`],
  ...["--ood", `sc-ood:${join(folder, "sc")}?benchmark=cifar10`, "--scores", "energy"],
];

test("images with an sc_label from 0 on count as in-distribution, in the rows of their set only", async () => {
  const { id, rows, average } = await json<Document>(...evaluation, "--out", join(folder, "out"));
  // From most to least OOD: 40 ood, 60 known, 150 id, 180 ood, 200 id, 255 id.
  expect(rows[0]).toMatchObject({
    ood: "texture",
    auroc: (4 + 2) / (2 * 4),
    aupr: 0.5 * 1 + 0.5 * (2 / 4),
    fpr95: 2 / 4,
  });
  expect(rows.slice(1).map(({ ood, auroc, aupr, fpr95 }) => [ood, auroc, aupr, fpr95])).toEqual(
    ["svhn", "cifar100", "tin", "lsun", "places365"].map((name) => [name, 1, 1, 0]),
  );
  // The mean over the six sets has no weights.
  expect(average[0]?.auroc).toBeCloseTo((0.75 + 5) / 6, 12);
  expect(average[0]?.fpr95).toBeCloseTo(0.5 / 6, 12);
  // Accuracy is that of the plain test set.
  expect(id).toMatchObject({ images: 3, accuracy: 1 });
  const scores = await readdir(join(folder, "out", "scores"));
  expect(scores.filter((name) => name.startsWith("texture"))).toEqual(["texture-energy.npy", "texture-id-energy.npy"]);
  expect((await readNpy(join(folder, "out", "scores", "texture-id-energy.npy"))).shape).toEqual([1]);
});

test("the text says how many images changed sides", async () => {
  expect(await text(...evaluation)).toContain("texture (2 and 1 more as in-distribution), svhn (1)");
});
