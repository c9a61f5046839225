/** Scores of a few numbers that can be checked by hand. */
import { createGenerator } from "../../src/data/index.js";
import { GraphBuilder } from "../../src/graph/builder.js";
import { LocalEngine } from "../../src/runtime/index.js";
import type { FitCollectorOptions } from "../../src/scores/fit/fit-data.js";
import {
  FitCollector,
  type FitData,
  type FitPart,
  type Fitted,
  type Head,
  type ScoreDefinition,
} from "../../src/scores/index.js";
import { runModel } from "../gradients/run-model.js";

const engine = new LocalEngine({ threads: 1 });

/** Collects all that any fit reads. */
export const openCollector = (head: Head, options: Partial<FitCollectorOptions> = {}) =>
  FitCollector.open(engine, head, new Set<FitPart>(["mean", "features", "directions", "sample"]), {
    generator: createGenerator(1),
    ...options,
  });

/** A last layer from its rows of weights; no bias unless given. */
export function headOf(rows: readonly (readonly number[])[], bias = rows.map(() => 0)): Head {
  const [first = []] = rows;
  return {
    weight: Float32Array.from(rows.flat()),
    bias: Float32Array.from(bias),
    classes: rows.length,
    dimension: first.length,
  };
}

/** Fit data of a few images, given as features, logits and label. */
export async function fitTo(
  head: Head,
  images: readonly { z: readonly number[]; f?: readonly number[]; y?: number }[],
): Promise<FitData> {
  const collector = await openCollector(head);
  const zeros = Array.from(head.bias, () => 0);
  await collector.add({
    count: images.length,
    features: Float32Array.from(images.flatMap(({ z }) => z)),
    logits: Float32Array.from(images.flatMap(({ f = zeros }) => f)),
    labels: Int32Array.from(images, ({ y = 0 }) => y),
  });
  return collector.data();
}

/** The score of one image, as ONNX Runtime computes it; logits 0 unless given. */
export async function scoreOne(
  score: ScoreDefinition,
  { head, z, f = Array.from(head.bias, () => 0) }: { head: Head; z: readonly number[]; f?: readonly number[] },
  { options = {}, fitted = {} }: { options?: Readonly<Record<string, number>>; fitted?: Fitted } = {},
): Promise<number> {
  const graph = new GraphBuilder();
  const features = graph.input("features", "float32", ["N", z.length]);
  const logits = graph.input("logits", "float32", ["N", f.length]);
  const result = score.expression({ logits, features, head }, { ...score.defaults, ...options }, fitted);
  const model = graph.model({ score: result });
  const feeds = { features: z, logits: f };
  const given = model.graph.inputs.map(({ name }) => {
    const values = feeds[name as keyof typeof feeds];
    return [name, { dtype: "float32", dims: [1, values.length], data: Float32Array.from(values) }] as const;
  });
  const values = (await runModel(model, Object.fromEntries(given))).get("score")?.data as Float32Array;
  return values[0] as number;
}
