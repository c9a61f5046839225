/**
 * What the sweeps of classifiers say: the balanced loss against EnergyOE from the same pretrained networks, seed by seed, and against how
 * uneven the prior is. Writes docs/results/classification.md and a bar chart of each prior, from the numbers that `offmap bench` has left.
 *
 *   npx tsx bench/experiments/classification.ts [--sweeps docs/results/sweeps] [--out docs/results]
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type RunNumbers, readNumbers } from "../../src/benchmarks/sweep/results.js";
import { writeFileAtomic } from "../../src/files.js";
import { renderPriorChart } from "../../src/report/prior-chart.js";
import { deviationOver, meanOver } from "./protocol.js";

const { values: flags } = parseArgs({
  options: {
    sweeps: { type: "string", default: "docs/results/sweeps" },
    out: { type: "string", default: "docs/results" },
  },
});

/** Tables of one sweep each, and the environment of its command. */
const tables = [
  { name: "small-cifar10", recipes: "small/cifar10", models: true, images: "CIFAR-10" },
  { name: "small-cifar10-lt", recipes: "small/cifar10-lt", models: false, images: "CIFAR-10-LT" },
  { name: "small-cifar100-lt", recipes: "small/cifar100-lt", models: false, images: "CIFAR-100-LT" },
] as const;
const [baseline, balanced, pretrained] = ["energy-tune", "balanced-energy", "st-msp"] as const;
const score = "energy";

/** Runs of one row by seed. */
type Row = ReadonlyMap<number, RunNumbers>;

async function rowsOf(sweep: string, table: string): Promise<Map<string, Row>> {
  const folder = join(flags.sweeps, sweep, "results", table);
  const rows = new Map<string, Row>();
  for (const row of (await names(folder)).sort()) {
    const runs = new Map<number, RunNumbers>();
    for (const file of await names(join(folder, row))) {
      const numbers = await readNumbers(join(folder, row, file));
      if (numbers !== undefined) runs.set(numbers.seed, numbers);
    }
    rows.set(row, runs);
  }
  return rows;
}

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

type Measure = (run: RunNumbers) => number | null | undefined;
const auroc: Measure = (run) => run.scores[score]?.average.auroc;
const fpr95: Measure = (run) => run.scores[score]?.average.fpr95;
const accuracy: Measure = (run) => run.accuracy;
/** What is compared; percent. */
const measures: Readonly<Record<string, Measure>> = {
  "AUROC ↑": auroc,
  "AP ↑": (run) => run.scores[score]?.average.aupr,
  "FPR95 ↓": fpr95,
  accuracy,
  many: (run) => run.groups?.many,
  medium: (run) => run.groups?.medium,
  few: (run) => run.groups?.few,
};

/** Differences of two rows, b - a, over the seeds that both have; percent points. */
function differences(a: Row | undefined, b: Row | undefined, of: Measure) {
  return [...(a ?? [])]
    .sort(([one], [other]) => one - other)
    .flatMap(([seed, run]) => {
      const other = b?.get(seed);
      const [before, after] = [of(run), other && of(other)];
      return before == null || after == null ? [] : [100 * (after - before)];
    });
}

const spread = (values: readonly number[], sign = false): string => {
  if (values.length === 0) return "";
  const mean = meanOver(values);
  const text = `${sign && mean > 0 ? "+" : ""}${mean.toFixed(2)}`;
  return values.length === 1 ? text : `${text} ± ${deviationOver(values).toFixed(2)}`;
};
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const grid = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");

/** Classes among which so uneven shares would be as even: the exponential of their entropy. */
const effectiveClasses = (share: readonly number[]) =>
  Math.exp(-share.reduce((sum, part) => sum + (part > 0 ? part * Math.log(part) : 0), 0));

const found = await Promise.all(
  tables.map(async (table) => ({ ...table, rows: await rowsOf(table.name, table.name) })),
);
const ablation = await rowsOf("small-cifar10-lt", "small-cifar10-lt-ablation");

const against = (rows: ReadonlyMap<string, Row>, names: readonly string[], reference: string) =>
  names.map((name) => [
    name,
    String(differences(rows.get(reference), rows.get(name), auroc).length),
    ...Object.values(measures).map((of) => spread(differences(rows.get(reference), rows.get(name), of), true)),
  ]);

const sections = found.flatMap(({ name, images, rows }) => {
  const others = [...rows.keys()].filter(
    (row) => row !== baseline && differences(rows.get(baseline), rows.get(row), auroc).length > 0,
  );
  if (others.length === 0) return [];
  const own = Object.values(measures).map((of) =>
    spread([...(rows.get(baseline)?.values() ?? [])].flatMap((run) => of(run) ?? []).map((value) => 100 * value)),
  );
  const seeds = rows.get(baseline)?.size ?? 0;
  return [
    `### ${images}\n`,
    grid(
      [`less \`${baseline}\``, "seeds", ...Object.keys(measures)],
      [[`\`${baseline}\` itself`, String(seeds), ...own], ...against(rows, others, baseline)],
    ),
    `\nAll rows and each OOD set: [sweeps/${name}/table.md](sweeps/${name}/table.md).\n`,
  ];
});

const priors = found.flatMap(({ name, images, rows }) => {
  const runs = [...(rows.get(pretrained)?.values() ?? [])].flatMap(({ prior }) => prior ?? []);
  const [first] = runs;
  if (first === undefined) return [];
  const share = first.share.map((_, index) => meanOver(runs.map((run) => run.share[index] as number)));
  const classNames = share.map((_, index) => first.class_names?.[index] ?? `class ${index}`);
  return [{ name, images, rows, share, classNames, outliers: first.outliers, seeds: runs.length }];
});
for (const { name, share, classNames, outliers } of priors) {
  const chart = renderPriorChart({ classNames, share, outliers });
  await writeFileAtomic(join(flags.out, `classification-prior-${name}.svg`), chart);
}
const imbalance = priors.map(({ images, rows, share, seeds }) => [
  images,
  String(seeds),
  (100 * Math.max(...share)).toFixed(1),
  (100 * Math.min(...share)).toFixed(2),
  `${effectiveClasses(share).toFixed(1)} of ${share.length}`,
  ...[auroc, fpr95, accuracy].map((of) => spread(differences(rows.get(baseline), rows.get(balanced), of), true)),
]);
const ablated = [...ablation.keys()].filter((row) => row !== "alpha-0-gamma-0" && (ablation.get(row)?.size ?? 0) > 0);

const document = `# Classification

Written by \`npx tsx bench/experiments/classification.ts\` from the numbers of these sweeps, each with its protocol above its tables; the column n there says how many seeds
are finished:

${tables
  .map(
    ({ name, recipes, models, images }) =>
      `- ${images}: [sweeps/${name}/table.md](sweeps/${name}/table.md), by \`OFFMAP_DATA=DIR ${models ? "OFFMAP_MODELS=DIR " : ""}offmap bench ${recipes}${name === "small-cifar10-lt" ? " small/cifar10-lt-ablation" : ""} --seeds 1,2,3 --out docs/results/sweeps/${name}\``,
  )
  .join("\n")}

OOD sets and outliers stand in for those of the papers, and no number here is comparable with a cell of them. Nothing was chosen on a test set. Percent and percent points; with more
than one seed the mean ± the sample standard deviation over seeds.

## Against EnergyOE, from the same pretrained networks

Each row less EnergyOE (\`${baseline}\`, fine-tuned) **of the same seed**, so that what the pretrained networks differ in drops out; score \`${score}\`, means over the OOD sets. \`many\`,
\`medium\` and \`few\` are accuracies of the groups of classes by their number of training images. The first row is EnergyOE itself, whose ± is what seeds make of it. One seed says nothing about spread.

${sections.join("\n")}
## The prior

Which classes the pretrained networks take the outliers for, and what the balanced loss gains over EnergyOE:

${grid(["", "seeds of the prior", "largest share", "smallest share", "effective classes", "AUROC ↑", "FPR95 ↓", "accuracy"], imbalance)}

Effective classes: the exponential of the entropy of the shares. ${priors.map(({ images, name }) => `[${images}](classification-prior-${name}.svg)`).join(", ")}: the shares as bars.

${priors.map(({ images, name }) => `![Outliers per predicted class, ${images}](classification-prior-${name}.svg)`).join("\n\n")}
${
  ablated.length === 0
    ? ""
    : `
## What makes the difference

\`small/cifar10-lt-ablation\`: each row less the balanced loss with alpha and gamma 0, which is EnergyOE.

${grid(["", "seeds", ...Object.keys(measures)], against(ablation, ablated, "alpha-0-gamma-0"))}
`
}`;
await writeFileAtomic(join(flags.out, "classification.md"), document);
