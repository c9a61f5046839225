import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OffmapError } from "../errors.js";
import { readConfigFile } from "./config-file.js";
import { type OptionDeclarations, toggle } from "./option.js";
import { number, text } from "./parsers.js";

const declarations = {
  learningRate: { flag: "lr", placeholder: "R", help: "", parser: number() },
  outlierBatch: { placeholder: "N", help: "", parser: number() },
  ood: { placeholder: "DS", help: "", many: {}, parser: text("a dataset") },
  noAugment: toggle("no crop"),
} satisfies OptionDeclarations;

const folder = await mkdtemp(join(tmpdir(), "offmap-config-"));
let files = 0;

async function read(content: string) {
  const path = join(folder, `${files++}.yaml`);
  await writeFile(path, content);
  return { path, options: readConfigFile(path, declarations) };
}

async function complaint(content: string): Promise<string> {
  const { path, options } = await read(content);
  const error: unknown = await options.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OffmapError);
  return (error as OffmapError).message.replace(path, "run.yaml");
}

test("keys are the flags; numbers keep the way they are written, lists become several values", async () => {
  const { path, options } = await read(
    "lr: 1e-3 # warm\noutlier-batch: 256\nno-augment: true\nood:\n  - a=folder:x\n  - npy:y.npy\n",
  );
  const found = await options;
  expect([...found].map(([key, values]) => [key, values.map(({ text }) => text)])).toEqual([
    ["learningRate", ["1e-3"]],
    ["outlierBatch", ["256"]],
    ["noAugment", ["true"]],
    ["ood", ["a=folder:x", "npy:y.npy"]],
  ]);
  expect(found.get("outlierBatch")?.[0]?.where).toBe(`${path}, line 2, column 16 (outlier-batch)`);
});

test("a truth value may be spelled as YAML allows", async () => {
  const textOf = async (content: string) => (await (await read(content)).options).get("noAugment")?.[0]?.text;
  expect(await textOf("no-augment: True\n")).toBe("true");
  expect(await textOf("no-augment: FALSE\n")).toBe("false");
});

test("an empty file and a file of comments are no options", async () => {
  expect((await (await read("")).options).size).toBe(0);
  expect((await (await read("# nothing\n")).options).size).toBe(0);
});

test.each([
  [
    "lr: 0.1\noutlier-bach: 256\n",
    'run.yaml, line 2, column 1: unknown option "outlier-bach"; did you mean outlier-batch?',
  ],
  [
    "learningRate: 0.1\n",
    'run.yaml, line 1, column 1: unknown option "learningRate"; known are lr, outlier-batch, ood, no-augment',
  ],
  ["ood: []\n", "run.yaml, line 1, column 6 (ood): expected a value or a list of values, got an empty list"],
  ["lr: [1, 2]\n", "run.yaml, line 1, column 5 (lr): expected one value, got a list"],
  ["lr:\n", "run.yaml, line 1, column 4 (lr): expected one value, got nothing"],
  ["lr: {a: 1}\n", "run.yaml, line 1, column 5 (lr): expected one value, got a mapping"],
  ["ood:\n- a\n- {b: 1}\n", "run.yaml, line 3, column 3 (ood): expected a list of plain values, got a mapping"],
  ["no-augment: yes\n", 'run.yaml, line 1, column 13 (no-augment): expected true or false, got "yes"'],
  ["- lr\n", "run.yaml, line 1, column 1: expected options as KEY: VALUE, such as epochs: 5, got a list"],
  ["just text\n", 'run.yaml, line 1, column 1: expected options as KEY: VALUE, such as epochs: 5, got "just text"'],
  ["lr: &x 1\noutlier-batch: *x\n", "run.yaml, line 2, column 16 (outlier-batch): expected one value, got an alias"],
])("%j is refused with line and column", async (content, message) => {
  expect(await complaint(content)).toBe(message);
});

test.each([
  ["lr: 0.1\nlr: 0.2\n", "run.yaml, line 2, column 1: not valid YAML"],
  ['lr: "0.1\n', "run.yaml, line 2, column 1: not valid YAML"],
  ["lr: 1\n  ood: 2\n", "run.yaml, line 1, column 5: not valid YAML"],
  ["lr: 1\n---\nlr: 2\n", "run.yaml, line 2, column 1: not valid YAML"],
])("%j is refused as YAML with line and column", async (content, start) => {
  expect((await complaint(content)).slice(0, start.length)).toBe(start);
});

test("aliases that multiply cannot blow up memory", async () => {
  const bomb = [
    "a: &a [x, x]",
    ...Array.from(
      { length: 40 },
      (_, i) => `b${i}: &b${i} [*${i === 0 ? "a" : `b${i - 1}`}, *${i === 0 ? "a" : `b${i - 1}`}]`,
    ),
  ];
  expect(await complaint(bomb.join("\n"))).toContain('unknown option "a"');
});
