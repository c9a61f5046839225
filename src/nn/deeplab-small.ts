import { relu } from "../ops/index.js";
import { decoder } from "./deeplab.js";
import { basicBlock } from "./deeplab-resnet.js";
import { heFanIn, layerDefault } from "./initializers.js";
import { scaled } from "./network.js";
import { defineSegmentation } from "./types.js";

/** By block: its place, channels, stride and dilation. */
const blocks = [
  { place: "layer1.0", channels: 32, stride: 2, dilation: 1 },
  { place: "layer2.0", channels: 64, stride: 2, dilation: 1 },
  { place: "layer2.1", channels: 64, stride: 1, dilation: 1 },
  { place: "layer3.0", channels: 96, stride: 1, dilation: 2 },
  { place: "layer3.1", channels: 96, stride: 1, dilation: 4 },
] as const;

/**
 * A DeepLabV3+ of half a million parameters to train on a processor, for images of some 180x240 pixels: the published decoder with few
 * channels and dilations that fit a map of 23x30, on five residual blocks of output stride 8. Its convolutions are full ones: with
 * depthwise ones a sixth of the parameters would be left, and a training step would hardly be faster.
 */
export const deepLabSmall = defineSegmentation({
  name: "deeplabv3plus-small",
  title: "DeepLabV3+ for two processor cores",
  source: "after Chen, Zhu, Papandreou, Schroff and Adam, ECCV 2018",
  initialization: { convolution: heFanIn, linear: layerDefault },
  logits(net, image, { width, outputs }) {
    const stem = net.convolution("layer0.0", image, { channels: scaled(16, width), kernel: 3, stride: 2 });
    let x = relu(net.batchNorm("layer0.1", stem));
    let shallow = x;
    for (const { place, channels, stride, dilation } of blocks) {
      x = basicBlock(net.at(place), x, { channels: scaled(channels, width), stride, dilation });
      if (place === "layer1.0") shallow = x;
    }
    const channels = scaled(32, width);
    const options = { outputs, channels, fineChannels: scaled(16, width), dilations: [3, 6, 9] };
    return decoder(net, image, { shallow, deep: x }, options);
  },
});
