/** A few small scenes in the layouts of the publishers, and a narrow network, for running every recipe of segmentation to its end. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createSegmentationModel, segmentationArchitectures } from "../../src/nn/index.js";
import { encodeModel } from "../../src/onnx/index.js";
import { noise, writeLabels, writePixels } from "../data/segmentation.js";

/** Of all scenes. */
export const sceneSize = { height: 32, width: 48 } as const;
const { height, width } = sceneSize;
const block = 4;

/** Ids in blocks, so that every one of them is in every scene, each scene with others in its corner. */
function blocks(ids: readonly number[], scene: number): number[] {
  return Array.from({ length: height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width / block), Math.floor((at % width) / block)];
    return ids[(row * (width / block) + column + scene) % ids.length] as number;
  });
}

/** An object of the id in the middle, on ground of another. */
const withObject = (ground: number, object: number, border: number) =>
  Array.from({ length: height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    if (row < 2) return border;
    return Math.abs(row - 16) < 5 && Math.abs(column - 20) < 6 ? object : ground;
  });

async function writeScene(image: string, labels: string, ids: readonly number[], seed: number): Promise<void> {
  const pixels = noise(height, width, seed).map(
    (value, at) => (value + 20 * (ids[Math.floor(at / 3)] as number)) % 256,
  );
  await writePixels(image, pixels, width, 3);
  await writeLabels(labels, ids, width);
}

/** `camvid/SPLIT/{images,labels}` and `cutouts/{outliers,ood-test}`. */
export async function writeCamvid(folder: string): Promise<void> {
  const ids = Array.from({ length: 12 }, (_, id) => id);
  for (const split of ["train", "val", "test"]) {
    const place = (kind: string, scene: number) => join(folder, "camvid", split, kind, `${scene}.png`);
    for (let scene = 0; scene < 3; scene++) {
      await writeScene(place("images", scene), place("labels", scene), blocks(ids, scene), scene + 1);
    }
  }
  for (const part of ["outliers", "ood-test"]) {
    for (let object = 0; object < 2; object++) {
      const side = 12 + 4 * object;
      const opaque = noise(side, side, 9 + object, 4).map((value, at) => (at % 4 === 3 ? 255 : value));
      await writePixels(join(folder, "cutouts", part, `${object}.png`), opaque, side, 4);
    }
  }
}

/** Cityscapes, COCO, Fishyscapes Lost & Found as released, Static as prepared for PEBAL, Road Anomaly as published. */
export async function writeCityscapes(folder: string): Promise<void> {
  const ids = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33, 0];
  for (const split of ["train", "val"]) {
    for (let scene = 0; scene < 3; scene++) {
      const name = `city_00000${scene}_000019`;
      const place = (kind: string, ending: string) =>
        join(folder, "cityscapes", kind, split, "city", `${name}_${ending}.png`);
      const [image, labels] = [place("leftImg8bit", "leftImg8bit"), place("gtFine", "gtFine_labelIds")];
      await writeScene(image, labels, blocks(ids, scene), scene + 1);
    }
  }
  await writeCoco(join(folder, "coco"));
  const fishyscapes = join(folder, "fishyscapes");
  for (let scene = 0; scene < 2; scene++) {
    const id = `04_Maurener_Weg_8_00000${scene}_000030`;
    const lost = join(fishyscapes, "lostandfound", "leftImg8bit", "test", "04_Maurener_Weg_8", `${id}_leftImg8bit.png`);
    const labels = join(fishyscapes, "fishyscapes_lostandfound", `000${scene}_${id}_labels.png`);
    await writeScene(lost, labels, withObject(0, 1, 255), scene + 20);
    const fixed = (kind: string) => join(fishyscapes, "Static", kind, `${scene}.png`);
    await writeScene(fixed("original"), fixed("labels"), withObject(0, 1, 255), scene + 30);
    const frames = join(folder, "road-anomaly", "RoadAnomaly_jpg", "frames");
    const semantic = join(frames, `animals${scene}.labels`, "labels_semantic.png");
    await writeScene(join(frames, `animals${scene}.webp`), semantic, withObject(1, 2, 0), scene + 40);
  }
  await put(
    join(folder, "road-anomaly", "RoadAnomaly_jpg", "frame_list.json"),
    JSON.stringify(["animals0.webp", "animals1.webp"]),
  );
}

/** One image of 480 x 480, the smallest side that is taken, with a polygon. */
async function writeCoco(folder: string): Promise<void> {
  const side = 480;
  const names = ["person", "bicycle", "car", "motorcycle", "bus", "truck", "traffic light", "stop sign", "giraffe"];
  await writePixels(join(folder, "train2017", "000000000009.png"), noise(side, side, 3), side, 3);
  const document = {
    images: [{ id: 9, file_name: "000000000009.png", height: side, width: side }],
    categories: names.map((name, index) => ({ id: index + 1, name })),
    annotations: [{ id: 1, image_id: 9, category_id: 9, segmentation: [[100, 100, 116, 100, 116, 112, 100, 112]] }],
  };
  await put(join(folder, "annotations", "instances_train2017.json"), JSON.stringify(document));
}

/** The paper's network, very narrow, as `OFFMAP_MODELS` has it. */
export async function writeCheckpoint(folder: string): Promise<void> {
  const shape = [3, height, width] as const;
  const options = { classes: 19, shape, width: 1 / 64, abstention: 0 };
  const model = createSegmentationModel(segmentationArchitectures["deeplabv3plus-wrn38"], options, 1);
  await put(join(folder, "deeplabv3plus-wrn38-cityscapes.onnx"), encodeModel(model));
}

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
