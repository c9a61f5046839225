import { add, type Expr, relu } from "../ops/index.js";
import { type Network, pytorchDefault, scaled } from "./network.js";
import { type Architecture, defineArchitecture } from "./types.js";

/**
 * ResNet-18 and ResNet-34 with a stem for small images, 3x3 and without pooling: four stages of 64 to 512 channels, and a 1x1
 * convolution with batch normalization in the shortcuts that change the shape.
 *
 * He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1; the stem, the names and PyTorch's default
 * starting values are those of the code in use for CIFAR.
 *
 * @param blocks  per stage
 */
function resNet(depth: number, blocks: readonly number[]): Architecture {
  return defineArchitecture({
    name: `resnet${depth}`,
    title: `ResNet-${depth} for small images`,
    source: "He, Zhang, Ren and Sun, CVPR 2016, table 1",
    initialization: pytorchDefault,
    head: "linear",
    features(net, image, { width }) {
      let x = relu(net.batchNorm("bn1", net.convolution("conv1", image, { channels: scaled(64, width), kernel: 3 })));
      blocks.forEach((count, stage) => {
        const channels = scaled(64 * 2 ** stage, width);
        for (let block = 0; block < count; block++) {
          const stride = stage > 0 && block === 0 ? 2 : 1;
          x = basicBlock(net.at(`layer${stage + 1}`).at(block), x, channels, stride);
        }
      });
      return net.globalFeatures("pool", x);
    },
  });
}

function basicBlock(net: Network, x: Expr, channels: number, stride: number): Expr {
  const inner = relu(net.batchNorm("bn1", net.convolution("conv1", x, { channels, kernel: 3, stride })));
  const y = net.batchNorm("bn2", net.convolution("conv2", inner, { channels, kernel: 3 }));
  if (stride === 1 && x.dims[1] === channels) return relu(add(y, x));
  const projected = net.convolution("shortcut.0", x, { channels, kernel: 1, stride });
  return relu(add(y, net.batchNorm("shortcut.1", projected)));
}

export const resnet18 = resNet(18, [2, 2, 2, 2]);
export const resnet34 = resNet(34, [3, 4, 6, 3]);
