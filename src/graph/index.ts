export { GraphBuilder, minimumOpset } from "./builder.js";
export { gradients } from "./differentiate.js";
export { type ImportedGraph, type ImportOptions, importGraph, type RunningStatistics } from "./import.js";
export { inspectModel, type ModelInspection } from "./inspect.js";
export { findParameters, headLayer, type Parameter, selectParameters } from "./parameters.js";
export { type Partition, partition, prefixModel } from "./partition.js";
export { upgradeModel } from "./upgrade.js";
