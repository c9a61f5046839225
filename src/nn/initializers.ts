/** Starting values of parameters, as PyTorch's `torch.nn.init` defines them. Fan-in and fan-out count the inputs and outputs of one unit. */
import { type Generator, normal } from "../data/index.js";
import { elementCount } from "../onnx/types.js";

/** Fills a parameter with starting values. */
export type Initializer = (dims: readonly number[], generator: Generator) => Float32Array;

function filled(dims: readonly number[], value: () => number): Float32Array {
  const values = new Float32Array(elementCount(dims));
  for (let at = 0; at < values.length; at++) values[at] = value();
  return values;
}

/** Inputs of one unit of a weight [out, in, ...kernel]. */
export function fanIn([, ...rest]: readonly number[]): number {
  return elementCount(rest);
}

/** Outputs that one input of a weight [out, in, ...kernel] reaches, groups not counted apart. */
export function fanOut([out = 1, , ...kernel]: readonly number[]): number {
  return out * elementCount(kernel);
}

export const constant =
  (value: number): Initializer =>
  (dims) =>
    new Float32Array(elementCount(dims)).fill(value);

/** Uniform in [-bound, bound). */
export const uniform =
  (bound: (dims: readonly number[]) => number): Initializer =>
  (dims, generator) => {
    const limit = bound(dims);
    return filled(dims, () => limit * (2 * generator.uniform() - 1));
  };

export const gaussian =
  (deviation: (dims: readonly number[]) => number): Initializer =>
  (dims, generator) => {
    const scale = deviation(dims);
    return filled(dims, () => scale * normal(generator));
  };

/** What `nn.Conv2d` and `nn.Linear` start their weights with: `kaiming_uniform_(a=√5)`, which is uniform in ±1/√fan-in. */
export const layerDefault = uniform((dims) => 1 / Math.sqrt(fanIn(dims)));

/** He et al., "Delving Deep into Rectifiers", ICCV 2015, eq. 10: `kaiming_normal_(mode="fan_in")`. */
export const heFanIn = gaussian((dims) => Math.sqrt(2 / fanIn(dims)));
/** The same with the outputs, eq. 14: `kaiming_normal_(mode="fan_out")`. */
export const heFanOut = gaussian((dims) => Math.sqrt(2 / fanOut(dims)));

/** Normal with a deviation of 0.02, redrawn beyond ±2 (not ±2 deviations), as `timm` and `trunc_normal_(std=.02)` start transformers. */
export const transformerDefault: Initializer = (dims, generator) =>
  filled(dims, () => {
    let value: number;
    do value = 0.02 * normal(generator);
    while (Math.abs(value) > 2);
    return value;
  });
