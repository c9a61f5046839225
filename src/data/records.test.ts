import { open, truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, write } from "../../test/data/files.js";
import { inMemoryBytes, openRecords } from "./records.js";

const folder = temporaryFolder();

test("a file too large for memory is read record by record, at the right places", async () => {
  const path = await write(join(folder, "large"), "");
  const recordBytes = 2 ** 20;
  const count = inMemoryBytes / recordBytes + 1;
  // A hole: it takes no room on the disk.
  await truncate(path, 5 + count * recordBytes);
  const file = await open(path, "r+");
  await file.write(Uint8Array.of(7), 0, 1, 5 + (count - 1) * recordBytes);
  await file.write(Uint8Array.of(9), 0, 1, 5 + 3 * recordBytes);
  await file.close();
  const records = await openRecords({ path, start: 5, recordBytes, count });
  const [last, third] = await records.read([count - 1, 3]);
  expect([last?.length, last?.[0], third?.[0], third?.[1]]).toEqual([recordBytes, 7, 9, 0]);
  await truncate(path, 1000);
  await expect(records.read([0])).rejects.toThrow("became shorter while it was read");
});
