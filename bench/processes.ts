/** Runs the programs that a benchmark compares, in turn, and tells what they cost. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One process: seconds of its loop and of all of it, and the most memory it held, in MB. */
export interface Run {
  readonly seconds: number;
  readonly whole: number;
  readonly megabytes: number;
}
export interface Cost {
  /** Seconds per step or per image. */
  readonly unit: number;
  /** Seconds of the short run's process that are not its steps. */
  readonly start: number;
  readonly megabytes: number;
}
/** Peak resident memory that Linux has on record for a running process, in MB; 0 once it has ended. */
function peakMemory(pid: number): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export async function execute(
  file: string,
  parameters: readonly string[],
  loopSeconds: (printed: Record<string, number>) => number,
): Promise<Run> {
  const started = performance.now();
  // Idle OpenMP threads would otherwise spin and take the processor from the other side's warm-up.
  const child = spawn(file, parameters, {
    env: { ...process.env, OMP_WAIT_POLICY: "passive" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let megabytes = 0;
  const watch = setInterval(() => {
    megabytes = Math.max(megabytes, peakMemory(child.pid as number));
  }, 20);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    printed += part;
  });
  const code = await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${file} ${parameters.join(" ")} ended with ${code}: ${printed}`);
  const whole = (performance.now() - started) / 1000;
  return { seconds: loopSeconds(JSON.parse(printed) as Record<string, number>), whole, megabytes };
}

/** What a further unit costs, from a short and a long run. */
export function difference(
  short: Run,
  long: Run,
  units: { short: number; long: number },
  of: "seconds" | "whole",
): Cost {
  const unit = (long[of] - short[of]) / (units.long - units.short);
  return { unit, start: short.whole - unit * units.short, megabytes: long.megabytes };
}

function medianCost(costs: readonly Cost[]): Cost {
  const of = (pick: (cost: Cost) => number) => {
    const sorted = costs.map(pick).sort((a, b) => a - b);
    return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2;
  };
  return { unit: of((c) => c.unit), start: of((c) => c.start), megabytes: of((c) => c.megabytes) };
}

/** Measures both sides in turn, and gives the median of each. */
export async function compare(
  measure: { offmap: () => Promise<Cost>; torch: () => Promise<Cost> },
  repeats: number,
): Promise<{ offmap: Cost; torch: Cost }> {
  const costs = { offmap: [] as Cost[], torch: [] as Cost[] };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const order = repeat % 2 === 0 ? (["torch", "offmap"] as const) : (["offmap", "torch"] as const);
    for (const side of order) costs[side].push(await measure[side]());
  }
  return { offmap: medianCost(costs.offmap), torch: medianCost(costs.torch) };
}
