import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write, writeImage } from "../../test/data/files.js";
import { openScOod, scOodBenchmarks } from "./sc-ood.js";

/** Lists and images as the benchmark's archive has them; red tells the images apart. */
async function makeBenchmark(
  root: string,
  lists: Readonly<Record<string, readonly (readonly [red: number, scLabel: number])[]>>,
) {
  for (const [name, lines] of Object.entries(lists)) {
    const text: string[] = [];
    for (const [at, [red, scLabel]] of lines.entries()) {
      await writeImage(join(root, "images", name, `${at}.png`), [red, 0, 0]);
      text.push(`${name}/${at}.png {'label': ${at}, 'sc_label': ${scLabel}}\n`);
    }
    await write(join(root, "imglist", "benchmark_cifar10", `test_${name}.txt`), text.join(""));
  }
}

const root = temporaryFolder();
const others = Object.fromEntries(scOodBenchmarks.cifar10.map((name) => [name, [[40, -1]] as const]));
await makeBenchmark(join(root, "data"), {
  ...others,
  texture: [
    [180, -1],
    [60, 3],
    [40, -1],
    [70, 0],
  ],
});

describe("SC-OOD sets", () => {
  test("part images by their sc_label alone, in the order of the list", async () => {
    const sets = await openScOod(`sc-ood:${root}?benchmark=cifar10`);
    expect(sets.map(({ name }) => name)).toEqual(["texture", "svhn", "cifar100", "tin", "lsun", "places365"]);
    const [texture, svhn] = sets;
    expect([...((await texture?.read([0, 1]))?.data ?? [])].filter((value) => value > 0)).toEqual(
      Array.from({ length: 32 }, (_, at) => (at < 16 ? 180 : 40)),
    );
    const known = texture?.alsoInDistribution;
    expect(known?.describe(0)).toMatch(/texture.1\.png$/);
    expect(known?.describe(1)).toMatch(/texture.3\.png$/);
    expect([texture?.length, known?.length, svhn?.length, svhn?.alsoInDistribution]).toEqual([2, 2, 1, undefined]);
  });

  test("have no labels, as theirs are classes of other datasets", async () => {
    const [texture] = await openScOod(`sc-ood:${root}?benchmark=cifar10`);
    expect(texture?.labels).toBeUndefined();
  });

  test("are found with the root at data/ too, in a folder with a question mark, under a name before theirs", async () => {
    const odd = join(temporaryFolder(), "really?&100%");
    await makeBenchmark(odd, others);
    const sets = await openScOod(`sc-ood:${odd}?benchmark=cifar10&limit=1`, { name: "sc", shape: [3, 2, 2] });
    expect(sets.map(({ name, length, shape }) => [name, length, ...shape])[1]).toEqual(["sc-svhn", 1, 3, 2, 2]);
  });

  test("hand options on to each list", async () => {
    const [texture] = await openScOod(`sc-ood:${root}?benchmark=cifar10&limit=2`);
    expect([texture?.length, texture?.alsoInDistribution?.length]).toEqual([1, 1]);
  });
});

describe("refused", () => {
  test.each([
    ["no benchmark", "", /expected the benchmark: sc-ood:ROOT\?benchmark=cifar10 or cifar100, got none/],
    ["an unknown benchmark", "?benchmark=imagenet", /got "imagenet"/],
    ["a benchmark whose lists are not there", "?benchmark=cifar100", /test_texture\.txt: no such file or folder/],
    ["an unknown option", "?benchmark=cifar10&layout=nhwc", /expected options of a list dataset/],
  ])("%s", async (_, options, message) => {
    await expect(openScOod(`sc-ood:${root}${options}`)).rejects.toThrow(message);
  });

  test.each([
    ["a list without sc_label", "texture/0.png 3\n", /expected lines with an 'sc_label'/],
    [
      "a list without an OOD image",
      "texture/0.png {'label': 1, 'sc_label': 1}\n",
      /expected images with an sc_label of -1/,
    ],
    [
      "an image that is not there",
      "texture/9.png {'label': 1, 'sc_label': -1}\n",
      /line 1: there is no image .*9\.png/,
    ],
  ])("%s", async (_, list, message) => {
    const broken = temporaryFolder();
    await makeBenchmark(broken, { ...others, texture: [[10, -1]] });
    await write(join(broken, "imglist", "benchmark_cifar10", "test_texture.txt"), list);
    await expect(openScOod(`sc-ood:${broken}?benchmark=cifar10`)).rejects.toThrow(message);
  });
});
