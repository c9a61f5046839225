/** The Markdown tables of an experiment: averages with accuracy, then every OOD set on its own. */
import type { Experiment, RunNumbers } from "./protocol.js";
import { meanOver } from "./statistics.js";
import { spread as cell, line as row } from "./sweep-numbers.js";

export function experimentMarkdown(
  experiment: Experiment,
  results: ReadonlyMap<string, readonly RunNumbers[]>,
): string {
  const names = [...results.keys()];
  const sets = Object.keys(results.get(names[0] as string)?.[0]?.sets ?? {});
  const average = (run: RunNumbers, metric: "auroc" | "aupr" | "fpr95") =>
    meanOver(sets.map((set) => run.sets[set]?.[metric] ?? Number.NaN));
  const grouped = experiment.classCounts !== undefined;
  const head = [
    "",
    "score",
    "seeds",
    "accuracy",
    ...(grouped ? ["many", "medium", "few"] : []),
    "AUROC ↑",
    "AP ↑",
    "FPR95 ↓",
  ];
  const averages = names.map((name) => {
    const runs = results.get(name) as readonly RunNumbers[];
    const groups = grouped
      ? (["many", "medium", "few"] as const).map((group) => cell(runs.map((run) => run.groups?.[group] ?? Number.NaN)))
      : [];
    return row([
      name,
      experiment.settings.find((setting) => setting.name === name)?.score ?? "",
      experiment.settings.find((setting) => setting.name === name)?.options === undefined ? "" : String(runs.length),
      cell(runs.map((run) => run.accuracy)),
      ...groups,
      ...(["auroc", "aupr", "fpr95"] as const).map((metric) => cell(runs.map((run) => average(run, metric)))),
    ]);
  });
  const bySet = names.map((name) => {
    const runs = results.get(name) as readonly RunNumbers[];
    const triples = sets.map((set) =>
      (["auroc", "aupr", "fpr95"] as const)
        .map((metric) => meanOver(runs.map((run) => run.sets[set]?.[metric] ?? Number.NaN)).toFixed(2))
        .join(" / "),
    );
    return row([name, ...triples]);
  });
  const margins = names.flatMap((name) => {
    const reason = results.get(name)?.[0]?.tune?.margins?.reason;
    return reason === undefined ? [] : [`- ${name}, seed ${experiment.seeds[0]}: ${reason}`];
  });
  return [
    `## ${experiment.title}`,
    "",
    ...experiment.protocol.map((sentence) => `- ${sentence}`),
    "- Mean ± standard deviation over the seeds in the column `seeds`, every number in percent. A row with one seed says nothing about spread.",
    "",
    "Average over the five OOD sets:",
    "",
    row(head),
    row(head.map((_, index) => (index < 2 ? "---" : "---:"))),
    ...averages,
    "",
    "AUROC / AP / FPR95 on each set, mean over seeds:",
    "",
    row(["", ...sets]),
    row(["---", ...sets.map(() => "---")]),
    ...bySet,
    "",
    ...(margins.length > 0 ? ["Margins chosen automatically or given:", "", ...margins, ""] : []),
  ].join("\n");
}
