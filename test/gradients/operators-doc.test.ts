import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { allRules, frozenOnlyOperators } from "../../src/ops/index.js";
import type { WebGpuSurvey } from "../webgpu/survey.js";
import { storedCases } from "./index.js";
import { operatorsDoc } from "./operators-doc.js";

const families = readdirSync(new URL("../reference/operators/", import.meta.url)).map((file) =>
  file.replace(".json", ""),
);
const cases = new Map<string, number>();
for (const { op } of families.flatMap(storedCases)) cases.set(op, (cases.get(op) ?? 0) + 1);
const survey = JSON.parse(
  readFileSync(new URL("../../docs/operators-webgpu.json", import.meta.url), "utf8"),
) as WebGpuSurvey;

test("docs/operators.md says what the rules say; run this file with -u to write it anew", async () => {
  await expect(operatorsDoc(allRules(), cases, survey, frozenOnlyOperators())).toMatchFileSnapshot(
    "../../docs/operators.md",
  );
});

test("no operator has a gradient rule that was never compared with PyTorch", () => {
  const unchecked = allRules().filter((rule) => !("none" in rule.gradient) && !cases.has(rule.op));
  expect(unchecked.map((rule) => rule.op)).toEqual([]);
});
