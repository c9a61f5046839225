/** Real features, logits and scores of posthoc.py, and what a score of ours makes of the same. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { GraphBuilder } from "../../src/graph/builder.js";
import type { FitData, Fitted, Head, ScoreDefinition } from "../../src/scores/index.js";
import { runModel } from "../gradients/run-model.js";
import { openCollector } from "./tiny-scores.js";

interface Case {
  readonly options: Readonly<Record<string, number>>;
  readonly fitted: Readonly<Record<string, unknown>>;
  readonly scores: readonly number[];
}
interface Reference {
  readonly data: {
    readonly arrays: Readonly<Record<string, { readonly offset: number; readonly dims: readonly number[] }>>;
  };
  readonly fitLabels: readonly number[];
  readonly queryOod: readonly number[];
  readonly predictions: readonly number[];
  readonly scores: Readonly<Record<string, readonly Case[]>>;
}

const at = (name: string) => new URL(`./posthoc/${name}`, import.meta.url);
const reference = JSON.parse(readFileSync(at("posthoc.json"), "utf8")) as Reference;
const bytes = readFileSync(at("data.f32"));
const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

function array(name: string): Float32Array {
  const { offset, dims } = reference.data.arrays[name] as { offset: number; dims: readonly number[] };
  return numbers.slice(offset, offset + dims.reduce((product, size) => product * size, 1));
}

/** ResNet-20 on CIFAR-10: 10 classes, 64 features. */
export const head: Head = { weight: array("W"), bias: array("b"), classes: 10, dimension: 64 };
const queries = 80;

/** Sums over, and rows of, the 500 images that scores are fitted to. */
export async function fitData(): Promise<FitData> {
  const collector = await openCollector(head);
  const labels = Int32Array.from(reference.fitLabels);
  await collector.add({ count: labels.length, features: array("fitFeatures"), logits: array("fitLogits"), labels });
  return collector.data();
}

/** The stored cases of a score. */
export const casesOf = (name: string): readonly Case[] => reference.scores[name] ?? [];

/** The scores of the 80 query images, as ONNX Runtime computes the expression. */
export async function scoreQueries(
  score: ScoreDefinition,
  options: Case["options"],
  fitted: Fitted,
): Promise<Float32Array> {
  const graph = new GraphBuilder();
  const logits = graph.input("logits", "float32", ["N", head.classes]);
  const features = graph.input("features", "float32", ["N", head.dimension]);
  const result = score.expression({ logits, features, head }, { ...score.defaults, ...options }, fitted);
  expect(result.dims).toEqual(["N"]);
  const model = graph.model({ score: result });
  const feeds = {
    logits: { dtype: "float32", dims: [queries, head.classes], data: array("queryLogits") },
    features: { dtype: "float32", dims: [queries, head.dimension], data: array("queryFeatures") },
  } as const;
  const read = Object.fromEntries(model.graph.inputs.map(({ name }) => [name, feeds[name as keyof typeof feeds]]));
  return (await runModel(model, read)).get("score")?.data as Float32Array;
}

/**
 * Fits a score and compares its 80 values with those of the reference.
 *
 * @param tolerance  relative to the value, or to `termSize` where the value is a smaller difference of terms of that size
 */
export async function expectReference(
  score: ScoreDefinition,
  stored: Case,
  { tolerance = 1e-5, termSize = 0 } = {},
): Promise<void> {
  const options = { ...score.defaults, ...stored.options };
  const fitted = score.fit?.(await fitData(), options) ?? {};
  const values = await scoreQueries(score, options, fitted);
  expect(values).toHaveLength(stored.scores.length);
  stored.scores.forEach((expected, index) => {
    const error = Math.abs((values[index] as number) - expected) / Math.max(Math.abs(expected), termSize);
    expect(error, `query ${index}: ${values[index]}, expected ${expected}`).toBeLessThan(tolerance);
  });
}
