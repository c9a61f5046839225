import { OptionError } from "../errors.js";
import { add, concat, div, type Expr, erf, matMul, mul, slice, softmax, transpose } from "../ops/index.js";
import { constant, gaussian, layerDefault, transformerDefault } from "./initializers.js";
import { type Network, scaled, sizeOf } from "./network.js";
import { type Architecture, defineArchitecture } from "./types.js";

interface TransformerOptions {
  /** Height and width of a patch in pixels, which divide those of the image. */
  readonly patch: number;
  readonly heads: number;
  /** Numbers per token and head. */
  readonly headSize: number;
  readonly depth: number;
}

/** As `timm` has it. */
const epsilon = 1e-6;
/** Units of the hidden layer of a block over those of a token. */
const expansion = 4;

/**
 * A Vision Transformer: a token per patch and one for the class, learned positions, blocks that normalise first, exact GELU.
 *
 * Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021. Names and starting values as in `timm`: linear layers and positions
 * normal with deviation 0.02, biases 0, class token normal with deviation 1e-6. The width factor acts on the size of the heads.
 */
function transformer(name: string, options: TransformerOptions): Architecture {
  const { patch, heads, depth } = options;
  return defineArchitecture({
    name,
    title: `Vision Transformer, patches of ${patch}x${patch}, ${depth} blocks`,
    source: "Dosovitskiy et al., ICLR 2021",
    initialization: { convolution: layerDefault, linear: transformerDefault, linearBias: constant(0) },
    head: "head",
    features(net, image, { width }) {
      const channels = heads * scaled(options.headSize, width);
      let x = addPositions(net, withClassToken(net, patchTokens(net, image, { patch, channels })));
      for (let block = 0; block < depth; block++) x = encoderBlock(net.at("blocks").at(block), x, heads);
      const classToken = slice(net.layerNorm("norm", x, epsilon), { axes: [1], starts: [0], ends: [1] });
      return net.reshape("class", classToken, [0, channels]);
    },
  });
}

/** [N, C, H, W] → [N, patches, `channels`] */
function patchTokens(net: Network, image: Expr, { patch, channels }: { patch: number; channels: number }): Expr {
  const size = sizeOf(image);
  if (size.some((length) => length % patch !== 0)) {
    throw new OptionError({ where: "image size", expected: `sizes that ${patch} divides`, received: size.join("x") });
  }
  const options = { channels, kernel: patch, stride: patch, padding: 0, bias: true };
  const patches = net.convolution("patch_embed.proj", image, options);
  return transpose(net.reshape("patch_embed.flatten", patches, [0, channels, -1]), [0, 2, 1]);
}

function withClassToken(net: Network, x: Expr): Expr {
  const token = net.parameter(
    "cls_token",
    [1, 1, x.dims[2] as number],
    gaussian(() => 1e-6),
  );
  // The batch may be of any size, so the token is added to as many zeros as there are images.
  const zeros = mul(slice(x, { axes: [1], starts: [0], ends: [1] }), 0);
  return concat([add(zeros, token), x], 1);
}

const addPositions = (net: Network, x: Expr): Expr =>
  add(x, net.parameter("pos_embed", [1, ...(x.dims.slice(1) as number[])], transformerDefault));

function encoderBlock(net: Network, x: Expr, heads: number): Expr {
  const attended = add(x, attention(net.at("attn"), net.layerNorm("norm1", x, epsilon), heads));
  const hidden = net.linear("mlp.fc1", net.layerNorm("norm2", attended, epsilon), expansion * (x.dims[2] as number));
  return add(attended, net.linear("mlp.fc2", gelu(hidden), x.dims[2] as number));
}

/** softmax(Q Kᵀ / √d) V per head, heads joined and mixed. */
function attention(net: Network, x: Expr, heads: number): Expr {
  const channels = x.dims[2] as number;
  const size = channels / heads;
  const joined = net.linear("qkv", x, 3 * channels);
  const part = (index: number) => {
    const own = slice(joined, { axes: [2], starts: [index * channels], ends: [(index + 1) * channels] });
    return net.reshape(`qkv.${index}`, own, [0, 0, heads, size]);
  };
  const query = transpose(part(0), [0, 2, 1, 3]);
  const key = transpose(part(1), [0, 2, 3, 1]);
  const value = transpose(part(2), [0, 2, 1, 3]);
  const weights = softmax(mul(matMul(query, key), 1 / Math.sqrt(size)), 3);
  return net.linear(
    "proj",
    net.reshape("heads", transpose(matMul(weights, value), [0, 2, 1, 3]), [0, 0, channels]),
    channels,
  );
}

/** x·Φ(x). Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016. The operator Gelu is only in newer operator sets. */
const gelu = (x: Expr): Expr => mul(mul(x, 0.5), add(erf(div(x, Math.SQRT2)), 1));

export const visionTransformer = transformer("vit", { patch: 4, heads: 3, headSize: 64, depth: 6 });
