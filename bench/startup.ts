/**
 * Times what a user waits for before anything happens, each in fresh processes, and writes docs/results/startup.md.
 *
 *   npm run build && npx tsx bench/startup.ts [--repeats 9] [--out docs/results]
 *
 * PYTHON names the interpreter (/usr/bin/python3) that has torch and onnx, for exporting the model.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: { repeats: { type: "string", default: "9" }, out: { type: "string", default: "docs/results" } },
});

interface Row {
  readonly name: string;
  /** Seconds of whole processes. */
  readonly median: number;
  readonly slowest: number;
}

function timed(name: string, parameters: readonly string[]): Row {
  const times = Array.from({ length: Number(flags.repeats) }, () => {
    const start = performance.now();
    execFileSync(process.execPath, parameters, { stdio: "ignore" });
    return (performance.now() - start) / 1000;
  }).sort((a, b) => a - b);
  const row = { name, median: times[times.length >> 1] as number, slowest: times.at(-1) as number };
  console.log(tableRow(row));
  return row;
}

function tableRow({ name, median, slowest }: Row): string {
  return `| ${name} | ${median.toFixed(3)} | ${slowest.toFixed(3)} |`;
}

const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
const rows: Row[] = [];
try {
  const python = process.env.PYTHON ?? "/usr/bin/python3";
  execFileSync(python, ["-W", "ignore", "bench/training.py", "export", folder, "resnet18"]);
  const model = join(folder, "resnet18.onnx");
  rows.push(timed("Node itself, an empty program", ["-e", "0"]));
  rows.push(timed("`offmap --help`", ["dist/cli/main.js", "--help"]));
  for (const statistics of ["batch", "frozen"]) {
    rows.push(
      timed(`until the first step of ResNet-18 can run, all layers, ${statistics} statistics`, [
        "bench/first-step.mjs",
        model,
        statistics,
      ]),
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}`;
mkdirSync(flags.out, { recursive: true });
writeFileSync(join(flags.out, "startup.json"), `${JSON.stringify({ machine, rows }, null, 1)}\n`);
writeFileSync(
  join(flags.out, "startup.md"),
  `# Start-up

Written by \`npm run build && npx tsx bench/startup.ts\`: ${machine}. Seconds of whole processes, ${flags.repeats} of each. The last two load the package, read the model (45 MB), plan and build the training
graph with its gradients, bring it into the blocked layout, encode it and create the session; everything before the first step of a \`tune\`, apart from the data.

| | median | slowest |
|---|--:|--:|
${rows.map(tableRow).join("\n")}
`,
);
