/** Keys by content: what is the same gets the same key, wherever its files lie. */
import { createHash } from "node:crypto";
import { type OpenDatasetOptions, openDataset, openOutlierObjects, openSegmentation } from "../../data/index.js";
import { OptionError } from "../../errors.js";
import { readHashedModel } from "../../onnx/index.js";
import type { Task } from "../../training/index.js";
import { hashFile } from "../../training/run-files.js";
import { isScOod, type OodSet, openScOod } from "../sc-ood.js";
import type { TestScenes } from "../segmentation/index.js";

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

  /** Images, or scenes, with their labels. */
  labelled(task: Task, spec: string): Promise<DatasetIdentity> {
    return task === "classification" ? this.images(spec, true) : this.scenes({ spec });
  }

  /** @param labels  whether the labels of images count. @returns fingerprint */
  async outliers(task: Task, spec: string, labels: boolean): Promise<string> {
    if (task === "classification") return (await this.images(spec, labels)).fingerprint;
    return this.once(`objects ${spec}`, async () => (await openOutlierObjects(spec)).fingerprint());
  }

  /** The sets that a spec of a recipe stands for. */
  async ood(task: Task, set: TestScenes): Promise<readonly DatasetIdentity[]> {
    if (task === "segmentation") return [await this.scenes(set)];
    const { name, spec } = set;
    return this.once(`ood ${name} ${spec}`, async () =>
      Promise.all(
        (await openOod(set, { unread: true })).map(async (one) => ({
          name: one.name,
          images: one.length,
          fingerprint: contentKey([await one.fingerprint(), await one.alsoInDistribution?.fingerprint()]),
        })),
      ),
    );
  }

  private images(spec: string, labels: boolean): Promise<DatasetIdentity> {
    return this.once(`dataset ${labels} ${spec}`, async () => {
      const dataset = await openDataset(spec, { unread: true, ignoreLabels: !labels });
      return { name: dataset.name, images: dataset.length, fingerprint: await dataset.fingerprint() };
    });
  }

  /** Where each object goes follows from the scenes, the objects, and how they are pasted. */
  private scenes({ name, spec, paste }: TestScenes): Promise<DatasetIdentity> {
    return this.once(`scenes ${name} ${spec} ${JSON.stringify(paste)}`, async () => {
      const scenes = await openSegmentation(spec, name === undefined ? {} : { name });
      const own = await this.once(`fingerprint ${spec}`, () => scenes.fingerprint());
      const identity = { name: scenes.name, images: scenes.length, fingerprint: own };
      if (paste === undefined) return identity;
      const { objects, ...how } = paste;
      const pasted = await this.outliers("segmentation", objects, false);
      return { ...identity, fingerprint: contentKey([own, pasted, how]) };
    });
  }

  /** With the external data that the file names. */
  model(path: string, where: string): Promise<string> {
    return this.once(`model ${path}`, async () => {
      try {
        return (await readHashedModel(path)).digest;
      } catch (cause) {
        throw new OptionError({ where, problem: (cause as Error).message, cause });
      }
    });
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

/** Opens an OOD set of images of a recipe, which may be several. */
export async function openOod(
  { name, spec }: TestScenes,
  hint: Pick<OpenDatasetOptions, "shape" | "unread"> = {},
): Promise<readonly OodSet[]> {
  const named = { ...hint, ...(name === undefined ? {} : { name }) };
  return isScOod(spec) ? openScOod(spec, named) : [await openDataset(spec, { ...named, ignoreLabels: true })];
}
