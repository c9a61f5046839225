/** Flows of the layers of a network, for the scores that are fitted together: each is trained once. */
import { GraphBuilder } from "../../../graph/builder.js";
import { encodeModel } from "../../../onnx/index.js";
import type { Tensor } from "../../../onnx/types.js";
import type { Progress } from "../../../progress.js";
import type { Engine } from "../../../runtime/index.js";
import { densityConstants, fittedDensity, type LayerDensity, layerScore } from "./layer-density.js";
import { type FlowTraining, trainFlow } from "./train-flow.js";
import { asWhitening, fitWhitening, whiten } from "./whitening.js";

/** Features of pixels at one layer: those of the same pixel have the same place in every layer. */
export interface LayerRows {
  /** Name of the tensor. */
  readonly tensor: string;
  /** D */
  readonly dimension: number;
  /** Of pixels labelled with a class, float32 [count, D] row by row. */
  readonly known: Float32Array;
  /** Of pixels labelled as outliers, [count, D]; none where no score asks for them. */
  readonly outliers: Float32Array;
}

export interface DensityOptions extends FlowTraining {
  /** Largest number of principal components that a density is of. */
  readonly dimensions: number;
}

/** Rows that go through a flow at a time. */
const rowsAtOnce = 4096;

export class LayerFlows {
  private readonly trained = new Map<string, Promise<LayerDensity<Tensor>>>();

  /** @param layers  in the order of the network */
  constructor(
    private readonly engine: Engine,
    readonly layers: readonly LayerRows[],
    private readonly run: { readonly progress?: Progress | undefined; readonly signal?: AbortSignal | undefined },
  ) {}

  /**
   * @param score  for errors
   * @throws DataError, RunError and CancelledError as `fitWhitening` and `trainFlow`
   */
  density(
    { tensor, dimension, known }: LayerRows,
    options: DensityOptions,
    score: string,
  ): Promise<LayerDensity<Tensor>> {
    const key = JSON.stringify([tensor, options]);
    const before = this.trained.get(key);
    if (before !== undefined) return before;
    const made = this.train(known, dimension, options, { score, title: `Training a flow on ${tensor}` });
    this.trained.set(key, made);
    return made;
  }

  /** -log p of features of a layer under its density, [count]. */
  async scores(
    rows: Float32Array,
    { dimension }: LayerRows,
    density: LayerDensity<Tensor>,
    score: string,
  ): Promise<Float32Array> {
    return this.through(rows, dimension, (graph) => {
      const features = graph.input("rows", "float32", ["N", dimension]);
      return layerScore(features, densityConstants(features, fittedDensity(density, 0), 0, score));
    });
  }

  private async train(
    known: Float32Array,
    dimension: number,
    { dimensions, ...options }: DensityOptions,
    { score, title }: { readonly score: string; readonly title: string },
  ): Promise<LayerDensity<Tensor>> {
    const whitening = await fitWhitening(this.engine, known, dimension, { most: dimensions, score });
    const d = whitening.axes.dims[1] as number;
    const rows = await this.through(known, dimension, (graph) => {
      const constant = (tensor: Tensor) =>
        graph.constant({ ...tensor, dtype: "float32", data: Float32Array.from(tensor.data as Float64Array) });
      return whiten(
        graph.input("rows", "float32", ["N", dimension]),
        asWhitening((name) => constant(whitening[name])),
      );
    });
    return { whitening, flow: await trainFlow(this.engine, rows, d, options, { title, ...this.run }) };
  }

  /** The output of a graph with the input `rows`, for all rows. */
  private async through(
    rows: Float32Array,
    dimension: number,
    build: (graph: GraphBuilder) => ReturnType<typeof whiten>,
  ): Promise<Float32Array> {
    const graph = new GraphBuilder();
    const session = await this.engine.load(encodeModel(graph.model({ result: build(graph) })));
    try {
      const results: Float32Array[] = [];
      for (let start = 0; start < rows.length; start += rowsAtOnce * dimension) {
        const data = rows.slice(start, start + rowsAtOnce * dimension);
        const { result } = await session.run({
          rows: { dtype: "float32", dims: [data.length / dimension, dimension], data },
        });
        results.push(result?.data as Float32Array);
      }
      return joined(results);
    } finally {
      await session.release();
    }
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
