import { add, type Expr, relu } from "../ops/index.js";
import { decoder, publishedDecoder, type TrunkFeatures } from "./deeplab.js";
import { heFanIn, heFanOut, layerDefault } from "./initializers.js";
import { type Network, scaled } from "./network.js";
import { defineSegmentation, type SegmentationArchitecture } from "./types.js";

interface Trunk {
  readonly depth: number;
  /** Per stage. */
  readonly blocks: readonly number[];
  /** Channels that a block gives over those inside it. */
  readonly expansion: 1 | 4;
}

/** ResNet-18 and ResNet-50 as He et al. have them, table 1. */
const trunks = {
  resnet18: { depth: 18, blocks: [2, 2, 2, 2], expansion: 1 },
  resnet50: { depth: 50, blocks: [3, 4, 6, 3], expansion: 4 },
} as const satisfies Record<string, Trunk>;

/** By output stride: strides and dilations of the four stages. A stage that would halve the size further dilates instead, in all its blocks. */
const stages = {
  8: { strides: [1, 2, 1, 1], dilations: [1, 1, 2, 4] },
  16: { strides: [1, 2, 2, 1], dilations: [1, 1, 1, 2] },
} as const;

/**
 * DeepLabV3+ on a dilated ResNet: decoder and names as {@link decoder} says, the first stage as the shallow features. The trunk starts as
 * ResNets do (normal, fan-out), the decoder with fan-in.
 */
function deepLabResNet(trunk: keyof typeof trunks, outputStride: 8 | 16): SegmentationArchitecture {
  const { depth } = trunks[trunk];
  return defineSegmentation({
    name: `deeplabv3plus-${trunk}${outputStride === 16 ? "-os16" : ""}`,
    title: `DeepLabV3+ on ResNet-${depth}, output stride ${outputStride}`,
    source: "Chen, Zhu, Papandreou, Schroff and Adam, ECCV 2018",
    initialization: { convolution: heFanIn, linear: layerDefault },
    logits(net, image, { width, outputs }) {
      const trunkPlace = net.startingWith({ convolution: heFanOut, linear: layerDefault });
      const features = residualTrunk(trunkPlace, image, trunks[trunk], { width, ...stages[outputStride] });
      return decoder(net, image, features, { outputs, ...publishedDecoder(width, outputStride) });
    },
  });
}

interface TrunkOptions {
  readonly width: number;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

function residualTrunk(
  net: Network,
  image: Expr,
  trunk: Trunk,
  { width, strides, dilations }: TrunkOptions,
): TrunkFeatures {
  const stem = net.convolution("layer0.0", image, { channels: scaled(64, width), kernel: 7, stride: 2 });
  let x = net.maxPool("layer0.3", relu(net.batchNorm("layer0.1", stem)), { kernel: 3, stride: 2, padding: 1 });
  let shallow = x;
  trunk.blocks.forEach((count, stage) => {
    const channels = scaled(64 * 2 ** stage, width);
    const dilation = dilations[stage] as number;
    const block = trunk.expansion === 1 ? basicBlock : bottleneck;
    for (let index = 0; index < count; index++) {
      const stride = index === 0 ? (strides[stage] as number) : 1;
      x = block(net.at(`layer${stage + 1}`).at(index), x, { channels, stride, dilation });
    }
    if (stage === 0) shallow = x;
  });
  return { shallow, deep: x };
}

export interface BlockOptions {
  readonly channels: number;
  readonly stride: number;
  readonly dilation: number;
}

/** Two 3x3 convolutions around a shortcut, which is a 1x1 convolution where the shape changes. */
export function basicBlock(net: Network, x: Expr, { channels, stride, dilation }: BlockOptions): Expr {
  const inner = relu(net.batchNorm("bn1", net.convolution("conv1", x, { channels, kernel: 3, stride, dilation })));
  const y = net.batchNorm("bn2", net.convolution("conv2", inner, { channels, kernel: 3, dilation }));
  return relu(add(y, shortcut(net, x, channels, stride)));
}

function bottleneck(net: Network, x: Expr, { channels, stride, dilation }: BlockOptions): Expr {
  const narrow = relu(net.batchNorm("bn1", net.convolution("conv1", x, { channels, kernel: 1 })));
  const inner = relu(net.batchNorm("bn2", net.convolution("conv2", narrow, { channels, kernel: 3, stride, dilation })));
  const y = net.batchNorm("bn3", net.convolution("conv3", inner, { channels: 4 * channels, kernel: 1 }));
  return relu(add(y, shortcut(net, x, 4 * channels, stride)));
}

function shortcut(net: Network, x: Expr, channels: number, stride: number): Expr {
  if (stride === 1 && x.dims[1] === channels) return x;
  return net.batchNorm("downsample.1", net.convolution("downsample.0", x, { channels, kernel: 1, stride }));
}

export const deepLabResNet18 = deepLabResNet("resnet18", 8);
export const deepLabResNet18Stride16 = deepLabResNet("resnet18", 16);
export const deepLabResNet50 = deepLabResNet("resnet50", 8);
export const deepLabResNet50Stride16 = deepLabResNet("resnet50", 16);
