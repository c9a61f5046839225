// Scores of pixels that need more than the logits of the classes: further outputs, a head, several networks, or the map around a pixel.
export { abstention } from "./abstention.js";
export { blurredEnergy } from "./blurred-energy.js";
export { differentialEntropy } from "./dirichlet.js";
export { mutualInformation } from "./mutual-information.js";
export { denseHybrid, outlierMargin, outlierProbability } from "./outlier-head.js";
