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

/** Median and slowest of several runs, seconds. */
function timed(name: string, parameters: readonly string[]): string {
  const times = Array.from({ length: Number(flags.repeats) }, () => {
    const start = performance.now();
    execFileSync(process.execPath, parameters, { stdio: "ignore" });
    return (performance.now() - start) / 1000;
  }).sort((a, b) => a - b);
  const line = `| ${name} | ${times[times.length >> 1]?.toFixed(3)} | ${times.at(-1)?.toFixed(3)} |`;
  console.log(line);
  return line;
}

const folder = mkdtempSync(join(tmpdir(), "offmap-bench-"));
const lines: string[] = [];
try {
  const python = process.env.PYTHON ?? "/usr/bin/python3";
  execFileSync(python, ["-W", "ignore", "bench/training.py", "export", folder, "resnet18"]);
  const model = join(folder, "resnet18.onnx");
  lines.push(timed("Node itself, an empty program", ["-e", "0"]));
  lines.push(timed("`offmap --help`", ["dist/cli/main.js", "--help"]));
  for (const statistics of ["batch", "frozen"]) {
    lines.push(
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
mkdirSync(flags.out, { recursive: true });
writeFileSync(
  join(flags.out, "startup.md"),
  `# Start-up

Written by \`npm run build && npx tsx bench/startup.ts\`: ${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}. Seconds of whole processes, ${flags.repeats} of each. The last two load the package, read the model (45 MB), plan and build the training
graph with its gradients, bring it into the blocked layout, encode it and create the session; everything before the first step of a \`tune\`, apart from the data.

| | median | slowest |
|---|--:|--:|
${lines.join("\n")}
`,
);
