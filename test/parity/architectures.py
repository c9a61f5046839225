"""Image classifiers for step parity with PyTorch, in plain torch and by name; see ARCHITECTURES at the end.

Each is written from its paper in the form its authors used for 32x32 images. A factor on the widths makes versions small
enough to store. All take `image` [N, 3, H, W] and return logits [N, classes]; the last linear layer is `head`.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn


def conv(inputs, outputs, kernel, stride=1, groups=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)


def spatial_mean(x):
    return x.mean((2, 3))


class BasicBlock(nn.Module):
    """He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. `pad` is their parameter-free shortcut (option A)."""

    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs, 3), nn.BatchNorm2d(outputs)
        self.stride, self.grow = stride, outputs - inputs
        self.changes = stride != 1 or inputs != outputs
        self.project = None
        if self.changes and shortcut == "project":
            self.project = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def shortcut(self, x):
        if self.project is not None:
            return self.project(x)
        if self.changes:
            half = self.grow // 2
            return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.grow - half))
        return x

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """Three stages of 16, 32 and 64 channels with padded shortcuts (CIFAR form), or four of 64..512 with projections (ResNet-18)."""

    def __init__(self, blocks=3, channels=(16, 32, 64), shortcut="pad", classes=10):
        super().__init__()
        self.conv1, self.bn1 = conv(3, channels[0], 3), nn.BatchNorm2d(channels[0])
        layers, inputs = [], channels[0]
        for stage, outputs in enumerate(channels):
            for i in range(blocks):
                layers.append(BasicBlock(inputs, outputs, 2 if stage > 0 and i == 0 else 1, shortcut))
                inputs = outputs
        self.blocks, self.head = nn.Sequential(*layers), nn.Linear(inputs, classes)

    def forward(self, image):
        return self.head(spatial_mean(self.blocks(F.relu(self.bn1(self.conv1(image))))))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs, 3)
        self.project = conv(inputs, outputs, 1, stride) if inputs != outputs or stride != 1 else None

    def forward(self, x):
        active = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return y + (x if self.project is None else self.project(active))


class WideResNet(nn.Module):
    """Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, without dropout: (depth - 4) / 6 pre-activation blocks a stage."""

    def __init__(self, depth=16, widen=2, base=16, classes=10):
        super().__init__()
        self.conv1 = conv(3, base, 3)
        layers, inputs = [], base
        for stage in range(3):
            outputs = base * widen * 2**stage
            for i in range((depth - 4) // 6):
                layers.append(WideBlock(inputs, outputs, 2 if stage > 0 and i == 0 else 1))
                inputs = outputs
        self.blocks, self.bn, self.head = nn.Sequential(*layers), nn.BatchNorm2d(inputs), nn.Linear(inputs, classes)

    def forward(self, image):
        x = F.relu(self.bn(self.blocks(self.conv1(image))))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand, kernel=3, active=nn.ReLU6, squeeze=0):
        super().__init__()
        hidden = inputs * expand
        layers = []
        if expand != 1:
            layers += [conv(inputs, hidden, 1), nn.BatchNorm2d(hidden), active()]
        layers += [conv(hidden, hidden, kernel, stride, groups=hidden), nn.BatchNorm2d(hidden), active()]
        if squeeze:
            layers.append(SqueezeExcite(hidden, squeeze))
        self.layers = nn.Sequential(*layers, conv(hidden, outputs, 1), nn.BatchNorm2d(outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class SqueezeExcite(nn.Module):
    """Hu, Shen and Sun, "Squeeze-and-Excitation Networks", CVPR 2018, with SiLU inside as EfficientNet has it."""

    def __init__(self, channels, hidden):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.expand(F.silu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class MobileNetV2(nn.Module):
    """Sandler et al., "MobileNetV2", CVPR 2018, table 2; the first two strides are 1 for 32x32 images. Rows: (t, c, n, s)."""

    PAPER = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, width=1.0, rows=PAPER, stem=32, last=1280, classes=10):
        super().__init__()
        scaled = lambda channels: max(2, int(round(channels * width)))
        inputs = scaled(stem)
        layers = [conv(3, inputs, 3), nn.BatchNorm2d(inputs), nn.ReLU6()]
        for expand, channels, count, stride in rows:
            for i in range(count):
                layers.append(InvertedResidual(inputs, scaled(channels), stride if i == 0 else 1, expand))
                inputs = scaled(channels)
        layers += [conv(inputs, scaled(last), 1), nn.BatchNorm2d(scaled(last)), nn.ReLU6()]
        self.features, self.head = nn.Sequential(*layers), nn.Linear(scaled(last), classes)

    def forward(self, image):
        return self.head(F.adaptive_avg_pool2d(self.features(image), 1).flatten(1))


class EfficientNetLike(nn.Module):
    """The blocks of Tan and Le, "EfficientNet", ICML 2019: inverted residuals with SiLU, squeeze-and-excitation and 5x5 kernels."""

    ROWS = ((1, 16, 1, 1, 3), (6, 24, 2, 1, 3), (6, 40, 2, 2, 5), (6, 80, 2, 2, 3))

    def __init__(self, width=1.0, rows=ROWS, last=320, classes=10):
        super().__init__()
        scaled = lambda channels: max(2, int(round(channels * width)))
        inputs = scaled(32)
        layers = [conv(3, inputs, 3), nn.BatchNorm2d(inputs), nn.SiLU()]
        for expand, channels, count, stride, kernel in rows:
            for i in range(count):
                block = (stride if i == 0 else 1, expand, kernel, nn.SiLU, max(2, inputs // 4))
                layers.append(InvertedResidual(inputs, scaled(channels), *block))
                inputs = scaled(channels)
        layers += [conv(inputs, scaled(last), 1), nn.BatchNorm2d(scaled(last)), nn.SiLU()]
        self.features, self.head = nn.Sequential(*layers), nn.Linear(scaled(last), classes)

    def forward(self, image):
        return self.head(spatial_mean(self.features(image)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, 4 * growth, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), conv(4 * growth, growth, 3)

    def forward(self, x):
        return torch.cat([x, self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))], 1)


class Transition(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(inputs), conv(inputs, outputs, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.bn(x))), 2)


class DenseNet(nn.Module):
    """Huang et al., "Densely Connected Convolutional Networks", CVPR 2017: DenseNet-BC, compression 0.5."""

    def __init__(self, depth=40, growth=12, classes=10):
        super().__init__()
        channels = 2 * growth
        layers = [conv(3, channels, 3)]
        for stage in range(3):
            for _ in range((depth - 4) // 6):
                layers.append(DenseLayer(channels, growth))
                channels += growth
            if stage < 2:
                layers.append(Transition(channels, channels // 2))
                channels //= 2
        self.features, self.bn, self.head = nn.Sequential(*layers), nn.BatchNorm2d(channels), nn.Linear(channels, classes)

    def forward(self, image):
        return self.head(F.adaptive_avg_pool2d(F.relu(self.bn(self.features(image))), 1).flatten(1))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.project = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = qkv[0], qkv[1], qkv[2]
        weights = (query @ key.transpose(-2, -1) / math.sqrt(dim // self.heads)).softmax(-1)
        return self.project((weights @ value).transpose(1, 2).reshape(batch, tokens, dim))


class EncoderBlock(nn.Module):
    def __init__(self, dim, heads, ratio):
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(dim), Attention(dim, heads), nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021: class token, learned positions, pre-norm encoder."""

    def __init__(self, size=32, patch=4, dim=64, depth=3, heads=4, ratio=2, classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, dim, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, dim))
        self.position = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, dim))
        self.blocks = nn.Sequential(*(EncoderBlock(dim, heads, ratio) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class Vgg(nn.Module):
    """Simonyan and Zisserman, "Very Deep Convolutional Networks", ICLR 2015, with BatchNorm and one linear layer, as usual for CIFAR."""

    def __init__(self, channels=(64, 128, 256), count=2, classes=10):
        super().__init__()
        layers, inputs = [], 3
        for outputs in channels:
            for _ in range(count):
                layers += [conv(inputs, outputs, 3, bias=True), nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2, 2))
        self.features, self.head = nn.Sequential(*layers), nn.Linear(inputs * (32 // 2 ** len(channels)) ** 2, classes)

    def forward(self, image):
        return self.head(self.features(image).flatten(1))


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.depthwise, self.norm = conv(dim, dim, 7, groups=dim, bias=True), nn.LayerNorm(dim, eps=1e-6)
        self.expand, self.reduce = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.scale = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.reduce(F.gelu(self.expand(y)))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """Liu et al., "A ConvNet for the 2020s", CVPR 2022; the stem's patch is 2 for 32x32 images."""

    def __init__(self, dims=(32, 64, 128), blocks=2, classes=10):
        super().__init__()
        layers = [nn.Conv2d(3, dims[0], 2, 2), ChannelNorm(dims[0])]
        for stage, dim in enumerate(dims):
            if stage > 0:
                layers += [ChannelNorm(dims[stage - 1]), nn.Conv2d(dims[stage - 1], dim, 2, 2)]
            layers += [ConvNeXtBlock(dim) for _ in range(blocks)]
        self.features, self.norm, self.head = nn.Sequential(*layers), nn.LayerNorm(dims[-1], eps=1e-6), nn.Linear(dims[-1], classes)

    def forward(self, image):
        return self.head(self.norm(spatial_mean(self.features(image))))


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of [N, C, H, W], by moving them last."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


TINY_MOBILE = ((1, 4, 1, 1), (3, 6, 2, 2), (3, 8, 1, 2))
TINY_EFFICIENT = ((1, 4, 1, 2, 3), (3, 6, 2, 2, 5))

# Name -> constructor. The `-tiny` ones are stored with the tests; the rest are exported when parity is measured.
ARCHITECTURES = {
    "resnet20": lambda: ResNet(),
    "wrn-16-2": lambda: WideResNet(16, 2),
    "mobilenetv2": lambda: MobileNetV2(0.5),
    "densenet-bc-40": lambda: DenseNet(40, 12),
    "vit": lambda: ViT(),
    "vgg": lambda: Vgg((32, 64, 128)),
    "efficientnet": lambda: EfficientNetLike(0.5),
    "convnext": lambda: ConvNeXt(),
    "resnet18": lambda: ResNet(2, (64, 128, 256, 512), "project"),
    "wrn-40-2": lambda: WideResNet(40, 2),
    "densenet-bc-100": lambda: DenseNet(100, 12),
    "resnet-tiny": lambda: ResNet(1, (4, 6, 8)),
    "wrn-tiny": lambda: WideResNet(10, 1, 3),
    "mobilenetv2-tiny": lambda: MobileNetV2(1.0, TINY_MOBILE, 6, 16),
    "densenet-tiny": lambda: DenseNet(10, 3),
    "vit-tiny": lambda: ViT(patch=8, dim=8, depth=2, heads=2),
    "vgg-tiny": lambda: Vgg((3, 4, 6), 1),
    "efficientnet-tiny": lambda: EfficientNetLike(0.25, TINY_EFFICIENT, 48),
    "convnext-tiny": lambda: ConvNeXt((6, 8), 1),
}
