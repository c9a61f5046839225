import type { InferenceSession } from "onnxruntime-node";
import type { EngineOptions } from "./types.js";

/** Only errors: ONNX Runtime's warnings about unused initializers and the like say nothing to a user. */
const logErrorsOnly = 3;

/** How every session is made. */
export function sessionOptions({ device = "cpu", threads }: EngineOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    logSeverityLevel: logErrorsOnly,
    graphOptimizationLevel: "all",
    // The planned block of memory comes on top of what the first run allocated: twice the memory, and not faster.
    enableMemPattern: false,
    // Idle threads must not spin: they would take the processor from decoding the next images.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  };
}
