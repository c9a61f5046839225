/** What ONNX Runtime 1.30 loads, found by loading one-node models of every version (`files.test.ts` repeats the probe at both ends). */

/** Oldest standard operator set that Offmap reads: the first one with today's broadcasting rules. */
export const oldestOpset = 7;
/** Newest standard operator set that ONNX Runtime 1.30 loads. */
export const newestOpset = 26;
/** Newest version of the file format that ONNX Runtime 1.30 loads. */
export const newestIrVersion = 13;
/** First version of the file format whose initializers need not be repeated among the graph inputs. */
export const separateInitializersIrVersion = 4;
/** The most bytes a protobuf message can have; larger models keep their tensors in external files. */
export const protobufLimit = 2 ** 31 - 1;
