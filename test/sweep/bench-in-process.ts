/** `offmap bench` on recipes that come with Offmap, in this process. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type JobRunner, runJob } from "../../src/benchmarks/sweep/index.js";
import { runBench } from "../../src/cli/bench.js";
import type { CommandIo } from "../../src/cli/command-io.js";
import { silentParallel } from "../../src/cli/parallel-progress.js";
import { silent } from "../../src/progress.js";

/** Folder of the recipes. */
export const recipes = fileURLToPath(new URL("../../recipes", import.meta.url));

/**
 * Runs recipes with seed 1.
 *
 * @param names  of recipes or folders below {@link recipes}
 * @param set    as `--set KEY=VALUE`
 * @returns what `--json` prints, and the warnings; "incomplete" among them where not all was run
 */
export async function benchInProcess<Document>(
  names: readonly string[],
  out: string,
  set: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly document: Document; readonly complaints: readonly string[] }> {
  const complaints: string[] = [];
  const written: Document[] = [];
  const io: CommandIo = {
    ...{ json: true, progress: silent, columns: 100, color: false, environment },
    parallel: () => silentParallel,
    signal: new AbortController().signal,
    warn: (sentence) => complaints.push(sentence),
    incomplete: () => complaints.push("incomplete"),
    write: async (result) => void written.push(result as Document),
  };
  const inProcess: JobRunner = (job, context) => runJob(job, context);
  const changes = set.map((text) => {
    const [key = "", value = ""] = text.split("=");
    return { key, value };
  });
  const options = { recipes: names.map((name) => join(recipes, name)), out, seeds: [1], jobs: 2, threads: 1 };
  await runBench({ ...options, set: changes }, io, inProcess);
  return { document: written[0] as Document, complaints };
}
