import { add, type Expr, relu } from "../ops/index.js";
import { decoder, publishedDecoder, type TrunkFeatures } from "./deeplab.js";
import { heFanIn, layerDefault } from "./initializers.js";
import { type Network, pytorchDefault, scaled } from "./network.js";
import { defineSegmentation } from "./types.js";

interface Module {
  readonly blocks: number;
  /** Of the two or three convolutions of a block: 3x3 both, or 1x1, 3x3, 1x1. */
  readonly channels: readonly number[];
  readonly stride?: number;
  readonly dilation?: number;
  /** Maximum over 3x3 with stride 2 in front. */
  readonly pool?: boolean;
  /** Before the last convolution of a block. */
  readonly dropout?: number;
}

/** `mod2` to `mod7` of WiderResNet-38, A2, dilated to output stride 8. */
const modules: readonly Module[] = [
  { blocks: 3, channels: [128, 128], pool: true },
  { blocks: 3, channels: [256, 256], pool: true },
  { blocks: 6, channels: [512, 512], stride: 2 },
  { blocks: 3, channels: [512, 1024], dilation: 2 },
  { blocks: 1, channels: [512, 1024, 2048], dilation: 4, dropout: 0.3 },
  { blocks: 1, channels: [1024, 2048, 4096], dilation: 4, dropout: 0.5 },
];

/**
 * DeepLabV3+ on WiderResNet-38, the network of the paper's segmentation tables. The parameters have the names of the public Cityscapes
 * checkpoint. Its dropout is of whole channels.
 *
 * Wu, Shen and van den Hengel, "Wider or Deeper: Revisiting the ResNet Model for Visual Recognition", Pattern Recognition 2019; Rota Bulò,
 * Porzi and Kontschieder, "In-Place Activated BatchNorm", CVPR 2018 (form A2); Zhu et al., "Improving Semantic Segmentation via Video
 * Propagation and Label Relaxation", CVPR 2019. The final block starts normal with fan-in, the rest as PyTorch's layers do.
 */
export const deepLabWideResNet38 = defineSegmentation({
  name: "deeplabv3plus-wrn38",
  title: "DeepLabV3+ on WiderResNet-38",
  source: "Zhu et al., CVPR 2019",
  initialization: pytorchDefault,
  logits(net, image, { width, outputs }) {
    const features = wideTrunk(net, image, width);
    const finalBlock = { convolution: heFanIn, linear: layerDefault };
    return decoder(net, image, features, { outputs, finalBlock, ...publishedDecoder(width, 8) });
  },
});

function wideTrunk(net: Network, image: Expr, width: number): TrunkFeatures {
  let x = net.convolution("mod1.conv1", image, { channels: scaled(64, width), kernel: 3 });
  let shallow = x;
  modules.forEach((module, index) => {
    const name = `mod${index + 2}`;
    if (module.pool) x = net.maxPool(`pool${index + 2}`, x, { kernel: 3, stride: 2, padding: 1 });
    for (let block = 1; block <= module.blocks; block++) {
      const stride = block === 1 ? (module.stride ?? 1) : 1;
      x = identityBlock(net.at(name).at(`block${block}`), x, { ...module, stride }, width);
    }
    if (index === 0) shallow = x;
  });
  return { shallow, deep: x };
}

/** Normalises before it convolves; the shortcut is x itself, or a projection of what is normalised where the shape changes. */
function identityBlock(
  net: Network,
  x: Expr,
  { channels, stride = 1, dilation = 1, dropout }: Module,
  width: number,
): Expr {
  const active = relu(net.batchNorm("bn1.0", x));
  const convs = net.at("convs");
  const last = channels.length;
  let y = active;
  channels.forEach((base, index) => {
    const position = index + 1;
    if (index > 0) y = relu(convs.batchNorm(`bn${position}.0`, y));
    if (position === last && dropout !== undefined) y = convs.channelDropout("dropout", y, dropout);
    const wide = last === 2 || position === 2;
    y = convs.convolution(`conv${position}`, y, {
      channels: scaled(base, width),
      kernel: wide ? 3 : 1,
      stride: index === 0 ? stride : 1,
      dilation: wide ? dilation : 1,
    });
  });
  const given = scaled(channels[last - 1] as number, width);
  if (stride === 1 && x.dims[1] === given) return add(y, x);
  return add(y, net.convolution("proj_conv", active, { channels: given, kernel: 1, stride }));
}
