import { type Expr, squeeze, unsqueeze } from "../../ops/index.js";
import { energy } from "../energy.js";
import { gaussianBlur } from "../maps/index.js";

/**
 * The energy as PEBAL reads it: blurred by a Gaussian of 7x7 pixels. Higher means more out-of-distribution.
 *
 * Tian et al., "Pixel-wise Energy-biased Abstention Learning for Anomaly Segmentation on Complex Urban Driving Scenes", ECCV 2022.
 *
 * @param logits  of the classes alone, float [N, K, H, W], H and W known and at least 4
 * @returns [N, H, W]
 * @throws ShapeError for another shape
 */
export const blurredEnergy = (logits: Expr): Expr => squeeze(gaussianBlur(unsqueeze(energy(logits), [1])), [1]);
