/** What experiments read out of the folders of sweeps, and write as Markdown. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readRecipe } from "../../src/benchmarks/sweep/recipe-file.js";
import { type RunNumbers, readNumbers } from "../../src/benchmarks/sweep/results.js";
import type { BalanceCandidate } from "../../src/training/balance-search.js";
import { deviationOver, halfInterval, meanOver } from "./statistics.js";

/** Runs of one row by seed. */
export type Row = ReadonlyMap<number, RunNumbers>;
/** A number of a run, a fraction; none where the run lacks it. */
export type Measure = (run: RunNumbers) => number | null | undefined;

/** Rows of a table by the name of their recipe, in alphabetic order; none where nothing was run. */
export async function rowsOf(sweep: string, table: string): Promise<ReadonlyMap<string, Row>> {
  const folder = join(sweep, "results", table);
  const rows = new Map<string, Row>();
  for (const row of (await namesIn(folder)).sort()) {
    const runs = new Map<number, RunNumbers>();
    for (const file of await namesIn(join(folder, row))) {
      const numbers = await readNumbers(join(folder, row, file));
      if (numbers !== undefined) runs.set(numbers.seed, numbers);
    }
    if (runs.size > 0) rows.set(row, runs);
  }
  return rows;
}

/** The network that a sweep has trained from nothing with a seed, the first stage of `st-msp`. @throws Error where it has none */
export async function pretrainedNetwork(sweep: string, table: string, seed: number): Promise<string> {
  const run = (await rowsOf(sweep, table)).get("st-msp")?.get(seed);
  if (run === undefined) throw new Error(`${sweep} has no network of seed ${seed}: run offmap bench with its recipes`);
  return join(sweep, "stages", run.stages[0] as string, "model.onnx");
}

/** Alpha and gamma that a search of a sweep has chosen for a run; none where its table of candidates is not kept. */
export async function chosenBalance(sweep: string, { stages }: RunNumbers): Promise<BalanceCandidate | undefined> {
  const file = join(sweep, "stages", stages.at(-1) as string, "search.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as { chosen: BalanceCandidate }).chosen;
}

/** Those of the rows whose recipes begin with the stage that another begins with, and so with the same network under each seed. */
export async function beginningLike(
  reference: string,
  rows: ReadonlyMap<string, Row>,
  recipes: string,
): Promise<ReadonlyMap<string, Row>> {
  const beginningOf = async (row: string) => {
    // Where data and networks lie does not matter.
    const { stages } = await readRecipe(join(recipes, `${row}.yaml`), { OFFMAP_DATA: "DIR", OFFMAP_MODELS: "DIR" });
    const [first] = stages;
    return first && { ...first, where: undefined };
  };
  const own = await beginningOf(reference);
  const kept = new Map<string, Row>();
  for (const [name, row] of rows) if (isDeepStrictEqual(await beginningOf(name), own)) kept.set(name, row);
  // A network that is given is no run; one that is trained is the first, and with the data must be the same under each seed.
  if (own?.kind !== "model") for (const [name, row] of kept) refuseOutdated(name, row, rows.get(reference));
  return kept;
}

/** @throws Error where results were made by different recipes or on different data, as happens when only some rows are run anew */
export function refuseOutdated(name: string, row: Row, reference: Row | undefined): void {
  for (const [seed, { stages, data }] of row) {
    const other = reference?.get(seed);
    if (other === undefined) continue;
    if (stages[0] === other.stages[0] && isDeepStrictEqual(data, other.data)) continue;
    throw new Error(`${name}, seed ${seed}: made from another network or on other data than what it is compared with`);
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Percent, one per run that has the number. */
export const valuesOf = (row: Row | undefined, of: Measure): number[] =>
  [...(row?.values() ?? [])].flatMap((run) => of(run) ?? []).map((value) => 100 * value);

/** The run with a seed. What trains nothing was run once, and is the same under every seed. */
function runOf(row: Row | undefined, seed: number): RunNumbers | undefined {
  const [first] = row?.values() ?? [];
  return row?.get(seed) ?? (first?.stages.length === 0 ? first : undefined);
}

/** b - a in percent points, one per seed that both rows have. */
export function differences(a: Row | undefined, b: Row | undefined, of: Measure): number[] {
  const seeds = new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])]);
  return [...seeds].flatMap((seed) => {
    const [before, after] = [a, b].map((row) => {
      const run = runOf(row, seed);
      return run && of(run);
    });
    return before == null || after == null ? [] : [100 * (after - before)];
  });
}

/** The mean, and the sample standard deviation where there is more than one. */
export function spread(values: readonly number[], { sign = false }: { readonly sign?: boolean } = {}): string {
  if (values.length === 0) return "";
  const mean = meanOver(values);
  const text = `${sign && mean > 0 ? "+" : ""}${mean.toFixed(2)}`;
  return values.length === 1 ? text : `${text} ± ${deviationOver(values).toFixed(2)}`;
}

/** What the differences of paired runs allow to say: better or worse where the 95 % interval of their mean leaves out zero. */
export function verdict(gains: readonly number[], { lowerIsBetter = false } = {}): string {
  if (gains.length < 2) return "one seed does not tell";
  const mean = meanOver(gains);
  if (!(Math.abs(mean) > halfInterval(gains))) return "within the spread";
  return mean < 0 === lowerIsBetter ? "better" : "worse";
}

/** A table whose first row is the reference itself, and the others what they have more than it. */
export function differenceTable(
  rows: ReadonlyMap<string, Row>,
  reference: string,
  others: readonly string[],
  measures: Readonly<Record<string, Measure>>,
): string {
  const base = rows.get(reference);
  const all = Object.values(measures);
  const compared = others.flatMap((name) => {
    const cells = all.map((of) => differences(base, rows.get(name), of));
    const seeds = Math.max(...cells.map(({ length }) => length));
    return seeds === 0 ? [] : [[name, String(seeds), ...cells.map((values) => spread(values, { sign: true }))]];
  });
  const own = [`\`${reference}\` itself`, String(base?.size ?? 0), ...all.map((of) => spread(valuesOf(base, of)))];
  return grid([`less \`${reference}\``, "seeds", ...Object.keys(measures)], [own, ...compared]);
}

/** A line of a table of Markdown. */
export const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** A table of Markdown, its first column left, the others right. */
export const grid = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
