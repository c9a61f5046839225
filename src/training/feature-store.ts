/**
 * Features of a frozen prefix, computed once per image and kept on disk under the content of model, data and transform, so
 * that tuning a head costs little more than one pass over the images.
 */
import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ImageDataset, Normalization } from "../data/index.js";
import { DataError } from "../errors.js";
import { type Engine, sessionBytes } from "../runtime/index.js";
import type { TrainingPlan } from "./plan.js";
import { type Progress, silent } from "./progress.js";
import { runImages } from "./run-images.js";

/** Features up to this many bytes are held in memory; larger ones are read row by row. */
const memoryLimit = 512 * 1024 * 1024;
const imagesPerRun = 250;

/** Where features are kept: `OFFMAP_CACHE`, else `XDG_CACHE_HOME/offmap`, else `~/.cache/offmap`. Safe to delete. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return process.env.OFFMAP_CACHE ?? join(base, "offmap");
}

/** Rows of features of one dataset, in the dataset's order. */
export class FeatureStore {
  private constructor(
    private readonly file: FileHandle,
    /** Numbers per image: all boundary tensors of an image, one after another. */
    readonly width: number,
    private readonly memory: Float32Array | undefined,
  ) {}

  /** Computes the features unless the cache has them already. */
  static async open(
    engine: Engine,
    plan: TrainingPlan,
    dataset: ImageDataset,
    options: { normalization?: Normalization | undefined; progress?: Progress; signal?: AbortSignal | undefined },
  ): Promise<FeatureStore> {
    if (plan.prefix === undefined) throw new DataError({ problem: "the model has no frozen part to cache" });
    const width = rowWidth(plan);
    const model = sessionBytes(plan.prefix);
    const key = createHash("sha256")
      .update(model)
      .update(
        JSON.stringify([
          await dataset.fingerprint(),
          dataset.shape,
          options.normalization ?? null,
          plan.partition.boundary,
        ]),
      )
      .digest("hex");
    const folder = join(cacheFolder(), "features");
    const path = join(folder, `${key}.f32`);
    const bytes = dataset.length * width * 4;
    if ((await sizeOf(path)) !== bytes) {
      await mkdir(folder, { recursive: true });
      await computeFeatures(path, engine, plan, model, dataset, options);
    }
    const file = await open(path, "r");
    if (bytes > memoryLimit) return new FeatureStore(file, width, undefined);
    const memory = new Float32Array(dataset.length * width);
    await readFully(file, new Uint8Array(memory.buffer), 0);
    return new FeatureStore(file, width, memory);
  }

  /** Copies the rows of the given images into `target`, from row `at` on. */
  async read(indices: ArrayLike<number>, target: Float32Array, at: number): Promise<void> {
    const { width, memory } = this;
    for (let row = 0; row < indices.length; row++) {
      const start = (indices[row] as number) * width;
      const place = target.subarray((at + row) * width, (at + row + 1) * width);
      if (memory !== undefined) place.set(memory.subarray(start, start + width));
      else await readFully(this.file, new Uint8Array(place.buffer, place.byteOffset, width * 4), start * 4);
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/** Numbers per image that cross the freeze boundary. */
export function rowWidth({ rows }: TrainingPlan): number {
  return [...rows.values()].reduce((sum, dims) => sum + dims.reduce((product, size) => product * size, 1), 0);
}

async function computeFeatures(
  path: string,
  engine: Engine,
  plan: TrainingPlan,
  model: Uint8Array,
  dataset: ImageDataset,
  {
    normalization,
    progress = silent,
    signal,
  }: { normalization?: Normalization | undefined; progress?: Progress; signal?: AbortSignal | undefined },
): Promise<void> {
  const { boundary } = plan.partition;
  const width = rowWidth(plan);
  const part = `${path}.${randomUUID()}.part`;
  const session = await engine.load(model);
  const file = await open(part, "w");
  const run = { session, input: plan.classifier.input, dataset, normalization, batch: imagesPerRun, progress, signal };
  try {
    await runImages({ ...run, title: `Features of ${dataset.name}` }, async (outputs, _before, count) => {
      const tensors = boundary.map((name) => outputs[name]?.data as Float32Array);
      const packed = packRows(tensors, count, width);
      await file.write(new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength));
    });
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}

/** One row per image with all its tensors side by side. */
function packRows(tensors: readonly Float32Array[], count: number, width: number): Float32Array {
  if (tensors.length === 1) return tensors[0] as Float32Array;
  const packed = new Float32Array(count * width);
  let column = 0;
  for (const tensor of tensors) {
    const size = tensor.length / count;
    for (let row = 0; row < count; row++)
      packed.set(tensor.subarray(row * size, (row + 1) * size), row * width + column);
    column += size;
  }
  return packed;
}

/** The tensors of a batch from its packed rows: the opposite of packing, by boundary tensor. */
export function unpackRows(packed: Float32Array, count: number, plan: TrainingPlan): Record<string, Float32Array> {
  const entries = [...plan.rows];
  const width = rowWidth(plan);
  if (entries.length === 1) return { [(entries[0] as [string, unknown])[0]]: packed };
  let column = 0;
  return Object.fromEntries(
    entries.map(([name, dims]) => {
      const size = dims.reduce((product, dim) => product * dim, 1);
      const tensor = new Float32Array(count * size);
      for (let row = 0; row < count; row++) {
        const start = row * width + column;
        tensor.set(packed.subarray(start, start + size), row * size);
      }
      column += size;
      return [name, tensor];
    }),
  );
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => -1,
  );
}

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length; ) {
    // One read call moves at most 2 GiB.
    const { bytesRead } = await file.read(target, done, Math.min(target.length - done, 1 << 30), position + done);
    if (bytesRead === 0)
      throw new DataError({ where: "feature cache", problem: "it ends too early", hint: `delete ${cacheFolder()}` });
    done += bytesRead;
  }
}
