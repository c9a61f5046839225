/** Keys by content: what is the same gets the same key, wherever its files lie. */
import { createHash } from "node:crypto";
import { openDataset } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { hashFile } from "../../training/run-files.js";
import { isScOod, type OodSet, openScOod } from "../sc-ood.js";

const keyLength = 16;

/** First 64 bits of the SHA-256 of a value, in hexadecimal; the order of an object's keys does not count. */
export function contentKey(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, keyLength);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** What a data set is known by in a table. */
export interface DatasetIdentity {
  readonly name: string;
  readonly images: number;
  /** SHA-256 of images, selection and labels. */
  readonly fingerprint: string;
}

/** Identities of data sets and files, each found out once in a sweep. */
export class Identities {
  private readonly known = new Map<string, Promise<unknown>>();

  /** @param labels  whether the labels count */
  dataset(spec: string, labels: boolean): Promise<DatasetIdentity> {
    return this.once(`dataset ${labels} ${spec}`, async () => {
      const dataset = await openDataset(spec, labels ? {} : { ignoreLabels: true });
      return { name: dataset.name, images: dataset.length, fingerprint: await dataset.fingerprint() };
    });
  }

  /** The sets that a spec of a recipe stands for. */
  ood({ name, spec }: { readonly name?: string; readonly spec: string }): Promise<readonly DatasetIdentity[]> {
    return this.once(`ood ${name} ${spec}`, async () =>
      Promise.all(
        (await openOod({ ...(name === undefined ? {} : { name }), spec })).map(async (set) => ({
          name: set.name,
          images: set.length,
          fingerprint: contentKey([await set.fingerprint(), await set.alsoInDistribution?.fingerprint()]),
        })),
      ),
    );
  }

  file(path: string, where: string): Promise<string> {
    return this.once(`file ${path}`, () =>
      hashFile(path).catch((cause: NodeJS.ErrnoException) => {
        const received = cause.code === "ENOENT" ? `no such file (${path})` : String(cause);
        throw new OptionError({ where, expected: "a file that can be read", received, cause });
      }),
    );
  }

  private once<Result>(key: string, find: () => Promise<Result>): Promise<Result> {
    const found = this.known.get(key) ?? find();
    this.known.set(key, found);
    return found as Promise<Result>;
  }
}

/** Opens an OOD set of a recipe, which may be several. */
export async function openOod(
  { name, spec }: { readonly name?: string; readonly spec: string },
  hint: { readonly shape?: [number, number, number] } = {},
): Promise<readonly OodSet[]> {
  const named = { ...hint, ...(name === undefined ? {} : { name }) };
  return isScOod(spec) ? openScOod(spec, named) : [await openDataset(spec, { ...named, ignoreLabels: true })];
}
