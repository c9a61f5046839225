// The programs of docs/library.md, run as they are printed, on the demo's model and images.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const asset = (name: string) => join(root, "assets", "demo", name);
const guide = await readFile(join(root, "docs", "library.md"), "utf8");
const programs = [...guide.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code as string);
/** What the folders of the guide are here. */
const sets: Readonly<Record<string, string>> = {
  "folder:train": `sheet:${asset("cifar10-train.json")}`,
  "folder:held-out": `sheet:${asset("cifar10-test.json")}`,
  "folder:test": `sheet:${asset("cifar10-test.json")}`,
  "folder:textures": `sheet:${asset("textures.json")}?limit=100`,
  "folder:others": `sheet:${asset("outliers.json")}?limit=100`,
};

let folder = "";
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "offmap-library-")));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules", "offmap"));
  await symlink(asset("resnet20-cifar10.onnx"), join(folder, "model.onnx"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function runProgram(place: number, sets: Readonly<Record<string, string>>): Promise<string> {
  const code = (programs[place] as string).replace(/"(folder:[a-z-]+)"/g, (_, name: string) =>
    JSON.stringify(sets[name]),
  );
  await writeFile(join(folder, `program-${place}.mjs`), code);
  return (await promisify(execFile)(process.execPath, [`program-${place}.mjs`], { cwd: folder })).stdout;
}

test("the first fits, evaluates, calibrates and writes a file that runs without Offmap", {
  timeout: 60_000,
}, async () => {
  expect(programs).toHaveLength(2);
  const shown = await runProgram(0, sets);
  expect(shown).toMatch(
    /^accuracy 0\.\d+\nenergy 0\.\d+ 0\.\d+\nhyperspherical-mahalanobis 0\.\d+ 0\.\d+\n\d+ of 100 textures are off the map\n$/,
  );
  const session = await ort.InferenceSession.create(join(folder, "guarded.onnx"));
  expect(session.outputNames).toEqual(["logits", "ood_score", "ood_p_value", "is_ood"]);
  await session.release();
});

test("the second fine-tunes and shows its progress", { timeout: 60_000 }, async () => {
  const shown = await runProgram(1, { ...sets, "folder:train": `${sets["folder:train"]}?limit=200` });
  expect(shown).toContain("loss ");
  expect(shown.trimEnd().endsWith("tuned/model.onnx")).toBe(true);
});
