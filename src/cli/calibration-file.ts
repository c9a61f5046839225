import { readFile } from "node:fs/promises";

/** What a file of `offmap calibrate` holds, unchecked; undefined for a text that is no JSON, which no calibration is. */
export async function readCalibration(path: string): Promise<unknown> {
  const content = await readFile(path, "utf8");
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
