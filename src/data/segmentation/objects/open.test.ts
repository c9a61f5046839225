import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder, write, writeImage } from "../../../../test/data/files.js";
import { noise, writePixels } from "../../../../test/data/segmentation.js";
import { openOutlierObjects } from "./open.js";

const folder = temporaryFolder();
let sets = 0;
const newSet = (): string => join(folder, `set${sets++}`);

/** 4 x 3 pixels, of which those in `alpha` show. */
async function cutout(path: string, alpha: readonly number[]): Promise<Uint8Array> {
  const pixels = noise(3, 4, 2, 4);
  alpha.forEach((value, at) => {
    pixels[4 * at + 3] = value;
  });
  await writePixels(path, pixels, 4, 4);
  return pixels;
}
const corner = [0, 127, 0, 0, 0, 128, 255, 0, 0, 0, 200, 0];

describe("cut-outs", () => {
  test.each(["png", "webp"])("%s: from half opacity on, cut to what shows", async (ending) => {
    const root = newSet();
    const pixels = await cutout(join(root, "b", `x.${ending}`), corner);
    await cutout(join(root, `a.${ending}`), [0, ...new Array(11).fill(255)]);
    const objects = await openOutlierObjects(`cutouts:${root}`);
    expect([objects.objectName(0), objects.objectName(1)]).toEqual([`a.${ending}`, `b/x.${ending}`]);
    expect(await objects.read(0)).toMatchObject({ height: 3, width: 4 });
    const { image, mask, height, width } = await objects.read(1);
    expect([height, width]).toEqual([2, 2]);
    expect([...mask]).toEqual([1, 1, 0, 1]);
    expect([image[0], image[1], image[3]]).toEqual([pixels[4 * 5], pixels[4 * 6], pixels[4 * 10]]);
    expect(image[4]).toBe(pixels[4 * 5 + 1]);
  });

  test("the fingerprint follows contents and selection", async () => {
    const root = newSet();
    await cutout(join(root, "a.png"), corner);
    await cutout(join(root, "b.png"), new Array(12).fill(255));
    const print = async (options: string): Promise<string> =>
      (await openOutlierObjects(`cutouts:${root}${options}`)).fingerprint();
    const all = await print("");
    expect(await print("?limit=2")).toBe(all);
    expect(await print("?limit=1")).not.toBe(all);
    await cutout(join(root, "b.png"), corner);
    expect(await print("")).not.toBe(all);
  });

  test("a file without alpha is named at once", async () => {
    const root = newSet();
    await cutout(join(root, "a.png"), corner);
    await writeImage(join(root, "photo.png"), [1, 2, 3]);
    await expect(openOutlierObjects(`cutouts:${root}`)).rejects.toThrow(
      `${join(root, "photo.png")}: expected an image with an alpha channel, which says where the object is, got one without`,
    );
  });

  test("a file that is none, one that shows nothing, and a folder without", async () => {
    const root = newSet();
    await cutout(join(root, "a.png"), new Array(12).fill(127));
    await expect((await openOutlierObjects(`cutouts:${root}`)).read(0)).rejects.toThrow(
      /a\.png: expected pixels with an opacity of at least 128/,
    );
    await write(join(root, "b.png"), "no image");
    await expect(openOutlierObjects(`cutouts:${root}`)).rejects.toThrow(/b\.png: the image cannot be decoded/);
    const empty = newSet();
    await write(join(empty, "x.txt"), "");
    await expect(openOutlierObjects(`cutouts:${empty}`)).rejects.toThrow(
      "expected PNG or WebP files with transparency",
    );
  });
});

const categories = [
  ...["person", "bicycle", "car", "motorcycle", "bus", "train", "truck", "traffic light", "stop sign"],
  ...["dog", "cup"],
].map((name, id) => ({ id: id + 1, name }));
const idOf = (name: string): number => categories.find((entry) => entry.name === name)?.id as number;

interface CocoFile {
  readonly info: unknown;
  readonly images: readonly object[];
  readonly annotations: readonly object[];
  readonly categories: readonly object[];
}

/** Images of 480 x 500 pixels unless told otherwise, each with a box of 10 x 20 pixels at (100, 50). */
async function coco(
  entries: readonly { id: number; category: string; height?: number; width?: number; absent?: boolean }[],
  change: (file: CocoFile) => unknown = (file) => file,
): Promise<string> {
  const root = newSet();
  const images = entries.map(({ id, height = 480, width = 500 }) => ({
    id,
    file_name: `${id}.png`,
    height,
    width,
    licence: 1,
  }));
  for (const [place, { file_name: name, height, width }] of images.entries()) {
    if (entries[place]?.absent !== true) await writeImage(join(root, "train2017", name), [9, 9, 9], width, height);
  }
  const annotations = entries.map(({ id, category }, place) => ({
    segmentation: [[100, 50, 100, 70, 110, 70, 110, 50]],
    image_id: id,
    category_id: idOf(category),
    iscrowd: 0,
    id: place,
    note: 'braces } ] and "quotes\\" in texts',
  }));
  const content = change({ info: { year: 2017, list: [1, [2]] }, images, annotations, categories });
  await write(
    join(root, "annotations", "instances_train2017.json"),
    typeof content === "string" ? content : JSON.stringify(content),
  );
  return root;
}
const names = async (spec: string): Promise<string[]> => {
  const objects = await openOutlierObjects(spec);
  return Array.from({ length: objects.length }, (_, index) => objects.objectName(index));
};

describe("COCO", () => {
  test("the paper's filter: large images without classes of Cityscapes; trains slip through", async () => {
    const root = await coco([
      { id: 30, category: "dog" },
      { id: 2, category: "cup" },
      { id: 3, category: "person" },
      { id: 4, category: "stop sign" },
      { id: 5, category: "dog", height: 479 },
      { id: 6, category: "dog", width: 479 },
      { id: 7, category: "train" },
      { id: 8, category: "dog", absent: true },
    ]);
    expect(await names(`coco:${root}`)).toEqual(["2.png", "7.png", "30.png"]);
    expect(await names(`coco:${root}?exclude=+train`)).toEqual(["2.png", "30.png"]);
    expect(await names(`coco:${root}?exclude=dog,train`)).toEqual(["2.png", "3.png", "4.png"]);
    expect(await names(`coco:${root}?exclude=none&limit=2`)).toEqual(["2.png", "3.png"]);
    expect(await names(`coco:${root}?min-side=479`)).toEqual(["2.png", "5.png", "6.png", "7.png", "30.png"]);
    await expect(openOutlierObjects(`coco:${root}?exclude=Dog`)).rejects.toThrow(
      /option exclude: expected one of its categories \(person, .*cup\), got "Dog"/,
    );
  });

  test("an image with one excluded instance among others is left out", async () => {
    const root = await coco(
      [
        { id: 1, category: "dog" },
        { id: 2, category: "dog" },
      ],
      (file) => ({
        ...file,
        annotations: [
          ...file.annotations,
          { image_id: 1, category_id: idOf("car"), segmentation: [[1, 1, 1, 5, 5, 5]] },
        ],
      }),
    );
    expect(await names(`coco:${root}`)).toEqual(["2.png"]);
  });

  test("the object is the union of all instances, polygons and run lengths, crowds included", async () => {
    const root = await coco([{ id: 1, category: "dog" }], (file) => ({
      ...file,
      annotations: [
        ...file.annotations,
        {
          image_id: 1,
          category_id: idOf("cup"),
          iscrowd: 1,
          // Rows 60 to 61 of column 120.
          segmentation: { size: [480, 500], counts: [120 * 480 + 60, 2, 379 * 480 + 418] },
        },
      ],
    }));
    const { mask, height, width } = await (await openOutlierObjects(`coco:${root}`)).read(0);
    // From the box at (100, 50) of 10 x 20 to column 120.
    expect([height, width]).toEqual([20, 21]);
    expect(mask.reduce((sum, value) => sum + value)).toBe(202);
    expect([mask[10 * 21 + 20], mask[11 * 21 + 20], mask[12 * 21 + 20]]).toEqual([1, 1, 0]);
  });

  test("the fingerprint follows the annotations", async () => {
    const root = await coco([{ id: 1, category: "dog" }]);
    const print = async (): Promise<string> => (await openOutlierObjects(`coco:${root}`)).fingerprint();
    const before = await print();
    expect(await print()).toBe(before);
    await writeImage(join(root, "train2017", "1.png"), [8, 200, 9], 480, 500);
    expect(await print()).not.toBe(before);
  });

  test.each<[string, (file: CocoFile) => unknown, string | RegExp]>([
    [
      "no categories",
      ({ categories: _, ...rest }) => rest,
      "instances_train2017.json: expected a list of categories, got none",
    ],
    ["no annotations", (file) => ({ ...file, annotations: [] }), "expected a list of annotations, got none"],
    ["a list", () => [], /byte 0: expected "\{", got "\["/],
    [
      "a file cut off",
      (file) => JSON.stringify(file).slice(0, 300),
      /byte \d+: expected .*, got the end of the file; the file is truncated/,
    ],
    [
      "an image without size",
      (file) => ({ ...file, images: [{ id: 1, file_name: "1.png" }] }),
      /images at byte \d+: height: /,
    ],
    [
      "no image that fits",
      (file) => ({ ...file, images: [{ id: 1, file_name: "1.png", height: 9, width: 9 }] }),
      "expected images of at least 480 x 480 pixels",
    ],
  ])("%s: refused", async (_, change, message) => {
    const root = await coco([{ id: 1, category: "dog" }], change);
    await expect(openOutlierObjects(`coco:${root}`)).rejects.toThrow(message);
  });

  test.each<[string, unknown, string | RegExp]>([
    [
      "run lengths of another image",
      { size: [4, 4], counts: [16] },
      "annotation of image 1: expected run lengths for 480 x 500",
    ],
    ["no segmentation", undefined, "annotation of image 1: segmentation: "],
  ])("%s: refused when the image is read", async (_, segmentation, message) => {
    const root = await coco([{ id: 1, category: "dog" }], (file) => ({
      ...file,
      annotations: [{ image_id: 1, category_id: idOf("dog"), segmentation }],
    }));
    await expect((await openOutlierObjects(`coco:${root}`)).read(0)).rejects.toThrow(message);
  });

  test("an image of another size than its entry is refused", async () => {
    const root = await coco([{ id: 1, category: "dog" }]);
    await writeImage(join(root, "train2017", "1.png"), [9, 9, 9], 500, 481);
    await expect((await openOutlierObjects(`coco:${root}`)).read(0)).rejects.toThrow("expected 500 x 480 pixels, as");
  });

  test("a part that is not there is named", async () => {
    const root = await coco([{ id: 1, category: "dog" }]);
    await expect(openOutlierObjects(`coco:${root}?split=val2017`)).rejects.toThrow(/val2017: no such file or folder/);
  });
});

test.each([
  ["folder:x", "expected KIND:PATH with KIND one of cutouts, coco"],
  ["cutouts:x?split=a", "expected options of cutouts (limit, seed)"],
  ["cutouts:missing", "no such file or folder"],
  ["coco:x?min-side=0", "expected an integer of at least 1"],
])("%s is refused", async (spec, message) => {
  await expect(openOutlierObjects(spec)).rejects.toThrow(message);
});
