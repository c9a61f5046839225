/**
 * What one pass with all post-hoc scores costs against a pass of the model alone, in time and memory, for more and more images. Writes docs/results/score-pass.md.
 *
 *   OFFMAP_DATA=DIR OFFMAP_MODELS=DIR npx tsx bench/score-pass.ts [--threads 2]
 *
 * DIR holds the unpacked CIFAR binaries; the models' folder holds `resnet20-cifar10.onnx`. Every measurement is a process of its own, so that its peak of memory is its own.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openDataset, parseNormalization } from "../src/data/index.js";
import { writeFileAtomic } from "../src/files.js";
import { fitScores, scoreDataset } from "../src/guard/index.js";
import { takesImage } from "../src/guard/score-part.js";
import { readModel } from "../src/onnx/index.js";
import { createEngine } from "../src/runtime/index.js";
import { type ScoreName, scores } from "../src/scores/index.js";
import { asClassifier } from "../src/training/index.js";
import { dataFolder } from "./experiments/protocol.js";
import { execute } from "./processes.js";

const { values: flags } = parseArgs({
  options: {
    threads: { type: "string", default: "2" },
    // What a process of its own is to measure: so many images, with these scores.
    images: { type: "string" },
    scores: { type: "string", default: "" },
  },
});
const normalization = parseNormalization("0.485,0.456,0.406:0.229,0.224,0.225");
const fittedTo = 2000;
const passSizes = [2000, 8000, 32_000];
/** Scores of the image need gradients through the network: they are no part of the one pass whose cost is told. */
const cheap = (Object.keys(scores) as ScoreName[]).filter((name) => !takesImage(name));

async function measure(images: string): Promise<number> {
  const engine = await createEngine({ threads: Number(flags.threads) });
  const names = flags.scores.split(",").filter((name) => name !== "") as ScoreName[];
  const path = join(process.env.OFFMAP_MODELS ?? "", "resnet20-cifar10.onnx");
  const network = asClassifier(await readModel(path), path);
  const training = (share: string) => openDataset(`cifar:${join(dataFolder(), "cifar10-train.bin")}?${share}`);
  try {
    const some = await training(`per-class=${fittedTo / 10}`);
    const parts = names.length === 0 ? [] : await fitScores(engine, network, some, names, { normalization });
    await scoreDataset(engine, network, await training("limit=250"), parts, { normalization });
    const wanted = await training(`limit=${images}`);
    const started = performance.now();
    await scoreDataset(engine, network, wanted, parts, { normalization });
    return (performance.now() - started) / 1000;
  } finally {
    await engine.close();
  }
}

async function report(): Promise<void> {
  const run = (images: number, names: readonly ScoreName[]) => {
    const own = ["--threads", flags.threads, "--images", String(images), "--scores", names.join(",")];
    const program = ["--import", "tsx", process.argv[1] as string];
    return execute(process.execPath, [...program, ...own], ({ seconds = Number.NaN }) => seconds);
  };
  const rows: string[] = [];
  for (const images of passSizes) {
    // In turn, three times: the shortest of each.
    const found = { alone: [] as number[], all: [] as number[] };
    const memory = { alone: 0, all: 0 };
    for (let repeat = 0; repeat < 3; repeat++) {
      for (const side of ["alone", "all"] as const) {
        const { seconds, megabytes } = await run(images, side === "alone" ? [] : cheap);
        found[side].push(seconds);
        memory[side] = Math.max(memory[side], megabytes);
      }
    }
    const [alone, together] = [Math.min(...found.alone), Math.min(...found.all)];
    const cells = [images, alone.toFixed(2), together.toFixed(2), (together / alone).toFixed(2)];
    rows.push(`| ${[...cells, memory.alone.toFixed(0), memory.all.toFixed(0)].join(" | ")} |`);
    console.log(rows.at(-1));
  }
  await writeFileAtomic("docs/results/score-pass.md", document(rows));
}

const document = (rows: readonly string[]) => `# One pass with all post-hoc scores

Written by \`OFFMAP_DATA=DIR OFFMAP_MODELS=DIR npx tsx bench/score-pass.ts\`: ${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}, ${flags.threads} threads. Seconds; MB is the peak of the process.

The public CIFAR-10 ResNet-20 on its training images; all ${cheap.length} scores that need no gradients through the network, fitted to ${fittedTo} images (so many features are in the banks of knn and nnguide), on top of it. Shortest of three runs of either, in turn; loading the network into the engine is counted, which takes about a second longer with the scores. The file of the images, 154 MB, is in memory whatever share of it is asked for.

| images | model alone | all scores | ratio | MB alone | MB with all |
|--:|--:|--:|--:|--:|--:|
${rows.join("\n")}
`;

if (flags.images === undefined) await report();
else console.log(JSON.stringify({ seconds: await measure(flags.images) }));
