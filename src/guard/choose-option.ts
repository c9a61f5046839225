/** Options that scores of the image have chosen for them on in-distribution images. */
import { createGenerator, type ImageDataset } from "../data/index.js";
import { RunError } from "../errors.js";
import { type Engine, sessionBytes } from "../runtime/index.js";
import type { ScoreDefinition, ScoreName, ScoreOptions } from "../scores/index.js";
import type { PredictOptions } from "../training/predict.js";
import { silent } from "../training/progress.js";
import { runImages } from "../training/run-images.js";
import { buildImageParts, type ImagePartOptions } from "./image-part.js";
import { scoredModel } from "./scored-model.js";

/** Images that are looked at, at most: as many as in the public code of Generalized ODIN. */
const mostImages = 1000;
/** Which of them should not change between two fits. */
const seed = 1;
const output = "offmap.candidates";

/**
 * The options with the value for the score's `choice` at which in-distribution images score lowest in the mean.
 *
 * @param of       the model; its normalisation is that of `run`
 * @param options  of the score; what they have for the choice does not count
 * @throws RunError for a score that is no number
 */
export async function chooseOption(
  engine: Engine,
  name: ScoreName,
  { option, among }: NonNullable<ScoreDefinition["choice"]>,
  options: ScoreOptions,
  of: ImagePartOptions,
  dataset: ImageDataset,
  { batch = 250, progress = silent, signal }: Pick<PredictOptions, "batch" | "progress" | "signal">,
): Promise<ScoreOptions> {
  const { classifier, normalization } = of;
  const candidates = among.map((value) => ({ ...options, [option]: value }));
  const part = buildImageParts(name, candidates, of);
  const session = await engine.load(sessionBytes(scoredModel(classifier, [part], () => output)));
  const indices = createGenerator(seed).permutation(dataset.length).subarray(0, mostImages).sort();
  const title = `Choosing ${option} of ${name} on ${dataset.name}`;
  const sums = new Float64Array(among.length);
  await runImages(
    { session, input: classifier.input, dataset, indices, normalization, batch, title, progress, signal },
    (outputs) => {
      const scores = outputs[output]?.data as Float32Array;
      scores.forEach((score, place) => {
        sums[place % among.length] = (sums[place % among.length] as number) + score;
      });
    },
  );
  const least = Math.min(...sums);
  if (Number.isNaN(least)) {
    const expected = "finite scores of in-distribution images";
    throw new RunError({ where: `score ${name}`, expected, received: "NaN", hint: "check --normalize and the model" });
  }
  return candidates[sums.indexOf(least)] as ScoreOptions;
}
