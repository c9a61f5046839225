import { writeFileAtomic } from "../files.js";
import { renderReport } from "./html.js";
import type { Report } from "./types.js";

/**
 * Renders the report and writes it to a file of an existing folder.
 *
 * @throws RunError when the file cannot be written; an older file is then still there, whole
 */
export async function writeReport(report: Report, path: string): Promise<void> {
  await writeFileAtomic(path, await renderReport(report));
}
