"""Poolings, with ties and windows that overlap or reach beyond the input."""
import torch
import torch.nn.functional as F
from operators import case, random, x


def distinct(*dims, seed=0):
    """Values 1/4 apart in random order."""
    import numpy as np

    count = int(np.prod(dims))
    return (np.random.default_rng(seed).permutation(count).reshape(dims) - count // 2) / 4.0


def max_pool(name, values, kernel, stride=None, padding=(0, 0), dilation=(1, 1), ceil=False):
    function = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[len(kernel)]
    stride = stride or kernel
    case(
        name,
        "MaxPool",
        [x(values)],
        lambda a: function(a, kernel, stride, padding, dilation, ceil_mode=ceil),
        kernel_shape=list(kernel),
        strides=list(stride),
        pads=list(padding) * 2,
        dilations=list(dilation),
        ceil_mode=int(ceil),
    )


max_pool("2x2", distinct(2, 2, 4, 6), (2, 2))
max_pool("3x3, stride 2, padding 1: windows overlap", distinct(2, 2, 6, 7), (3, 3), (2, 2), (1, 1))
max_pool("3x3, stride 1, padding 1", distinct(1, 2, 5, 5), (3, 3), (1, 1), (1, 1))
max_pool("dilation 2", distinct(1, 2, 7, 8), (2, 3), (1, 2), (1, 1), (2, 2))
max_pool("ceil_mode: the last windows are cut off", distinct(1, 2, 5, 6), (2, 3), (2, 2), (0, 0), ceil=True)
max_pool("ceil_mode with padding: a window that would start in the padding is dropped", distinct(1, 1, 4, 5), (2, 2), (3, 3), (1, 1), ceil=True)
max_pool("all elements tie: the first of each window", torch.ones(1, 2, 4, 4).numpy(), (2, 2))
max_pool("zeros from a Relu tie in overlapping windows", random(1, 2, 7, 7, seed=4).clip(0), (3, 3), (2, 2), (1, 1))
max_pool("all negative: the padding never wins", random(1, 1, 4, 4, seed=5, low=-3, high=-1), (3, 3), (2, 2), (1, 1))
max_pool("one axis", distinct(2, 3, 9), (3,), (2,), (1,), (1,))

case("global", "GlobalMaxPool", [x(distinct(2, 3, 3, 4))], lambda a: F.adaptive_max_pool2d(a, 1))
case("global, ties: the first", "GlobalMaxPool", [x(random(2, 2, 3, 3, seed=6).clip(0))], lambda a: F.adaptive_max_pool2d(a, 1))
case("global, one axis", "GlobalMaxPool", [x(distinct(2, 3, 5))], lambda a: F.adaptive_max_pool1d(a, 1))


def average_pool(name, shape, kernel, stride=None, padding=(0, 0), ceil=False, include=True):
    function = {1: F.avg_pool1d, 2: F.avg_pool2d}[len(kernel)]
    stride = stride or kernel
    case(
        name,
        "AveragePool",
        [x(random(*shape, seed=3))],
        lambda a: function(a, kernel, stride, padding, ceil, include),
        kernel_shape=list(kernel),
        strides=list(stride),
        pads=list(padding) * 2,
        ceil_mode=int(ceil),
        count_include_pad=int(include),
    )


average_pool("2x2", (2, 2, 4, 6), (2, 2))
average_pool("3x3, stride 2, padding 1, padding counts", (2, 2, 6, 7), (3, 3), (2, 2), (1, 1))
average_pool("3x3, stride 2, padding 1, padding does not count", (2, 2, 6, 7), (3, 3), (2, 2), (1, 1), include=False)
average_pool("ceil_mode", (1, 2, 5, 6), (2, 3), (2, 2), ceil=True)
average_pool("ceil_mode, padding counts", (1, 2, 6, 6), (3, 3), (2, 2), (1, 1), ceil=True)
average_pool("ceil_mode, padding does not count", (1, 2, 6, 6), (3, 3), (2, 2), (1, 1), ceil=True, include=False)
average_pool("one axis", (2, 3, 7), (3,), (2,), (1,))
case("global", "GlobalAveragePool", [x(random(2, 3, 3, 4))], lambda a: F.adaptive_avg_pool2d(a, 1))

case("p = 2", "LpPool", [x(random(1, 2, 4, 5))], lambda a: F.lp_pool2d(a, 2, (2, 3), (2, 1)), kernel_shape=[2, 3], strides=[2, 1], p=2)
case("p = 3, positive", "LpPool", [x(random(1, 2, 4, 4, low=0.25))], lambda a: F.lp_pool2d(a, 3, 2), kernel_shape=[2, 2], strides=[2, 2], p=3)
