/** The file format: read, write and check ONNX models. */
export { checkModel } from "./check.js";
export { decodeModel, type ReadLimits } from "./decode.js";
export { describeNode } from "./describe.js";
export { encodeModel } from "./encode.js";
export { readHashedModel, readModel, writeModel } from "./files.js";
export { sortNodes, tensorsRead } from "./topology.js";
export * from "./types.js";
export { newestOpset, oldestOpset } from "./versions.js";
