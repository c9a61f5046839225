// Numbers by test/reference/training-terms.py (PyTorch, float64).
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { gradients } from "../graph/differentiate.js";
import { encodeModel } from "../onnx/index.js";
import { type Expr, tensorOf } from "../ops/index.js";
import { LocalEngine } from "../runtime/index.js";
import { fitTerm } from "./fit-term.js";

interface Reference {
  logits: number[][];
  labels: number[];
  partners: number[];
  ownShare: number[];
  counts: number[];
  cases: { labelSmoothing: number; logitAdjustment: number; mixed: boolean; value: number; gradient: number[] }[];
}
const { fitTerms } = JSON.parse(
  readFileSync(new URL("../../test/reference/training-terms.json", import.meta.url), "utf8"),
) as { fitTerms: Reference };

async function valueAndGradient(c: Reference["cases"][number], abstentionClasses = 0) {
  const { labels, partners, ownShare, counts } = fitTerms;
  // Logits of abstention classes far below all others leave the softmax as it is.
  const rows = fitTerms.logits.map((row) => [...row, ...new Array<number>(abstentionClasses).fill(-1e4)]);
  const graph = new GraphBuilder();
  const dims = [rows.length, (rows[0] as number[]).length];
  const logits = graph.input("logits", "float32", dims);
  const mixed = { labels: graph.constant(tensorOf(partners, "int64")), ownShare: graph.constant(tensorOf(ownShare)) };
  const value = fitTerm(
    {
      logits,
      labels: graph.constant(tensorOf(labels, "int64")),
      classCounts: counts,
      ...(c.mixed ? { mixed } : {}),
    },
    c,
  );
  const [gradient] = gradients(graph, value, [logits]) as [Expr];
  const session = await new LocalEngine().load(encodeModel(graph.model({ value, gradient })));
  const found = await session.run({ logits: tensorOf(rows.flat(), "float32", dims) });
  await session.release();
  return { value: found.value?.data[0] as number, gradient: Array.from(found.gradient?.data as Float32Array) };
}

test.each(fitTerms.cases)(
  "smoothing $labelSmoothing, adjustment $logitAdjustment, mixed $mixed: value and gradient are PyTorch's",
  async (c) => {
    const { value, gradient } = await valueAndGradient(c);
    expect(Math.abs(value / c.value - 1)).toBeLessThan(1e-6);
    const largest = Math.max(...c.gradient.map(Math.abs));
    gradient.forEach((slope, place) => {
      expect(Math.abs(slope - (c.gradient[place] as number))).toBeLessThan(2e-6 * largest);
    });
  },
);

test("an abstention class is no target, smoothed or not, and gets no advantage from class counts", async () => {
  const plain = fitTerms.cases.filter(({ mixed }) => !mixed);
  expect(new Set(plain.map(({ labelSmoothing }) => labelSmoothing > 0))).toEqual(new Set([true, false]));
  for (const each of plain) expect((await valueAndGradient(each, 2)).value).toBeCloseTo(each.value, 5);
});
