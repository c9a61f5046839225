import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

const source = fileURLToPath(new URL("./main.ts", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));
const program = join(root, "dist/cli/main.js");
const assets = join(root, "assets/demo");

beforeAll(() => {
  if (!existsSync(program)) throw new Error("dist/cli/main.js is missing: run `npm run build` first");
});

/** Modules that importing a file loads at once, without those that it only imports when a command runs. */
async function loadedBy(file: string, seen = new Map<string, Promise<string[]>>()): Promise<string[]> {
  const known = seen.get(file);
  if (known !== undefined) return [];
  const packages: string[] = [];
  seen.set(file, Promise.resolve(packages));
  const text = await readFile(file, "utf8");
  for (const match of text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?"([^"]+)";/gms)) {
    const specifier = match[1] as string;
    if (specifier.startsWith(".")) {
      packages.push(...(await loadedBy(resolve(dirname(file), specifier.replace(/\.js$/, ".ts")), seen)));
    } else packages.push(specifier);
  }
  return packages;
}

test("the program starts without loading engine, decoders or YAML, which take longer than its whole start", async () => {
  const packages = new Set((await loadedBy(source)).filter((name) => !name.startsWith("node:")));
  expect([...packages]).toEqual(["commander"]);
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  argv: readonly string[],
  environment: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [program, ...argv], { env: { ...process.env, ...environment } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((done) => {
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Waits until a file is newer than a time, or the process that should write it has ended. */
async function changed(path: string, since: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    if (mtimeMs > since) return;
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

describe("the program as a process", () => {
  test("exit code, standard output and standard error are those of the command", async () => {
    const good = await start(["inspect", join(assets, "resnet20-cifar10.onnx"), "--json"]).ended;
    expect(good.stderr).toBe("");
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ opset: 16, parameters: { count: 269722 } });
    const bad = await start(["inspect", "missing.onnx"]).ended;
    expect(bad).toEqual({
      code: 2,
      stdout: "",
      stderr: "offmap: missing.onnx: expected an ONNX file, got no such file\n",
    });
  });

  test("a reader that closes the pipe early ends it without a stack trace", async () => {
    const { child, ended } = start(["inspect", join(assets, "resnet20-cifar10.onnx"), "--json"]);
    child.stdout?.destroy();
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toBe(
      "offmap: standard output: the program that reads the output ended before everything was written\n",
    );
  });

  test("ctrl-C during tune leaves a checkpoint that --resume goes on from", async () => {
    const out = await mkdtemp(join(tmpdir(), "offmap-interrupt-"));
    const argv = [
      ...[
        "tune",
        "--model",
        join(assets, "resnet20-cifar10.onnx"),
        "--normalize",
        "0.485,0.456,0.406:0.229,0.224,0.225",
      ],
      ...["--id", `sheet:${join(assets, "cifar10-train.json")}?limit=64&seed=1`],
      ...["--outliers", `sheet:${join(assets, "outliers.json")}?limit=64&seed=1`],
      ...["--batch", "8", "--outlier-batch", "8", "--no-augment", "--checkpoint-every", "5", "--out", out, "--json"],
    ];
    const checkpoint = join(out, "checkpoint.onnx");
    const first = start([...argv, "--steps", "100000"]);
    await changed(checkpoint, 0, first.child);
    first.child.kill("SIGINT");
    const stopped = await first.ended;
    expect(stopped.stderr).toContain("press ctrl-C again");
    expect(stopped.code).toBe(130);
    const { error } = JSON.parse(stopped.stdout) as { error: { message: string } };
    const step = Number(/stopped after step (\d+)/.exec(error.message)?.[1]);
    expect(step).toBeGreaterThanOrEqual(5);

    const before = (await stat(checkpoint)).mtimeMs;
    const second = start([...argv, "--steps", "100000", "--resume"]);
    await changed(checkpoint, before, second.child);
    second.child.kill("SIGINT");
    const resumed = await second.ended;
    expect(resumed.code).toBe(130);
    const later = Number(/stopped after step (\d+)/.exec(resumed.stdout)?.[1]);
    expect(later).toBeGreaterThan(step);
  });
});
