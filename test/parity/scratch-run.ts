// Trains from nothing by files of TrainOptions in JSON, as `offmap train` does:  npx tsx test/parity/scratch-run.ts train|draw OPTIONS.json...
//
// With `draw`, updates change nothing, so that model.onnx and checkpoint.onnx hold the starting values; and what the run drew by chance
// for its updates goes into drawn.onnx beside them, as initializers: `UPDATE/outlier_labels`, `UPDATE/pasted_labels`,
// `UPDATE/pasted_pixels` and `UPDATE/dropout`, with updates counted from 1, and the fixed numbers of Dropout node I as `table/I`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createGenerator } from "../../src/data/index.js";
import { type Model, type Tensor, writeModel } from "../../src/onnx/index.js";
import { tensorOf } from "../../src/ops/index.js";
import { type TrainOptions, train } from "../../src/training/index.js";
import { stepInputs } from "../../src/training/step-inputs.js";
import { type StepBatch, Trainer } from "../../src/training/trainer.js";

/** Twice as many as the largest layer with dropout has units, 32 x 32 x 32 in WRN-40-2. */
const tableLength = 2 * 32 * 32 * 32;

const [mode, ...files] = process.argv.slice(2);
if (mode !== "train" && mode !== "draw") throw new Error("usage: scratch-run.ts train|draw OPTIONS.json...");
const drawn = new Map<string, Tensor>();
if (mode === "draw") {
  Trainer.prototype.step = async (batch, _learningRate, update) => {
    for (const [name, tensor] of Object.entries(drawnFor(batch))) drawn.set(`${update}/${name}`, tensor);
    return { loss: 0, crossEntropy: 0, regularization: 0, inEnergy: 0, outEnergy: 0 };
  };
}
for (const file of files) {
  const options = JSON.parse(readFileSync(file, "utf8")) as TrainOptions;
  drawn.clear();
  await train(options);
  if (mode === "draw") await writeModel(withTables(), join(options.out, "drawn.onnx"));
}

function drawnFor({ sizes: { batch, pastedBatch = 0 }, feeds }: StepBatch): Record<string, Tensor> {
  const { outlierLabels, pastedLabels, dropout } = stepInputs;
  const pixels = feeds.image as Tensor & { readonly data: Float32Array };
  const [rows, ...shape] = pixels.dims as [number, ...number[]];
  const size = pixels.data.length / rows;
  const data = pixels.data.slice(batch * size, (batch + pastedBatch) * size);
  const found: Record<string, Tensor | undefined> = {
    outlier_labels: feeds[outlierLabels],
    pasted_labels: feeds[pastedLabels],
    dropout: feeds[dropout],
    pasted_pixels: pastedBatch === 0 ? undefined : { dtype: "float32", dims: [pastedBatch, ...shape], data },
  };
  return Object.fromEntries(Object.entries(found).flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : [])));
}

/** A model without nodes that holds what was drawn. */
function withTables(): Model {
  const nodes = drawn.get("1/dropout")?.dims[1] ?? 0;
  for (let node = 0; node < nodes; node++) {
    const generator = createGenerator(node).fork("dropout");
    drawn.set(`table/${node}`, tensorOf(Array.from({ length: tableLength }, () => generator.uniform())));
  }
  // A graph must have an output.
  drawn.set("nothing", tensorOf(0));
  const outputs = [{ name: "nothing", dtype: "float32", dims: [] }] as const;
  const graph = { name: "drawn", inputs: [], outputs, nodes: [], initializers: new Map(drawn) };
  return { graph, opset: 18, imports: new Map([["", 18]]), irVersion: 8, producer: "offmap", metadata: new Map() };
}
