"""Writes ../fixtures/heads: image classifiers as torch.onnx.export writes them, small and with random weights, of families that test/parity lacks.

    /usr/bin/python3 test/reference/heads.py

What goes into their last layer must be found without naming it. The
all-convolutional network averages after its last linear layer; SqueezeNet has no linear last layer: it averages after a ReLU.
"""
import pathlib
import warnings

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 10
target = pathlib.Path(__file__).parent.parent / "fixtures" / "heads"


def conv_bn(inputs, outputs, kernel=1, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]


class ShuffleBlock(nn.Module):
    """Ma et al., "ShuffleNet V2", ECCV 2018, figure 3c: half of the channels pass, then both halves are mixed."""

    def __init__(self, half):
        super().__init__()
        self.branch = nn.Sequential(
            *conv_bn(half, half), nn.ReLU(), *conv_bn(half, half, 3, groups=half), *conv_bn(half, half), nn.ReLU()
        )

    def forward(self, x):
        kept, changed = x.chunk(2, 1)
        n, _, h, w = x.shape
        return torch.cat((kept, self.branch(changed)), 1).view(n, 2, -1, h, w).transpose(1, 2).reshape(n, -1, h, w)


class ShuffleNetV2(nn.Sequential):
    def __init__(self):
        super().__init__(
            *conv_bn(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1), ShuffleBlock(4), ShuffleBlock(4), *conv_bn(8, 12), nn.ReLU()
        )
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, image):
        for layer in list(self)[:-1]:
            image = layer(image)
        return self.fc(image.mean((2, 3)))


class MixerBlock(nn.Module):
    """Tolstikhin et al., "MLP-Mixer", NeurIPS 2021: one perceptron along the patches, one along the channels."""

    def __init__(self, patches, channels):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(channels), nn.LayerNorm(channels)])
        mlp = lambda size: nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.tokens, self.channels = mlp(patches), mlp(channels)

    def forward(self, x):
        x = x + self.tokens(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norms[1](x))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.blocks = nn.Conv2d(3, 8, 8, 8), nn.Sequential(MixerBlock(16, 8), MixerBlock(16, 8))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, CLASSES)

    def forward(self, image):
        return self.head(self.norm(self.blocks(self.patches(image).flatten(2).transpose(1, 2))).mean(1))


class Inception(nn.Module):
    """Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, figure 2b; in a network with BatchNorm instead of local response normalisation."""

    def __init__(self, inputs):
        super().__init__()
        conv = lambda *of: nn.Sequential(nn.Conv2d(*of, padding=of[2] // 2), nn.ReLU())
        self.branches = nn.ModuleList([
            conv(inputs, 3, 1),
            nn.Sequential(conv(inputs, 2, 1), conv(2, 4, 3)),
            nn.Sequential(conv(inputs, 2, 1), conv(2, 3, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inputs, 2, 1)),
        ])  # fmt: skip

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet():
    stem = [*conv_bn(3, 6, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(12, CLASSES)]
    return nn.Sequential(*stem, Inception(6), nn.MaxPool2d(3, 2, 1), Inception(12), *end)


class Fire(nn.Module):
    """Iandola et al., "SqueezeNet", 2016, figure 1."""

    def __init__(self, inputs, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand = nn.ModuleList([nn.Conv2d(squeezed, expanded, 1), nn.Conv2d(squeezed, expanded, 3, padding=1)])

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(expand(x)) for expand in self.expand], 1)


def squeezenet():
    stem = [nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)]
    end = [nn.Dropout(), nn.Conv2d(8, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*stem, Fire(6, 2, 4), Fire(8, 2, 4), *end)


def all_convolutional():
    """Springenberg et al., "Striving for Simplicity", ICLR 2015 workshop: the last convolution gives the classes, and its output is averaged."""
    stem = [*conv_bn(3, 6, 3, 2), nn.ReLU(), *conv_bn(6, 8, 3, 2), nn.ReLU()]
    return nn.Sequential(*stem, nn.Conv2d(8, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


MAKERS = {
    "shufflenetv2": ShuffleNetV2,
    "mlp-mixer": Mixer,
    "googlenet": googlenet,
    "squeezenet": squeezenet,
    "all-convolutional": all_convolutional,
}

if __name__ == "__main__":
    target.mkdir(exist_ok=True)
    for name, make in MAKERS.items():
        torch.manual_seed(1)
        file = target / f"{name}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                make().eval(),
                torch.zeros(2, 3, 32, 32),
                str(file),
                input_names=["image"],
                output_names=["logits"],
                dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
                opset_version=16,
            )
        print(file.name, file.stat().st_size, "bytes")
