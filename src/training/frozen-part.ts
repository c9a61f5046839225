import { type Engine, type Session, sessionBytes } from "../runtime/index.js";
import { FeatureStore } from "./feature-store.js";
import type { FeatureStores } from "./predictions.js";
import type { Progress } from "./progress.js";
import type { RunInputs } from "./run-inputs.js";

export interface FrozenPart {
  readonly stores?: FeatureStores;
  readonly prefix?: Session;
  close(): Promise<void>;
}

/** The frozen part of a run's model: its features stored beforehand when images are always the same, else run on every batch. */
export async function openFrozenPart(
  engine: Engine,
  { plan, id, outliers, normalization }: RunInputs,
  augment: boolean,
  run: { progress: Progress; signal: AbortSignal | undefined },
): Promise<FrozenPart> {
  if (plan.prefix === undefined) return { close: async () => {} };
  if (augment) {
    const prefix = await engine.load(sessionBytes(plan.prefix));
    return { prefix, close: () => prefix.release() };
  }
  const options = { normalization, ...run };
  const ofId = await FeatureStore.open(engine, plan, id, options);
  try {
    const ofOutliers = outliers === undefined ? undefined : await FeatureStore.open(engine, plan, outliers, options);
    const close = async () => {
      await ofId.close();
      await ofOutliers?.close();
    };
    return { stores: { id: ofId, outliers: ofOutliers }, close };
  } catch (error) {
    await ofId.close();
    throw error;
  }
}
