import { rankChart } from "./chart/index.js";
import type { Markup } from "./markup.js";
import type { DetectionRow, Report } from "./types.js";

/** Fewer scores than this are compared at a glance in the table. */
const fewestScores = 4;

/** Rank of each value, 1 for the highest; equal values share the mean of their ranks. */
export const tiedRanks = (values: readonly number[]): number[] =>
  values.map((own) => {
    const better = values.filter((other) => other > own).length;
    const equal = values.filter((other) => other === own).length;
    return better + (equal + 1) / 2;
  });

/**
 * Rank of every competitor in each contest, {@link tiedRanks}. The best on average comes first.
 *
 * @param competitors  with one value for each contest
 */
export function ranksOf(
  competitors: readonly { readonly name: string; readonly values: readonly number[] }[],
): { name: string; ranks: number[] }[] {
  const byContest = (competitors[0]?.values ?? []).map((_, contest) =>
    tiedRanks(competitors.map(({ values }) => values[contest] as number)),
  );
  const ranked = competitors.map(({ name, values }, competitor) => ({
    name,
    ranks: values.map((_, contest) => byContest[contest]?.[competitor] as number),
  }));
  const total = ({ ranks }: { ranks: number[] }) => ranks.reduce((sum, rank) => sum + rank, 0);
  return ranked.sort((a, b) => total(a) - total(b));
}

/** Rank of every score on each OOD set, by AUROC. */
export function scoreRanks(rows: readonly DetectionRow[]): { name: string; ranks: number[] }[] {
  const names = [...new Set(rows.map(({ score }) => score))];
  const sets = [...new Set(rows.map(({ ood }) => ood))];
  const aurocOf = (score: string, ood: string) =>
    rows.find((row) => row.score === score && row.ood === ood)?.auroc.value ?? 0;
  return ranksOf(names.map((name) => ({ name, values: sets.map((ood) => aurocOf(name, ood)) })));
}

/** The ranks of the scores of the last model; undefined when there is too little to rank. */
export function rankFigure({ models }: Report): Markup | undefined {
  const rows = models.at(-1)?.rows ?? [];
  const ranked = scoreRanks(rows);
  const sets = new Set(rows.map(({ ood }) => ood)).size;
  if (ranked.length < fewestScores || sets < 2) return undefined;
  const [best] = ranked;
  return rankChart({
    id: "ranks",
    title: "Ranks of the scores",
    note: `${ranked.length} scores, ${sets} OOD sets`,
    description: `Rank of each of ${ranked.length} scores by AUROC on each of ${sets} OOD sets, and their mean. Best on average: ${best?.name}.`,
    rows: ranked,
    valueLabel: "rank by AUROC (1: best)",
    contestLabel: "one OOD set",
  });
}
