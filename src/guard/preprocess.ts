import type { Normalization } from "../data/index.js";
import { type Attributes, int, ints, type Model, type Node, type Tensor, text } from "../onnx/types.js";
import { tensorOf } from "../ops/index.js";

/** Name of the input that takes images as they are in memory. */
export const imagesInput = "images";

/** ONNX's number for float32, as Cast takes it. */
const float32Code = 1;
const prefix = "offmap/preprocess/";

/**
 * A model that takes uint8 images [N, H, W, C] of any size under the name `images`: they are brought to the model's size by
 * antialiased linear interpolation (Resize, opset 18), divided by 255 and normalised inside the graph.
 *
 * Offmap's own resizing rounds to bytes after each of its two passes, as Pillow does; pixels of resized images may differ by 1/255.
 *
 * @param input  name of the model's image input
 * @param shape  channels, height and width that the model takes
 */
export function preprocessing(
  model: Model,
  input: string,
  [channels, height, width]: readonly [number, number, number],
  { mean, std }: Normalization = { mean: [0], std: [1] },
): Model {
  const perChannel = (value: (channel: number) => number): Tensor =>
    tensorOf(
      Array.from({ length: channels }, (_, channel) => value(mean.length === 1 ? 0 : channel)),
      "float32",
      [...[1, channels, 1, 1]],
    );
  const constants: Readonly<Record<string, Tensor>> = {
    sizes: tensorOf([height, width], "int64"),
    // (pixel/255 - mean)/std
    slope: perChannel((channel) => 1 / (255 * (std[channel] as number))),
    offset: perChannel((channel) => -(mean[channel] as number) / (std[channel] as number)),
  };
  const resizing: Attributes = {
    axes: ints([2, 3]),
    mode: text("linear"),
    antialias: int(1),
    exclude_outside: int(1),
    coordinate_transformation_mode: text("half_pixel"),
  };
  const nodes = [
    node("Cast", [imagesInput], "floats", { to: int(float32Code) }),
    node("Transpose", [`${prefix}floats`], "planes", { perm: ints([0, 3, 1, 2]) }),
    node("Resize", [`${prefix}planes`, "", "", `${prefix}sizes`], "resized", resizing),
    node("Mul", [`${prefix}resized`, `${prefix}slope`], "scaled"),
    { ...node("Add", [`${prefix}scaled`, `${prefix}offset`], "normalised"), outputs: [input] },
  ];
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of Object.entries(constants)) initializers.set(`${prefix}${name}`, tensor);
  const images = { name: imagesInput, dtype: "uint8", dims: ["N", "H", "W", channels] } as const;
  const graph = { ...model.graph, inputs: [images], nodes: [...nodes, ...model.graph.nodes], initializers };
  return { ...model, graph };
}

function node(op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node {
  const name = `${prefix}${output}`;
  return { name, op, domain: "", inputs, outputs: [name], attributes };
}
