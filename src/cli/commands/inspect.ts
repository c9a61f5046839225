import type { ModelInspection } from "../../graph/inspect.js";
import { count } from "../../report/format.js";
import { inColumns } from "../columns.js";
import { defineCommand } from "../command.js";
import { text } from "../parsers.js";

export const inspect = defineCommand({
  name: "inspect",
  summary: "What a model is made of, and what fine-tuning could train.",
  description:
    "Shows inputs, outputs, parameters and operators of an ONNX model, which operators training can go through, and where --train head would cut it.",
  options: {
    model: {
      positional: true,
      placeholder: "MODEL",
      required: true,
      help: "ONNX file",
      parser: text("the path of an ONNX file"),
    },
  },
  examples: [
    { does: "Look at a model before tuning it", line: "inspect model.onnx" },
    {
      does: "All parameter names, for patterns of --train",
      line: "inspect model.onnx --json | jq -r '.parameters.list[].name'",
    },
  ],
  async run({ model }, io) {
    const { readModel } = await import("../../onnx/index.js");
    const { inspectModel } = await import("../../graph/inspect.js");
    const inspection = inspectModel(await readModel(model));
    await io.write({ model, ...inspection }, () => inspectionText(model, inspection));
  },
});

const supports = { rule: "trainable through", none: "no derivative", missing: "NO RULE" } as const;
/** More names than this are left to `--json`. */
const mostNames = 12;
const mostBlocked = 3;

function inspectionText(path: string, found: ModelInspection): string {
  const { parameters, head, blocked } = found;
  const values = (list: ModelInspection["inputs"]) =>
    list.map(
      ({ name, dtype, dims }) => `  ${name}  ${dtype} ${dims === null ? "of unknown shape" : `[${dims.join(", ")}]`}`,
    );
  const operators = found.operators.map(({ op, domain, count: times, gradient }) => [
    `  ${domain === "" ? op : `${domain}.${op}`}`,
    String(times),
    supports[gradient],
  ]);
  const listed = parameters.list
    .slice(0, mostNames)
    .map(({ name, dims, op }) => [`  ${name}`, `[${dims.join(", ")}]`, op]);
  const more = parameters.list.length - listed.length;
  return [
    `${path}: opset ${found.opset}, IR version ${found.ir_version}${found.producer === "" ? "" : `, made by ${found.producer}`}`,
    "",
    "Inputs",
    ...values(found.inputs),
    "Outputs",
    ...values(found.outputs),
    ...(found.ends_in_softmax ? ["  ends in a Softmax: Offmap trains and scores what goes into it"] : []),
    "",
    `Parameters: ${count(parameters.count)} numbers in ${parameters.list.length} tensors`,
    ...inColumns(listed),
    ...(more > 0 ? [`  ... and ${more} more (--json lists all)`] : []),
    "",
    "Operators",
    ...inColumns(operators, ["left", "right"]),
    "",
    ...(head === null
      ? ["--train head: the model has no layer with weights"]
      : [
          `--train head trains ${count(head.count)} numbers (${head.parameters.join(", ")})`,
          `  from node ${head.node} (${head.op}) on; everything up to ${head.features.join(", ")} stays as it is`,
        ]),
    blockedText("head", blocked.head),
    blockedText("all", blocked.all),
  ].join("\n");
}

function blockedText(selection: string, nodes: readonly string[]): string {
  if (nodes.length === 0) return `--train ${selection} is possible`;
  const shown = nodes.slice(0, mostBlocked).join(", ");
  const more = nodes.length - mostBlocked;
  return `--train ${selection} is not possible: no gradient rule for ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}
