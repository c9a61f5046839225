import { OptionError } from "../errors.js";
import { add, concat, type Expr, slice } from "../ops/index.js";
import { type ConvolutionOptions, type Network, pytorchDefault, scaled, sizeOf } from "./network.js";
import { defineSegmentation, type SegmentationArchitecture } from "./types.js";

/** As the authors' code has it. */
const epsilon = 1e-3;
/** Of the five branches of a pyramid. */
const dilations = [1, 2, 4, 8, 16];

interface Depths {
  /** Pyramids at a quarter of the image's size, after the one that halves it. */
  readonly p: number;
  /** At an eighth. */
  readonly q: number;
}

/**
 * ESPNet: an encoder of spatial pyramids of dilated convolutions on few channels, and a decoder on as many channels as there are outputs.
 * Names are the authors', but for the last two layers, theirs `conv` and `classifier`, which are in `final` here.
 *
 * Mehta, Rastegari, Caspi, Shapiro and Hajishirzi, "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic Segmentation",
 * ECCV 2018. Sizes that 8 does not divide are cut to the image's after every doubling.
 */
function espNet({ p, q }: Depths): SegmentationArchitecture {
  return defineSegmentation({
    name: "espnet",
    title: `ESPNet, p = ${p}, q = ${q}`,
    source: "Mehta, Rastegari, Caspi, Shapiro and Hajishirzi, ECCV 2018",
    initialization: pytorchDefault,
    logits(net, image, { width, outputs }) {
      if (outputs < dilations.length) {
        const expected = `${dilations.length} or more outputs, one for each branch of its last pyramid`;
        throw new OptionError({ where: "espnet", expected, received: String(outputs) });
      }
      return decode(net, image, encode(net.at("encoder"), image, { p, q, width, outputs }), outputs);
    },
  });
}

interface Encoded {
  readonly half: Expr;
  readonly quarter: Expr;
  readonly logits: Expr;
}

function encode(
  net: Network,
  image: Expr,
  { p, q, width, outputs }: Depths & { width: number; outputs: number },
): Encoded {
  const pool = { kernel: 3, stride: 2, padding: 1 };
  const smallImage = net.averagePool("sample1", image, pool);
  const smallerImage = net.averagePool("sample2", smallImage, pool);
  const stem = convolutionBlock(net.at("level1"), image, { channels: scaled(16, width), kernel: 3, stride: 2 });
  const half = activation(net.at("b1"), concat([stem, smallImage], 1));
  const second = level(net, "level2", half, { blocks: p, channels: scaled(64, width) });
  const quarter = activation(net.at("b2"), concat([second.last, second.first, smallerImage], 1));
  const third = level(net, "level3", quarter, { blocks: q, channels: scaled(128, width) });
  const eighth = activation(net.at("b3"), concat([third.first, third.last], 1));
  return { half, quarter, logits: net.convolution("classifier.conv", eighth, { channels: outputs, kernel: 1 }) };
}

/** A pyramid that halves the size, and more that keep it. */
function level(net: Network, name: string, x: Expr, { blocks, channels }: { blocks: number; channels: number }) {
  const entry = net.at(`${name}_0`);
  const first = activation(entry, pyramid(entry, x, { channels, kernel: 3, stride: 2 }));
  let last = first;
  for (let block = 0; block < blocks; block++) {
    const place = net.at(name).at(block);
    last = activation(place.at("bn"), add(last, pyramid(place, last, { channels, kernel: 1 })));
  }
  return { first, last };
}

/**
 * Reduces to a fifth of the channels, convolves with every dilation, and joins the results, those from dilation 4 on as running sums
 * that hide the grids of the larger ones. What five does not divide goes to the first branch.
 */
function pyramid(net: Network, x: Expr, { channels, kernel, stride = 1 }: ConvolutionOptions): Expr {
  const share = Math.floor(channels / dilations.length);
  const reduced = net.convolution("c1.conv", x, { channels: share, kernel, stride });
  const [undilated, ...dilated] = dilations.map((dilation, index) =>
    net.convolution(`d${dilation}.conv`, reduced, {
      channels: index === 0 ? channels - (dilations.length - 1) * share : share,
      kernel: 3,
      dilation,
    }),
  ) as [Expr, ...Expr[]];
  const sums: Expr[] = [];
  for (const branch of dilated) sums.push(sums.length === 0 ? branch : add(sums.at(-1) as Expr, branch));
  return concat([undilated, ...sums], 1);
}

function decode(net: Network, image: Expr, { half, quarter, logits }: Encoded, outputs: number): Expr {
  const coarse = cut(net.doubling("up_l3.0", net.batchNorm("br", logits, epsilon), outputs), quarter);
  const own = net.convolution("level3_C.conv", quarter, { channels: outputs, kernel: 1 });
  const both = activation(net.at("combine_l2_l3.0"), concat([own, coarse], 1));
  const place = net.at("combine_l2_l3.1");
  const combined = activation(place.at("bn"), pyramid(place, both, { channels: outputs, kernel: 1 }));
  const finer = cut(activation(net.at("up_l2.1"), net.doubling("up_l2.0", combined, outputs)), half);
  const final = net.at("final");
  const last = convolutionBlock(final.at("conv"), concat([finer, half], 1), { channels: outputs, kernel: 3 });
  return cut(final.doubling("classifier", last, outputs), image);
}

function cut(x: Expr, like: Expr): Expr {
  const [height, width] = sizeOf(like);
  const [from, to] = sizeOf(x);
  return from === height && to === width ? x : slice(x, { axes: [2, 3], starts: [0, 0], ends: [height, width] });
}

const convolutionBlock = (net: Network, x: Expr, options: ConvolutionOptions): Expr =>
  activation(net, net.convolution("conv", x, options));

/** Names `bn` and `act` are those of a block of the two, which the authors also call `bn`. */
const activation = (net: Network, x: Expr): Expr => net.prelu("act", net.batchNorm("bn", x, epsilon));

export const espnet = espNet({ p: 2, q: 8 });
