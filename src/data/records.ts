import { open, readFile } from "node:fs/promises";
import { DataError } from "../errors.js";
import { fileError } from "./files.js";

/** Records of one size, one after the other in a file. */
export interface RecordFile {
  readonly path: string;
  /** Bytes before the first record. */
  readonly start: number;
  readonly recordBytes: number;
  readonly count: number;
}

/** Gives the bytes of records; views into memory that the caller must not change. */
export interface RecordReader {
  read(indices: ArrayLike<number>): Promise<readonly Uint8Array[]>;
}

/** Files up to this size are kept in memory: 512 MiB hold CIFAR-10 three times over. Larger ones are read record by record. */
export const inMemoryBytes = 2 ** 29;

/** The file is opened for the duration of a read only, so a dataset needs no closing. */
export async function openRecords(file: RecordFile): Promise<RecordReader> {
  const { path, start, recordBytes, count } = file;
  const end = start + recordBytes * count;
  if (end <= inMemoryBytes) {
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw fileError(path, cause);
    });
    if (bytes.length < end) throw shrunk(path);
    return {
      read: async (indices) =>
        Array.from(indices, (index) => bytes.subarray(start + index * recordBytes, start + (index + 1) * recordBytes)),
    };
  }
  return {
    async read(indices) {
      const handle = await open(path).catch((cause: unknown) => {
        throw fileError(path, cause);
      });
      try {
        const records: Uint8Array[] = [];
        for (const index of Array.from(indices)) {
          const record = new Uint8Array(recordBytes);
          const { bytesRead } = await handle.read(record, 0, recordBytes, start + index * recordBytes);
          if (bytesRead < recordBytes) throw shrunk(path);
          records.push(record);
        }
        return records;
      } finally {
        await handle.close();
      }
    },
  };
}

function shrunk(path: string): DataError {
  return new DataError({ where: path, problem: "became shorter while it was read" });
}
