/** What scores are fitted to: sums over all images of an in-distribution set and a bounded sample of the images, from one pass over them. */
import type { Generator } from "../../data/random.js";
import { DataError } from "../../errors.js";
import type { Engine } from "../../runtime/index.js";
import type { Head } from "../types.js";
import { Moments } from "./moments.js";
import { Sample } from "./sample.js";
import { SumGraph } from "./sum-graph.js";

/** Rows of features, logits and labels. */
export interface Rows {
  readonly count: number;
  /** [count, D] */
  readonly features: Float32Array;
  /** [count, K] */
  readonly logits: Float32Array;
  /** [count]; class indices */
  readonly labels: Int32Array;
}

/** What takes memory or time to gather, so that only what a fit says it reads is gathered. */
interface FitParts {
  /** How many images there are; the sample may have fewer. */
  readonly images: number;
  /** Mean of the features over all images, [D]. */
  readonly mean: Float64Array;
  /** Of the features z, by class, over all images. */
  readonly features: Moments;
  /** Of the directions z/|z|, by class, over all images; 0 for features of zeros. */
  readonly directions: Moments;
  /** Images drawn uniformly, all of them where there are no more than the limit, in their order then. */
  readonly sample: Rows;
}
export type FitPart = keyof FitParts;

/** What a fit that reads `Part` gets. */
export type FitData<Part extends FitPart = FitPart> = Pick<FitParts, Part> & { readonly head: Head };

export interface FitCollectorOptions {
  /** Draws the sample. */
  readonly generator: Generator;
  /** Most images that are kept as rows; 50,000 by default. */
  readonly limit?: number;
}

/** Gathers {@link FitData} batch by batch. Memory: a D x D matrix for `features` and one for `directions`, and `limit` rows for `sample`. */
export class FitCollector<Part extends FitPart> {
  private images = 0;

  /** @param parts  what is gathered */
  static async open<Part extends FitPart>(
    engine: Engine,
    head: Head,
    parts: ReadonlySet<Part>,
    { generator, limit = 50_000 }: FitCollectorOptions,
  ): Promise<FitCollector<Part>> {
    const reads: ReadonlySet<FitPart> = parts;
    const graph = (directions: boolean, products: boolean) => SumGraph.load(engine, head, { directions, products });
    const features = reads.has("features") || reads.has("mean");
    return new FitCollector<Part>(
      head,
      reads.has("sample") ? new Sample(head, generator, limit) : undefined,
      features ? await graph(false, reads.has("features")) : undefined,
      reads.has("directions") ? await graph(true, true) : undefined,
    );
  }

  private constructor(
    private readonly head: Head,
    private readonly sample: Sample | undefined,
    private readonly features: SumGraph | undefined,
    private readonly directions: SumGraph | undefined,
  ) {}

  async add(rows: Rows): Promise<void> {
    this.images += rows.count;
    this.sample?.add(rows);
    await this.features?.add(rows.features, rows.labels);
    await this.directions?.add(rows.features, rows.labels);
  }

  /** @throws DataError when no image was added */
  data(): FitData<Part> {
    if (this.images === 0) {
      throw new DataError({ where: "fit", expected: "at least one in-distribution image", received: "none" });
    }
    const moments = (sums: SumGraph | undefined) => sums && new Moments(sums.result());
    const features = moments(this.features);
    const parts: { [Each in FitPart]: FitParts[Each] | undefined } = {
      images: this.images,
      mean: features?.mean(),
      features,
      directions: moments(this.directions),
      sample: this.sample?.rows(),
    };
    // Parts that were not asked for are undefined, or lack their products, and are not of the type.
    return { head: this.head, ...(parts as FitParts) } as FitData<Part>;
  }

  async close(): Promise<void> {
    await this.features?.release();
    await this.directions?.release();
  }
}
