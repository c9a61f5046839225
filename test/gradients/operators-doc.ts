import type { OperatorRule } from "../../src/ops/index.js";
import type { WebGpuSurvey } from "../webgpu/survey.js";
import { webGpuCell, webGpuFailures, webGpuTraining } from "../webgpu/survey-text.js";

/**
 * The text of `docs/operators.md`.
 *
 * @param rules  every operator Offmap knows
 * @param cases  number of stored PyTorch cases by operator
 * @param webGpu what came of running the operators on WebGPU
 * @param frozenOnly operators that only frozen parts may have
 */
export function operatorsDoc(
  rules: readonly OperatorRule[],
  cases: ReadonlyMap<string, number>,
  webGpu: WebGpuSurvey,
  frozenOnly: readonly string[],
): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const list = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join("\n");
  const { adapter, chromium, "onnxruntime-web": runtime, opset } = webGpu.environment;
  const rows = rules.map((rule) => {
    const gradient = "none" in rule.gradient ? `none: ${rule.gradient.none}` : rule.summary.gradient;
    const checked = cases.get(rule.op);
    const columns = [
      rule.op,
      rule.summary.shape,
      gradient,
      rule.fold === undefined ? "" : "yes",
      checked === undefined ? "" : String(checked),
      webGpuCell(rule.op, webGpu.operators[rule.op]),
    ];
    return `| ${columns.map(cell).join(" | ")} |`;
  });
  return `# Operators

The operators between the freeze boundary and the loss must be among these. Below the boundary, and in models that are only scored, calibrated
or exported, there may be these too: ${frozenOnly.join(", ")}: quantized networks can be guarded, and trained above what is quantized.
Graphs are built for operator sets 18 to 22; older models are converted to 18 first.

- **Gradient**: x, a, b are inputs, y or z the output, dy or dz its gradient. What happens at kinks and ties is written at the top of
  each family's file in \`src/ops/\`, and is what PyTorch does.
- **Folded**: with known inputs, the result is computed while the graph is built.
- **PyTorch**: number of stored PyTorch results that the CPU provider's outputs and gradients are compared with, in operator sets 18
  (or the operator's first) and 22. Every operator's shape rule is also compared with ONNX Runtime, and every gradient with finite
  differences in double precision.
- **WebGPU, as tested**: the same cases on ONNX Runtime's WebGPU provider, outputs and gradients compared with the CPU provider's.
  "yes": every node ran on WebGPU and the results agree. "on CPU": they agree, but ONNX Runtime placed the operator, or the named nodes
  of the graph, on the CPU, which copies tensors back and forth. "fail": listed below. "folded": computed while the graph is built.
  Tested with onnxruntime-web ${runtime} in Chromium ${chromium}, adapter ${adapter}, operator set ${opset}: \`npm run docs:webgpu\`.

This file is generated: \`npx vitest run test/gradients/operators-doc.test.ts -u\`.

| Operator | Output shape | Gradient | Folded | PyTorch | WebGPU, as tested |
| --- | --- | --- | --- | ---: | --- |
${rows.join("\n")}

## What fails on WebGPU

A message that gives two numbers compares WebGPU's with the CPU's.

${list(webGpuFailures(webGpu))}

## A training step's pieces on WebGPU

${list(webGpuTraining(webGpu))}
`;
}
