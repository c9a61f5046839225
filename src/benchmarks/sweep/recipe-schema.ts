/** What a recipe file may hold, after the files that it extends have been merged into it. */
import { z } from "zod";

const scalar = z.union([z.string(), z.number(), z.boolean()]);
export type Scalar = z.infer<typeof scalar>;

/** Options of `offmap train` or `offmap tune` by their long flags; checked by whoever knows those options. */
const options = z.record(z.string(), z.union([scalar, z.array(scalar)]));
export type RawStageOptions = z.infer<typeof options>;

const text = z.string().trim().min(1);
const percent = z.number().min(0).max(100);
const detection = { auroc: percent, aupr: percent, fpr95: percent };

const stage = z.union([
  z.strictObject({ train: options }),
  z.strictObject({ tune: options }),
  /** An ONNX file to start from. */
  z.strictObject({ model: text }),
  /** All stages of another recipe, from that recipe's own data and defaults. */
  z.strictObject({ recipe: text }),
]);

export const recipeSchema = z.strictObject({
  title: text,
  table: z.string().regex(/^[\w.-]+$/, "a name of letters, digits, dots and hyphens"),
  /** Rows of a table ascend by it. */
  order: z.number(),
  /** Why the row cannot be run yet; it is then left out, and said so. */
  todo: text.optional(),
  data: z.strictObject({
    id: text,
    outliers: text.optional(),
    test: text,
    /** By name, or one spec that is several sets (`sc-ood:ROOT?benchmark=NAME`). */
    ood: z.union([text, z.record(z.string(), text)]),
    normalize: z.string().optional(),
  }),
  /** Options of every stage of a kind, which the stage's own win over. */
  defaults: z.strictObject({ train: options.optional(), tune: options.optional() }).default({}),
  stages: z.array(stage).min(1),
  evaluate: z
    .strictObject({
      /** One OOD score, or several, each a line of the table. Default: the one that the last loss shapes. */
      score: z.union([text, z.array(text).min(1)]).optional(),
      /** 1 for the first stage; default: the last. */
      "scores-from": z.int().min(1).optional(),
      "accuracy-from": z.int().min(1).optional(),
      /** Accuracy by groups of classes and with adjusted logits, from the class counts of the training images. */
      adjust: z.boolean().default(false),
      /** Count which classes the model takes the outliers for. */
      prior: z.boolean().default(false),
    })
    .default({ adjust: false, prior: false }),
  /** Numbers of a publication in percent: means over its OOD sets, and by set under `sets`. */
  paper: z
    .strictObject({
      ...detection,
      accuracy: percent,
      "adjusted-accuracy": percent,
      sets: z.record(z.string(), z.strictObject(detection).partial()),
    })
    .partial()
    .extend({ source: text })
    .optional(),
  /** What a reader of the table must know, one sentence each. Recipes of one table give the same. */
  notes: z.array(text).default([]),
});

export type RecipeDocument = z.infer<typeof recipeSchema>;
export type PaperNumbers = NonNullable<RecipeDocument["paper"]>;
