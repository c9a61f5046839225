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
    const runs = byName.get(name);
    if (runs === undefined) byName.set(name, [event]);
    else runs.push(event);
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

/**
 * Counted without a matrix product's second operand, which the profile leaves out once ONNX Runtime has packed a constant one, and without
 * asking which side is transposed.
 */
function operationsOf(op: string, [a, b]: readonly (readonly number[])[], out: readonly number[]): number {
  if (a === undefined) return 0;
  // Without its filter, the second input of a convolution is its bias.
  const filter = b?.length === a.length ? elementCount(b.slice(1)) : 0;
  switch (op) {
    case "Conv":
    case "FusedConv":
      return 2 * elementCount(out) * filter;
    case "ConvTranspose":
      return 2 * elementCount(a) * filter;
    case "MatMul":
    case "FusedMatMul":
    case "Gemm":
    case "FusedGemm": {
      // Every element of the first matrix meets each column of the second, in as many products as it is repeated for.
      const columns = out.length < a.length ? 1 : (out.at(-1) ?? 1);
      return 2 * elementCount(a) * columns * (matrices(out) / matrices(a));
    }
    default:
      return 0;
  }
}

const matrices = (dims: readonly number[]) => elementCount(dims.slice(0, -2));
