import { add, type Expr, relu } from "../ops/index.js";
import { constant, heFanOut, layerDefault } from "./initializers.js";
import { type Network, scaled } from "./network.js";
import { type Architecture, defineArchitecture } from "./types.js";

/**
 * A Wide ResNet: three stages of 16, 32 and 64 times `widen` channels, each of (depth - 4) / 6 blocks that normalise before they convolve,
 * with dropout between the two convolutions of a block.
 *
 * Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016; names and starting values are those of the code that outlier exposure and
 * its followers use: convolutions normal with deviation √(2 / (k·k·out)), the last bias 0.
 *
 * @param depth    layers, 6n + 4
 * @param widen    factor on the channels
 * @param dropout  probability of an element to be dropped
 */
export function wideResNet(depth: number, widen: number, dropout: number): Architecture {
  const blocks = (depth - 4) / 6;
  return defineArchitecture({
    name: `wrn-${depth}-${widen}`,
    title: `Wide ResNet ${depth}-${widen}, dropout ${dropout}`,
    source: "Zagoruyko and Komodakis, BMVC 2016",
    initialization: { convolution: heFanOut, linear: layerDefault, linearBias: constant(0) },
    head: "fc",
    features(net, image, { width }) {
      let x = net.convolution("conv1", image, { channels: scaled(16, width), kernel: 3 });
      [16, 32, 64].forEach((base, stage) => {
        for (let block = 0; block < blocks; block++) {
          const place = net.at(`block${stage + 1}.layer`).at(block);
          const stride = stage > 0 && block === 0 ? 2 : 1;
          x = wideBlock(place, x, { channels: scaled(base * widen, width), stride, dropout });
        }
      });
      return net.globalFeatures("pool", relu(net.batchNorm("bn1", x)));
    },
  });
}

interface BlockOptions {
  readonly channels: number;
  readonly stride: number;
  readonly dropout: number;
}

function wideBlock(net: Network, x: Expr, { channels, stride, dropout }: BlockOptions): Expr {
  const active = relu(net.batchNorm("bn1", x));
  const inner = relu(net.batchNorm("bn2", net.convolution("conv1", active, { channels, kernel: 3, stride })));
  const y = net.convolution("conv2", net.dropout("dropout", inner, dropout), { channels, kernel: 3 });
  if (x.dims[1] === channels) return add(y, x);
  return add(y, net.convolution("convShortcut", active, { channels, kernel: 1, stride }));
}

export const wrn40x2 = wideResNet(40, 2, 0.3);
