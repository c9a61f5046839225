import type { OperatorRule } from "../../src/ops/index.js";

/**
 * The text of `docs/operators.md`.
 *
 * @param rules  every operator Offmap knows
 * @param cases  number of stored PyTorch cases by operator
 */
export function operatorsDoc(rules: readonly OperatorRule[], cases: ReadonlyMap<string, number>): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = rules.map((rule) => {
    const gradient = "none" in rule.gradient ? `none: ${rule.gradient.none}` : rule.summary.gradient;
    const checked = cases.get(rule.op);
    const columns = [
      rule.op,
      rule.summary.shape,
      gradient,
      rule.fold === undefined ? "" : "yes",
      checked === undefined ? "" : String(checked),
    ];
    return `| ${columns.map(cell).join(" | ")} |`;
  });
  return `# Operators

The operators between the freeze boundary and the loss must be among these. Below the boundary ONNX Runtime runs any model, and
Offmap needs no rule. Graphs are built for operator sets 18 to 22; older models are converted to 18 first.

- **Gradient**: x, a, b are inputs, y or z the output, dy or dz its gradient. What happens at kinks and ties is written at the top of
  each family's file in \`src/ops/\`, and is what PyTorch does.
- **Folded**: with known inputs, the result is computed while the graph is built.
- **PyTorch**: number of stored PyTorch results that the CPU provider's outputs and gradients are compared with, in operator sets 18
  (or the operator's first) and 22. Every operator's shape rule is also compared with ONNX Runtime, and every gradient with finite
  differences in double precision.
- WebGPU: not tested.

This file is generated: \`npx vitest run test/gradients/operators-doc.test.ts -u\`.

| Operator | Output shape | Gradient | Folded | PyTorch |
| --- | --- | --- | --- | ---: |
${rows.join("\n")}
`;
}
