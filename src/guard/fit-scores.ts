/** Fits scores to in-distribution images: all of them in one pass. */
import { createGenerator, type ImageDataset, requireLabels } from "../data/index.js";
import { CancelledError, OffmapError, OptionError, UnsupportedError } from "../errors.js";
import { append } from "../graph/append.js";
import { GraphBuilder, minimumOpset } from "../graph/builder.js";
import { argmax } from "../metrics/index.js";
import { type Engine, sessionBytes } from "../runtime/index.js";
import {
  FitCollector,
  type FitData,
  type FitPart,
  type ScoreDefinition,
  type ScoreName,
  type ScoreOptions,
  scores,
} from "../scores/index.js";
import { checkImageClasses } from "../training/class-names.js";
import { type Classifier, imageShape, inferShapes, logitsModel, normalizationFor } from "../training/classifier.js";
import { type PredictOptions, refuseInfinite } from "../training/predict.js";
import { silent } from "../training/progress.js";
import { runImages } from "../training/run-images.js";
import { chooseOption } from "./choose-option.js";
import { sourceOf } from "./feature-map.js";
import { type Features, featuresExpression, findFeatures } from "./features.js";
import { buildImagePart } from "./image-part.js";
import { buildPart, fittedTo, optionsOf, type ScorePart, takesImage } from "./score-part.js";

export interface FitOptions extends Omit<PredictOptions, "indices"> {
  /** Tensor with the features; default: what goes into the last linear layer. */
  readonly layer?: string | undefined;
  /** Options of the scores, by the name of the score. */
  readonly options?: Readonly<Partial<Record<ScoreName, ScoreOptions>>>;
  /** Most images that are kept as rows, for scores that need more than sums; default 50,000. */
  readonly sample?: number | undefined;
  /** Told of a score that the model or the data do not allow, which is then left out. Default: the error is thrown. */
  readonly onRefusal?: ((name: ScoreName, error: OffmapError) => void) | undefined;
  /** Told in a sentence what the images lack and a fit has made up for, a singular covariance, or how many it has left out. */
  readonly onNote?: ((sentence: string) => void) | undefined;
}

/** Which images are kept where there are too many should not change between two fits. */
const sampleSeed = 1;
const featuresOutput = "offmap.features";

/**
 * @param dataset  in-distribution images; labelled where a score needs labels. Where none does, labels are not looked at, and the model's
 *                 predictions stand for them; scores of the image take no more than their size
 * @throws OptionError for a layer where no score looks at features
 * @throws DataError when a score needs labels and there are none, or finds too little in the data
 * @throws UnsupportedError when the model lacks what a score looks at
 */
export async function fitScores(
  engine: Engine,
  classifier: Classifier,
  dataset: ImageDataset,
  names: readonly ScoreName[],
  { layer, options = {}, sample = 50_000, onRefusal, onNote, ...told }: FitOptions = {},
): Promise<ScorePart[]> {
  const run = { ...told, normalization: normalizationFor(classifier, told.normalization) };
  const shape = imageShape(classifier, dataset.shape);
  const wanted = names.map((name) => ({
    ...{ name, definition: scores[name] as ScoreDefinition, settings: optionsOf(name, options[name]) },
  }));
  if (layer !== undefined && !wanted.some(({ definition }) => looksAtFeatures(definition))) {
    throw new OptionError({
      where: `--layer ${layer}`,
      expected: "a score of features",
      received: names.join(", "),
      hint: "leave --layer out",
    });
  }
  const attempt = async <Result>(name: ScoreName, make: () => Result): Promise<Awaited<Result> | undefined> => {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof OffmapError) || error instanceof CancelledError || onRefusal === undefined) throw error;
      onRefusal(name, error);
      return undefined;
    }
  };
  let features: Features | undefined;
  const allowed: typeof wanted = [];
  for (const one of wanted) {
    await attempt(one.name, () => {
      const { definition } = one;
      if (definition.uses.includes("labels")) {
        requireLabels(dataset);
        checkImageClasses(classifier.model, dataset, inferShapes(classifier, shape).classes);
      }
      if (looksAtFeatures(definition)) {
        features ??= findFeatures(classifier, shape, layer);
        checkHead(definition, features);
        checkMap(definition, features, classifier);
      }
      allowed.push(one);
    });
  }
  const source = features ?? logitsAsFeatures(classifier, shape);
  // Only labels that a score uses have been checked: others may be no classes of the model, and would be lost from the sums.
  const labels = allowed.some(({ definition }) => definition.uses.includes("labels")) ? dataset.labels : undefined;
  const parts = new Set(allowed.flatMap(({ definition }) => definition.reads ?? []));
  if (parts.has("sample") && dataset.length > sample) {
    const readers = allowed.filter(({ definition }) => definition.reads?.includes("sample")).map(({ name }) => name);
    onNote?.(
      `${readers.join(", ")}: fitted to ${sample} of the ${dataset.length} images, drawn by chance; --sample takes more`,
    );
  }
  const collected =
    parts.size === 0
      ? undefined
      : await collect(engine, classifier, dataset, source, parts, { labels, sample, ...run });
  const fitted: ScorePart[] = [];
  for (const { name, definition, settings } of allowed) {
    const part = await attempt(name, async () => {
      const found = collected === undefined ? {} : (definition.fit?.(collected, settings, onNote) ?? {});
      if (takesImage(name)) {
        const of = { classifier, shape, normalization: run.normalization, features, fitted: found };
        const { choice } = definition;
        const isOpen = choice !== undefined && options[name]?.[choice.option] === undefined;
        const chosen = isOpen ? await chooseOption(engine, name, choice, settings, of, dataset, run) : settings;
        return buildImagePart(name, chosen, of);
      }
      return buildPart(name, settings, found, source.classes, source);
    });
    const looksAtImages = definition.fit !== undefined || definition.choice !== undefined;
    if (part !== undefined) {
      fitted.push(fittedTo(part, classifier, looksAtImages ? dataset : undefined, run.normalization));
    }
  }
  return fitted;
}

const looksAtFeatures = ({ uses }: ScoreDefinition): boolean =>
  uses.some((what) => what === "features" || what === "head" || what === "map");

/** Scores of the logits are fitted without a linear last layer too: the logits then stand where features are kept. */
function logitsAsFeatures(classifier: Classifier, shape: readonly [number, number, number]): Features {
  const { classes } = inferShapes(classifier, shape);
  return { tensor: classifier.logits, hasPositions: false, dimension: classes, classes };
}

async function collect(
  engine: Engine,
  classifier: Classifier,
  dataset: ImageDataset,
  features: Features,
  parts: ReadonlySet<FitPart>,
  options: PredictOptions & { labels: Int32Array | undefined; sample: number },
): Promise<FitData> {
  const { labels, sample, normalization, batch = 250, progress = silent, signal } = options;
  const { classes, dimension } = features;
  const head = features.head ?? { weight: new Float32Array(0), bias: new Float32Array(0), classes, dimension };
  const limit = Math.min(sample, dataset.length);
  const graph = new GraphBuilder(minimumOpset);
  const expression = featuresExpression(graph, "tensor", features);
  const model = append(logitsModel(classifier), [
    {
      graph: graph.build({ value: expression }),
      inputs: { tensor: features.tensor },
      outputs: { value: featuresOutput },
      prefix: "offmap/features/",
    },
  ]);
  const collector = await FitCollector.open(engine, head, parts, { generator: createGenerator(sampleSeed), limit });
  try {
    const session = await engine.load(sessionBytes(model));
    const title = `Running the model over ${dataset.name}`;
    await runImages(
      { session, input: classifier.input, dataset, normalization, batch, title, progress, signal },
      async (outputs, before, count) => {
        const logits = outputs[classifier.logits]?.data as Float32Array;
        const values = outputs[featuresOutput]?.data as Float32Array;
        const describe = (row: number) => dataset.describe(before + row);
        refuseInfinite(logits, count, describe, "finite logits");
        refuseInfinite(values, count, describe, "finite features");
        const own = labels?.subarray(before, before + count) ?? argmax(logits, classes);
        await collector.add({ count, features: values, logits, labels: own });
      },
    );
    return collector.data();
  } finally {
    await collector.close();
  }
}

function checkMap({ name, uses }: ScoreDefinition, { map, tensor }: Features, { upgraded }: Classifier): void {
  if (map !== undefined || !uses.includes("map")) return;
  throw new UnsupportedError({
    where: `score ${name}`,
    expected: "a model whose last linear layer takes the means of a tensor [N, C, H, W] over its positions",
    received: `features "${tensor}" from ${sourceOf(upgraded.graph, tensor)?.op ?? "the image itself"}`,
    hint: "use a score of features without positions, such as react or vim",
  });
}

function checkHead({ name, uses }: ScoreDefinition, { head, tensor }: Features): void {
  if (head !== undefined || !uses.includes("head")) return;
  throw new UnsupportedError({
    where: `score ${name}`,
    expected: "the features that the last linear layer takes",
    received: `the tensor "${tensor}", of which the logits are no linear function`,
    hint: "leave --layer out, or choose a score that looks at features alone, such as knn or mahalanobis",
  });
}
