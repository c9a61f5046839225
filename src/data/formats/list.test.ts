import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write, writeImage } from "../../../test/data/files.js";
import { openDataset } from "../open.js";

const folder = temporaryFolder();
await writeImage(join(folder, "images", "a.png"), [255, 0, 0]);
await writeImage(join(folder, "images", "b c.png"), [0, 0, 255]);
await writeImage(join(folder, "e.png"), [0, 255, 0]);
await writeImage(join(folder, "d {x}.png"), [0, 255, 0]);
let lists = 0;
const list = (content: string | Uint8Array): Promise<string> => write(join(folder, `list${lists++}.txt`), content);

describe("accepted", () => {
  test("OpenOOD lines, with -1 for images of no class, spaces in paths and Windows line ends", async () => {
    const dataset = await openDataset(await list("images/a.png 3\r\n\r\nimages/b c.png -1\r\n"));
    expect([...(dataset.labels ?? [])]).toEqual([3, -1]);
    const { data } = await dataset.read([1, 0]);
    expect([data[32], data[48]]).toEqual([255, 255]);
  });

  test("SC-OOD lines keep both labels", async () => {
    const dataset = await openDataset(
      await list("images/a.png {'label': 3, 'sc_label': -1}\nimages/b c.png {'sc_label': 7, 'label': 12}\n"),
    );
    expect([...(dataset.labels ?? [])]).toEqual([3, 12]);
    expect(Object.keys(dataset.labelSets ?? {})).toEqual(["sc_label"]);
    expect([...(dataset.labelSets?.sc_label ?? [])]).toEqual([-1, 7]);
  });

  test("paths alone, relative to root=DIR, and class names beside the list", async () => {
    const path = await list("a.png\nb c.png");
    const dataset = await openDataset(`list:${path}?root=${join(folder, "images")}`);
    expect(dataset.length).toBe(2);
    expect(dataset.labels).toBeUndefined();
    await write(path.replace(".txt", ".classes.txt"), "cat\ndog\n");
    expect((await openDataset(`list:${path}?root=${join(folder, "images")}`)).classNames).toEqual(["cat", "dog"]);
  });

  test("files with braces in their names", async () => {
    expect([...((await openDataset(await list("d {x}.png 0\nd {x}.png {'label': 4}"))).labels ?? [])]).toEqual([0, 4]);
    expect((await openDataset(await list("d {x}.png"))).labels).toBeUndefined();
  });

  test("anything after the paths, where nothing looks at labels", async () => {
    const path = await list(
      "e.png cat\nimages/b c.png\ne.png 1.0\nimages/b c.png 99999999\ne.png {'sc_label': 1}\ne.png {'label': ",
    );
    await expect(openDataset(path)).rejects.toThrow("line 1: expected an integer label");
    for (const dataset of [await openDataset(`${path}?labels=none`), await openDataset(path, { ignoreLabels: true })]) {
      expect([dataset.length, dataset.labels]).toEqual([6, undefined]);
      expect([1, 3, 5].map((index) => dataset.describe(index))).toEqual(
        ["images/b c.png", "images/b c.png", "e.png"].map((name) => join(folder, name)),
      );
    }
    await expect(openDataset(`${path}?include=1&labels=none`)).rejects.toThrow("expected an integer label");
  });

  test("a selection takes further labels along", async () => {
    const path = await list(
      "images/a.png {'label': 1, 'sc_label': 5}\nimages/b c.png {'label': 2, 'sc_label': 6}\ne.png {'label': 1, 'sc_label': 8}",
    );
    const dataset = await openDataset(`${path}?include=1`);
    expect([...(dataset.labelSets?.sc_label ?? [])]).toEqual([5, 8]);
    const unlabelled = await openDataset(`${path}?include=1&labels=none`);
    expect([unlabelled.length, unlabelled.labels, unlabelled.labelSets]).toEqual([2, undefined, undefined]);
  });
});

describe("refused", () => {
  test.each([
    ["a missing image", "e.png 1\nimages/no.png 1", /line 2: there is no image .*no\.png; add \?root=DIR/],
    ["a folder for an image", "images 1", /line 1: there is no image/],
    ["a word for a label", "e.png 1\ne.png cat", /line 2: expected an integer label after the path, got "cat"/],
    ["a fraction for a label", "e.png {'label': 1.5}", /line 1: expected an integer label from -1 to 999999, got 1.5/],
    ["a label below -1", "e.png -2", /from -1 to 999999, got -2/],
    ["a label over a million", "e.png 99999999999", /got 99999999999/],
    ["a dict without label", "e.png {'sc_label': 1}", /expected a dict with a 'label'/],
    ["a broken dict", "e.png {'label': 1", /line 1: expected "," or "}" at column 12/],
    ["code in place of a dict", "e.png {'label': __import__('os')}", /expected a Python literal at column 11/],
    ["a label missing", "e.png 1\ne.png", /line 2: expected labels as in the lines before \(label\), got no label/],
    [
      "another dict",
      "e.png {'label': 1}\ne.png {'label': 1, 'x': 2}",
      /line 2: expected labels as in the lines before/,
    ],
    ["a label that is no whole number", "e.png 1.0", /line 1: expected an integer label after the path, got "1.0"/],
    ["a zero byte", "e\0.png 1", /line 1: .* got a zero byte/],
    ["an empty list", "\n\n", /expected a list of images, got an empty file/],
  ])("%s", async (_, content, message) => {
    await expect(openDataset(await list(content))).rejects.toThrow(message);
  });

  test("text that is not UTF-8", async () => {
    await expect(openDataset(await list(Uint8Array.of(0x65, 0xff, 0xfe, 0x0a)))).rejects.toThrow(
      "expected text in UTF-8",
    );
  });
});
