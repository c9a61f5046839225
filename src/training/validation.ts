/** Watches a run from epoch to epoch on images that are not trained on, and keeps the network that did best. */
import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../files.js";

/** One look at the network. */
export interface ValidationRow {
  /** Passes over the images: 1 after the first, a fraction at the end of a run that ends between two. */
  readonly epoch: number;
  /** Updates done. */
  readonly step: number;
  /** How well it did, in [0, 1]: higher is better. */
  readonly value: number;
}

/** What networks are compared by: the share of images, or the mean intersection over union of classes. */
export type Measure = "accuracy" | "miou";

/** The rows of `validation.csv`, which is written after every look. */
export class Validation {
  private constructor(
    private readonly path: string,
    private readonly measure: Measure,
    private readonly rows: ValidationRow[],
  ) {}

  /**
   * @param steps  updates done by the run that is continued: what was seen later is seen again
   */
  static async open(path: string, steps: number, measure: Measure): Promise<Validation> {
    const text = steps === 0 ? "" : await readFile(path, "utf8").catch(() => "");
    const rows = text
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => {
        const [epoch, step, value] = line.split(",").map(Number) as [number, number, number];
        return { epoch, step, value };
      });
    return new Validation(
      path,
      measure,
      rows.filter(({ step }) => step <= steps),
    );
  }

  /** The best network so far; of equals the first. */
  get best(): ValidationRow | undefined {
    return this.rows.reduce<ValidationRow | undefined>(
      (best, row) => (best === undefined || row.value > best.value ? row : best),
      undefined,
    );
  }

  /** Whether the network was looked at after so many updates. */
  has(step: number): boolean {
    return this.rows.some((row) => row.step === step);
  }

  /** @returns whether no network before was as good */
  async add(row: ValidationRow): Promise<boolean> {
    this.rows.push(row);
    const lines = this.rows.map(({ epoch, step, value }) => [epoch, step, value].join(","));
    await writeFileAtomic(this.path, `${[`epoch,step,${this.measure}`, ...lines].join("\n")}\n`);
    return this.best?.step === row.step;
  }
}
