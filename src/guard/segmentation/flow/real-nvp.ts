/** A normalizing flow of affine coupling layers: an invertible network whose density is known exactly. */
import { createGenerator, normal } from "../../../data/index.js";
import { elementCount, int, type Tensor } from "../../../onnx/types.js";
import { add, type Expr, exp, matMul, mul, neg, relu, square, sub, sum, tanh } from "../../../ops/index.js";

export interface FlowShape {
  /** d: numbers in a row. */
  readonly dimension: number;
  readonly couplings: number;
  /** Units in each of the two hidden layers of a coupling's network. */
  readonly hidden: number;
}

/** Tensors of a flow. `mask` is fixed, the others are trained. */
export const flowTensors = [
  "mask",
  ...["first.weight", "first.bias", "second.weight", "second.bias"],
  ...["scale.weight", "scale.bias", "shift.weight", "shift.bias"],
] as const;
type FlowTensor = (typeof flowTensors)[number];

/**
 * A flow, as expressions or as tensors: masks [C, d] of zeros and ones, and of the C couplings' networks the weights, [C·in, out], one coupling below another, and the
 * biases, [C, out]. Few large tensors, because an optimizer's time goes by their number.
 */
export type Flow<Value> = Readonly<Record<FlowTensor, Value>>;

/** A coupling stretches a number at most by exp of this, and shrinks it as much: what keeps the density of points that lie all on a line finite. */
const mostLogScale = 2;

/** The tensors of a flow by their names. */
export const asFlow = <Value>(of: (name: FlowTensor) => Value): Flow<Value> =>
  Object.fromEntries(flowTensors.map((name) => [name, of(name)])) as unknown as Flow<Value>;

/**
 * A flow to start training from, which is the identity: the last layers are zeros, as in Glow (Kingma and Dhariwal, NeurIPS 2018). A random half of the numbers is
 * kept by every even coupling and the other half by the odd one after it. Other weights as by He et al., ICCV 2015.
 */
export function startingFlow({ dimension, couplings, hidden }: FlowShape, seed: number): Flow<Tensor> {
  const generator = createGenerator(seed).fork("flow");
  const drawn = (name: string, inputs: number): Tensor => {
    const own = generator.fork(name);
    const scale = Math.sqrt(2 / inputs);
    return float32([couplings * inputs, hidden], () => scale * normal(own));
  };
  const mask = float32([couplings, dimension]);
  for (let coupling = 0; coupling < couplings; coupling++) {
    const order = generator
      .fork("mask")
      .fork(Math.floor(coupling / 2))
      .permutation(dimension);
    order.forEach((axis, place) => {
      mask.data[coupling * dimension + axis] = Number(place < dimension / 2 === (coupling % 2 === 0));
    });
  }
  return {
    mask,
    "first.weight": drawn("first", dimension),
    "first.bias": float32([couplings, hidden]),
    "second.weight": drawn("second", hidden),
    "second.bias": float32([couplings, hidden]),
    "scale.weight": float32([couplings * hidden, dimension]),
    "scale.bias": float32([couplings, dimension]),
    "shift.weight": float32([couplings * hidden, dimension]),
    "shift.bias": float32([couplings, dimension]),
  };
}

/** The tensors of each coupling: weights [in, out], and biases and the mask [1, out]. */
function couplingsOf(flow: Flow<Expr>): Flow<Expr>[] {
  const outputs = flow.mask.dims[0] as number;
  const { builder } = flow.mask;
  if (outputs === 1) return [flow];
  const cut = asFlow((name) =>
    builder.op("Split", [flow[name]], { axis: int(0), num_outputs: int(outputs) }, { outputs }),
  );
  return Array.from({ length: outputs }, (_, at) => asFlow((name) => cut[name][at] as Expr));
}

const float32 = (dims: readonly number[], value: () => number = () => 0) =>
  ({ dtype: "float32", dims, data: Float32Array.from({ length: elementCount(dims) }, value) }) as const;

/** Logarithms of the scales, and shifts, of the numbers that the mask does not keep; 0 for those it keeps. From the kept ones alone. */
function scaleAndShift(x: Expr, coupling: Flow<Expr>): { logScale: Expr; shift: Expr } {
  const { mask } = coupling;
  const changed = sub(1, mask);
  const layer = (input: Expr, name: "first" | "second" | "scale" | "shift") =>
    add(matMul(input, coupling[`${name}.weight`]), coupling[`${name}.bias`]);
  const hidden = relu(layer(relu(layer(mul(x, mask), "first")), "second"));
  const bounded = mul(tanh(mul(layer(hidden, "scale"), 1 / mostLogScale)), mostLogScale);
  return { logScale: mul(changed, bounded), shift: mul(changed, layer(hidden, "shift")) };
}

/**
 * One coupling after another, with a mask m of zeros and ones,
 *
 *   y = m ⊙ x + (1 - m) ⊙ (x ⊙ exp(s(m ⊙ x)) + t(m ⊙ x)),      log |det ∂y/∂x| = Σ (1 - m) ⊙ s(m ⊙ x)
 *
 * Dinh, Sohl-Dickstein and Bengio, "Density estimation using Real NVP", ICLR 2017, eq. 8 and 9. s and t share two hidden layers with ReLU; s is 2 tanh(·/2), in (-2, 2).
 *
 * @param x  float32 [..., d]
 * @returns what the density of a standard normal distribution belongs to, [..., d], and the sum of the log-determinants, [...]
 */
export function flowForward(x: Expr, flow: Flow<Expr>): { z: Expr; logDeterminant: Expr } {
  const last = [x.dims.length - 1];
  let z = x;
  let logDeterminant: Expr | undefined;
  for (const coupling of couplingsOf(flow)) {
    const { logScale, shift } = scaleAndShift(z, coupling);
    z = add(mul(z, exp(logScale)), shift);
    const own = sum(logScale, { axes: last });
    logDeterminant = logDeterminant === undefined ? own : add(logDeterminant, own);
  }
  return { z, logDeterminant: logDeterminant as Expr };
}

/** The x that {@link flowForward} takes to z, [..., d]. */
export function flowInverse(z: Expr, flow: Flow<Expr>): Expr {
  return couplingsOf(flow)
    .toReversed()
    .reduce((y, coupling) => {
      // What the mask keeps is the same before and after, so scale and shift are found from either.
      const { logScale, shift } = scaleAndShift(y, coupling);
      return mul(sub(y, shift), exp(neg(logScale)));
    }, z);
}

/**
 * -log p(x) in nats, by the change of variables,
 *
 *   -log p(x) = ½ |z|² + ½ d log 2π - log |det ∂z/∂x|,      z = flow(x)
 *
 * @param x  float32 [..., d]
 * @returns [...]
 */
export function negativeLogDensity(x: Expr, flow: Flow<Expr>): Expr {
  const dimension = x.dims.at(-1) as number;
  const { z, logDeterminant } = flowForward(x, flow);
  const squares = sum(square(z), { axes: [x.dims.length - 1] });
  return sub(add(mul(squares, 0.5), 0.5 * dimension * Math.log(2 * Math.PI)), logDeterminant);
}
