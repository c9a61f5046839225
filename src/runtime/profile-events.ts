/** Reads the events of ONNX Runtime's profiler: what each node cost, and how much it multiplied. */
import { elementCount } from "../onnx/types.js";

/** One node of the graph as ONNX Runtime runs it, which is after its optimizations. */
export interface NodeTiming {
  readonly name: string;
  readonly op: string;
  /** Median over the runs counted. */
  readonly milliseconds: number;
  /** Shape of the first output. */
  readonly dims: readonly number[];
  /** Additions and multiplications, for convolutions and matrix products; 0 for other operators. */
  readonly operations: number;
}

/** An event of the profile, as far as it is read here. Shapes are lists with one object per tensor, from type to dims. */
export interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  /** Microseconds. */
  readonly dur?: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
    readonly output_type_shape?: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

const kernelEnding = "_kernel_time";

/**
 * @param skipped  runs at the beginning that are not counted, as the first one allocates
 * @returns in the order in which the nodes first ran
 */
export function nodeTimings(events: readonly ProfileEvent[], skipped: number): NodeTiming[] {
  const byName = new Map<string, ProfileEvent[]>();
  for (const event of events) {
    if (event.cat !== "Node" || !event.name?.endsWith(kernelEnding)) continue;
    const name = event.name.slice(0, -kernelEnding.length);
    byName.set(name, [...(byName.get(name) ?? []), event]);
  }
  return [...byName].flatMap(([name, runs]) => {
    const counted = runs.slice(skipped);
    const event = counted[0];
    if (event === undefined) return [];
    const durations = counted.map(({ dur = 0 }) => dur).sort((a, b) => a - b);
    const op = event.args?.op_name ?? "";
    const dims = shapesOf(event.args?.output_type_shape)[0] ?? [];
    const inputs = shapesOf(event.args?.input_type_shape);
    const milliseconds = (durations[durations.length >> 1] as number) / 1000;
    return [{ name, op, milliseconds, dims, operations: operationsOf(op, inputs, dims) }];
  });
}

function shapesOf(list: readonly Readonly<Record<string, readonly number[]>>[] = []): (readonly number[])[] {
  return list.map((tensor) => Object.values(tensor)[0] ?? []);
}

function operationsOf(op: string, [a, b]: readonly (readonly number[])[], out: readonly number[]): number {
  if (a === undefined || b === undefined) return 0;
  switch (op) {
    case "Conv":
    case "FusedConv":
      return 2 * elementCount(out) * elementCount(b.slice(1));
    case "ConvTranspose":
      return 2 * elementCount(a) * elementCount(b.slice(1));
    case "MatMul":
    case "FusedMatMul":
      return 2 * elementCount(out) * (a.at(-1) ?? 0);
    case "Gemm":
    case "FusedGemm":
      // Either side may be transposed: out is [M, N], and a has M·K elements.
      return 2 * (out[1] ?? 0) * elementCount(a);
    default:
      return 0;
  }
}
