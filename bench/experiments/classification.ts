/**
 * What the sweeps of classifiers say: the balanced loss against EnergyOE from the same pretrained networks, seed by seed, and against how
 * uneven the prior is. Writes docs/results/classification.md and a bar chart of each prior, from the numbers that `offmap bench` has left.
 *
 *   npx tsx bench/experiments/classification.ts [--sweeps docs/results/sweeps] [--out docs/results]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../../src/files.js";
import { renderPriorChart } from "../../src/report/prior-chart.js";
import { halfInterval, meanOver, rankCorrelation } from "./statistics.js";
import {
  beginningLike,
  chosenBalance,
  differences,
  differenceTable,
  grid,
  type Measure,
  type Row,
  refuseOutdated,
  rowsOf,
  spread,
  valuesOf,
  verdict,
} from "./sweep-numbers.js";

const { values: flags } = parseArgs({
  options: {
    sweeps: { type: "string", default: "docs/results/sweeps" },
    out: { type: "string", default: "docs/results" },
  },
});

/** Tables of one sweep each, what its command runs and needs. */
const tables = [
  { name: "small-cifar10", images: "CIFAR-10", command: "OFFMAP_MODELS=DIR offmap bench small/cifar10" },
  {
    name: "small-cifar10-lt",
    images: "CIFAR-10-LT",
    command: "offmap bench small/cifar10-lt small/cifar10-lt-ablation",
  },
  {
    name: "small-cifar100-lt",
    images: "CIFAR-100-LT",
    command: "offmap bench small/cifar100-lt small/cifar100-lt-ablation",
  },
] as const;
const [energy, balanced, searched, pretrained] = [
  "energy-tune",
  "balanced-energy",
  "balanced-energy-searched",
  "st-msp",
] as const;

/** By the energy, which untouched and fine-tuned networks have alike; means over the OOD sets. */
const detection =
  (key: "auroc" | "aupr" | "fpr95"): Measure =>
  ({ scores }) =>
    scores.energy?.average[key];
const accuracy: Measure = (run) => run.accuracy;
const measures: Readonly<Record<string, Measure>> = {
  "AUROC ↑": detection("auroc"),
  "AP ↑": detection("aupr"),
  "FPR95 ↓": detection("fpr95"),
  accuracy,
  many: ({ groups }) => groups?.many,
  medium: ({ groups }) => groups?.medium,
  few: ({ groups }) => groups?.few,
};

const found = await Promise.all(
  tables.map(async (table) => {
    const sweep = join(flags.sweeps, table.name);
    const [rows, changed] = [await rowsOf(sweep, table.name), await rowsOf(sweep, `${table.name}-ablation`)];
    return { ...table, rows, changed };
  }),
);
/** Folder of a table's recipes. */
const recipesOf = (table: string) => join("recipes", table.replace("-", "/"));
const others = (rows: ReadonlyMap<string, unknown>, reference: string) =>
  [...rows.keys()].filter((row) => row !== reference);

const sections: string[] = [];
for (const { name, images, rows } of found) {
  if (!rows.has(energy)) {
    sections.push(`### ${images}\n\nNothing ${rows.size === 0 ? "" : "but the untouched network "}is run yet.\n`);
    continue;
  }
  const tuned = await beginningLike(energy, rows, recipesOf(name));
  const table = differenceTable(tuned, energy, others(tuned, energy), measures);
  sections.push(
    `### ${images}\n\n${table}\n\nAll rows, and each OOD set: [sweeps/${name}/table.md](sweeps/${name}/table.md).\n`,
  );
}

/** Balanced energy less EnergyOE of the same seed, beside what seeds make of EnergyOE alone. */
const answers = found.flatMap(({ images, rows }) => {
  const [before, after] = [rows.get(energy), rows.get(balanced)];
  return Object.entries(measures).flatMap(([measure, of]) => {
    const gains = differences(before, after, of);
    if (gains.length === 0) return [];
    const lowerIsBetter = measure.endsWith("↓");
    const wins = gains.filter((gain) => gain !== 0 && gain < 0 === lowerIsBetter).length;
    const interval = gains.length === 1 ? "" : `± ${halfInterval(gains).toFixed(2)}`;
    return [
      [images, measure, spread(valuesOf(before, of)), spread(gains, { sign: true }), interval].concat(
        `${wins} of ${gains.length}`,
        verdict(gains, { lowerIsBetter }),
      ),
    ];
  });
});

/** Classes that would share the outliers evenly with the same entropy. */
const effectiveClasses = (share: readonly number[]) =>
  Math.exp(-share.reduce((sum, part) => sum + (part > 0 ? part * Math.log(part) : 0), 0));

const priors = found.flatMap(({ name, images, rows }) => {
  const measured = [...(rows.get(pretrained)?.values() ?? [])].flatMap(({ prior }) => prior ?? []);
  const [first] = measured;
  if (first === undefined) return [];
  const share = first.share.map((_, index) => meanOver(measured.map((one) => one.share[index] as number)));
  const classNames = share.map((_, index) => first.class_names?.[index] ?? `class ${index}`);
  const chart = `classification-prior-${name.replace("small-", "")}.svg`;
  return [{ images, rows, chart, seeds: measured.length, prior: { share, classNames, outliers: first.outliers } }];
});
/** More classes than these have groups, and no table of each. */
const mostClasses = 20;
const byClass = priors
  .filter(({ prior }) => prior.share.length <= mostClasses)
  .flatMap(({ images, rows, prior: { share, classNames } }) => {
    const accuracies = share.map((part, label) => {
      const accuracyOf: Measure = ({ class_accuracies: all }) => all?.[label];
      const before = valuesOf(rows.get(energy), accuracyOf);
      const gain = differences(rows.get(energy), rows.get(balanced), accuracyOf);
      return { name: classNames[label] as string, part, before, gain };
    });
    if (accuracies.every(({ gain }) => gain.length === 0)) return [];
    const lines = accuracies.map(({ name, part, before, gain }) => [
      name,
      (100 * part).toFixed(1),
      spread(before),
      spread(gain, { sign: true }),
    ]);
    const table = grid(["class", "share of the outliers", `\`${energy}\``, `\`${balanced}\` less it`], lines);
    const gains = accuracies.map(({ gain }) => meanOver(gain));
    const correlation = rankCorrelation(share, gains).toFixed(2);
    return [`### ${images}\n\n${table}\n\nRank correlation of a class's share and its gain: ${correlation}.\n`];
  });
for (const { chart, prior } of priors) await writeFileAtomic(join(flags.out, chart), renderPriorChart(prior));
const gains = priors.map(({ images, rows, seeds, prior: { share } }) => [
  ...[images, String(seeds), (100 * Math.max(...share)).toFixed(1), (100 * Math.min(...share)).toFixed(2)],
  `${effectiveClasses(share).toFixed(1)} of ${share.length}`,
  ...[detection("auroc"), detection("fpr95"), accuracy].map((of) =>
    spread(differences(rows.get(energy), rows.get(balanced), of), { sign: true }),
  ),
]);

/** Effective classes per class: 1 for an even prior. */
const evenness = ({ prior: { share } }: (typeof priors)[number]) => effectiveClasses(share) / share.length;
const byEvenness = priors.toSorted((a, b) => evenness(b) - evenness(a));
type Prior = (typeof priors)[number];
const gained = { AUROC: [detection("auroc"), 1], FPR95: [detection("fpr95"), -1], accuracy: [accuracy, 1] } as const;
/** Whether what is gained grows from each prior to the next more uneven one. @param rowOf  the row of a table that is held against EnergyOE */
const growthOf = (rowOf: (one: Prior) => Row | undefined) =>
  Object.entries(gained)
    .map(([name, [of, sign]]) => {
      const means = byEvenness.map((one) => sign * meanOver(differences(one.rows.get(energy), rowOf(one), of)));
      const grows = means.every((mean, index) => index === 0 || mean > (means[index - 1] as number));
      return `that of ${name} ${grows ? "grows with every step" : "does not grow with every step"}`;
    })
    .join(", ");
const claim =
  `The paper says that the gain grows with the imbalance of the prior. From the most even prior to the most uneven one, by effective classes per class: ` +
  `${byEvenness.map((one) => `${one.images} (${evenness(one).toFixed(2)})`).join(", ")}. Of the mean gains, ${growthOf(({ rows }) => rows.get(balanced))}.`;

/** One of the reasons: alpha is 5 for all, and acts through Z, which a hundred classes make small. */
const [many] = found.filter(({ name }) => name === "small-cifar100-lt");
const [none, scaled] = [many?.changed.get("alpha-0"), many?.changed.get("alpha-50")];
const gainsFrom = (before: Row | undefined, after: Row | undefined) =>
  Object.entries(gained)
    .map(([name, [of]]) => `${name} ${spread(differences(before, after, of), { sign: true })}`)
    .join(", ");
const reason =
  many === undefined || none === undefined || scaled === undefined
    ? ""
    : `What alpha does shrinks with the number of classes ([alpha.md](alpha.md)). At ${many.images} the default of 5 does next to nothing: \`${balanced}\` less \`alpha-0\` is ${gainsFrom(none, many.rows.get(balanced))}. ` +
      `With ten times as much for ten times as many classes, the gain over EnergyOE there is ${gainsFrom(many.rows.get(energy), scaled)} (${scaled.size} seeds). ` +
      `With that row in the place of the default, of the mean gains ${growthOf(({ images, rows }) => (images === many.images ? scaled : rows.get(balanced)))}. ` +
      "Data sets differ in more than their priors: [prior-imbalance.md](prior-imbalance.md) changes nothing else.";

/** The balanced loss with one thing changed at a time, beside itself. */
const ablations: string[] = [];
for (const { name, images, rows, changed } of found) {
  const [reference, own] = [rows.get(energy), rows.get(balanced)];
  if (changed.size === 0 || reference === undefined || own === undefined) continue;
  for (const [row, runs] of changed) refuseOutdated(row, runs, reference);
  const all = new Map([[energy, reference], [balanced, own], ...changed]);
  const table = differenceTable(all, energy, others(all, energy), measures);
  ablations.push(`### ${images}: \`${recipesOf(`${name}-ablation`)}\`\n\n${table}\n`);
}

/** Whether what is ours is better than the balanced loss with its defaults. */
const judged = { ...gained, few: [measures.few as Measure, 1] } as const;
const variants = found.flatMap(({ images, rows }) =>
  ["balanced-energy-moving-prior", searched].flatMap((row) => {
    const cells = Object.values(judged).map(([of, sign]) => {
      const gains = differences(rows.get(balanced), rows.get(row), of);
      if (gains.length === 0) return "";
      return `${spread(gains, { sign: true })}, ${verdict(gains, { lowerIsBetter: sign < 0 })}`;
    });
    return rows.has(row) ? [[images, `\`${row}\``, String(rows.get(row)?.size), ...cells]] : [];
  }),
);

/** What the searches took, and what came of it beside the defaults. */
const choices: string[][] = [];
for (const { name, images, rows } of found) {
  for (const [seed, run] of rows.get(searched) ?? []) {
    const chosen = await chosenBalance(join(flags.sweeps, name), run);
    const gain = (of: Measure) => spread(differences(rows.get(balanced), new Map([[seed, run]]), of), { sign: true });
    choices.push(
      [images, seed, chosen?.alpha ?? "", chosen?.gamma ?? ""]
        .map(String)
        .concat([detection("auroc"), detection("fpr95"), accuracy].map(gain)),
    );
  }
}

await writeFileAtomic(
  join(flags.out, "classification.md"),
  `# Classification

Written by \`npx tsx bench/experiments/classification.ts\` from the numbers of these sweeps, each with its protocol above its tables:

${tables.map(({ name, images, command }) => `- ${images}: \`sweeps/${name}\`, by \`OFFMAP_DATA=DIR ${command} --seeds 1,2,3 --out docs/results/sweeps/${name}\``).join("\n")}

OOD sets and outliers stand in for those of the papers, and no number here is comparable with a cell of them. Nothing was chosen on a test set. Percent and percent points; over more
than one seed the mean ± the sample standard deviation. One seed says nothing about spread. [cifar10.md](cifar10.md) has earlier runs of four losses with three seeds.

## Against EnergyOE, from the same pretrained networks

Each row less EnergyOE (\`${energy}\`) **of the same seed**, so that what pretrained networks differ in drops out. OOD score: the energy; means over the OOD sets. \`many\`, \`medium\` and
\`few\` are the accuracies of the classes with many, fewer and few training images. The first row is EnergyOE itself, and its ± what seeds alone make of it.
Rows that do not begin with those networks, such as those from scratch, are in the tables of the sweeps alone.

${sections.join("\n")}
## Does balanced energy beat EnergyOE?

\`${balanced}\` less \`${energy}\` of the same seed, with the half-width of the 95 % confidence interval of the mean (Student's t over seeds: three seeds make it 2.5 times their deviation).
**better** and **worse**: the interval leaves out zero. A seed wins where it gains.

${grid(["", "measure", `\`${energy}\` itself`, "gain", "95 %", "seeds that win", "verdict"], answers)}

## The prior

For which classes the pretrained networks take the outliers, and what the balanced loss gains over EnergyOE. Effective classes: the exponential of the entropy of the shares.

${grid(["", "seeds of the prior", "largest share", "smallest share", "effective classes", "AUROC ↑", "FPR95 ↓", "accuracy"], gains)}

${claim}

${reason}

${priors.map(({ images, chart }) => `![Outliers per predicted class, ${images}](${chart})`).join("\n\n")}

## By class

Accuracy of each class on the test images, in the order of the classes (under a long tail the first is the most frequent one), and what the balanced loss has more than EnergyOE.

${byClass.length === 0 ? "No run has these numbers yet.\n" : byClass.join("\n")}
## What makes the difference

The balanced loss with its defaults (\`${balanced}\`: alpha 5, gamma 0.75), and with one thing changed at a time, each row less EnergyOE of the same network; with alpha and gamma 0 it is EnergyOE. Alpha acts through Z, which shrinks with the number of
classes: [alpha.md](alpha.md) has its size, and what alpha does to validation data. [prior-imbalance.md](prior-imbalance.md) changes nothing but the prior.

${ablations.length === 0 ? "Nothing of it is run yet.\n" : ablations.join("\n")}
## Do our own variants help?

A prior that follows the network (\`balanced-energy-moving-prior\`), and alpha and gamma chosen for each network (\`${searched}\`), less the balanced loss with its defaults, of the same seed; verdicts as above.

${variants.length === 0 ? "Nothing of it is run yet." : grid(["", "row", "seeds", ...Object.keys(judged)], variants)}

The search chooses on training images and classes of outliers that are held out of the tuning, never on a test set. Those images are as long-tailed as all, and the pretraining saw them, where test sets have as many
images of every class: what favours rare classes has little to gain there. [alpha.md](alpha.md) has alpha on images that the pretraining saw beside images that it did not see.

${choices.length === 0 ? "Nothing of it is run yet." : grid(["", "seed", "alpha", "gamma", "AUROC ↑", "FPR95 ↓", "accuracy"], choices)}
`,
);
