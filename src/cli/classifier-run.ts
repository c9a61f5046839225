/** What commands that run a model have in common: open it, run it on a device, and let go of the device whatever happens. */
import type { Normalization } from "../data/index.js";
import { OptionError } from "../errors.js";
import { type Model, readModel } from "../onnx/index.js";
import { createEngine, type Device, type Engine, type EngineOptions } from "../runtime/index.js";
import { asClassifier, type Classifier, normalizationFor } from "../training/index.js";

export interface OpenedClassifier {
  readonly classifier: Classifier;
  /** The one given, else the one the model was tuned with. */
  readonly normalization: Normalization | undefined;
}

export async function openClassifier(path: string, given: Normalization | undefined): Promise<OpenedClassifier> {
  return classifierOf(await readModel(path), path, given);
}

/** {@link openClassifier} for a model that has been read. */
export function classifierOf(model: Model, path: string, given: Normalization | undefined): OpenedClassifier {
  const classifier = asClassifier(model, path);
  return { classifier, normalization: normalizationFor(classifier, given) };
}

/** Channels, height and width that a model takes. @throws OptionError for one that takes any */
export function onlyShape({ shape }: Classifier, where: string): readonly [number, number, number] {
  const [channels, height, width] = shape;
  if (channels !== undefined && height !== undefined && width !== undefined) return [channels, height, width];
  throw new OptionError({
    where,
    expected: "a model that takes images of one size",
    received: "one that takes any",
    hint: "export it with fixed height and width",
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
