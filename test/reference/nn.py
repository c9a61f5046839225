#!/usr/bin/env python3
"""The networks of src/nn in plain PyTorch: writes nn.json beside it.

Run with Debian's python3-torch and python3-onnx, in the repository:  /usr/bin/python3 test/reference/nn.py

For the narrow networks of nn-models.ts, with the parameters that nn-export.ts writes: logits, and for a step in training mode the loss,
every gradient and the running statistics after it, in float64, with what float32 changes of the gradients. For the full ones: names, shapes and spread of the parameters as PyTorch
starts them.
"""
import copy
import json
import math
import pathlib
import subprocess
import tempfile

import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).parent
CLASSES = 7
IMAGES = 3


def scaled(channels, width):
    return max(1, math.floor(channels * width + 0.5))


def conv(inputs, outputs, kernel, stride=1, dilation=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel - 1) // 2, dilation, bias=bias)


def spatial_mean(x):
    return x.mean((2, 3))


# --- classifiers ---------------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """He et al. 2016. `shortcut`: the name of a projection, or None for strided identity with zero channels around."""

    def __init__(self, inputs, outputs, stride, shortcut, dilation=1):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride, dilation), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs, 3, 1, dilation), nn.BatchNorm2d(outputs)
        self.way, self.stride, self.grow = None, stride, outputs - inputs
        if shortcut is not None and (stride != 1 or inputs != outputs):
            self.way = shortcut
            self.add_module(shortcut, nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.way is not None:
            x = getattr(self, self.way)(x)
        elif self.grow or self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
            x = F.pad(x, (0, 0, 0, 0, self.grow // 2, self.grow - self.grow // 2))
        return F.relu(y + x)


class ResNet(nn.Module):
    def __init__(self, counts, base, shortcut, width, outputs, he=False):
        super().__init__()
        channels = scaled(base, width)
        self.conv1, self.bn1 = conv(3, channels, 3), nn.BatchNorm2d(channels)
        self.stages = len(counts)
        for stage, count in enumerate(counts):
            inputs, channels = channels, scaled(base * 2**stage, width)
            first = Block(inputs, channels, 2 if stage else 1, shortcut)
            rest = [Block(channels, channels, 1, shortcut) for _ in range(count - 1)]
            self.add_module(f"layer{stage + 1}", nn.Sequential(first, *rest))
        self.dimension = channels
        self.linear = nn.Linear(channels, outputs)
        if he:
            for module in self.modules():
                if isinstance(module, (nn.Conv2d, nn.Linear)):
                    nn.init.kaiming_normal_(module.weight)

    def features(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return spatial_mean(x)

    def forward(self, x):
        return {"logits": self.linear(self.features(x))}


class Projected(ResNet):
    def __init__(self, *options):
        super().__init__(*options)
        self.projection = nn.Sequential(nn.Linear(self.dimension, self.dimension), nn.ReLU(), nn.Linear(self.dimension, 128))

    def forward(self, x):
        z = self.features(x)
        units = self.linear(z)
        return {"logits": units[:, :CLASSES], "abstention_logits": units[:, CLASSES:], "projection": F.normalize(self.projection(z), dim=1)}


class Deconf(ResNet):
    """Generalized ODIN, DeConf-C: h = cosine, g = sigmoid(BN(linear))."""

    def __init__(self, *options):
        super().__init__(*options)
        self.h = nn.Linear(self.dimension, self.linear.out_features, bias=False)
        self.g = nn.Sequential(nn.Linear(self.dimension, 1), nn.BatchNorm1d(1), nn.Sigmoid())
        del self.linear

    def forward(self, x):
        z = self.features(x)
        unit = lambda v: v / (v.norm(dim=1, keepdim=True) + 1e-4)
        h = unit(z) @ unit(self.h.weight).t()
        return {"logits": h / self.g(z), "cosine": h}


def start_fan_out(module):
    """Convolutions N(0, 2 / (k k out)), biases of linear layers 0."""
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            m.weight.data.normal_(0, math.sqrt(2 / (m.kernel_size[0] * m.kernel_size[1] * m.out_channels)))
        elif isinstance(m, nn.Linear):
            m.bias.data.zero_()


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs, 3)
        self.dropout = nn.Dropout(0.3)
        self.convShortcut = conv(inputs, outputs, 1, stride) if inputs != outputs else None

    def forward(self, x):
        active = F.relu(self.bn1(x))
        y = self.conv2(self.dropout(F.relu(self.bn2(self.conv1(active)))))
        return y + (x if self.convShortcut is None else self.convShortcut(active))


class Layers(nn.Module):
    """Layers one after the other, as `layer`."""

    def __init__(self, layers):
        super().__init__()
        self.layer = nn.Sequential(*layers)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, widen, width, outputs):
        super().__init__()
        inputs = scaled(16, width)
        self.conv1 = conv(3, inputs, 3)
        for stage in range(3):
            channels, blocks = scaled(16 * 2**stage * widen, width), []
            for i in range((depth - 4) // 6):
                blocks.append(WideBlock(inputs, channels, 2 if stage and i == 0 else 1))
                inputs = channels
            self.add_module(f"block{stage + 1}", Layers(blocks))
        self.bn1, self.fc = nn.BatchNorm2d(inputs), nn.Linear(inputs, outputs)
        start_fan_out(self)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return {"logits": self.fc(spatial_mean(F.relu(self.bn1(x))))}


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
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv1(F.relu(self.bn1(x))), 2)


class DenseNet(nn.Module):
    def __init__(self, depth, growth, width, outputs):
        super().__init__()
        growth = scaled(growth, width)
        channels = 2 * growth
        self.conv1 = conv(3, channels, 3)
        for stage in range(3):
            if stage:
                self.add_module(f"trans{stage}", Transition(channels, channels // 2))
                channels //= 2
            count = (depth - 4) // 6
            self.add_module(f"block{stage + 1}", Layers([DenseLayer(channels + i * growth, growth) for i in range(count)]))
            channels += count * growth
        self.bn1, self.fc = nn.BatchNorm2d(channels), nn.Linear(channels, outputs)
        start_fan_out(self)

    def forward(self, x):
        x = self.trans2(self.block2(self.trans1(self.block1(self.conv1(x)))))
        return {"logits": self.fc(spatial_mean(F.relu(self.bn1(self.block3(x)))))}


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, t, d))


class Encoder(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class ViT(nn.Module):
    def __init__(self, width, outputs, patch=4, heads=3, depth=6, size=32):
        super().__init__()
        dim = heads * scaled(64, width)
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, dim, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, dim))
        self.blocks = nn.Sequential(*(Encoder(dim, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, outputs)
        nn.init.normal_(self.cls_token, std=1e-6)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return {"logits": self.head(self.norm(self.blocks(x))[:, 0])}


# --- segmentation --------------------------------------------------------------------------------------------------------------


def upsample(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def conv_bn_relu(inputs, outputs, kernel, dilation=1):
    return nn.Sequential(conv(inputs, outputs, kernel, 1, dilation), nn.BatchNorm2d(outputs), nn.ReLU())


class Aspp(nn.Module):
    def __init__(self, inputs, channels, rates):
        super().__init__()
        branches = [conv_bn_relu(inputs, channels, 1)] + [conv_bn_relu(inputs, channels, 3, rate) for rate in rates]
        self.features, self.img_conv = nn.ModuleList(branches), conv_bn_relu(inputs, channels, 1)

    def forward(self, x):
        image = upsample(self.img_conv(F.adaptive_avg_pool2d(x, 1)), x.shape[2:])
        return torch.cat([image] + [branch(x) for branch in self.features], 1)


def kaiming(module, mode="fan_in"):
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode=mode, nonlinearity="relu")


class DeepLab(nn.Module):
    """A subclass makes the trunk, and gives shallow and deep features."""

    def decode_from(self, shallow, deep, outputs, rates, channels, fine):
        self.aspp = Aspp(deep, channels, rates)
        self.bot_aspp, self.bot_fine = conv(5 * channels, channels, 1), conv(shallow, fine, 1)
        first, second = conv_bn_relu(fine + channels, channels, 3), conv_bn_relu(channels, channels, 3)
        self.final = nn.Sequential(*first, *second, conv(channels, outputs, 1))

    def forward(self, image):
        shallow, deep = self.trunk(image)
        coarse = upsample(self.bot_aspp(self.aspp(deep)), shallow.shape[2:])
        return {"logits": upsample(self.final(torch.cat([self.bot_fine(shallow), coarse], 1)), image.shape[2:])}


class Bottleneck(nn.Module):
    def __init__(self, inputs, channels, stride, dilation):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, channels, 1), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = conv(channels, channels, 3, stride, dilation), nn.BatchNorm2d(channels)
        self.conv3, self.bn3 = conv(channels, 4 * channels, 1), nn.BatchNorm2d(4 * channels)
        self.downsample = None
        if stride != 1 or inputs != 4 * channels:
            self.downsample = nn.Sequential(conv(inputs, 4 * channels, 1, stride), nn.BatchNorm2d(4 * channels))

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class DeepLabResNet(DeepLab):
    def __init__(self, counts, bottleneck, output_stride, width, outputs):
        super().__init__()
        inputs = scaled(64, width)
        stem = nn.Conv2d(3, inputs, 7, 2, 3, bias=False)
        self.layer0 = nn.Sequential(stem, nn.BatchNorm2d(inputs), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        strides, dilations = {8: ((1, 2, 1, 1), (1, 1, 2, 4)), 16: ((1, 2, 2, 1), (1, 1, 1, 2))}[output_stride]
        given = []
        for stage, count in enumerate(counts):
            channels, blocks = scaled(64 * 2**stage, width), []
            for i in range(count):
                stride = strides[stage] if i == 0 else 1
                if bottleneck:
                    blocks.append(Bottleneck(inputs, channels, stride, dilations[stage]))
                else:
                    blocks.append(Block(inputs, channels, stride, "downsample", dilations[stage]))
                inputs = channels * (4 if bottleneck else 1)
            given.append(inputs)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        kaiming(self, "fan_out")
        rates = [6 * 16 // output_stride * k for k in (1, 2, 3)]
        self.decode_from(given[0], given[-1], outputs, rates, scaled(256, width), scaled(48, width))
        for part in (self.aspp, self.bot_aspp, self.bot_fine, self.final):
            kaiming(part)

    def trunk(self, x):
        shallow = self.layer1(self.layer0(x))
        return shallow, self.layer4(self.layer3(self.layer2(shallow)))


class DeepLabSmall(DeepLab):
    def __init__(self, width, outputs):
        super().__init__()
        c = lambda channels: scaled(channels, width)
        self.layer0 = nn.Sequential(conv(3, c(16), 3, 2), nn.BatchNorm2d(c(16)), nn.ReLU())
        self.layer1 = nn.Sequential(Block(c(16), c(32), 2, "downsample"))
        self.layer2 = nn.Sequential(Block(c(32), c(64), 2, "downsample"), Block(c(64), c(64), 1, "downsample"))
        self.layer3 = nn.Sequential(Block(c(64), c(96), 1, "downsample", 2), Block(c(96), c(96), 1, "downsample", 4))
        self.decode_from(c(32), c(96), outputs, (3, 6, 9), c(32), c(16))
        kaiming(self)

    def trunk(self, x):
        shallow = self.layer1(self.layer0(x))
        return shallow, self.layer3(self.layer2(shallow))


def bn_relu(channels):
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


class IdentityBlock(nn.Module):
    def __init__(self, inputs, channels, stride, dilation, dropout):
        super().__init__()
        self.bn1 = bn_relu(inputs)
        self.convs = nn.Sequential()
        add = self.convs.add_module
        if len(channels) == 2:
            kernels = (3, 3)
        else:
            kernels = (1, 3, 1)
        before = inputs
        for i, (kernel, after) in enumerate(zip(kernels, channels)):
            if i > 0:
                add(f"bn{i + 1}", bn_relu(before))
            if i == len(channels) - 1 and dropout:
                add("dropout", nn.Dropout2d(dropout))
            add(f"conv{i + 1}", conv(before, after, kernel, stride if i == 0 else 1, dilation if kernel == 3 else 1))
            before = after
        if stride != 1 or inputs != before:
            self.proj_conv = conv(inputs, before, 1, stride)

    def forward(self, x):
        active = self.bn1(x)
        return self.convs(active) + (self.proj_conv(active) if hasattr(self, "proj_conv") else x)


class DeepLabWide(DeepLab):
    ROWS = (
        (3, (128, 128), 1, 1, 0),
        (3, (256, 256), 1, 1, 0),
        (6, (512, 512), 2, 1, 0),
        (3, (512, 1024), 1, 2, 0),
        (1, (512, 1024, 2048), 1, 4, 0.3),
        (1, (1024, 2048, 4096), 1, 4, 0.5),
    )

    def __init__(self, width, outputs):
        super().__init__()
        inputs = scaled(64, width)
        self.mod1 = nn.Sequential()
        self.mod1.add_module("conv1", conv(3, inputs, 3))
        for row, (count, channels, stride, dilation, dropout) in enumerate(self.ROWS):
            module, channels = nn.Sequential(), [scaled(c, width) for c in channels]
            for i in range(count):
                block = IdentityBlock(inputs, channels, stride if i == 0 else 1, dilation, dropout)
                module.add_module(f"block{i + 1}", block)
                inputs = channels[-1]
            self.add_module(f"mod{row + 2}", module)
        self.decode_from(scaled(128, width), inputs, outputs, (12, 24, 36), scaled(256, width), scaled(48, width))
        kaiming(self.final)

    def trunk(self, x):
        pool = lambda v: F.max_pool2d(v, 3, 2, 1)
        shallow = self.mod2(pool(self.mod1(x)))
        x = self.mod4(self.mod3(pool(shallow)))
        return shallow, self.mod7(self.mod6(self.mod5(x)))


class Bare(nn.Module):
    """A convolution as `conv`."""

    def __init__(self, *options):
        super().__init__()
        self.conv = conv(*options)

    def forward(self, x):
        return self.conv(x)


class Act(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bn, self.act = nn.BatchNorm2d(channels, eps=1e-3), nn.PReLU(channels)

    def forward(self, x):
        return self.act(self.bn(x))


class ConvAct(Act):
    def __init__(self, inputs, channels, stride=1):
        super().__init__(channels)
        self.conv = conv(inputs, channels, 3, stride)

    def forward(self, x):
        return super().forward(self.conv(x))


class Pyramid(nn.Module):
    def __init__(self, inputs, channels, kernel, stride):
        super().__init__()
        share = channels // 5
        self.c1 = Bare(inputs, share, kernel, stride)
        self.d1 = Bare(share, channels - 4 * share, 3)
        self.d2, self.d4 = Bare(share, share, 3, 1, 2), Bare(share, share, 3, 1, 4)
        self.d8, self.d16 = Bare(share, share, 3, 1, 8), Bare(share, share, 3, 1, 16)

    def branches(self, x):
        x = self.c1(x)
        d2, d4, d8, d16 = self.d2(x), self.d4(x), self.d8(x), self.d16(x)
        return torch.cat([self.d1(x), d2, d2 + d4, d2 + d4 + d8, d2 + d4 + d8 + d16], 1)


class Down(Pyramid):
    def __init__(self, inputs, channels):
        super().__init__(inputs, channels, 3, 2)
        self.bn, self.act = nn.BatchNorm2d(channels, eps=1e-3), nn.PReLU(channels)

    def forward(self, x):
        return self.act(self.bn(self.branches(x)))


class Esp(Pyramid):
    def __init__(self, inputs, channels, residual=True):
        super().__init__(inputs, channels, 1, 1)
        self.bn, self.residual = Act(channels), residual

    def forward(self, x):
        y = self.branches(x)
        return self.bn(x + y if self.residual else y)


class EspEncoder(nn.Module):
    def __init__(self, width, outputs, p, q):
        super().__init__()
        a, b, c = scaled(16, width), scaled(64, width), scaled(128, width)
        self.level1, self.b1 = ConvAct(3, a, 2), Act(a + 3)
        self.level2_0, self.level2, self.b2 = Down(a + 3, b), nn.ModuleList(Esp(b, b) for _ in range(p)), Act(2 * b + 3)
        self.level3_0, self.level3 = Down(2 * b + 3, c), nn.ModuleList(Esp(c, c) for _ in range(q))
        self.b3, self.classifier = Act(2 * c), Bare(2 * c, outputs, 1)

    def forward(self, x):
        small = F.avg_pool2d(x, 3, 2, 1)
        half = self.b1(torch.cat([self.level1(x), small], 1))
        first = last = self.level2_0(half)
        for block in self.level2:
            last = block(last)
        quarter = self.b2(torch.cat([last, first, F.avg_pool2d(small, 3, 2, 1)], 1))
        first = last = self.level3_0(quarter)
        for block in self.level3:
            last = block(last)
        return half, quarter, self.classifier(self.b3(torch.cat([first, last], 1)))


class EspNet(nn.Module):
    def __init__(self, width, outputs, p=2, q=8):
        super().__init__()
        double = lambda: nn.ConvTranspose2d(outputs, outputs, 2, 2, bias=False)
        self.encoder = EspEncoder(width, outputs, p, q)
        self.br, self.up_l3 = nn.BatchNorm2d(outputs, eps=1e-3), nn.Sequential(double())
        self.level3_C = Bare(2 * scaled(64, width) + 3, outputs, 1)
        self.combine_l2_l3 = nn.Sequential(Act(2 * outputs), Esp(2 * outputs, outputs, False))
        self.up_l2 = nn.Sequential(double(), Act(outputs))
        self.final = nn.Module()
        self.final.conv, self.final.classifier = ConvAct(scaled(16, width) + 3 + outputs, outputs), double()

    def forward(self, image):
        cut = lambda x, like: x[:, :, : like.shape[2], : like.shape[3]]
        half, quarter, logits = self.encoder(image)
        coarse = cut(self.up_l3(self.br(logits)), quarter)
        combined = self.up_l2(self.combine_l2_l3(torch.cat([self.level3_C(quarter), coarse], 1)))
        last = self.final.conv(torch.cat([cut(combined, half), half], 1))
        return {"logits": cut(self.final.classifier(last), image)}


# Name -> (constructor of width and outputs, width of the narrow network, its outputs, whether the full one is listed).
RESNET18, RESNET50 = (2, 2, 2, 2), (3, 4, 6, 3)
NETWORKS = {
    "resnet20": (lambda w, k: ResNet((3, 3, 3), 16, None, w, k, True), 1 / 4, CLASSES, True),
    "resnet18": (lambda w, k: ResNet(RESNET18, 64, "shortcut", w, k), 1 / 16, CLASSES, True),
    "resnet34": (lambda w, k: ResNet((3, 4, 6, 3), 64, "shortcut", w, k), 1 / 16, CLASSES, True),
    "wrn-40-2": (lambda w, k: WideResNet(40, 2, w, k), 1 / 8, CLASSES, True),
    "densenet-bc-100-12": (lambda w, k: DenseNet(100, 12, w, k), 1 / 6, CLASSES, True),
    "vit": (lambda w, k: ViT(w, k), 1 / 8, CLASSES, True),
    "resnet18-projection": (lambda w, k: Projected(RESNET18, 64, "shortcut", w, k), 1 / 16, CLASSES + 2, False),
    "resnet18-deconf": (lambda w, k: Deconf(RESNET18, 64, "shortcut", w, k), 1 / 16, CLASSES, False),
    "deeplabv3plus-small": (lambda w, k: DeepLabSmall(w, k), 1 / 8, CLASSES, True),
    "deeplabv3plus-resnet18": (lambda w, k: DeepLabResNet(RESNET18, False, 8, w, k), 1 / 16, CLASSES, True),
    "deeplabv3plus-resnet18-os16": (lambda w, k: DeepLabResNet(RESNET18, False, 16, w, k), 1 / 16, CLASSES, False),
    "deeplabv3plus-resnet50": (lambda w, k: DeepLabResNet(RESNET50, True, 8, w, k), 1 / 16, CLASSES + 1, True),
    "deeplabv3plus-resnet50-os16": (lambda w, k: DeepLabResNet(RESNET50, True, 16, w, k), 1 / 16, CLASSES, False),
    "deeplabv3plus-wrn38": (lambda w, k: DeepLabWide(w, k), 1 / 32, CLASSES, True),
    "espnet": (lambda w, k: EspNet(w, k), 1 / 2, CLASSES, True),
}
FULL_OUTPUTS = 19


# --- numbers -------------------------------------------------------------------------------------------------------------------


def spread(count, period=211):
    index = torch.arange(count, dtype=torch.int64)
    return (2 * ((index * 7919 + 13) % period)).double() / period - 1


def load(module, path):
    """Parameters of ours under PyTorch's names; an unknown or missing one is an error."""
    expected = module.state_dict()
    tensors = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}
    ours = {name: tensor.double() for name, tensor in tensors.items() if not name.startswith("constant_")}
    counters = {name: value for name, value in expected.items() if name.endswith("num_batches_tracked")}
    module.load_state_dict({**ours, **counters}, strict=True)


def digits(value, count=9):
    return float(f"{float(value):.{count}g}")


def sampled(tensor):
    """At most some 160 numbers of a tensor, by a step that is prime."""
    flat = tensor.detach().reshape(-1)
    step = 1 if flat.numel() <= 150 else next(p for p in (7, 31, 97, 199, 401) if flat.numel() // p <= 170)
    return {"step": step, "values": [digits(v, 8) for v in flat[::step]]}


def summary(tensor):
    """Norm, and a weighted sum that a permutation or a sign changes."""
    flat = tensor.detach().double().reshape(-1)
    return [digits(flat.norm(), 6), digits((flat * spread(flat.numel())).sum(), 6)]


def joined(module, kind):
    """All running statistics of one kind, by name."""
    found = [b for name, b in sorted(module.named_buffers()) if name.endswith(kind)]
    return torch.cat(found) if found else torch.zeros(0)


def training_loss(outputs):
    """Mean cross entropy, and a weighted mean of every further output so that it has a gradient."""
    logits = outputs["logits"]
    positions = logits.numel() // logits.shape[1]
    labels = ((torch.arange(positions) * 31) % CLASSES).reshape(logits.shape[:1] + logits.shape[2:])
    loss = F.cross_entropy(logits, labels)
    for name, value in outputs.items():
        if name != "logits":
            loss = loss + (value.reshape(-1) * spread(value.numel())).mean()
    return loss


def training_step(module, image):
    """Loss of a step with the statistics of the batch and without dropout; the gradients are left in the parameters."""
    module.train()
    for m in module.modules():
        if isinstance(m, (nn.Dropout, nn.Dropout2d)):
            m.eval()
    loss = training_loss(module(image))
    loss.backward()
    return loss


def worst_rounding(module, rounded):
    """The largest relative difference between the gradients of two modules, but for those that are 0 up to rounding."""
    total = math.sqrt(sum(p.grad.square().sum() for p in module.parameters()))
    pairs = [(p.grad, q.grad.double()) for p, q in zip(module.parameters(), rounded.parameters())]
    return max(float((g - h).norm() / g.norm()) for g, h in pairs if g.norm() > 1e-6 * total)


def reference(name, folder, trained):
    make, width, outputs, _ = NETWORKS[name]
    module = make(width, outputs).double()
    load(module, folder / f"{name}.onnx")
    rounded = copy.deepcopy(module).float()
    size = (36, 44) if name.startswith(("deeplab", "espnet")) else (32, 32)
    image = (2 * spread(IMAGES * 3 * size[0] * size[1], 2003)).float().reshape(IMAGES, 3, *size)
    module.eval()
    with torch.no_grad():
        result = {key: sampled(value) for key, value in module(image.double()).items()}
    if not trained:
        return {"outputs": result}
    loss = training_step(module, image.double())
    training_step(rounded, image)
    return {
        "outputs": result,
        "loss": digits(loss),
        "gradients": [summary(p.grad) for _, p in sorted(module.named_parameters())],
        "rounding": digits(worst_rounding(module, rounded), 3),
        "statistics": {kind: summary(joined(module, kind)) for kind in ("running_mean", "running_var")},
    }


def listing(name):
    torch.manual_seed(11)
    module = NETWORKS[name][0](1, FULL_OUTPUTS)
    rows = []
    for key, p in module.named_parameters():
        deviation = digits(p.detach().std(unbiased=False), 5) if p.numel() > 1 else 0
        rows.append(f"{key} {'x'.join(map(str, p.shape))} {deviation}")
    return {"count": sum(p.numel() for p in module.parameters()), "parameters": rows}


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npx", "tsx", str(HERE / "nn-export.ts"), folder], check=True)
        # The gradients of the others would say nothing new.
        narrow = {
            name: reference(name, pathlib.Path(folder), name != "resnet34" and not name.endswith("os16")) for name in NETWORKS
        }
    full = {name: listing(name) for name, (_, _, _, listed) in NETWORKS.items() if listed}
    # One network a line.
    lines = lambda table: ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in table.items())
    text = f'{{"images":{IMAGES},"fullOutputs":{FULL_OUTPUTS},"narrow":{{\n{lines(narrow)}}},\n"full":{{\n{lines(full)}}}}}\n'
    json.loads(text)
    (HERE / "nn.json").write_text(text)


if __name__ == "__main__":
    main()
