import { rankChart } from "./chart/index.js";
import type { Markup } from "./markup.js";
import type { DetectionRow, Report } from "./types.js";

/** Fewer scores than this are compared at a glance in the table. */
const fewestScores = 4;

/** Rank of every score on each OOD set, by AUROC; scores with the same AUROC share the mean of their ranks. */
export function scoreRanks(rows: readonly DetectionRow[]): { name: string; ranks: number[] }[] {
  const names = [...new Set(rows.map(({ score }) => score))];
  const sets = [...new Set(rows.map(({ ood }) => ood))];
  const aurocOf = (score: string, ood: string) =>
    rows.find((row) => row.score === score && row.ood === ood)?.auroc.value ?? 0;
  const ranked = names.map((name) => ({
    name,
    ranks: sets.map((ood) => {
      const own = aurocOf(name, ood);
      const better = names.filter((other) => aurocOf(other, ood) > own).length;
      const equal = names.filter((other) => aurocOf(other, ood) === own).length;
      return better + (equal + 1) / 2;
    }),
  }));
  const total = ({ ranks }: { ranks: number[] }) => ranks.reduce((sum, rank) => sum + rank, 0);
  return ranked.sort((a, b) => total(a) - total(b));
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
