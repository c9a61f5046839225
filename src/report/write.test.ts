import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sampleReport } from "../../test/report/sample-report.js";
import { RunError } from "../errors.js";
import { renderReport } from "./html.js";
import { writeReport } from "./write.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "offmap-report-"));
});
afterEach(() => rm(folder, { recursive: true }));

const report = sampleReport({ models: ["m"], sets: ["far"] });

test("the file holds the rendered report and nothing is left beside it", async () => {
  await writeReport(report, join(folder, "report.html"));
  expect(await readdir(folder)).toEqual(["report.html"]);
  expect(await readFile(join(folder, "report.html"), "utf8")).toBe(await renderReport(report));
});

test("a report that cannot be rendered leaves the old file as it was", async () => {
  const path = join(folder, "report.html");
  await writeFile(path, "old");
  const broken = {
    ...report,
    models: report.models.map((model) => ({ ...model, rows: [...model.rows, ...model.rows] })),
  };
  await expect(writeReport(broken, path)).rejects.toThrow(/two results/);
  expect(await readFile(path, "utf8")).toBe("old");
});

test("a folder that does not exist is named", async () => {
  const path = join(folder, "missing", "report.html");
  await expect(writeReport(report, path)).rejects.toThrow(RunError);
  await expect(writeReport(report, path)).rejects.toThrow(path);
});
