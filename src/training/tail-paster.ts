import { cutmix, type Generator, type ImageBatch, type ImageDataset } from "../data/index.js";
import { DataError } from "../errors.js";
import { joinImages, pickedImages } from "./image-rows.js";

/** Both parameters of the Beta distribution of the box's share, as the authors have it. */
const boxAlpha = 0.9999;

/**
 * Images of rare classes pasted onto others, which makes more of them and teaches the network to look at what matters: a box of
 * each is put onto an in-distribution image of a frequent class of the batch or, for the second half, an outlier, and keeps the rare class.
 *
 * Wei, Wang and Zhang, "EAT: Towards Long-Tailed Out-of-Distribution Detection", AAAI 2024. The authors paste every rare image of a batch
 * several times, which gives 200 to 350 rows a batch; here there are as many as in-distribution images, drawn from the whole set.
 */
export class TailPaster {
  private readonly rare: Int32Array;

  /**
   * @param classes  the rare ones
   * @throws DataError when no image is of one of them
   */
  constructor(
    id: ImageDataset,
    trainIndices: Int32Array,
    private readonly classes: readonly number[],
  ) {
    this.rare = trainIndices.filter((index) => classes.includes(id.labels?.[index] as number));
    if (this.rare.length > 0) return;
    throw new DataError({
      where: id.spec,
      expected: `images of the rare classes ${classes.join(", ")}`,
      received: "none",
    });
  }

  /** Indices of rare images, each as likely as any other. */
  choose(count: number, generator: Generator): Int32Array {
    return Int32Array.from({ length: count }, () => this.rare[generator.integer(this.rare.length)] as number);
  }

  /**
   * @param foreground  the rare images
   * @param id          images of a batch and their classes; onto those of frequent classes, round and round, the first half is pasted
   * @param outliers    onto which the others are; and all of them where the batch has no frequent class
   */
  paste(
    foreground: ImageBatch,
    id: { readonly images: ImageBatch; readonly labels: Int32Array },
    outliers: ImageBatch,
    generator: Generator,
  ): ImageBatch {
    const frequent = [...id.labels.keys()].filter((row) => !this.classes.includes(id.labels[row] as number));
    const half = frequent.length === 0 ? 0 : Math.ceil(foreground.count / 2);
    const all = [...new Array(outliers.count).keys()];
    const background = joinImages(
      repeated(id.images, frequent, half),
      repeated(outliers, all, foreground.count - half),
    );
    return cutmix({ foreground, background, alpha: boxAlpha, generator }).batch;
  }
}

/** `count` of the images in those rows, from the first row again where there are not so many. */
const repeated = (images: ImageBatch, rows: readonly number[], count: number): ImageBatch =>
  pickedImages(
    images,
    Array.from({ length: count }, (_, place) => rows[place % rows.length] as number),
  );
