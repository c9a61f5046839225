import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forkJob, type Job, type JobRunner, runJob } from "../../src/benchmarks/sweep/index.js";
import { type BenchOptions, runBench } from "../../src/cli/bench.js";
import { type CommandIo, commandIo } from "../../src/cli/command-io.js";
import { CancelledError, DataError, OptionError, RunError } from "../../src/errors.js";
import { encodeModel, readModel } from "../../src/onnx/index.js";
import type { TrainOptions } from "../../src/training/index.js";
import { writeTinyData } from "./tiny-data.js";

const program = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
let folder = "";
const data = () => ({ OFFMAP_DATA: join(folder, "data") });

const shared = `
table: tiny
data:
  id: cifar:\${OFFMAP_DATA}/cifar10-train.bin
  outliers: cifar:\${OFFMAP_DATA}/tiny-imagenet-outliers.bin?limit=40
  test: cifar:\${OFFMAP_DATA}/cifar10-test.bin
  ood:
    textures: cifar:\${OFFMAP_DATA}/textures-ood-test.bin?limit=20
    scenes: cifar:\${OFFMAP_DATA}/scenes-ood-test.bin?limit=20
  normalize: 0.5,0.5,0.5:0.25,0.25,0.25
defaults:
  train: { arch: resnet20, width: 0.25, steps: 12, batch: 16, hold-out: 0, checkpoint-every: 2 }
  tune: { train: all, bn: batch, steps: 6, batch: 8, outlier-batch: 8, hold-out: 0, checkpoint-every: 2 }
evaluate: { adjust: true }
notes: [Three rows on a few images.]
`;
const rows = {
  shared,
  base: "extends: shared.yaml\ntitle: Base\norder: 1\nstages:\n  - train: { loss: ce }\nevaluate: { score: msp, prior: true }\npaper: { auroc: 70.96, source: a paper }\n",
  oe: "extends: shared.yaml\ntitle: OE\norder: 2\nstages:\n  - recipe: base.yaml\n  - tune: { loss: oe }\n",
  balanced:
    "extends: shared.yaml\ntitle: Balanced\norder: 3\nstages:\n  - recipe: base.yaml\n  - tune: { loss: balanced-energy }\n",
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-bench-"));
  await writeTinyData(join(folder, "data"));
  await mkdir(join(folder, "rows"));
  for (const [name, text] of Object.entries(rows)) await writeFile(join(folder, "rows", `${name}.yaml`), text);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Found {
  readonly document: {
    readonly tables: readonly {
      readonly rows: readonly { readonly recipe: string; readonly seeds: readonly number[] }[];
    }[];
    readonly failures: readonly { readonly recipe: string; readonly seed: number; readonly reason: string }[];
  };
  readonly jobs: readonly Job[];
  readonly stderr: string;
  readonly exitCode: number;
}

/** A sweep inside this process, but for what the runner puts elsewhere. */
async function sweep(options: Partial<BenchOptions>, runner: JobRunner = runJob, signal?: AbortSignal): Promise<Found> {
  const [jobs, out, stderr]: [Job[], string[], string[]] = [[], [], []];
  let exitCode = 0;
  const stream = (lines: string[]) => ({
    isTerminal: false,
    columns: undefined,
    write: async (text: string) => void lines.push(text),
  });
  const host = {
    stdout: stream(out),
    stderr: stream(stderr),
    environment: data(),
    signal: signal ?? new AbortController().signal,
  };
  const io: CommandIo = commandIo(host, host.stderr, { json: true, quiet: false }, (code) => {
    exitCode = code;
  });
  const counted: JobRunner = (job, context) => {
    jobs.push(job);
    return runner(job, context);
  };
  await runBench(
    { recipes: [join(folder, "rows")], seeds: [1, 2], jobs: 2, threads: 1, out: "", ...options },
    io,
    counted,
  );
  return { document: JSON.parse(out.join("")) as Found["document"], jobs, stderr: stderr.join(""), exitCode };
}

/** Hashes of all that must come out the same, by path. A model's metadata name the folder it was made in, its graph does not. */
async function outcome(out: string): Promise<Record<string, string>> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const same = files.filter((file) => /results|table\.|report\.html|model\.onnx$/.test(file.slice(out.length))).sort();
  const hashes = same.map(async (file) => {
    const bytes = file.endsWith(".onnx")
      ? encodeModel({ ...(await readModel(file)), metadata: new Map() })
      : await readFile(file);
    return [file.slice(out.length), createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(hashes));
}

describe("a sweep", { timeout: 600_000 }, () => {
  test("trains what recipes have in common once, and takes up what is finished without running anything", async () => {
    const out = join(folder, "whole");
    const { document, jobs, exitCode, stderr } = await sweep({ out });
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain("failed");
    // Two seeds: a training run, two that go on from it, and three evaluations.
    expect(jobs.map(({ kind }) => kind).sort()).toEqual([
      ...Array(6).fill("evaluate"),
      ...Array(2).fill("train"),
      ...Array(4).fill("tune"),
    ]);
    expect(document.tables[0]?.rows.map(({ recipe, seeds }) => [recipe, seeds])).toEqual([
      ["tiny/base", [1, 2]],
      ["tiny/oe", [1, 2]],
      ["tiny/balanced", [1, 2]],
    ]);
    const before = await outcome(out);
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(["/table.md", "/table.csv", "/table.tex", "/report.html", "/results/tiny/oe/seed-2.json"]),
    );
    const again = await sweep({ out });
    expect(again.jobs).toEqual([]);
    expect(await outcome(out)).toEqual(before);
    expect(existsSync(join(out, "lock"))).toBe(false);
  });

  test("one more recipe, or seed, costs only what is new", async () => {
    const out = join(folder, "grown");
    await sweep({ out, recipes: [join(folder, "rows", "base.yaml")], seeds: [1] });
    const { jobs } = await sweep({
      out,
      recipes: [join(folder, "rows", "base.yaml"), join(folder, "rows", "oe")],
      seeds: [1],
    });
    expect(jobs.map(({ kind }) => kind)).toEqual(["tune", "evaluate"]);
  });

  test("a network is evaluated with the normalization it was trained with, not that of the recipe's data", async () => {
    const out = join(folder, "normalized");
    const set = [{ key: "train.normalize", value: "0.4:0.3" }];
    const { jobs } = await sweep({ out, recipes: [join(folder, "rows", "base.yaml")], seeds: [1], set });
    const [trained, evaluated] = [
      jobs.find(({ kind }) => kind === "train"),
      jobs.find(({ kind }) => kind === "evaluate"),
    ];
    expect(trained).toMatchObject({ options: { normalization: { mean: [0.4], std: [0.3] } } });
    expect(evaluated).toMatchObject({
      scoresFrom: { normalization: undefined },
      accuracyFrom: { normalization: undefined },
    });
  });

  test("numbers of other settings are not taken for these", async () => {
    const out = join(folder, "grown");
    const set = [{ key: "lr", value: "0.01" }];
    const one = { out, recipes: [join(folder, "rows", "base.yaml")], seeds: [1], set };
    const { jobs, document, stderr } = await sweep(one);
    expect(jobs.map(({ kind }) => kind)).toEqual(["train", "evaluate"]);
    expect(JSON.stringify(document)).toContain("Changed by --set: lr=0.01.");
    expect(stderr).toContain(
      "numbers of 1 runs with other settings or data, which new ones will replace (tiny/base, seed 1)",
    );
  });

  test("a run that fails is told in one sentence, takes along what needs it, and stops nothing else", async () => {
    const out = join(folder, "failing");
    const failing: JobRunner = async (job, context) => {
      if (job.kind === "tune" && job.options.loss === "oe" && job.options.seed === 1)
        throw new RunError({ problem: "the disk is full" });
      return runJob(job, context);
    };
    const { document, exitCode, stderr } = await sweep({ out }, failing);
    expect(exitCode).toBe(1);
    expect(document.failures).toEqual([{ recipe: "tiny/oe", seed: 1, reason: "the disk is full" }]);
    expect(stderr.match(/disk is full/g)).toHaveLength(1);
    expect(stderr).toContain("offmap: warning: tiny/oe, seed 1: the disk is full\n");
    expect(document.tables[0]?.rows.map(({ recipe, seeds }) => [recipe, seeds])).toEqual([
      ["tiny/base", [1, 2]],
      ["tiny/oe", [2]],
      ["tiny/balanced", [1, 2]],
    ]);
    const repeated = await sweep({ out });
    expect(repeated.exitCode).toBe(0);
    expect(repeated.jobs.map(({ kind }) => kind)).toEqual(["tune", "evaluate"]);
    expect(await outcome(out)).toEqual(await outcome(join(folder, "whole")));
  });

  test("a job whose process alone is asked to stop has failed, and says so", async () => {
    const stopped: JobRunner = (job, context) => {
      if (job.kind !== "train") return runJob(job, context);
      throw new CancelledError({ problem: "stopped after step 2 of 12" });
    };
    const one = { out: join(folder, "asked to stop"), recipes: [join(folder, "rows", "base.yaml")], seeds: [1] };
    const { document, exitCode, stderr } = await sweep(one, stopped);
    expect(exitCode).toBe(1);
    expect(document.failures).toMatchObject([
      { recipe: "tiny/base", reason: expect.stringContaining("asked to stop") as string },
    ]);
    expect(stderr).toContain("its process was asked to stop");
  });

  test("a finished network spares those that it was made from", async () => {
    const [whole, out] = [join(folder, "whole"), join(folder, "spared")];
    const { document } = await sweep({ out: whole, plan: true });
    const { stages } = document as unknown as { stages: { key: string; for: string }[] };
    const tuned = stages.find((stage) => stage.for === "tiny/oe, seed 1")?.key ?? "";
    await cp(join(whole, "stages", tuned), join(out, "stages", tuned), { recursive: true });
    const one = { out, recipes: [join(folder, "rows", "oe.yaml")], seeds: [1] };
    expect(await sweep({ ...one, plan: true })).toMatchObject({
      document: { stages: [{ state: "not needed" }, { state: "finished" }] },
    });
    expect((await sweep(one)).jobs.map(({ kind }) => kind)).toEqual(["evaluate"]);
  });

  test("only one sweep at a time works in a folder", async () => {
    const out = join(folder, "held");
    await mkdir(out);
    await writeFile(join(out, "lock"), JSON.stringify({ pid: process.ppid, host: hostname() }));
    await writeFile(join(out, "table.md"), "what the other has");
    await expect(sweep({ out })).rejects.toThrow("expected a folder that no other sweep is at work in");
    expect(await readFile(join(out, "table.md"), "utf8")).toBe("what the other has");
    // One whose process is gone holds nothing.
    await writeFile(join(out, "lock"), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    expect((await sweep({ out, recipes: [join(folder, "rows", "base.yaml")], seeds: [1] })).exitCode).toBe(0);
  });

  test("a result that cannot be read is measured anew, and the plan says so", async () => {
    const out = join(folder, "damaged");
    const base = { out, recipes: [join(folder, "rows", "base.yaml")], seeds: [1] };
    await sweep(base);
    const whole = await outcome(out);
    await writeFile(join(out, "results", "tiny", "base", "seed-1.json"), "{");
    expect((await sweep({ ...base, plan: true })).document).toMatchObject({
      stages: [{ state: "finished" }],
      runs: [{ state: "to be run" }],
    });
    expect((await sweep(base)).jobs.map(({ kind }) => kind)).toEqual(["evaluate"]);
    expect(await outcome(out)).toEqual(whole);
    // Without the network the numbers stand, and nothing is to be trained.
    await rm(join(out, "stages"), { recursive: true });
    expect((await sweep({ ...base, plan: true })).document).toMatchObject({
      stages: [{ state: "not needed" }],
      runs: [{ state: "finished" }],
    });
  });

  test("the plan names stages by key and runs nothing", async () => {
    const { document, jobs } = await sweep({ out: join(folder, "whole"), plan: true });
    expect(jobs).toEqual([]);
    expect(document).toMatchObject({
      stages: [
        { kind: "train", state: "finished", shared_by: 3, for: "tiny/base, seed 1" },
        { kind: "tune", shared_by: 1 },
        { kind: "tune", shared_by: 1 },
        { kind: "train" },
        { kind: "tune" },
        { kind: "tune" },
      ],
      runs: Array(6)
        .fill({ state: "finished" })
        .map((run) => expect.objectContaining(run)),
    });
    expect(existsSync(join(folder, "unmade"))).toBe(false);
  });
});

describe("jobs in processes of their own", { timeout: 600_000 }, () => {
  test("ctrl-C saves what was begun, and the same command goes on to the same bytes", async () => {
    const out = join(folder, "stopped");
    const stop = new AbortController();
    const stopping: JobRunner = (job, context) =>
      forkJob(job, {
        ...context,
        progress: {
          start: (...told) => context.progress?.start(...told),
          update: (done, note) => {
            if (job.kind === "train") stop.abort();
            context.progress?.update(done, note);
          },
          finish: (note) => context.progress?.finish(note),
        },
      });
    await expect(sweep({ out }, stopping, stop.signal)).rejects.toThrow(CancelledError);
    await expect(sweep({ out }, stopping, stop.signal)).rejects.toThrow(
      /0 of 6 runs are finished, and what was begun is saved in/,
    );
    const { exitCode } = await sweep({ out }, forkJob);
    expect(exitCode).toBe(0);
    expect(await outcome(out)).toEqual(await outcome(join(folder, "whole")));
  });

  test("killed at any point, the program goes on to the same bytes", async () => {
    const out = join(folder, "killed");
    const run = (): ChildProcess =>
      spawn(
        process.execPath,
        [
          program,
          "bench",
          join(folder, "rows"),
          "--seeds",
          "1,2",
          "--jobs",
          "2",
          "--threads",
          "1",
          "--out",
          out,
          "--json",
        ],
        {
          env: { ...process.env, ...data() },
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
    const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("exit", resolve));
    for (const sign of ["checkpoint.onnx", "run.json", "seed-1.json"]) {
      const child = run();
      const over = ended(child);
      while (!(await hasFile(out, sign)) && child.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill("SIGKILL");
      await over;
    }
    const last = run();
    const texts: string[] = [];
    last.stderr?.on("data", (text: Buffer) => texts.push(text.toString()));
    expect(await ended(last)).toBe(0);
    // In a pipe there is no progress, only warnings.
    expect(
      texts
        .join("")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("offmap: warning: ")),
    ).toEqual([]);
    expect(await outcome(out)).toEqual(await outcome(join(folder, "whole")));
  });

  test("what goes wrong in a job keeps its kind and its words", async () => {
    const options = {
      arch: "resnet20",
      id: `cifar:${join(folder, "data", "none.bin")}`,
      out: join(folder, "job"),
      engine: { threads: 1 },
    } as const;
    const failure = forkJob({ task: "classification", kind: "train", options, content: {} }, {});
    await expect(failure).rejects.toThrow(/none\.bin/);
    const unlabelled = { ...options, id: `cifar:${join(folder, "data", "cifar10-test.bin")}?labels=none` };
    await expect(
      forkJob({ task: "classification", kind: "train", options: unlabelled, content: {} }, {}),
    ).rejects.toThrow(DataError);
    const noOutliers = { ...options, id: `cifar:${join(folder, "data", "cifar10-test.bin")}`, loss: "oe" } as const;
    await expect(
      forkJob({ task: "classification", kind: "train", options: noOutliers, content: {} }, {}),
    ).rejects.toThrow(OptionError);
  });

  test.runIf(process.platform === "linux")("a process that is killed is told of as such, with what to do", async () => {
    const options: TrainOptions = {
      ...{ arch: "resnet20", width: 0.25, id: `cifar:${join(folder, "data", "cifar10-train.bin")}` },
      ...{ out: join(folder, "killed-job"), steps: 100_000, batch: 8, holdOut: 0, engine: { threads: 1 } },
    };
    const progress = { start() {}, finish() {}, update: () => void killChildren() };
    await expect(
      forkJob({ task: "classification", kind: "train", options, content: {} }, { progress }),
    ).rejects.toThrow(
      "its process was ended by SIGKILL; that happens when memory runs out: repeat the command with fewer --jobs, and it goes on from the last checkpoint",
    );
  });
});

async function hasFile(below: string, name: string): Promise<boolean> {
  const entries = await readdir(below, { recursive: true }).catch(() => []);
  return entries.some((entry) => entry.endsWith(name));
}

/** Ends the processes that do jobs of this one. */
async function killChildren(): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [stat, command] = await Promise.all(
      ["stat", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    const parent = Number(stat?.replace(/^.*\) /, "").split(" ")[1]);
    if (parent === process.pid && command?.includes("job-process")) process.kill(Number(pid), "SIGKILL");
  }
}
