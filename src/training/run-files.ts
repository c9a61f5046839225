/** The files of a run directory: `log.csv`, `run.json`, `checkpoint.onnx`, `model.onnx`, `validation.csv`, `best.onnx`. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { OptionError } from "../errors.js";
import { sharedFile, writeFileAtomic } from "../files.js";
import { type StepReadings, stepReadings } from "./step.js";

export interface LogRow extends StepReadings {
  /** 1 for the first update. */
  readonly step: number;
  readonly learningRate: number;
}

const runFiles = ["log.csv", "run.json", "checkpoint.onnx", "model.onnx", "validation.csv", "best.onnx"] as const;
export type RunFile = (typeof runFiles)[number];

const columns = ["step", "learningRate", ...stepReadings] as const;

export class RunFolder {
  private readonly rows: LogRow[] = [];

  private constructor(readonly path: string) {}

  static async open(path: string): Promise<RunFolder> {
    try {
      await mkdir(path, { recursive: true });
    } catch (cause) {
      throw new OptionError({
        where: "--out",
        expected: "a folder that can be made",
        received: `${path} (${String(cause)})`,
        cause,
      });
    }
    return new RunFolder(path);
  }

  /** Takes away what an earlier run left: the files of a folder are of one run. */
  async clear(): Promise<void> {
    for (const name of runFiles) await rm(this.file(name), { force: true });
  }

  readonly file = (name: RunFile) => join(this.path, name);

  log(row: LogRow): void {
    this.rows.push(row);
  }

  /** Rows of the run so far, those before a resumption included. */
  get history(): readonly LogRow[] {
    return this.rows;
  }

  /** Takes over the log of the run to be continued, as far as its checkpoint goes. */
  async continueLog(steps: number): Promise<void> {
    this.rows.push(...(await readLog(this.path)).filter((row) => row.step <= steps));
  }

  async writeLog(): Promise<void> {
    const lines = this.rows.map((row) =>
      columns.map((name) => (Number.isNaN(row[name]) ? "" : String(row[name]))).join(","),
    );
    await writeFileAtomic(this.file("log.csv"), `${[columns.join(","), ...lines].join("\n")}\n`);
  }

  async writeRecord(record: object): Promise<void> {
    await writeFileAtomic(this.file("run.json"), `${JSON.stringify(record, null, 2)}\n`);
  }
}

/** @throws OptionError where a run in a folder would write over the model that it starts from */
export async function keepModel(folder: string, model: string): Promise<void> {
  const taken = await sharedFile(
    runFiles.map((name) => join(folder, name)),
    [model],
  );
  if (taken !== undefined) {
    throw new OptionError({
      where: "--out",
      expected: "another folder than that of the model, which would be written over",
      received: taken,
    });
  }
}

/** SHA-256 of a file's content, in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** The log of a run folder; an empty cell is NaN, a missing log is empty. */
export async function readLog(folder: string): Promise<LogRow[]> {
  const text = await readFile(join(folder, "log.csv"), "utf8").catch(() => "");
  const lines = text.trim().split("\n").slice(1);
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(
      columns.map((name, index) => [name, cells[index] ? Number(cells[index]) : Number.NaN]),
    ) as unknown as LogRow;
  });
}
