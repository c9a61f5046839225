export { renderSegmentationReport } from "./html.js";
export { encodePng, heatPicture, labelPicture } from "./pictures.js";
export type { ProtocolTable, SegmentationReport, SegmentationResult, ShownScene, ShownSet } from "./types.js";
