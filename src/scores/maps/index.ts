// What is done to a whole anomaly map, as graphs that can be appended to a model.
export { type BoundarySuppressionOptions, boundarySuppression } from "./boundary-suppression.js";
export { type DilatedSmoothingOptions, dilatedSmoothing, gaussianBlur } from "./gaussian-blur.js";
