/**
 * What the sweeps of segmentation networks say: balanced against unbalanced losses, seed by seed, and every method against the untouched
 * network. Writes docs/results/segmentation.md from the numbers that `offmap bench` has left.
 *
 *   npx tsx bench/experiments/segmentation.ts [--sweeps docs/results/sweeps] [--out docs/results]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../../src/files.js";
import { meanOver } from "./statistics.js";
import { differenceTable, grid, type Measure, type Row, rowsOf, spread, valuesOf } from "./sweep-numbers.js";

const { values: flags } = parseArgs({
  options: {
    sweeps: { type: "string", default: "docs/results/sweeps" },
    out: { type: "string", default: "docs/results" },
  },
});

const [camvid, espnet] = ["small-camvid", "small-espnet-camvid"] as const;
/** The balanced form of each loss. */
const pairs = [
  ["energy-oe", "balanced-energy"],
  ["pebal", "balanced-pebal"],
] as const;

/** Balanced EnergyOE whose weights and margins are even: EnergyOE. */
const unbalanced = "alpha-0-gamma-0";

/** By the first score of a row, which is that of its method. */
const detection =
  (set: string, key: "auroc" | "aupr" | "fpr95"): Measure =>
  ({ scores }) =>
    Object.values(scores)[0]?.sets[set]?.[key];
const measuresOf = (sets: readonly string[]): Readonly<Record<string, Measure>> => ({
  ...Object.fromEntries(
    sets.flatMap((set) =>
      (
        [
          ["AUROC ↑", "auroc"],
          ["AP ↑", "aupr"],
          ["FPR95 ↓", "fpr95"],
        ] as const
      ).map(([name, key]) => [`${set}: ${name}`, detection(set, key)]),
    ),
  ),
  "mIoU ↑": (run) => run.miou,
});

const read = (sweep: string, table = sweep) => rowsOf(join(flags.sweeps, sweep), table);
const [onCamvid, ablation, validation, rates, onEspnet, settings] = await Promise.all([
  read(camvid),
  read(camvid, `${camvid}-ablation`),
  read(camvid, `${camvid}-validation`),
  read(camvid, `${camvid}-rates`),
  read(espnet),
  read(espnet, `${espnet}-settings`),
]);
const setsOf = (rows: ReadonlyMap<string, Row>) => {
  const [row] = rows.values();
  const [run] = row?.values() ?? [];
  return Object.keys(Object.values(run?.scores ?? {})[0]?.sets ?? {});
};

const table = (rows: ReadonlyMap<string, Row>, reference: string, others?: readonly string[]) =>
  rows.has(reference)
    ? differenceTable(
        rows,
        reference,
        others ?? [...rows.keys()].filter((row) => row !== reference),
        measuresOf(setsOf(rows)),
      )
    : "Nothing of it is run yet.";
const balanced = (rows: ReadonlyMap<string, Row>) =>
  pairs.map(([plain, even]) => table(rows, plain, [even])).join("\n\n");

/** The setting with the best mean average precision on the validation scenes, which chooses it, and what it comes to on those of the test. */
function choice(): string {
  const precision = (row: Row | undefined) => meanOver(valuesOf(row, detection("pasted", "aupr")));
  const [best] = [...validation].sort(([, a], [, b]) => precision(b) - precision(a));
  if (best === undefined) return "";
  const [name] = best;
  const chosen = `Average precision on the validation scenes is best with **${name}**`;
  if (name === unbalanced) return `${chosen}, which is EnergyOE: no balancing.`;
  return `${chosen}. On the test scenes:\n\n${table(ablation, unbalanced, [name])}`;
}

/** Points of mIoU that a setting may cost on the validation scenes. */
const affordable = { camvid: 2, espnet: 0.5 } as const;

/** Every method by its settings on validation scenes, rows called METHOD-lr-SETTING; bold is the best average precision among those that cost no more mIoU than may be lost, in points. */
function settingsTable(rows: ReadonlyMap<string, Row>, mostLost: number): string {
  const untouched = rows.get("untouched");
  if (untouched === undefined) return "Nothing of it is run yet.";
  const measures = Object.values(measuresOf(["pasted"]));
  const miouOf = (row: Row) => meanOver(valuesOf(row, ({ miou }) => miou));
  const precisionOf = (row: Row) => meanOver(valuesOf(row, detection("pasted", "aupr")));
  const cells = (row: Row) => [String(row.size), ...measures.map((of) => spread(valuesOf(row, of)))];
  const found = new Map<string, { readonly setting: string; readonly row: Row }[]>();
  for (const [name, row] of rows) {
    const [, method, setting] = /^(.+)-lr-(.+)$/.exec(name) ?? [];
    if (method === undefined || setting === undefined) continue;
    found.set(method, [...(found.get(method) ?? []), { setting: setting.replace("-weight-", ", weight "), row }]);
  }
  const lines = [...found].flatMap(([method, tried]) => {
    const kept = tried.filter(({ row }) => miouOf(row) >= miouOf(untouched) - mostLost);
    const [best] = kept.toSorted((a, b) => precisionOf(b.row) - precisionOf(a.row));
    return tried
      .toSorted((a, b) => Number.parseFloat(a.setting) - Number.parseFloat(b.setting))
      .map(({ setting, row }) => [method, setting === best?.setting ? `**${setting}**` : setting, ...cells(row)]);
  });
  const head = ["method", "rate", "seeds", ...Object.keys(measuresOf(["pasted"]))];
  return grid(head, [["*untouched energy*", "", ...cells(untouched)], ...lines]);
}

await writeFileAtomic(
  join(flags.out, "segmentation.md"),
  `# Segmentation

Written by \`npx tsx bench/experiments/segmentation.ts\` from the numbers of these sweeps, each with its protocol above its tables:

- [sweeps/${camvid}](sweeps/${camvid}/table.md): a small DeepLabV3+ trained on nine classes of CamVid; **held-out** classes (pedestrian, bicyclist) and **pasted** cut-outs as anomalies.
  \`OFFMAP_DATA=DIR offmap bench small/camvid small/camvid-rates --seeds 1,2,3 --out docs/results/sweeps/${camvid}\`
- [sweeps/${espnet}](sweeps/${espnet}/table.md): someone else's network, ESPNet as its authors trained it, untouched and with its last block fine-tuned; pasted cut-outs.
  \`OFFMAP_DATA=DIR OFFMAP_MODELS=DIR offmap bench small/espnet-camvid small/espnet-camvid-settings --seeds 1,2,3 --out docs/results/sweeps/${espnet}\`

No setting was chosen on these sets. Neither is a benchmark of the paper, and no number is comparable with a cell of it. Where the pasted cut-outs go follows from scenes, objects and seed
alone (\`planPastes\` in \`src/data/segmentation\`), so the list is the recipe. Percent and percent points, over all pixels of a set; over more than one seed the mean ± the sample standard deviation.
One seed says nothing about spread. The first row of each table is the reference itself; the others are what a row has more than it **with the same seed**, from the same pretrained network.

Read with the number of seeds of each row:

- **The learning rate decides more than the loss.** Chosen on validation scenes it is ten times the default for most methods, and a hundred times for the outlier head, which starts from nothing and learns nothing below. PEBAL breaks down
  at the higher rate and keeps the default, as DenseHybrid does; the Dirichlet prior network takes a tenth of it.
- **The balanced losses do not beat the unbalanced ones on pasted objects.** Average precision is lower with balanced EnergyOE in every seed, by more than its spread; PEBAL's balanced form differs by less than its spread.
  On the held-out classes the balanced form of EnergyOE has the lower FPR95 in every seed, with AUROC and AP within their spread.
- The ablation, of one seed, says the same of gamma as of the losses: the more it weighs the prior's majority, the fewer false alarms on held-out classes at 95 % recall, and the less average precision on pasted objects. Whoever chooses by average precision on
  the validation scenes does not balance.
- Fine-tuning with pasted cut-outs transforms the detection of pasted cut-outs of *other* categories: OE, EnergyOE, Meta-OOD and the void classifier have three and a half to four times the average precision of the untouched energy, for less than two points of mIoU. The best score without training, the least density
  of several layers, has two and a half times.
- **It does not help with what was held out.** Pedestrians and bicyclists look like nothing that was pasted: AUROC and AP of every row that is tuned with outliers are below those
  of the untouched energy. The void classifier has the most average precision on what was pasted, and loses most AUROC and AP of what was held out among the losses.
- Densities of features, Mahalanobis and flows, find what was pasted and miss what was held out even more than tuned networks do: their AUROC there is between a half and three quarters.
- **Someone else's network**, ESPNet, is improved too: balanced fine-tuning of its last block has a quarter fewer false alarms at 95 % recall than the untouched energy in every seed, for less than half a point of mIoU; average precision hardly moves. At the
  weight that validation frames choose for each, the balanced form has fewer false alarms and costs less mIoU than EnergyOE, which has the better average precision, as on the small network.
  PEBAL and its balanced form keep their own settings there; the balanced one costs more than two points.
- MC dropout, the disagreement of copies of the tuned final block, is in no column better than the plain entropy of the untouched network.

## Balanced losses against the unbalanced, CamVid

${balanced(onCamvid)}

## Every method against the untouched network, CamVid

${table(onCamvid, "energy")}

## Learning rates by validation scenes

Each tuned method with some rates on the validation scenes, cut-outs of the training pasted into them (\`small/camvid-rates\`). The rows of \`small/camvid\` take the bold one: the best average precision among those
that cost at most ${affordable.camvid} points of mIoU there.

${settingsTable(rates, affordable.camvid)}

## Alpha and gamma, CamVid

Balanced EnergyOE less the same with alpha and gamma 0, which is EnergyOE.

${table(ablation, unbalanced)}

## Alpha and gamma by validation scenes

The same networks on the validation scenes, with cut-outs of the training pasted into them (\`small/camvid/validation\`): what a user can choose by. No number of the test entered the choice.

${table(validation, unbalanced)}

${choice()}

## Someone else's network

${table(onEspnet, "energy")}

${balanced(onEspnet)}

ESPNet's authors published a mean IoU of 55.64 % at this size (\`bench/experiments/espnet.ts\` compares).

Learning rate and weight of the regularizer were chosen on the validation frames (\`small/espnet-camvid-settings\`, cut-outs of the training pasted): the best average precision among those that cost at most ${affordable.espnet} points of mIoU there, in bold.

${settingsTable(settings, affordable.espnet)}
`,
);
