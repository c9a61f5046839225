import { mostClasses, outlierLabel, voidLabel } from "../../data/segmentation/types.js";
import { DataError, OptionError, ShapeError } from "../../errors.js";

/**
 * How often a pixel of each class was predicted as each class, over any number of images, and the metrics of semantic segmentation from it.
 * Pixels labelled void (255) or outlier (254) are not counted, whatever is predicted there: these are the metrics of the in-distribution
 * classes. Counts are whole numbers in float64, exact up to 2^53 pixels.
 */
export class ConfusionMatrix {
  /** K. */
  readonly classes: number;
  /** Row-major [K, K]: the row is the label, the column the prediction. */
  readonly counts: Float64Array;
  private images = 0;

  /** @throws OptionError unless there are 1 to 254 classes */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1 || classes > mostClasses) {
      throw new OptionError({
        where: "confusion matrix",
        expected: `1 to ${mostClasses} classes`,
        received: String(classes),
      });
    }
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  /**
   * Adds the pixels of an image, or of several. An image that is refused leaves everything as it was.
   *
   * @param predictions  classes in [0, K), one per pixel; those of pixels that are not counted may be anything
   * @param labels       uint8, one per pixel: a class in [0, K), 254 (outlier) or 255 (void)
   * @param image        how the image is called in messages; by default `image i`, counted from 0
   * @throws ShapeError when the lengths differ
   * @throws DataError for a label or a prediction outside its range
   */
  add(predictions: Uint8Array | Int32Array, labels: Uint8Array, image = `image ${this.images}`): void {
    const { classes, counts } = this;
    if (predictions.length !== labels.length) {
      throw new ShapeError({
        where: image,
        expected: `${labels.length} predictions, one per label`,
        received: String(predictions.length),
      });
    }
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index] as number;
      if (label === voidLabel || label === outlierLabel) continue;
      const prediction = predictions[index] as number;
      if (label < classes && prediction >= 0 && prediction < classes) continue;
      const [what, value] = label < classes ? ["prediction", prediction] : ["label", label];
      throw new DataError({
        where: `${image}, ${what} of pixel ${index}`,
        expected: `a class in [0, ${classes - 1}]${what === "label" ? `, ${outlierLabel} or ${voidLabel}` : ""}`,
        received: String(value),
        hint: "the model and the labels must have the same classes",
      });
    }
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index] as number;
      if (label === voidLabel || label === outlierLabel) continue;
      const cell = label * classes + (predictions[index] as number);
      counts[cell] = (counts[cell] as number) + 1;
    }
    this.images++;
  }

  /** Number of pixels counted. */
  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Intersection over union of each class: pixels that have the class and were predicted as it, over pixels for which either holds.
   *
   * @returns float64 [K], in [0, 1]; NaN for a class that occurs neither in the labels nor in the predictions
   */
  classIou(): Float64Array {
    const { classes, counts } = this;
    return Float64Array.from({ length: classes }, (_, index) => {
      const both = counts[index * classes + index] as number;
      let either = -both;
      for (let other = 0; other < classes; other++) {
        either += (counts[index * classes + other] as number) + (counts[other * classes + index] as number);
      }
      return both / either;
    });
  }

  /**
   * Mean IoU: the mean of {@link ConfusionMatrix.classIou} over the classes that occur in the labels or in the predictions. A class that is only predicted counts,
   * as 0; one in neither is left out. In [0, 1].
   *
   * @throws DataError when no pixel was counted
   */
  meanIou(): number {
    this.checkCounted();
    const found = this.classIou().filter((value) => !Number.isNaN(value));
    return found.reduce((sum, value) => sum + value, 0) / found.length;
  }

  /**
   * Share of the counted pixels that were predicted as their label, in [0, 1].
   *
   * @throws DataError when no pixel was counted
   */
  pixelAccuracy(): number {
    this.checkCounted();
    let correct = 0;
    for (let label = 0; label < this.classes; label++) correct += this.counts[label * (this.classes + 1)] as number;
    return correct / this.total;
  }

  private checkCounted(): void {
    if (this.total > 0) return;
    throw new DataError({
      where: "confusion matrix",
      expected: "a pixel labelled with a class",
      received: this.images === 0 ? "no image" : "none; all are void or outliers",
    });
  }
}
