import { outlierLabel, voidLabel } from "./types.js";

/** Which kind each pixel is of, as metrics take it: 0 known class, 1 anomaly, 255 void. */
export function pixelKinds(labels: Uint8Array): Uint8Array {
  return labels.map((label) => (label === outlierLabel ? 1 : label === voidLabel ? voidLabel : 0));
}
