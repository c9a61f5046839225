import { DataError, OptionError } from "../../../errors.js";
import { add, div, type Expr, minimum, mul, squeeze, sub, tensorOf, transpose, unsqueeze } from "../../../ops/index.js";
import { fitLogistic } from "../../../scores/fit/logistic.js";
import type { Fitted } from "../../../scores/index.js";
import { fittedTensor } from "../../../scores/needed.js";
import { resizeLogits } from "../../../training/segmentation/resize-logits.js";
import { densityConstants, fittedDensity, layerScore } from "../flow/layer-density.js";
import type { DensityOptions, LayerFlows, LayerRows } from "../flow/layer-flows.js";
import { definePixelScore, type PixelScoreInputs } from "./types.js";

const source = "Blum et al., IJCV 2021; Dinh et al., ICLR 2017";
/**
 * `dimensions`: most principal components of a layer that its density is of. `couplings` of the flow, with `hidden` units in each of their two hidden layers. `steps` of
 * Adam on `batch` pixels each, from the learning rate `rate` down along a cosine. `seed` of masks, first weights and order.
 */
const defaults = { dimensions: 32, couplings: 8, hidden: 64, steps: 2000, batch: 256, rate: 0.001, seed: 1 };
type FlowOptions = typeof defaults;

/**
 * Density of a pixel's features by a normalizing flow,
 *
 *   s(x) = -log p(z),      z = what goes into the last layer, or another tensor of the network
 *
 * "Learned embedding density, single-layer NLL" of Fishyscapes: Blum, Sarlin, Nieto, Siegwart and Cadena, "The Fishyscapes Benchmark: Measuring Blind Spots in Semantic
 * Segmentation", IJCV 2021, with the flow of Dinh, Sohl-Dickstein and Bengio, "Density estimation using Real NVP", ICLR 2017. Their code is not public, so details differ: the
 * flow is of the layer's principal components, at most `dimensions` of them, brought to variance 1, because channels after a ReLU are often constant or copies, on which no
 * density exists. Computed where the features are, and the map is brought to the image's size. In nats; may be negative.
 */
export const flowDensityScore = definePixelScore({
  name: "flow-density",
  title: "Density by a normalizing flow",
  source,
  uses: ["features"],
  reads: ["flows"],
  defaults,
  check: (options) => checkFlow("flow-density", options),
  async fit({ flows }, options) {
    const layer = flows.layers.at(-1) as LayerRows;
    return fittedDensity(await flows.density(layer, flowOptions(options), "flow-density"), 0);
  },
  expression({ features, size }: PixelScoreInputs, _options, fitted) {
    return layerMaps({ layers: [features as Expr], size }, fitted, "flow-density")[0] as Expr;
  },
});

/**
 * The smallest of several layers' {@link flowDensityScore}, each measured from its mean over in-distribution pixels in standard deviations,
 *
 *   s(x) = min_l (-log p_l(z_l) - μ_l) / σ_l
 *
 * "Learned embedding density, minimum NLL" of Fishyscapes (Blum et al., IJCV 2021): only what no layer knows is an anomaly.
 */
export const flowDensityMinScore = definePixelScore({
  name: "flow-density-min",
  title: "Smallest density score of several layers",
  source,
  uses: ["layers"],
  reads: ["flows"],
  defaults,
  check: (options) => checkFlow("flow-density-min", options),
  async fit({ flows }, options) {
    const score = "flow-density-min";
    const found = await fitLayers(flows, options, score);
    const moments = found.map(({ known }) => momentsOf(known));
    return {
      ...Object.assign({}, ...found.map(({ fitted }) => fitted)),
      means: tensorOf(
        moments.map(({ mean }) => mean),
        "float64",
      ),
      deviations: tensorOf(
        moments.map(({ deviation }) => deviation),
        "float64",
      ),
    };
  },
  expression(inputs: PixelScoreInputs, _options, fitted) {
    const score = "flow-density-min";
    const { data: means } = fittedTensor(fitted, "means", score);
    const { data: deviations } = fittedTensor(fitted, "deviations", score);
    return layerMaps(inputs, fitted, score)
      .map((map, layer) => div(sub(map, means[layer] as number), deviations[layer] as number))
      .reduce((least, map) => minimum(least, map));
  },
});

/**
 * Several layers' {@link flowDensityScore} weighed by a logistic regression that tells pixels of classes from pixels of outliers,
 *
 *   s(x) = Σ_l w_l · -log p_l(z_l) + b,
 *
 * the log-odds: 0 where both are as likely. "Learned embedding density, logistic regression" of Fishyscapes (Blum et al., IJCV 2021), who take void pixels
 * for outliers; here those that the labels call so, such as pasted objects. At most 50,000 pixels of each kind, both counting the same.
 */
export const flowDensityLogisticScore = definePixelScore({
  name: "flow-density-logistic",
  title: "Density scores of several layers, weighed",
  source,
  uses: ["layers"],
  reads: ["flows"],
  fitsOutliers: true,
  defaults,
  check: (options) => checkFlow("flow-density-logistic", options),
  async fit({ flows }, options) {
    const score = "flow-density-logistic";
    if (flows.layers.some(({ outliers }) => outliers.length === 0)) {
      throw new DataError({
        where: `${score} score`,
        expected: "pixels that are labelled as outliers, beside those of classes",
        received: "none",
        hint: "paste objects with `offmap fit --paste OBJECTS`, or name classes with ?outlier=NAME",
      });
    }
    const found = await fitLayers(flows, options, score);
    const columns = (kind: "known" | "outliers") =>
      Array.from({ length: found[0]?.[kind].length ?? 0 }, (_, row) => found.map((own) => own[kind][row] as number));
    const { weights, offset } = fitLogistic(columns("known"), columns("outliers"));
    return {
      ...Object.assign({}, ...found.map(({ fitted }) => fitted)),
      weights: tensorOf(weights, "float64"),
      offset: tensorOf(offset, "float64"),
    };
  },
  expression(inputs: PixelScoreInputs, _options, fitted) {
    const score = "flow-density-logistic";
    const { data: weights } = fittedTensor(fitted, "weights", score);
    const offset = fittedTensor(fitted, "offset", score).data[0] as number;
    const weighed = layerMaps(inputs, fitted, score)
      .map((map, layer) => mul(map, weights[layer] as number))
      .reduce((total, map) => add(total, map));
    return add(weighed, offset);
  },
});

/** -log p of each layer as maps [N, H, W]. */
function layerMaps(
  { layers = [], size }: Pick<PixelScoreInputs, "layers" | "size">,
  fitted: Fitted,
  score: string,
): Expr[] {
  return layers.map((features, layer) => {
    const density = densityConstants(features, fitted, layer, score);
    const map = layerScore(transpose(features, [0, 2, 3, 1]), density);
    return squeeze(resizeLogits(unsqueeze(map, [1]), size.height, size.width), [1]);
  });
}

interface FittedLayer {
  readonly fitted: Fitted;
  /** -log p of the pixels, [count]. */
  readonly known: Float32Array;
  readonly outliers: Float32Array;
}

async function fitLayers(flows: LayerFlows, options: FlowOptions, score: string): Promise<FittedLayer[]> {
  const found: FittedLayer[] = [];
  for (const [at, layer] of flows.layers.entries()) {
    const density = await flows.density(layer, flowOptions(options), score);
    found.push({
      fitted: fittedDensity(density, at),
      known: await flows.scores(layer.known, layer, density, score),
      outliers: await flows.scores(layer.outliers, layer, density, score),
    });
  }
  return found;
}

/** Those that decide how a flow comes out, and no others, in one order: the same ones mean the same flow. */
const flowOptions = ({ dimensions, couplings, hidden, steps, batch, rate, seed }: FlowOptions): DensityOptions => ({
  ...{ dimensions, couplings, hidden, steps, batch, rate, seed },
});

function momentsOf(values: Float32Array): { mean: number; deviation: number } {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** @throws OptionError naming the option that is out of its range */
function checkFlow(score: string, { rate, seed, ...counts }: FlowOptions): void {
  const refuse = (name: string, expected: string, received: number) => {
    throw new OptionError({ where: `${score} score, option ${name}`, expected, received: String(received) });
  };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) refuse(name, "a whole number of at least 1", value);
  }
  if (!(rate > 0)) refuse("rate", "a number above 0", rate);
  if (!Number.isSafeInteger(seed) || seed < 0) refuse("seed", "a whole number of at least 0", seed);
}
