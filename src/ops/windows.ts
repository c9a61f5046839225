/**
 * Where the windows of convolutions and poolings lie along the spatial axes. All lists have one entry per spatial axis.
 *
 * Output sizes, by ONNX (Conv opset 11, MaxPool opset 12): floor or ceil((in + begin + end - extent) / stride) + 1, where extent is
 * dilation·(kernel - 1) + 1. With `ceil_mode` a last window that would start in the padding behind the input is dropped, as in
 * PyTorch and ONNX Runtime.
 */
import { ShapeError, UnsupportedError } from "../errors.js";
import { type Dim, formatDims } from "../onnx/types.js";
import type { ShapeCall } from "./types.js";

type Call = Pick<ShapeCall, "where" | "attributes">;

export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and behind the input. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Size of the input that one window spans. */
export const extentOf = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/** An attribute with one integer of at least `least` per spatial axis. */
export function perAxis(
  { where, attributes }: Call,
  name: string,
  axes: number,
  fallback: number,
  least = 1,
): number[] {
  const values = attributes.ints(name, Array<number>(axes).fill(fallback));
  if (values.length !== axes || values.some((value) => value < least)) {
    throw new ShapeError({
      where,
      expected: `${name} with ${axes} numbers of at least ${least}`,
      received: formatDims(values),
    });
  }
  return [...values];
}

/** The `pads` attribute, split; zeros when it is absent. */
export function padsOf(call: Call, axes: number): { begins: number[]; ends: number[] } {
  const pads = perAxis(call, "pads", 2 * axes, 0, 0);
  return { begins: pads.slice(0, axes), ends: pads.slice(axes) };
}

const autoPads = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] as const;
export type AutoPad = (typeof autoPads)[number];

export function autoPadOf({ where, attributes }: Call): AutoPad {
  const value = attributes.string("auto_pad", "NOTSET") as AutoPad;
  if (!autoPads.includes(value)) {
    throw new ShapeError({ where, expected: `auto_pad to be one of ${autoPads.join(", ")}`, received: value });
  }
  return value;
}

/** Spatial dimensions as numbers. */
export function spatialSizes(call: Pick<ShapeCall, "where">, dims: readonly Dim[]): number[] {
  return dims.slice(2).map((dim) => {
    if (typeof dim === "number") return dim;
    throw new ShapeError({
      where: call.where,
      expected: "an input [N, C, ...] with known spatial sizes",
      received: formatDims(dims),
      hint: "fix the model's input shape",
    });
  });
}

/** Splits a total padding; the odd element goes behind the input, or before it for SAME_LOWER. */
export function splitPadding(total: number, autoPad: AutoPad): { begin: number; end: number } {
  const smaller = Math.floor(total / 2);
  return autoPad === "SAME_LOWER" ? { begin: total - smaller, end: smaller } : { begin: smaller, end: total - smaller };
}

/**
 * Windows of a Conv or pooling call.
 *
 * @param kernel  size of the window in elements
 * @param input   spatial sizes of the input
 */
export function windowsOf(call: Call, kernel: readonly number[], input: readonly number[]): Windows {
  const axes = input.length;
  const strides = perAxis(call, "strides", axes, 1);
  const dilations = perAxis(call, "dilations", axes, 1);
  const autoPad = autoPadOf(call);
  if (autoPad.startsWith("SAME") && dilations.some((dilation) => dilation > 1)) {
    // ONNX Runtime refuses it for Conv, and its poolings return sizes that contradict ONNX.
    throw new UnsupportedError({
      where: call.where,
      problem: `auto_pad ${autoPad} together with dilations ${formatDims(dilations)} is not supported`,
      hint: "export the model with explicit pads",
    });
  }
  const explicit = autoPad === "NOTSET" ? padsOf(call, axes) : undefined;
  const ceil = call.attributes.int("ceil_mode", 0) === 1;
  const begins: number[] = [];
  const ends: number[] = [];
  const output = input.map((size, axis) => {
    const stride = strides[axis] as number;
    const extent = extentOf(kernel[axis] as number, dilations[axis] as number);
    let padding = { begin: explicit?.begins[axis] ?? 0, end: explicit?.ends[axis] ?? 0 };
    if (autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER") {
      const wanted = Math.ceil(size / stride);
      padding = splitPadding(Math.max(0, (wanted - 1) * stride + extent - size), autoPad);
    }
    begins.push(padding.begin);
    ends.push(padding.end);
    const steps = (size + padding.begin + padding.end - extent) / stride;
    if (steps < 0) {
      throw new ShapeError({
        where: call.where,
        expected: `an input at least as large as the window, ${extent} along spatial axis ${axis}`,
        received: `${size} and ${padding.begin + padding.end} of padding`,
      });
    }
    if (!ceil) return Math.floor(steps) + 1;
    const count = Math.ceil(steps) + 1;
    return (count - 1) * stride >= size + padding.begin ? count - 1 : count;
  });
  return { kernel, strides, dilations, begins, ends, input, output };
}

/** Every position in a window of the given size, in row-major order. */
export function tapsOf(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (taps, size) => taps.flatMap((tap) => Array.from({ length: size }, (_, at) => [...tap, at])),
    [[]],
  );
}
