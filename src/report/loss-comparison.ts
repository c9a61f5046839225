/** The report of a comparison of losses: the untouched model against itself tuned with each of them. */
import type { ComparedModel, LossComparison } from "../benchmarks/index.js";
import { type LossName, losses } from "../losses/index.js";
import { presets } from "../metrics/index.js";
import type { LogRow, Prior } from "../training/index.js";
import { modelResult } from "./model-result.js";
import type { ModelResult, Report } from "./types.js";

export interface ComparisonReportOptions {
  readonly title: string;
  readonly comparison: LossComparison;
  readonly classNames: readonly string[];
  readonly prior: Prior;
  /** Training logs by loss. */
  readonly logs: Readonly<Record<string, readonly LogRow[]>>;
  /** Where the outliers come from and what was trained, for the first sentence: "2,500 Tiny-ImageNet images". */
  readonly outliers: string;
  readonly facts: Report["facts"];
  readonly notes: Report["notes"];
}

export async function comparisonReport(options: ComparisonReportOptions): Promise<Report> {
  const { comparison, classNames, prior, logs } = options;
  const { models, test, ood } = comparison;
  const results: ModelResult[] = [];
  for (const { name, evaluation, scores } of models) {
    const training = logs[name];
    results.push(await modelResult({ name, evaluation, ood, classNames, scores, ...(training ? { training } : {}) }));
  }
  const preset = presets[models[0]?.evaluation.preset ?? "official"];
  return {
    title: options.title,
    summary: [whatWasDone(models, options.outliers), whatCameOfIt(models)],
    protocol:
      `In-distribution: ${test.length} test images; OOD sets: ${ood.map((set) => `${set.name} (${set.length})`).join(", ")}. OOD is the ` +
      `positive class. Rules of the ${preset.source}: AUPR is ${preset.describes.aupr}; FPR95 is the false positive rate ${preset.describes.fpr} of 95 %.`,
    models: results,
    baseline: "untouched",
    prior: { classNames, share: prior.prior, outliers: prior.outliers },
    facts: options.facts,
    notes: options.notes,
  };
}

function whatWasDone(models: readonly ComparedModel[], outliers: string): string {
  const names = models.filter(({ result }) => result !== undefined).map(({ name }) => losses[name as LossName].title);
  const list = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join();
  const steps = models.find(({ result }) => result !== undefined)?.result?.steps ?? 0;
  return `The model was fine-tuned for ${steps} steps with ${outliers} as outliers, once each with ${list}, and compared with itself untouched on OOD images that none of the runs had seen.`;
}

/** Names the model with the lowest average FPR95, whichever it is. */
function whatCameOfIt(models: readonly ComparedModel[]): string {
  const summaries = models.map(({ name, evaluation, scores }) => {
    const average = evaluation.average.find(({ score }) => score === headlineScore(scores));
    return { name, fpr95: average?.fpr95 ?? Number.NaN, accuracy: evaluation.id.accuracy ?? Number.NaN };
  });
  const baseline = summaries[0] as (typeof summaries)[number];
  const best = summaries.reduce((a, b) => (b.fpr95 < a.fpr95 ? b : a));
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  if (best === baseline) {
    return `None of the losses lowered the average rate of false alarms at 95 % recall below the untouched model's ${percent(baseline.fpr95)}.`;
  }
  return (
    `With ${losses[best.name as LossName].title} the average rate of false alarms at 95 % recall went from ` +
    `${percent(baseline.fpr95)} to ${percent(best.fpr95)}, and accuracy from ${percent(baseline.accuracy)} to ${percent(best.accuracy)}.`
  );
}

/** Energy where it was computed: the score all models share. */
function headlineScore(scores: readonly string[]): string {
  return scores.includes("energy") ? "energy" : (scores.at(-1) as string);
}
