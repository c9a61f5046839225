"""Conv and ConvTranspose."""
import torch.nn.functional as F
from operators import case, random, x


def conv(name, shape, weight, bias=True, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(shape) - 2]
    inputs = [x(random(*shape, seed=1)), x(random(*weight, seed=2))] + ([x(random(weight[0], seed=3))] if bias else [])
    case(
        name,
        "Conv",
        inputs,
        lambda a, w, b=None: function(a, w, b, stride, padding, dilation, groups),
        strides=list(stride),
        pads=list(padding) * 2,
        dilations=list(dilation),
        group=groups,
    )


conv("3x3, padding 1", (2, 3, 5, 5), (4, 3, 3, 3), padding=(1, 1))
conv("3x3, padding 1, enough channels for a product per tap", (1, 16, 4, 4), (3, 16, 3, 3), padding=(1, 1))
conv("3x3, stride 2, padding 1, a row that no window reaches", (2, 2, 6, 6), (3, 2, 3, 3), stride=(2, 2), padding=(1, 1))
conv("3x3, stride 2, no padding, odd size", (1, 2, 7, 7), (2, 2, 3, 3), stride=(2, 2), bias=False)
conv("7x7, stride 2, padding 3", (1, 3, 9, 9), (2, 3, 7, 7), stride=(2, 2), padding=(3, 3), bias=False)
conv("1x1", (2, 4, 3, 3), (3, 4, 1, 1))
conv("1x1, stride 2", (2, 4, 5, 6), (3, 4, 1, 1), stride=(2, 2))
conv("1x1 with padding: the input gradient crops", (1, 2, 3, 4), (2, 2, 1, 1), padding=(2, 1))
conv("strides and paddings differ by axis", (1, 2, 6, 7), (3, 2, 2, 3), stride=(3, 1), padding=(0, 2))
conv("dilation 2", (1, 2, 7, 7), (2, 2, 3, 3), dilation=(2, 2), padding=(2, 2))
conv("dilation 2 and stride 2", (1, 2, 8, 9), (2, 2, 3, 2), dilation=(2, 3), stride=(2, 2), padding=(1, 1))
conv("2 groups", (2, 4, 4, 4), (6, 2, 3, 3), groups=2, padding=(1, 1))
conv("2 groups of 16 channels, stride 2", (1, 32, 4, 4), (4, 16, 3, 3), groups=2, padding=(1, 1), stride=(2, 2))
conv("depthwise", (2, 4, 5, 5), (4, 1, 3, 3), groups=4, padding=(1, 1))
conv("depthwise, stride 2, two outputs per channel", (2, 3, 6, 6), (6, 1, 3, 3), groups=3, padding=(1, 1), stride=(2, 2))
conv("one axis", (2, 3, 8), (4, 3, 3), stride=(2,), padding=(1,), dilation=(1,))


def transpose(name, shape, weight, stride=(1, 1), padding=(0, 0), extra=(0, 0), dilation=(1, 1), groups=1, bias=True):
    function = {1: F.conv_transpose1d, 2: F.conv_transpose2d}[len(shape) - 2]
    outputs = weight[1] * groups
    inputs = [x(random(*shape, seed=1)), x(random(*weight, seed=2))] + ([x(random(outputs, seed=3))] if bias else [])
    case(
        name,
        "ConvTranspose",
        inputs,
        lambda a, w, b=None: function(a, w, b, stride, padding, extra, groups, dilation),
        strides=list(stride),
        pads=list(padding) * 2,
        output_padding=list(extra),
        dilations=list(dilation),
        group=groups,
    )


transpose("2x2, stride 2", (2, 3, 3, 3), (3, 4, 2, 2), stride=(2, 2))
transpose("3x3, stride 2, padding 1, output_padding 1", (1, 2, 3, 4), (2, 3, 3, 3), stride=(2, 2), padding=(1, 1), extra=(1, 1))
transpose("stride 1, padding larger than the kernel allows to keep", (1, 2, 6, 6), (2, 2, 3, 3), padding=(3, 2), bias=False)
transpose("dilation 2, 2 groups", (1, 4, 3, 3), (4, 2, 3, 3), stride=(2, 3), dilation=(2, 1), groups=2, extra=(1, 2))
transpose("depthwise", (1, 3, 4, 4), (3, 1, 3, 3), stride=(2, 2), padding=(1, 1), groups=3)
transpose("one axis", (2, 3, 5), (3, 2, 4), stride=(2,), padding=(1,), extra=(0,), dilation=(1,))
