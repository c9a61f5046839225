/** Folders as OFFMAP_DATA has them, with a few real images each, for running every recipe to its end: those of the demo. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { encodeNpy, openDataset } from "../../src/data/index.js";

interface Images {
  /** 32x32, 3,072 bytes each: red, green and blue planes. */
  readonly planes: readonly Uint8Array[];
  readonly labels: readonly number[];
  readonly classNames: readonly string[];
}

async function demo(name: string, options = ""): Promise<Images> {
  const path = fileURLToPath(new URL(`../../assets/demo/${name}.json`, import.meta.url));
  const dataset = await openDataset(`sheet:${path}${options}`);
  const { data } = await dataset.read(Int32Array.from({ length: dataset.length }, (_, index) => index));
  return {
    planes: Array.from({ length: dataset.length }, (_, index) =>
      Uint8Array.from(data.subarray(index * 3072, (index + 1) * 3072)),
    ),
    labels: [...(dataset.labels ?? [])],
    classNames: dataset.classNames ?? [],
  };
}

/** Fills a folder. */
export async function writeTinyData(folder: string): Promise<void> {
  const put = async (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  };
  const cifar = async (name: string, images: Images) => {
    await put(
      `${name}.bin`,
      records(
        images.planes,
        images.labels.map((label) => [label]),
      ),
    );
    await put(`${name}.classes.txt`, `${images.classNames.join("\n")}\n`);
  };
  const train = await demo("cifar10-train", "?long-tail=exp:0.01&per-class=100");
  const test = await demo("cifar10-test", "?per-class=2");
  const hundred = await demo("cifar100");
  const outliers = await demo("outliers", "?limit=400&seed=1");
  await cifar("cifar10-train", train);
  await cifar("cifar10-test", test);
  await cifar("tiny-imagenet-outliers", outliers);
  for (const name of ["tiny-imagenet", "textures", "chars74k", "scenes"]) {
    await cifar(`${name}-ood-test`, await demo(name, "?limit=100&seed=1"));
  }
  await cifar("cifar100-lt-train", await demo("cifar100", "?per-class=2"));
  await cifar("cifar100-test", await demo("cifar100", "?per-class=1"));
  await writeOfficialLayout(put, { train, test, outliers, hundred });
}

/** The layout of the publishers, for the recipes of the paper. */
async function writeOfficialLayout(
  put: (name: string, content: Uint8Array | string) => Promise<void>,
  { train, test, outliers, hundred }: Record<"train" | "test" | "outliers" | "hundred", Images>,
): Promise<void> {
  for (let part = 0; part < 5; part++) {
    const own = train.planes.map((_, index) => index).filter((index) => index % 5 === part);
    const planes = own.map((index) => train.planes[index] as Uint8Array);
    const bytes = records(
      planes,
      own.map((index) => [train.labels[index] as number]),
    );
    await put(`cifar10/cifar-10-batches-bin/data_batch_${part + 1}.bin`, bytes);
  }
  await put(
    "cifar10/cifar-10-batches-bin/test_batch.bin",
    records(
      test.planes,
      test.labels.map((label) => [label]),
    ),
  );
  const byClass = new Map<number, Uint8Array[]>();
  for (const [index, label] of hundred.labels.entries()) {
    byClass.set(label, [...(byClass.get(label) ?? []), hundred.planes[index] as Uint8Array]);
  }
  // The five images of a class come round again; the coarse label does not matter.
  const fine = (labels: readonly number[]) => {
    const planes = labels.map((label, index) => byClass.get(label)?.[index % 5] as Uint8Array);
    return records(
      planes,
      labels.map((label) => [0, label]),
    );
  };
  await put("cifar100/cifar-100-binary/train.bin", fine(tailLabels(100)));
  await put("cifar100/cifar-100-binary/test.bin", fine(Array.from({ length: 100 }, (_, index) => index)));
  const some = outliers.planes.slice(0, 60).map(interleaved);
  await put(
    "random-images/300K_random_images.npy",
    encodeNpy(new Uint8Array(Buffer.concat(some)), [some.length, 32, 32, 3]),
  );
  for (const [benchmark, other] of [
    ["cifar10", "cifar100"],
    ["cifar100", "cifar10"],
  ]) {
    for (const set of ["texture", "svhn", other, "tin", "lsun", "places365"]) {
      // The first image shows a class of the in-distribution set, as some of the benchmark do.
      const lines = some
        .slice(0, 8)
        .map((_, index) => `pictures/${index}.png {'label': 7, 'sc_label': ${index === 0 ? 3 : -1}}`);
      await put(`sc-ood/data/imglist/benchmark_${benchmark}/test_${set}.txt`, `${lines.join("\n")}\n`);
    }
  }
  for (const [index, pixels] of some.slice(0, 8).entries()) {
    const png = await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toBuffer();
    await put(`sc-ood/data/images/pictures/${index}.png`, png);
  }
}

/** A CIFAR file: the labels of each image, then its planes. */
function records(planes: readonly Uint8Array[], labels: readonly (readonly number[])[]): Uint8Array {
  return Buffer.concat(planes.flatMap((image, index) => [Uint8Array.from(labels[index] as readonly number[]), image]));
}

/** As many labels of each class as a long tail of ratio 0.01 takes. */
const tailLabels = (classes: number) =>
  Array.from({ length: classes }, (_, c) =>
    Array<number>(Math.max(1, Math.floor(100 * 0.01 ** (c / (classes - 1))))).fill(c),
  ).flat();

/** From planes to pixels. */
function interleaved(planes: Uint8Array): Uint8Array {
  return Uint8Array.from(planes, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)] as number);
}
