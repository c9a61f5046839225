import type { Normalization, ResizeMode } from "../data/index.js";
import { OptionError } from "../errors.js";
import { renamedGraph } from "../graph/append.js";
import { type Attributes, int, ints, type Model, type Node, type Tensor, text } from "../onnx/types.js";
import { tensorOf } from "../ops/index.js";

/** Name of the input that takes images as they are in memory. */
export const imagesInput = "images";

/** ONNX's number for float32, as Cast takes it. */
const float32Code = 1;
const prefix = "offmap/preprocess/";
/** What a tensor of the model itself is called that has the name of {@link imagesInput}. */
const ownImages = `${prefix}images of the model`;

export interface PreprocessOptions {
  readonly normalization?: Normalization | undefined;
  /** As `resizePicture` has it; default stretch. */
  readonly resize?: ResizeMode;
}

/**
 * A model that takes uint8 images [N, H, W, C] of any size under the name `images`: they are brought to the model's size by
 * antialiased linear interpolation (Resize, opset 18), divided by 255 and normalised inside the graph.
 *
 * Offmap's own resizing rounds to bytes after each of its two passes, as Pillow does; pixels of resized images may differ by 1/255.
 *
 * @param input  name of the model's image input
 * @param shape  channels, height and width that the model takes
 * @throws OptionError for a model with an output `images`, which cannot have another name
 */
export function preprocessing(
  model: Model,
  input: string,
  [channels, height, width]: readonly [number, number, number],
  { normalization: { mean, std } = { mean: [0], std: [1] }, resize = "stretch" }: PreprocessOptions = {},
): Model {
  if (model.graph.outputs.some(({ name }) => name === imagesInput)) {
    throw new OptionError({
      where: "--preprocess",
      expected: `a model without an output "${imagesInput}", the name of the input that it gives`,
      received: "one that has it",
      hint: "leave --preprocess out",
    });
  }
  const own = renamedGraph(model.graph, otherName);
  const perChannel = (value: (channel: number) => number): Tensor =>
    tensorOf(
      Array.from({ length: channels }, (_, channel) => value(mean.length === 1 ? 0 : channel)),
      "float32",
      [...[1, channels, 1, 1]],
    );
  const constants: Readonly<Record<string, Tensor>> = {
    target: tensorOf([height, width], "int64"),
    ...(resize === "crop" && cropConstants(height, width)),
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
    ...(resize === "crop" ? coveringSize : []),
    node(
      "Resize",
      [`${prefix}planes`, "", "", `${prefix}${resize === "crop" ? "covering" : "target"}`],
      "resized",
      resizing,
    ),
    ...(resize === "crop" ? centreCrop : []),
    node("Mul", [`${prefix}${resize === "crop" ? "cropped" : "resized"}`, `${prefix}slope`], "scaled"),
    { ...node("Add", [`${prefix}scaled`, `${prefix}offset`], "normalised"), outputs: [otherName(input)] },
  ];
  const initializers = new Map(own.initializers);
  for (const [name, tensor] of Object.entries(constants)) initializers.set(`${prefix}${name}`, tensor);
  const images = { name: imagesInput, dtype: "uint8", dims: ["N", "H", "W", channels] } as const;
  const graph = { ...own, inputs: [images], nodes: [...nodes, ...own.nodes], initializers };
  return { ...model, graph };
}

const otherName = (name: string): string => (name === imagesInput ? ownImages : name);

function node(op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node {
  const name = `${prefix}${output}`;
  return { name, op, domain: "", inputs, outputs: [name], attributes };
}

const named = (...names: readonly string[]) => names.map((name) => `${prefix}${name}`);

const cropConstants = (height: number, width: number): Readonly<Record<string, Tensor>> => ({
  "other target": tensorOf([width, height], "int64"),
  swap: tensorOf([1, 0], "int64"),
  two: tensorOf([2, 2], "int64"),
  axes: tensorOf([2, 3], "int64"),
});

/** The smallest size of the image's own aspect ratio, rounded down, that covers the target: `max(target, side · other target / other side)`. */
const coveringSize: readonly Node[] = [
  node("Shape", named("planes"), "size", { start: int(2), end: int(4) }),
  node("Gather", named("size", "swap"), "other size", { axis: int(0) }),
  node("Mul", named("size", "other target"), "area"),
  node("Div", named("area", "other size"), "kept ratio"),
  node("Max", named("target", "kept ratio"), "covering"),
];

/** Cuts the target out of the middle; half a pixel is rounded to the even side, as torchvision's `CenterCrop` does. */
const centreCrop: readonly Node[] = [
  node("Sub", named("covering", "target"), "overhang"),
  node("Div", named("overhang", "two"), "half"),
  node("Mod", named("overhang", "two"), "is odd"),
  node("Mod", named("half", "two"), "half is odd"),
  node("Mul", named("is odd", "half is odd"), "up"),
  node("Add", named("half", "up"), "start"),
  node("Add", named("start", "target"), "end"),
  node("Slice", named("resized", "start", "end", "axes"), "cropped"),
];
