import { concat, type Expr, relu } from "../ops/index.js";
import { constant, heFanOut, layerDefault } from "./initializers.js";
import { type Network, scaled } from "./network.js";
import { type Architecture, defineArchitecture } from "./types.js";

/** Channels of a bottleneck over those that its layer adds. */
const bottleneck = 4;

/**
 * DenseNet-BC: three stages of (depth - 4) / 6 layers, each of which adds `growth` channels to all before it by way of a bottleneck of
 * four times as many, with transitions between the stages that halve channels and size.
 *
 * Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", CVPR 2017; names and starting values are those
 * of the PyTorch code in use for CIFAR: convolutions normal with deviation √(2 / (k·k·out)), the last bias 0.
 */
function denseNet(depth: number, growth: number): Architecture {
  const layers = (depth - 4) / 6;
  return defineArchitecture({
    name: `densenet-bc-${depth}-${growth}`,
    title: `DenseNet-BC, ${depth} layers, growth ${growth}`,
    source: "Huang, Liu, van der Maaten and Weinberger, CVPR 2017",
    initialization: { convolution: heFanOut, linear: layerDefault, linearBias: constant(0) },
    head: "fc",
    features(net, image, { width }) {
      const added = scaled(growth, width);
      let x = net.convolution("conv1", image, { channels: 2 * added, kernel: 3 });
      for (let stage = 1; stage <= 3; stage++) {
        if (stage > 1) x = transition(net.at(`trans${stage - 1}`), x);
        for (let layer = 0; layer < layers; layer++) x = denseLayer(net.at(`block${stage}.layer`).at(layer), x, added);
      }
      return net.globalFeatures("pool", relu(net.batchNorm("bn1", x)));
    },
  });
}

function denseLayer(net: Network, x: Expr, growth: number): Expr {
  const narrow = net.convolution("conv1", relu(net.batchNorm("bn1", x)), { channels: bottleneck * growth, kernel: 1 });
  const added = net.convolution("conv2", relu(net.batchNorm("bn2", narrow)), { channels: growth, kernel: 3 });
  return concat([x, added], 1);
}

function transition(net: Network, x: Expr): Expr {
  const channels = Math.floor((x.dims[1] as number) / 2);
  const halved = net.convolution("conv1", relu(net.batchNorm("bn1", x)), { channels, kernel: 1 });
  return net.averagePool("pool", halved, { kernel: 2, stride: 2 });
}

export const densenetBc100 = denseNet(100, 12);
