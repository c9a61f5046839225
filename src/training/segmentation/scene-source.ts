/** Turns the position in a run into what one step on pixels is fed: scenes with pasted outliers, augmented, normalised, and taken through the frozen part. */
import {
  createGenerator,
  type Generator,
  type Normalization,
  normalize,
  outlierLabel,
  type SampledScenes,
  type SceneSampler,
  type SceneSamplerOptions,
  sceneSampler,
  stepGenerator,
} from "../../data/index.js";
import type { Tensor } from "../../onnx/types.js";
import type { Session } from "../../runtime/index.js";
import { dropoutNumbers, droppingNodes } from "../dropout.js";
import { stepInputs } from "../step-inputs.js";
import type { StepBatch } from "../trainer.js";
import type { PixelPlan } from "./pixel-plan.js";
import { pixelInputs } from "./pixel-step.js";

export interface SceneSourceOptions {
  readonly plan: PixelPlan;
  readonly scenes: Omit<SceneSamplerOptions, "generator">;
  readonly normalization: Normalization | undefined;
  readonly seed: number;
  /** Whether the model's Dropout nodes drop units. */
  readonly dropout: boolean;
  /** The frozen part, run on every batch; undefined where nothing is frozen. */
  readonly prefix: Session | undefined;
}

/** Every batch follows from the seed and the step alone, so that a run resumes to the same bits. */
export class SceneSource {
  readonly stepsPerEpoch: number;
  private readonly sampler: SceneSampler;
  private readonly masking: Generator;
  private readonly droppingNodes: number;

  constructor(private readonly options: SceneSourceOptions) {
    const { plan, scenes, seed, dropout } = options;
    const generator = createGenerator(seed);
    this.sampler = sceneSampler({ ...scenes, generator: generator.fork("training scenes") });
    this.stepsPerEpoch = this.sampler.stepsPerEpoch;
    this.masking = generator.fork("dropout");
    this.droppingNodes = dropout ? droppingNodes(plan.segmenter.upgraded.graph, plan.partition.trained).size : 0;
  }

  /** @param step  from 0 over the whole run */
  async batch(step: number): Promise<StepBatch> {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    const within = step % this.stepsPerEpoch;
    const { plan, normalization, prefix } = this.options;
    const sampled = await this.sampler.batch(epoch, within);
    const { count } = sampled.images;
    const pixels = { [plan.segmenter.input]: scenePixels(sampled, normalization) };
    const dropout =
      this.droppingNodes === 0
        ? {}
        : {
            [stepInputs.dropout]: dropoutNumbers(count, this.droppingNodes, stepGenerator(this.masking, epoch, within)),
          };
    const features = prefix === undefined ? pixels : await prefix.run(pixels);
    return { sizes: { batch: count, outlierBatch: 0 }, feeds: { ...features, ...labelFeeds(sampled), ...dropout } };
  }
}

/** Images of scenes as a model takes them: float32 [N, 3, H, W]. */
export function scenePixels(
  { images }: Pick<SampledScenes, "images">,
  normalization: Normalization | undefined,
): Tensor {
  return { dtype: "float32", dims: [images.count, ...images.shape], data: normalize(images, normalization) };
}

/** Labels and masks of scenes. Void pixels are in neither mask. */
export function labelFeeds({ images, labels }: Pick<SampledScenes, "images" | "labels">): Record<string, Tensor> {
  const [, height, width] = images.shape;
  const dims = [images.count, height, width];
  const classes = new BigInt64Array(labels.length);
  const inlier = new Float32Array(labels.length);
  const outlier = new Float32Array(labels.length);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel] as number;
    classes[pixel] = bigLabels[label] as bigint;
    if (label < outlierLabel) inlier[pixel] = 1;
    else if (label === outlierLabel) outlier[pixel] = 1;
  }
  return {
    [stepInputs.labels]: { dtype: "int64", dims, data: classes },
    [pixelInputs.inlier]: { dtype: "float32", dims, data: inlier },
    [pixelInputs.outlier]: { dtype: "float32", dims, data: outlier },
  };
}

/** Making a BigInt for every pixel would take longer than the rest. */
const bigLabels = Array.from({ length: 256 }, (_, label) => BigInt(label));
