import { ShapeError } from "../errors.js";
import { formatDims } from "../onnx/types.js";
import { operand } from "./shapes.js";
import type { ShapeCall } from "./types.js";
import { perAxis, spatialSizes, type Windows, windowsOf } from "./windows.js";

export interface Convolution {
  /** Where windows lie on the input x. `ends` may be negative: the rest of x is not looked at. */
  readonly windows: Windows;
  readonly group: number;
}

type Call = Pick<ShapeCall, "inputs" | "attributes" | "where">;

/** Geometry of a call, after checking that input, weight and bias fit each other. */
export function convolutionOf(call: Call): Convolution {
  const [x, w, bias] = [operand(call, 0), operand(call, 1), call.inputs[2]];
  const group = call.attributes.int("group", 1);
  const axes = x.dims.length - 2;
  const [outputs, inputs] = w.dims;
  const fits =
    axes >= 1 &&
    group >= 1 &&
    w.dims.length === x.dims.length &&
    typeof outputs === "number" &&
    typeof inputs === "number" &&
    (typeof x.dims[1] !== "number" || x.dims[1] === inputs * group) &&
    outputs % group === 0;
  if (!fits) {
    throw new ShapeError({
      where: call.where,
      expected: `input [N, ${typeof inputs === "number" ? inputs * group : "C"}, ...] for weight ${formatDims(w.dims)} in ${group} group${group === 1 ? "" : "s"}`,
      received: `input ${formatDims(x.dims)}`,
      hint: "the model and the data disagree on the number of channels, or the weight does not divide into the groups",
    });
  }
  if (bias !== undefined && (bias.dims.length !== 1 || bias.dims[0] !== outputs)) {
    throw new ShapeError({ where: call.where, expected: `a bias [${outputs}]`, received: formatDims(bias.dims) });
  }
  const kernel = spatialSizes(call, w.dims);
  const declared = perAxis(call, "kernel_shape", axes, 1);
  if (call.attributes.has("kernel_shape") && declared.join() !== kernel.join()) {
    throw new ShapeError({
      where: call.where,
      expected: `kernel_shape ${formatDims(kernel)}, as the weight has`,
      received: formatDims(declared),
    });
  }
  return { windows: windowsOf(call, kernel, spatialSizes(call, x.dims)), group };
}
