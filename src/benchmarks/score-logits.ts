import { GraphBuilder } from "../graph/builder.js";
import { encodeModel } from "../onnx/index.js";
import type { Engine } from "../runtime/index.js";
import { type ScoreDefinition, type ScoreName, scores } from "../scores/index.js";

/**
 * Scores rows of logits by the same expressions that training and export use.
 *
 * @param logits  float32 [N, K] row by row
 * @returns for each score one number per row, higher for more out-of-distribution
 */
export async function scoreLogits(
  engine: Engine,
  logits: Float32Array,
  classes: number,
  names: readonly ScoreName[],
): Promise<Record<string, Float32Array>> {
  const graph = new GraphBuilder();
  const input = graph.input("logits", "float32", ["N", classes]);
  const expressions = names.map((name) => {
    const score: ScoreDefinition = scores[name];
    return [name, score.expression({ logits: input }, score.defaults, {})] as const;
  });
  const outputs = Object.fromEntries(expressions);
  const session = await engine.load(encodeModel(graph.model(outputs, "scores")));
  try {
    const results = await session.run({
      logits: { dtype: "float32", dims: [logits.length / classes, classes], data: logits.slice() },
    });
    return Object.fromEntries(names.map((name) => [name, results[name]?.data as Float32Array]));
  } finally {
    await session.release();
  }
}
