import { type SegmentationArchitectureName, segmentationArchitectures } from "../../nn/index.js";

export const isSegmentationArchitecture = (name: string): name is SegmentationArchitectureName =>
  Object.hasOwn(segmentationArchitectures, name);
