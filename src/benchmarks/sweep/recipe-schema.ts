/** What a recipe file may hold, after the files that it extends have been merged into it. */
import { z } from "zod";

const text = z.string().trim().min(1);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
export type Scalar = z.infer<typeof scalar>;

/** Scenes that an object is pasted into, each; how, as `tune` and `eval` take it. */
const pasted = z.strictObject({
  scenes: text,
  paste: text,
  seed: z.int().min(0).default(1),
  /** Smallest and largest factor by which objects are scaled. */
  scale: z.tuple([z.number(), z.number()]).optional(),
  feather: z.int().min(0).optional(),
});

/** Options of `offmap train` or `offmap tune` by their long flags; checked by whoever knows those options. */
const options = z.record(z.string(), z.union([scalar, z.array(scalar)]));
export type RawStageOptions = z.infer<typeof options>;

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
  /** Of the data and networks: images that are of a class, or scenes whose pixels are. */
  task: z.enum(["classification", "segmentation"]).default("classification"),
  /** Why the row cannot be run yet; it is then left out, and said so. */
  todo: text.optional(),
  data: z.strictObject({
    id: text,
    outliers: text.optional(),
    test: text,
    /** By name, or one spec that is several sets (`sc-ood:ROOT?benchmark=NAME`). Of scenes also with objects to paste. */
    ood: z.union([text, z.record(z.string(), z.union([text, pasted]))]),
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
      /** Options of scores of pixels, such as `k` and `steps`, for each of the scores that has them. */
      "score-options": z.record(z.string(), z.number()).default({}),
      /** Paste an outlier into each of the training scenes that scores are fitted to, for those that are fitted to outliers too. */
      "fit-outliers": z.boolean().default(false),
      /** Scenes that outliers are pasted into for the prior; 10,000 in the paper. */
      "prior-scenes": z.int().min(1).default(10_000),
    })
    .prefault({}),
  /** Numbers of a publication in percent: means over its OOD sets, and by set under `sets`. */
  paper: z
    .strictObject({
      ...detection,
      accuracy: percent,
      "adjusted-accuracy": percent,
      miou: percent,
      sets: z.record(z.string(), z.strictObject(detection).partial()),
    })
    .partial()
    .extend({ source: text })
    .optional(),
  /** What a reader of the table must know, one sentence each. Recipes of one table give the same. */
  notes: z.array(text).default([]),
});

export type RecipeDocument = z.infer<typeof recipeSchema>;
export type OodSetDocument = z.infer<typeof pasted> | string;
export type PaperNumbers = NonNullable<RecipeDocument["paper"]>;
