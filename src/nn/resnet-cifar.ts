import { add, type Expr, pad, relu, slice } from "../ops/index.js";
import { heFanIn } from "./initializers.js";
import { type Network, scaled, sizeOf } from "./network.js";
import { type Architecture, defineArchitecture } from "./types.js";

/**
 * The ResNets that He et al. made for CIFAR: three stages of 16, 32 and 64 channels, `depth = 6n + 2` layers, shortcuts without
 * parameters (option A: every other position, new channels filled with zeros).
 *
 * He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2. Weights of convolutions and of
 * the last layer start as in their section 3.4 (normal, fan-in).
 */
function cifarResNet(depth: number): Architecture {
  const blocks = (depth - 2) / 6;
  return defineArchitecture({
    name: `resnet${depth}`,
    title: `ResNet-${depth} for CIFAR`,
    source: "He, Zhang, Ren and Sun, CVPR 2016, section 4.2",
    initialization: { convolution: heFanIn, linear: heFanIn },
    head: "linear",
    features(net, image, { width }) {
      let x = relu(net.batchNorm("bn1", net.convolution("conv1", image, { channels: scaled(16, width), kernel: 3 })));
      [16, 32, 64].forEach((channels, stage) => {
        for (let block = 0; block < blocks; block++) {
          const stride = stage > 0 && block === 0 ? 2 : 1;
          x = basicBlock(net.at(`layer${stage + 1}`).at(block), x, scaled(channels, width), stride);
        }
      });
      return net.globalFeatures("pool", x);
    },
  });
}

function basicBlock(net: Network, x: Expr, channels: number, stride: number): Expr {
  const inner = relu(net.batchNorm("bn1", net.convolution("conv1", x, { channels, kernel: 3, stride })));
  const y = net.batchNorm("bn2", net.convolution("conv2", inner, { channels, kernel: 3 }));
  return relu(add(y, shortcut(x, channels, stride)));
}

function shortcut(x: Expr, channels: number, stride: number): Expr {
  const added = channels - (x.dims[1] as number);
  if (stride === 1 && added === 0) return x;
  const far = { axes: [2, 3], starts: [0, 0], ends: sizeOf(x), steps: [stride, stride] };
  const front = Math.floor(added / 2);
  return pad(slice(x, far), [0, front, 0, 0, 0, added - front, 0, 0]);
}

export const resnet20 = cifarResNet(20);
export const resnet32 = cifarResNet(32);
export const resnet44 = cifarResNet(44);
export const resnet56 = cifarResNet(56);
