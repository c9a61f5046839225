/** What commands that run a model have in common: open it, run it on a device, and let go of the device whatever happens. */
import type { Normalization, Size } from "../data/index.js";
import { OptionError } from "../errors.js";
import { type Model, readModel } from "../onnx/index.js";
import { createEngine, type Device, type Engine, type EngineOptions } from "../runtime/index.js";
import { asClassifier, type Classifier, normalizationFor } from "../training/index.js";
import { sizeFor } from "./image-size.js";

export interface OpenedClassifier {
  readonly classifier: Classifier;
  /** The one given, else the one the model was tuned with. */
  readonly normalization: Normalization | undefined;
}

export async function openClassifier(path: string, given: Normalization | undefined): Promise<OpenedClassifier> {
  return classifierOf(await readModel(path), path, given);
}

/** {@link openClassifier} for models that are compared; warns where some have a normalisation and others would take pixels without one. */
export async function openClassifiers(
  paths: readonly string[],
  given: Normalization | undefined,
  warn: (sentence: string) => void,
): Promise<readonly OpenedClassifier[]> {
  const opened = await Promise.all(paths.map((path) => openClassifier(path, given)));
  const bare = paths.filter((_, index) => opened[index]?.normalization === undefined);
  if (bare.length > 0 && bare.length < paths.length) {
    warn(
      `${bare.join(", ")} takes pixels from 0 to 1 as they are, where the other models normalize them; if it was trained with a normalization, give it as --normalize`,
    );
  }
  return opened;
}

/** {@link openClassifier} for a model that has been read. */
export function classifierOf(model: Model, path: string, given: Normalization | undefined): OpenedClassifier {
  const classifier = asClassifier(model, path);
  return { classifier, normalization: normalizationFor(classifier, given) };
}

/**
 * Channels, height and width of images without a dataset to tell: the model's own, and the size asked for where it takes any.
 *
 * @param file  how errors call the model
 * @throws OptionError for a model that takes any number of channels, or any size where none is asked for
 */
export function shapeFor({ shape }: Classifier, asked: Size | undefined, file: string): [number, number, number] {
  const { height, width } = sizeFor(shape, asked);
  const [channels] = shape;
  if (channels !== undefined) return [channels, height, width];
  throw new OptionError({
    where: file,
    expected: "a model that takes images of a known number of channels",
    received: "one that takes any",
    hint: "export it with a fixed second dimension",
  });
}

/** The engine options of a command. */
interface EngineChoice {
  readonly device?: Device | undefined;
  readonly threads?: number | undefined;
}

export async function withEngine<Result>(
  options: EngineChoice,
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const engine = await createEngine(engineChoice(options));
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

export function engineChoice({ device, threads }: EngineChoice): EngineOptions {
  return { ...(device === undefined ? {} : { device }), ...(threads === undefined ? {} : { threads }) };
}
