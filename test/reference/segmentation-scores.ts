/** What test/reference/segmentation-scores.py has made, as scenes and a network. */
import { readFileSync } from "node:fs";
import { readScenes } from "../../src/data/segmentation/dataset.js";
import type { Scene, SegmentationDataset } from "../../src/data/segmentation/types.js";
import { asClassifier, type Classifier } from "../../src/training/classifier.js";
import { tinyNetwork } from "../segmentation/tiny-network.js";

type Stored = { readonly image: string; readonly labels: string };
type Score = "msp" | "energy" | "entropy" | "abstention" | "sml" | "mahalanobis" | "knn-density";

export const reference = JSON.parse(readFileSync(new URL("segmentation-scores.json", import.meta.url), "utf8")) as {
  readonly size: readonly [number, number];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly train: readonly Stored[];
  readonly test: readonly Stored[];
  readonly neighbours: number;
  readonly temperature: number;
  readonly sml: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly predicted: string;
  readonly maps: Readonly<Record<Score, readonly number[]>>;
  readonly metrics: Readonly<
    Record<
      Score,
      { readonly auroc: number; readonly aupr: number; readonly fpr95: number; readonly mean_image_aupr: number }
    >
  >;
  readonly miou: number;
  readonly iou: readonly number[];
  readonly pixels: readonly [number, number, number];
};

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** Names of the four classes. */
export const classNames = ["red", "green", "blue", "yellow"];

/** The network of the reference: four classes and one output that is none. */
export function referenceNetwork(options: { readonly anySize?: boolean } = {}): Classifier {
  const weights = Object.fromEntries(
    Object.entries(reference.weights).map(([name, values]) => [name, Float32Array.from(values)]),
  );
  return asClassifier(tinyNetwork({ outputs: classNames.length + 1, weights, ...options }));
}

const sceneOf = ({ image, labels }: Stored): Scene => ({
  ...{ image: bytesOf(image), labels: bytesOf(labels) },
  ...{ height: reference.size[0], width: reference.size[1] },
});

export const trainScenes = (): SegmentationDataset => scenesOf("train", reference.train.map(sceneOf));
export const testScenes = (): SegmentationDataset => scenesOf("test", reference.test.map(sceneOf));

/** Scenes in memory; without class names their labels only tell anomalies. */
export function scenesOf(
  name: string,
  scenes: readonly Scene[],
  names: readonly string[] | undefined = classNames,
): SegmentationDataset {
  const readOne = async (index: number): Promise<Scene> => scenes[index] as Scene;
  return {
    ...{ spec: `memory:${name}`, name, length: scenes.length, readOne },
    ...(names === undefined ? {} : { classNames: names }),
    read: (indices) => readScenes(readOne, Array.from(indices), name),
    imageName: (index) => `${name}/${index}.png`,
    describe: (index) => `${name} image ${index}`,
    fingerprint: async () => `${name} of ${scenes.length}`,
  };
}
