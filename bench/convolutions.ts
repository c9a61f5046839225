/**
 * Times the forms in which a convolution and its gradients can be computed, against the machine's peak, and writes docs/results/convolutions.md.
 *
 *   npx tsx bench/convolutions.ts [--threads 2] [--repeats 7]
 *
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../src/files.js";
import { blockedLayout } from "../src/graph/blocked/layout.js";
import { GraphBuilder } from "../src/graph/builder.js";
import { correlate, inputGradient, weightGradient } from "../src/ops/convolution.js";
import { type Expr, toBlocked, toPlain } from "../src/ops/index.js";
import type { Windows } from "../src/ops/windows.js";
import { blockSize, LocalEngine } from "../src/runtime/index.js";
import { machineLimits, shortestTime } from "./limits.js";
import { winograd } from "./winograd.js";

const { values: flags } = parseArgs({
  options: { threads: { type: "string", default: "2" }, repeats: { type: "string", default: "7" } },
});
const engine = new LocalEngine({ threads: Number(flags.threads) });
const block = await blockSize(engine);

interface Layer {
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly size: number;
  readonly stride: number;
}
const layers: readonly Layer[] = [
  { images: 384, channels: 16, outputs: 16, size: 32, stride: 1 },
  { images: 384, channels: 32, outputs: 32, size: 16, stride: 1 },
  { images: 384, channels: 64, outputs: 64, size: 8, stride: 1 },
  { images: 96, channels: 64, outputs: 64, size: 32, stride: 1 },
  { images: 96, channels: 128, outputs: 128, size: 16, stride: 1 },
  { images: 96, channels: 256, outputs: 256, size: 8, stride: 1 },
  { images: 96, channels: 512, outputs: 512, size: 4, stride: 1 },
  { images: 384, channels: 16, outputs: 32, size: 32, stride: 2 },
  { images: 96, channels: 64, outputs: 128, size: 32, stride: 2 },
];

interface Work {
  readonly name: string;
  readonly form: "plain" | "blocked";
  readonly build: (at: Record<"x" | "w" | "dy", Expr>, windows: Windows) => Expr;
}
const works: readonly Work[] = (["plain", "blocked"] as const).flatMap((form): Work[] => [
  { name: "forward", form, build: ({ x, w }, windows) => correlate(x, w, { windows, group: 1 }) },
  { name: "input gradient", form, build: ({ dy, w }, windows) => inputGradient(dy, w, { windows, group: 1 }) },
  { name: "weight gradient", form, build: ({ x, dy }, windows) => weightGradient(x, dy, { windows, group: 1 }) },
]);
const byWinograd: Work = { name: "forward, Winograd", form: "plain", build: ({ x, w }) => winograd(x, w) };
const all = [...works, byWinograd];

type Dims = readonly number[];

/** In blocks, what the rules reorder at both ends is taken out, as between the layers of a step. */
function time(graph: GraphBuilder, result: Expr): Promise<number> {
  if (graph.block === undefined) return shortestTime(engine, graph, result, Number(flags.repeats));
  const built = blockedLayout(graph, { result }, graph.block);
  return shortestTime(engine, built.graph, built.outputs.result as Expr, Number(flags.repeats));
}

/** The tensors of a layer as a step has them: blocked where it runs in blocks, but for the weights and images of few channels. */
async function timeWork({ form, build }: Work, { images, channels, outputs, size, stride }: Layer): Promise<number> {
  const graph = new GraphBuilder(18, form === "blocked" ? block : undefined);
  const given = (name: string, dims: Dims) => {
    const input = graph.input(name, "float32", dims);
    return graph.block === undefined || name === "w" ? input : toPlain(input);
  };
  const output = size / stride;
  const at = {
    x: given("x", [images, channels, size, size]),
    w: given("w", [outputs, channels, 3, 3]),
    dy: given("dy", [images, outputs, output, output]),
  };
  const ones = [1, 1];
  const windows: Windows = {
    ...{ kernel: [3, 3], strides: [stride, stride], dilations: ones, begins: ones, ends: ones },
    ...{ input: [size, size], output: [output, output] },
  };
  const result = build(at, windows);
  return time(graph, graph.block === undefined || result.dims[0] === outputs ? result : toBlocked(result));
}

const { gigaflops, gigabytes } = await machineLimits(engine, Number(flags.repeats));
const rows: string[] = [];
for (const layer of layers) {
  const { images, channels, outputs, size, stride } = layer;
  const flops = 2 * images * channels * outputs * 9 * (size / stride) ** 2;
  const cells = [];
  for (const work of all) {
    if (work === byWinograd && stride > 1) {
      cells.push("");
      continue;
    }
    const milliseconds = await timeWork(work, layer);
    cells.push(`${milliseconds.toFixed(1)} (${((100 * flops) / milliseconds / 1e6 / gigaflops).toFixed(0)} %)`);
  }
  rows.push(
    `| ${images}x${channels}x${size}x${size} to ${outputs}${stride > 1 ? `, stride ${stride}` : ""} | ${cells.join(" | ")} |`,
  );
  console.log(rows.at(-1));
}
await engine.close();
const machine = `${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}, ${flags.threads} threads`;
await writeFileAtomic(
  "docs/results/convolutions.md",
  `# Forms of a convolution and its gradients

Written by \`npx tsx bench/convolutions.ts\`: ${machine}, kernels 3x3, float32, milliseconds, shortest of ${flags.repeats}. In brackets the share of the speed of a product of two 2048x2048 matrices, ${gigaflops.toFixed(0)} GFLOP/s here; a sum of two tensors of 100 MB moves ${gigabytes.toFixed(0)} GB/s.

**plain**: what runs where there is no blocked layout. **in blocks**: what a training step runs on this processor, in blocks of ${block ?? "no"} channels; tensors of images are blocked before and after, weights are plain. **Winograd** (\`bench/winograd.ts\`): tried and not used.

| layer | ${all.map(({ name, form }) => `${name}, ${form === "plain" ? "plain" : "in blocks"}`).join(" | ")} |
|---|${all.map(() => "--:|").join("")}
${rows.join("\n")}
`,
);
