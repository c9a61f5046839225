/**
 * The decoder of DeepLabV3+. Chen, Zhu, Papandreou, Schroff and Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
 * Segmentation", ECCV 2018; names, order and `align_corners` are those of the code whose Cityscapes checkpoint PEBAL and balanced
 * energy regularization start from.
 */
import { concat, type Expr, expand, relu } from "../ops/index.js";
import { type ConvolutionOptions, type Initialization, type Network, scaled, sizeOf } from "./network.js";

/** What a trunk gives to the decoder. */
export interface TrunkFeatures {
  /** At a quarter or half of the image's size, [N, C, h, w]. */
  readonly shallow: Expr;
  /** At the output stride. */
  readonly deep: Expr;
}

export interface DecoderOptions {
  readonly outputs: number;
  /** Of every layer but the two below; 256 as published. */
  readonly channels: number;
  /** That the shallow features are brought to; 48 as published. */
  readonly fineChannels: number;
  /** Of the three 3x3 convolutions of the pyramid. */
  readonly dilations: readonly number[];
  /** How the final block starts; default: as the rest. */
  readonly finalBlock?: Initialization;
}

/** Channels and dilations as published, under a width factor. */
export const publishedDecoder = (width: number, outputStride: 8 | 16) => ({
  channels: scaled(256, width),
  fineChannels: scaled(48, width),
  dilations: outputStride === 8 ? [12, 24, 36] : [6, 12, 18],
});

/** @returns logits [N, `outputs`, H, W] */
export function decoder(net: Network, image: Expr, { shallow, deep }: TrunkFeatures, options: DecoderOptions): Expr {
  const { outputs, channels, fineChannels, dilations } = options;
  const pyramid = spatialPyramid(net.at("aspp"), deep, channels, dilations);
  const coarse = net.convolution("bot_aspp", pyramid, { channels, kernel: 1 });
  const fine = net.convolution("bot_fine", shallow, { channels: fineChannels, kernel: 1 });
  const joined = concat([fine, net.resize("upsample_coarse", coarse, sizeOf(fine))], 1);
  const place = options.finalBlock === undefined ? net : net.startingWith(options.finalBlock);
  const logits = finalBlock(place.at("final"), joined, channels, outputs);
  return net.resize("upsample", logits, sizeOf(image));
}

function finalBlock(net: Network, x: Expr, channels: number, outputs: number): Expr {
  const one = relu(net.batchNorm("1", net.convolution("0", x, { channels, kernel: 3 })));
  const two = relu(net.batchNorm("4", net.convolution("3", one, { channels, kernel: 3 })));
  return net.convolution("6", two, { channels: outputs, kernel: 1 });
}

/** The mean over the image, a 1x1 convolution and a 3x3 convolution per dilation, side by side. */
function spatialPyramid(net: Network, x: Expr, channels: number, dilations: readonly number[]): Expr {
  const branch = (place: Network, from: Expr, options: Omit<ConvolutionOptions, "channels">) =>
    relu(place.batchNorm("1", place.convolution("0", from, { channels, ...options })));
  const features = net.at("features");
  const mean = branch(net.at("img_conv"), net.globalAverage("img_pooling", x), { kernel: 1 });
  return concat(
    [
      expand(mean, [1, channels, ...sizeOf(x)]),
      branch(features.at(0), x, { kernel: 1 }),
      ...dilations.map((dilation, index) => branch(features.at(index + 1), x, { kernel: 3, dilation })),
    ],
    1,
  );
}
