/**
 * What the fit of each post-hoc score to wide features costs. Writes docs/results/score-fits.md.
 *
 *   npx tsx bench/score-fits.ts [--threads 2]
 *
 * Every measurement is a process of its own, so that its peak of memory is its own.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createGenerator, type ImageDataset } from "../src/data/index.js";
import { writeFileAtomic } from "../src/files.js";
import { GraphBuilder } from "../src/graph/builder.js";
import { fitScores, scoreDataset } from "../src/guard/index.js";
import { first, matMul, relu, reshape } from "../src/ops/index.js";
import { createEngine } from "../src/runtime/index.js";
import { type ScoreDefinition, type ScoreName, scores } from "../src/scores/index.js";
import { asClassifier, type Classifier } from "../src/training/index.js";
import { execute } from "./processes.js";

const { values: flags } = parseArgs({
  options: {
    threads: { type: "string", default: "2" },
    // What a process of its own is to measure: the fit of this score to so many features.
    features: { type: "string" },
    score: { type: "string" },
  },
});
const shape = [3, 32, 32] as const;
const pixels = shape[0] * shape[1] * shape[2];
const classes = 100;
const count = 5000;
const widths = [512, 2048];
/** Every seventh image, which the network takes for another class than its label says. */
const isWrong = (index: number) => index % 7 === 0;

/** Noise, made when it is read. In the first pixels only that of the class is lit, so that a network can tell them apart. */
function noise(length: number): ImageDataset {
  const generator = createGenerator(1);
  const seen = (index: number) => index % classes;
  return {
    ...{ spec: "noise", name: "noise", length, shape },
    labels: Int32Array.from({ length }, (_, index) => (seen(index) + Number(isWrong(index))) % classes),
    async read(indices) {
      const data = new Uint8Array(indices.length * pixels);
      for (let at = 0; at < data.length; at++) data[at] = Math.floor(256 * generator.uniform());
      for (let at = 0; at < indices.length; at++) {
        data.fill(0, at * pixels, at * pixels + classes);
        data[at * pixels + seen(indices[at] as number)] = 255;
      }
      return { data, count: indices.length, shape };
    },
    describe: (index) => `noise ${index}`,
    fingerprint: async () => "noise",
  };
}

/** Features of a chosen width, of which the first are the pixels that tell the class and the others a random layer with ReLU. */
function wideNetwork(width: number): Classifier {
  const graph = new GraphBuilder();
  const generator = createGenerator(2);
  const matrix = (
    name: string,
    dims: readonly [number, number],
    own: (row: number, column: number) => number | undefined,
  ) => {
    const data = Float32Array.from(
      { length: dims[0] * dims[1] },
      (_, at) => own(Math.floor(at / dims[1]), at % dims[1]) ?? (generator.uniform() - 0.5) / Math.sqrt(dims[0]),
    );
    return graph.initializer(name, { dtype: "float32", dims, data });
  };
  const hidden = matrix("hidden", [pixels, width], (pixel, unit) =>
    unit < classes ? 10 * Number(pixel === unit) : undefined,
  );
  const weight = matrix("weight", [width, classes], (unit, label) => (unit === label ? 1 : undefined));
  const image = graph.input("image", "float32", ["N", ...shape]);
  const features = relu(matMul(reshape(image, [-1, pixels]), hidden));
  return asClassifier(graph.model({ logits: first(graph.op("Gemm", [features, weight])) }, "wide"));
}

async function measure(width: number, name: ScoreName | undefined): Promise<number> {
  const engine = await createEngine({ threads: Number(flags.threads) });
  const [network, images] = [wideNetwork(width), noise(count)];
  try {
    // A short pass first: what is compiled once is no part of what a score costs.
    await scoreDataset(engine, network, noise(250), []);
    const started = performance.now();
    await (name === undefined ? scoreDataset(engine, network, images, []) : fitScores(engine, network, images, [name]));
    return (performance.now() - started) / 1000;
  } finally {
    await engine.close();
  }
}

async function report(): Promise<void> {
  const fitted = Object.entries<ScoreDefinition>(scores)
    .filter(([, { fit, uses }]) => fit !== undefined && uses.some((what) => what === "features" || what === "head"))
    .map(([name]) => name);
  const rows: string[] = [];
  for (const name of [undefined, ...fitted]) {
    const cells: string[] = [];
    for (const width of widths) {
      const own = ["--threads", flags.threads, "--features", String(width), ...(name ? ["--score", name] : [])];
      const program = ["--import", "tsx", process.argv[1] as string];
      const of = ({ seconds = Number.NaN }) => seconds;
      const { seconds, megabytes } = await execute(process.execPath, [...program, ...own], of);
      cells.push(seconds.toFixed(1), megabytes.toFixed(0));
    }
    rows.push(`| ${[name ?? "*the pass alone*", ...cells].join(" | ")} |`);
    console.log(rows.at(-1));
  }
  await writeFileAtomic("docs/results/score-fits.md", document(rows));
}

const document = (rows: readonly string[]) => `# Fits of post-hoc scores to wide features

Written by \`npx tsx bench/score-fits.ts\`: ${cpus().length} x ${cpus()[0]?.model ?? "processor"}, Node ${process.version}, ${flags.threads} threads. Seconds; MB is the peak of the process.

${count} images, noise of 32x32 in ${classes} classes, one layer of ReLU features on the pixels; each score fitted alone, the pass over the images included.

| score | ${widths.map((width) => `${width} features, s | MB`).join(" | ")} |
|---|${widths.map(() => "--:|--:|").join("")}
${rows.join("\n")}
`;

if (flags.features === undefined) await report();
else {
  const seconds = await measure(Number(flags.features), flags.score as ScoreName | undefined);
  console.log(JSON.stringify({ seconds }));
}
