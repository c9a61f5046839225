/** The numbers of one recipe with one seed, as the folder of a sweep keeps them. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FormatError } from "../../errors.js";

const fraction = z.number().min(0).max(1);
const detection = z.object({ auroc: fraction, aupr: fraction, fpr95: fraction });
/** Groups that have no class, as of two classes, have no accuracy. */
const groups = z.object({ many: fraction.nullable(), medium: fraction.nullable(), few: fraction.nullable() });
const dataset = z.object({ name: z.string(), images: z.number(), fingerprint: z.string() });

const schema = z.object({
  /** Of all that decides the numbers. */
  key: z.string(),
  recipe: z.string(),
  seed: z.number(),
  /** Keys of the training runs. */
  stages: z.array(z.string()),
  /** Rules that the metrics are computed by. */
  preset: z.string(),
  data: z.object({ test: dataset, ood: z.array(dataset) }),
  accuracy: fraction.nullable(),
  /** Mean IoU of the classes on the test scenes; of segmentation networks alone. */
  miou: fraction.nullable().optional(),
  /** In the order of the classes; null for one without test images. Of classifiers alone. */
  class_accuracies: z.array(fraction.nullable()).optional(),
  groups: groups.nullable(),
  adjusted: z.object({ accuracy: fraction, groups }).nullable(),
  /** By score: means over the OOD sets, and each set. */
  scores: z.record(z.string(), z.object({ average: detection, sets: z.record(z.string(), detection) })),
  /** Shares of the outliers by the class that the model takes them for, in the order of the classes. */
  prior: z
    .object({ share: z.array(fraction), outliers: z.number(), class_names: z.array(z.string()).nullable() })
    .nullable(),
});

/** Fractions in [0, 1]. The field names are a contract. */
export type RunNumbers = z.infer<typeof schema>;
/** What an evaluation finds out. */
export type Measured = Pick<
  RunNumbers,
  "accuracy" | "miou" | "class_accuracies" | "groups" | "adjusted" | "scores" | "prior"
>;
export type DetectionNumbers = z.infer<typeof detection>;

/** @returns undefined where there is no file. @throws FormatError for one that holds something else */
export async function readNumbers(path: string): Promise<RunNumbers | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError({
      where: path,
      expected: "numbers written by `offmap bench`",
      received: "something else",
      hint: "delete the file, and they are measured again",
      cause,
    });
  }
}
