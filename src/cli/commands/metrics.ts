import { percentage } from "../../report/format.js";
import { defineCommand } from "../command.js";
import { text } from "../parsers.js";
import { shared } from "../shared-options.js";

export const metrics = defineCommand({
  name: "metrics",
  summary: "AUROC, AUPR and FPR95 of OOD scores you already have.",
  description:
    "Computes the detection metrics of scores in two NPY files, exactly, ties included. Scores are higher for more out-of-distribution; OOD is the positive class.",
  options: {
    id: {
      placeholder: "FILE",
      required: true,
      help: "NPY file (float32 or float64, 1-D) with the scores of in-distribution images",
      parser: text("the path of an NPY file"),
    },
    ood: {
      placeholder: "FILE",
      required: true,
      help: "NPY file with the scores of out-of-distribution images",
      parser: text("the path of an NPY file"),
    },
    preset: shared.metricPreset,
  },
  examples: [
    { does: "Metrics by the rules of the paper's code", line: "metrics --id id.npy --ood ood.npy" },
    {
      does: "As OpenOOD v1.5 computes them, for a script",
      line: "metrics --id id.npy --ood ood.npy --preset openood --json",
    },
  ],
  async run({ id, ood, preset = "official" }, io) {
    const { detectionMetrics, presets } = await import("../../metrics/index.js");
    const { readScores } = await import("../score-files.js");
    const result = detectionMetrics(await readScores(id), await readScores(ood), { preset });
    await io.write({ ...result, preset }, () => {
      const { title, describes } = presets[preset];
      return [
        `AUROC  ${percentage(result.auroc)} %`,
        `AUPR   ${percentage(result.aupr)} %  (${describes.aupr})`,
        `FPR95  ${percentage(result.fpr95)} %  (${describes.fpr})`,
        `${result.n_id} in-distribution and ${result.n_ood} OOD scores, OOD positive, preset ${preset} (${title})`,
      ].join("\n");
    });
  },
});
