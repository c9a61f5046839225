/** What a score's expression needs beside the logits, or a clear error. */
import { DataError, UnsupportedError } from "../errors.js";
import { int, type Tensor } from "../onnx/types.js";
import { type Expr, first } from "../ops/index.js";
import type { Fitted, Head, ImageInputs, ScoreInputs } from "./types.js";

/** @throws UnsupportedError when only the logits are known */
export function featuresOf({ features }: ScoreInputs, score: string): { features: Expr } {
  if (features === undefined) throw needs(score, "the features that go into the last layer", "logits alone");
  return { features };
}

/** @throws UnsupportedError when the weights of a linear last layer are not known */
export function lastLayerOf(inputs: ScoreInputs, score: string): { features: Expr; head: Head } {
  const { features } = featuresOf(inputs, score);
  if (inputs.head === undefined) throw needs(score, "the weights of a linear last layer", "features of another layer");
  return { features, head: inputs.head };
}

/** @throws UnsupportedError when the map that the features are means of is not known, or not the last layer */
export function featureMapOf({ map, head }: ScoreInputs, score: string): { map: Expr; head: Head } {
  if (map === undefined || head === undefined) {
    throw needs(score, "a feature map before an average over positions and a linear last layer", "a model without one");
  }
  return { map, head };
}

/** @throws UnsupportedError when only the logits are known */
export function imageOf({ image }: ScoreInputs, score: string): { image: ImageInputs } {
  if (image === undefined) throw needs(score, "the image and the model, to differentiate it", "logits alone");
  return { image };
}

const needs = (score: string, expected: string, received: string) =>
  new UnsupportedError({
    where: `${score} score`,
    expected,
    received,
    hint: "use a score of the logits, such as energy",
  });

/**
 * A tensor that a fit has found, as float32.
 *
 * @throws DataError when the score was not fitted
 */
export function fittedTensor(fitted: Fitted, name: string, score: string) {
  const tensor = fitted[name];
  if (tensor === undefined) {
    throw new DataError({
      where: `${score} score`,
      expected: `"${name}" of its fit`,
      received: "none",
      hint: "fit the score to in-distribution data first",
    });
  }
  const data = Float32Array.from(tensor.data as Float32Array | Float64Array);
  return { dtype: "float32", dims: tensor.dims, data } as const satisfies Tensor;
}

/**
 * A tensor that a fit has found as a float32 constant, and what rounding has taken from it as another. Along directions of little variance
 * the rounding error of a mean, multiplied by the whitening, would be seen in the distance.
 */
export function inTwoParts({ builder }: Expr, fitted: Fitted, name: string, score: string): [Expr, Expr] {
  const rounded = fittedTensor(fitted, name, score);
  const exact = fitted[name]?.data as Float64Array;
  const rest = rounded.data.map((value, at) => (exact[at] as number) - value);
  return [builder.constant(rounded), builder.constant({ ...rounded, data: rest })];
}

/** The class of the largest logit, int64 [N]; the first one of equals. */
export function predictedClass(logits: Expr): Expr {
  return first(logits.builder.op("ArgMax", [logits], { axis: int(1), keepdims: int(0) }));
}
