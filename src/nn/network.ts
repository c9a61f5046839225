/** A network under construction: layers append nodes to a graph, and parameters with starting values under the names PyTorch gives them. */
import type { Generator } from "../data/index.js";
import type { GraphBuilder } from "../graph/index.js";
import { type Attributes, float, int, ints, text } from "../onnx/types.js";
import {
  add,
  type Expr,
  equal,
  first,
  indicator,
  integers,
  matMul,
  mul,
  scalar,
  slice,
  transpose,
  unsqueeze,
} from "../ops/index.js";
import { constant, fanIn, type Initializer, layerDefault, uniform } from "./initializers.js";

/** How the layers of an architecture start. */
export interface Initialization {
  readonly convolution: Initializer;
  readonly linear: Initializer;
  /** Biases of linear layers; by default PyTorch's, uniform in ±1/√fan-in of the weight. */
  readonly linearBias?: Initializer;
}

/** What PyTorch's layers start with when nothing else is said. */
export const pytorchDefault: Initialization = { convolution: layerDefault, linear: layerDefault };

export interface ConvolutionOptions {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Zeros on every side; default: as many as keep the size at stride 1. */
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

export interface PoolOptions {
  readonly kernel: number;
  readonly stride: number;
  /** On every side; default 0. */
  readonly padding?: number;
}

/** A place in a network: layers made here have names that start with its path. */
export class Network {
  constructor(
    readonly graph: GraphBuilder,
    private readonly initialization: Initialization,
    /** Each parameter draws from a fork under its own name, so that one more layer leaves the others' values alone. */
    private readonly generator: Generator,
    private readonly path = "",
  ) {}

  /** A place below this one: `at("layer1").at(0)` names parameters `layer1.0.…`. */
  at(name: string | number): Network {
    return new Network(this.graph, this.initialization, this.generator, `${this.path}${name}.`);
  }

  /** The same place with other starting values. */
  startingWith(initialization: Initialization): Network {
    return new Network(this.graph, initialization, this.generator, this.path);
  }

  parameter(name: string, dims: readonly number[], initializer: Initializer): Expr {
    const full = `${this.path}${name}`;
    const data = initializer(dims, this.generator.fork(full));
    return this.graph.initializer(full, { dtype: "float32", dims, data });
  }

  /** @param x  [N, C, H, W] */
  convolution(name: string, x: Expr, options: ConvolutionOptions): Expr {
    const { channels, kernel, stride = 1, dilation = 1, groups = 1, bias = false } = options;
    const padding = options.padding ?? (dilation * (kernel - 1)) / 2;
    const inner = this.at(name);
    const dims = [channels, (x.dims[1] as number) / groups, kernel, kernel];
    const weight = inner.parameter("weight", dims, this.initialization.convolution);
    const shift = bias ? [inner.parameter("bias", [channels], biasFor(dims))] : [];
    const attributes = {
      ...windowAttributes({ kernel, stride, padding }),
      dilations: ints([dilation, dilation]),
      group: int(groups),
    };
    return this.node("Conv", [x, weight, ...shift], attributes, name);
  }

  /** A transposed convolution that doubles the size: 2x2 with stride 2, no bias. */
  doubling(name: string, x: Expr, channels: number): Expr {
    const dims = [x.dims[1] as number, channels, 2, 2];
    const weight = this.at(name).parameter("weight", dims, this.initialization.convolution);
    return this.node("ConvTranspose", [x, weight], windowAttributes({ kernel: 2, stride: 2 }), name);
  }

  /**
   * Batch normalization, with running statistics of 0 and 1 to start with, momentum 0.1 in PyTorch's words.
   *
   * @param x  [N, C, ...]
   */
  batchNorm(name: string, x: Expr, epsilon = 1e-5): Expr {
    const inner = this.at(name);
    const dims = [x.dims[1] as number];
    const of = (parameter: string, value: number) => inner.parameter(parameter, dims, constant(value));
    const inputs = [of("weight", 1), of("bias", 0), of("running_mean", 0), of("running_var", 1)];
    return this.node("BatchNormalization", [x, ...inputs], { epsilon: float(epsilon), momentum: float(0.9) }, name);
  }

  /** Normalization over the last axis. */
  layerNorm(name: string, x: Expr, epsilon: number): Expr {
    const inner = this.at(name);
    const dims = [x.dims.at(-1) as number];
    const inputs = [inner.parameter("weight", dims, constant(1)), inner.parameter("bias", dims, constant(0))];
    return this.node("LayerNormalization", [x, ...inputs], { axis: int(-1), epsilon: float(epsilon) }, name);
  }

  /** @param x  [N, D] or [N, T, D] → [N, `units`] or [N, T, `units`] */
  linear(name: string, x: Expr, units: number): Expr {
    const inner = this.at(name);
    const dims = [units, x.dims.at(-1) as number];
    const weight = inner.parameter("weight", dims, this.initialization.linear);
    const bias = inner.parameter("bias", [units], this.initialization.linearBias ?? biasFor(dims));
    if (x.dims.length > 2) return add(matMul(x, transpose(weight, [1, 0])), bias);
    return this.node("Gemm", [x, weight, bias], { transB: int(1) }, name);
  }

  /** max(0, x) + a·min(0, x) with one slope a per channel, 0.25 to start with. */
  prelu(name: string, x: Expr): Expr {
    const slope = this.at(name).parameter("weight", [x.dims[1] as number], constant(0.25));
    return this.node("PRelu", [x, unsqueeze(slope, [1, 2])], {}, name);
  }

  /** Leaves x as it is; the node says where training is to drop elements, each with probability `ratio`. */
  dropout(name: string, x: Expr, ratio: number): Expr {
    return this.node("Dropout", [x, scalar(this.graph, ratio)], {}, name);
  }

  /**
   * The same for whole channels of [N, C, H, W], as `nn.Dropout2d`: what drops is one number for each of them. It is 1 by a comparison of a pixel with
   * itself, which has no gradient and needs not know N; by the pixel, the node counts as trained where x is.
   */
  channelDropout(name: string, x: Expr, ratio: number): Expr {
    const pixel = slice(x, { axes: [2, 3], starts: [0, 0], ends: [1, 1] });
    return mul(x, this.dropout(name, indicator(equal(pixel, pixel)), ratio));
  }

  maxPool(name: string, x: Expr, options: PoolOptions): Expr {
    return this.node("MaxPool", [x], windowAttributes(options), name);
  }

  /** Padding counts as zeros, as `nn.AvgPool2d` has it. */
  averagePool(name: string, x: Expr, options: PoolOptions): Expr {
    return this.node("AveragePool", [x], { ...windowAttributes(options), count_include_pad: int(1) }, name);
  }

  /** Mean over all positions: [N, C, H, W] → [N, C, 1, 1]. */
  globalAverage(name: string, x: Expr): Expr {
    return this.node("GlobalAveragePool", [x], {}, name);
  }

  /** Mean over all positions: [N, C, H, W] → [N, C]. */
  globalFeatures(name: string, x: Expr): Expr {
    return this.node("Flatten", [this.globalAverage(name, x)], { axis: int(1) }, `${name}.flatten`);
  }

  /** Bilinear interpolation of [N, C, H, W] where the corners keep their values (`align_corners=True`). */
  resize(name: string, x: Expr, size: readonly [height: number, width: number]): Expr {
    const attributes = {
      mode: text("linear"),
      coordinate_transformation_mode: text("align_corners"),
      axes: ints([2, 3]),
    };
    return this.node("Resize", [x, undefined, undefined, integers(this.graph, size)], attributes, name);
  }

  /** @param dims  a 0 keeps the size of x on that axis, so that the batch may be of any size */
  reshape(name: string, x: Expr, dims: readonly number[]): Expr {
    return this.node("Reshape", [x, integers(this.graph, dims)], {}, name);
  }

  private node(op: string, inputs: readonly (Expr | undefined)[], attributes: Attributes, name: string): Expr {
    return first(this.graph.op(op, inputs, attributes, { name: `${this.path}${name}` }));
  }
}

/** Height and width of [N, C, H, W], which the networks of this folder know when they are built. */
export function sizeOf(x: Expr): [height: number, width: number] {
  return [x.dims[2] as number, x.dims[3] as number];
}

/** Channels of a layer under a width factor, at least one. */
export const scaled = (channels: number, width: number): number => Math.max(1, Math.round(channels * width));

const windowAttributes = ({ kernel, stride, padding = 0 }: PoolOptions) => ({
  kernel_shape: ints([kernel, kernel]),
  strides: ints([stride, stride]),
  pads: ints([padding, padding, padding, padding]),
});

/** PyTorch starts a bias uniform in ±1/√fan-in of the weight beside it. */
const biasFor = (weight: readonly number[]): Initializer => uniform(() => 1 / Math.sqrt(fanIn(weight)));
