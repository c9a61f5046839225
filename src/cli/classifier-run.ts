/** What commands that run a model have in common: open it, run it on a device, and let go of the device whatever happens. */
import type { Normalization } from "../data/index.js";
import { readModel } from "../onnx/index.js";
import { createEngine, type Device, type Engine, type EngineOptions } from "../runtime/index.js";
import { asClassifier, type Classifier, normalizationFor } from "../training/index.js";

export interface OpenedClassifier {
  readonly classifier: Classifier;
  /** The one given, else the one the model was tuned with. */
  readonly normalization: Normalization | undefined;
}

export async function openClassifier(path: string, given: Normalization | undefined): Promise<OpenedClassifier> {
  const classifier = asClassifier(await readModel(path), path);
  return { classifier, normalization: normalizationFor(classifier, given) };
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
