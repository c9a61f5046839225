import { DataError, OptionError } from "../../errors.js";
import type { Generator } from "../random.js";
import { epochSampler, stepGenerator } from "../sampling.js";
import { augmentScene, checkAugmentation, type SceneAugmentation } from "./augment-scene.js";
import { batchScenes } from "./dataset.js";
import { type PasteOptions, pasteOutlier } from "./paste.js";
import type { OutlierObjects, Scene, SceneBatch, SegmentationDataset } from "./types.js";

export interface SceneSamplerOptions extends SceneAugmentation {
  readonly scenes: SegmentationDataset;
  /** Scenes in a batch. */
  readonly batchSize: number;
  /** Objects to paste; absent: none are. */
  readonly outliers?: OutlierObjects;
  /**
   * Probability that a scene gets an object, in [0, 1]: each scene anew, so the share varies from batch to batch. Default
   * 0.5 with outliers. PEBAL and Balanced Energy: 297 of 3,272, or 0.091. A crop may lose the object again.
   */
  readonly outlierShare?: number;
  readonly paste?: PasteOptions;
  /** Random order (default) or the set's own. */
  readonly shuffle?: boolean;
  /** Decides everything that is random. */
  readonly generator: Generator;
}

/** Scenes for a training step, all of the size of `crop`. */
export interface SampledScenes extends SceneBatch {
  /** Index of each scene in the dataset. */
  readonly indices: Int32Array;
  /** Index of the object pasted into each scene; -1 for none. */
  readonly objects: Int32Array;
}

/** Scenes of each step of each epoch. Every batch follows from (seed, epoch, step) alone, so a run resumes anywhere. */
export interface SceneSampler {
  /** Batches before the scenes have all been seen once; the last one may be smaller. */
  readonly stepsPerEpoch: number;
  /**
   * @param epoch  from 0
   * @param step   from 0, counted from the start of the epoch
   * @throws DataError or FormatError naming a file that cannot be read
   */
  batch(epoch: number, step: number): Promise<SampledScenes>;
}

/**
 * Scenes as segmentation is trained on them: every scene once an epoch, in a new order each epoch; into a share of them an
 * object is pasted (all objects as likely); then each is scaled, cropped and mirrored. Pasting comes first, as in PEBAL.
 *
 * @throws OptionError for a share, factor or probability out of range, DataError for a share without objects
 */
export function sceneSampler(options: SceneSamplerOptions): SceneSampler {
  const { scenes, outliers, batchSize, shuffle = true, generator, paste } = options;
  const share = options.outlierShare ?? (outliers === undefined ? 0 : 0.5);
  if (!(share >= 0 && share <= 1)) {
    throw new OptionError({ where: "share of scenes with outliers", expected: "0 to 1", received: String(share) });
  }
  if (share > 0 && outliers === undefined) {
    throw new DataError({ where: "share of scenes with outliers", expected: "objects to paste", received: "none" });
  }
  checkAugmentation(options);
  const order = epochSampler({ length: scenes.length, batchSize, shuffle, generator: generator.fork("scenes") });
  const steps = generator.fork("steps");
  const prepare = async (index: number, own: Generator): Promise<{ scene: Scene; object: number }> => {
    const object = drawObject(own.fork("object"), share, outliers?.length ?? 0);
    const [scene, pasted] = await Promise.all([scenes.readOne(index), object < 0 ? undefined : outliers?.read(object)]);
    const mixed = pasted === undefined ? scene : pasteOutlier(scene, pasted, own.fork("paste"), paste);
    return { scene: augmentScene(mixed, own.fork("augment"), options), object };
  };
  return {
    stepsPerEpoch: order.stepsPerEpoch,
    async batch(epoch, step) {
      const indices = order.batch(epoch, step);
      const own = stepGenerator(steps, epoch, step);
      const prepared = await Promise.all(Array.from(indices, (index, place) => prepare(index, own.fork(place))));
      return {
        ...batchScenes(
          prepared.map(({ scene }) => scene),
          scenes.spec,
        ),
        indices,
        objects: Int32Array.from(prepared, ({ object }) => object),
      };
    },
  };
}

/** An object, or -1 for none. */
function drawObject(generator: Generator, share: number, count: number): number {
  return generator.uniform() < share ? generator.integer(count) : -1;
}
