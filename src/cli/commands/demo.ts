import { percentage } from "../../report/format.js";
import { defineCommand } from "../command.js";
import { engineOptions } from "../global-options.js";
import { integer, text } from "../parsers.js";

export const demo = defineCommand({
  name: "demo",
  summary: "See it work on real images inside the package, in three minutes.",
  description:
    "Takes a CIFAR-10 classifier and images that come with Offmap, measures the prior, fine-tunes with outlier exposure, the energy loss and the balanced energy loss, compares all with the untouched model on five OOD sets, and writes a report.",
  options: {
    out: {
      placeholder: "DIR",
      help: "folder for report and models",
      default: "offmap-demo",
      parser: text("the path of a folder"),
    },
    seed: {
      placeholder: "S",
      help: "start of all randomness",
      default: "1",
      parser: integer({ min: 0, max: 2 ** 31 - 1 }),
    },
    ...engineOptions,
  },
  examples: [{ does: "Run it and open offmap-demo/report.html", line: "demo" }],
  async run({ out = "offmap-demo", seed = 1, device, threads }, io) {
    const started = performance.now();
    const { runDemo } = await import("../demo.js");
    const { engineChoice } = await import("../classifier-run.js");
    const { priorDocument } = await import("../prior-document.js");
    const { renderTextTable } = await import("../../report/index.js");
    const { comparison, prior, report, reportPath } = await runDemo(
      { out, seed, engine: engineChoice({ device, threads }) },
      io,
    );
    const seconds = (performance.now() - started) / 1000;
    const document = {
      models: comparison.models.map(({ name, evaluation: { id, rows, average }, result }) => ({
        name,
        id,
        rows,
        average,
        ...(result === undefined ? {} : { tune: result }),
      })),
      prior: priorDocument(prior),
      seconds,
      report: reportPath,
    };
    await io.write(document, () =>
      [
        ...report.models.flatMap(({ name, accuracy }) =>
          accuracy === undefined ? [] : [`${name}: accuracy ${percentage(accuracy)} %`],
        ),
        renderTextTable(
          report.models.flatMap(({ rows }) => rows),
          { width: io.columns, color: io.color, baseline: report.baseline },
        ),
        report.summary[1],
        `report: ${reportPath} (${seconds.toFixed(0)} s)`,
      ].join("\n"),
    );
  },
});
