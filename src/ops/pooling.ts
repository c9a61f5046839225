/** What the pooling rules share: their windows, and laying windows out and adding them up again. */
import { type Attributes, type Dim, elementCount, ints } from "../onnx/types.js";
import { first, reshape, tensorOf } from "./expressions.js";
import { operand, staticDims } from "./shapes.js";
import type { Expr, ShapeCall } from "./types.js";
import { extentOf, perAxis, spatialSizes, type Windows, windowsOf } from "./windows.js";

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

export function poolWindows(call: Call): Windows {
  const input = spatialSizes(call, operand(call, 0).dims);
  call.attributes.ints("kernel_shape");
  return windowsOf(call, perAxis(call, "kernel_shape", input.length, 1), input);
}

/** [N, C, ...output] */
export function pooledDims(call: Call): Dim[] {
  return [...operand(call, 0).dims.slice(0, 2), ...poolWindows(call).output];
}

/** [N, C, ...] as one channel per image: [N·C, 1, ...]. */
export function asPlanes(x: Expr): Expr {
  const [images, channels, ...spatial] = staticDims(x, x.name) as [number, number, ...number[]];
  return reshape(x, [images * channels, 1, ...spatial]);
}

/** K kernels, each 1 at one of the K positions of a window and 0 elsewhere: [K, 1, ...kernel]. */
export function positionKernels(x: Expr, kernel: readonly number[]): Expr {
  const count = elementCount(kernel);
  const values = Array.from({ length: count * count }, (_, at) => (Math.floor(at / count) === at % count ? 1 : 0));
  return x.builder.constant(tensorOf(values, x.dtype, [count, 1, ...kernel]));
}

/**
 * Adds windows up where they lie: the transpose of laying them out.
 *
 * @param columns  [planes, K, ...output], one channel per position of the window; or [planes, 1, ...output], the same for all
 * @returns [planes, 1, ...input]
 */
export function overlapAdd(columns: Expr, windows: Windows): Expr {
  const { kernel, strides, dilations, begins, ends, input, output } = windows;
  const kernels =
    columns.dims[1] === 1
      ? columns.builder.constant(
          tensorOf(Array<number>(elementCount(kernel)).fill(1), columns.dtype, [1, 1, ...kernel]),
        )
      : positionKernels(columns, kernel);
  // What the windows do not reach is output_padding; what they reach beyond the padding (ceil_mode) is cut off.
  const open = input.map((size, axis) => {
    const span = ((output[axis] as number) - 1) * (strides[axis] as number);
    const reached = span + extentOf(kernel[axis] as number, dilations[axis] as number);
    return size + (begins[axis] as number) + (ends[axis] as number) - reached;
  });
  const attributes: Attributes = {
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...begins, ...ends.map((end, axis) => end + Math.max(0, -(open[axis] as number)))]),
    output_padding: ints(open.map((amount) => Math.max(0, amount))),
  };
  return first(columns.builder.op("ConvTranspose", [columns, kernels], attributes));
}
