"""Normalizations."""
import torch
import torch.nn.functional as F
from operators import case, constant, random, x


def batch_norm(name, shape, epsilon=1e-5, offset=0.0):
    channels = shape[1]
    parameters = [random(channels, seed=2), random(channels, seed=3), random(channels, seed=4), random(channels, seed=5, low=0.25)]
    case(
        f"inference, {name}",
        "BatchNormalization",
        [x(random(*shape, seed=1) + offset)] + [x(p) for p in parameters],
        # written out: PyTorch's batch_norm has no gradient for the running statistics
        lambda a, s, b, m, v: (a - _channels(m, a)) / (_channels(v, a) + epsilon).sqrt() * _channels(s, a) + _channels(b, a),
        epsilon=epsilon,
    )

    def training(a, s, b, m, v):
        axes = [axis for axis in range(a.dim()) if axis != 1]
        y = F.batch_norm(a, None, None, s, b, True, 0.0, epsilon)
        mean, variance = a.mean(axes), a.var(axes, unbiased=False)
        return y, 0.75 * m + 0.25 * mean, 0.75 * v + 0.25 * variance

    case(
        f"training, {name}",
        "BatchNormalization",
        [x(random(*shape, seed=1) + offset)] + [x(p) for p in parameters],
        training,
        epsilon=epsilon,
        training_mode=1,
        momentum=0.75,
    )


def _channels(value, like):
    return value.reshape([-1] + [1] * (like.dim() - 2))


batch_norm("images", (3, 2, 3, 3))
batch_norm("one spatial axis", (2, 3, 4), epsilon=1e-2)
batch_norm("rows", (6, 3))
batch_norm("mean far from 0", (3, 2, 3, 3), offset=8.0)

for size in (3, 5):
    case(
        f"{size} channels",
        "LRN",
        [x(random(2, 4, 2, 3, seed=1))],
        lambda a, n=size: F.local_response_norm(a, n, 0.5, 0.75, 2.0),
        size=size,
        alpha=0.5,
        beta=0.75,
        bias=2.0,
    )

for name, shape, axis in [("last axis", (2, 3, 4), -1), ("two axes", (2, 3, 4), 1), ("all axes", (3, 4), 0)]:
    normalized = shape[axis:] if axis >= 0 else shape[-1:]
    case(
        name,
        "LayerNormalization",
        [x(random(*shape, seed=1)), x(random(*normalized, seed=2)), x(random(*normalized, seed=3))],
        lambda a, s, b, n=normalized: F.layer_norm(a, n, s, b, 1e-5),
        axis=axis,
        epsilon=1e-5,
    )
case(
    "no bias",
    "LayerNormalization",
    [x(random(2, 3, seed=1)), x(random(3, seed=2))],
    lambda a, s: F.layer_norm(a, (3,), s, None, 1e-3),
    axis=-1,
    epsilon=1e-3,
)

for name, shape in [("images", (2, 3, 3, 2)), ("one spatial axis", (2, 2, 5))]:
    case(
        name,
        "InstanceNormalization",
        [x(random(*shape, seed=1)), x(random(shape[1], seed=2)), x(random(shape[1], seed=3))],
        lambda a, s, b: F.instance_norm(a, None, None, s, b, True, 0.0, 1e-5),
        epsilon=1e-5,
    )

for groups in (1, 2, 4):
    case(
        f"{groups} groups, scale per channel",
        "GroupNormalization",
        [x(random(2, 4, 3, 2, seed=1)), x(random(4, seed=2)), x(random(4, seed=3))],
        lambda a, s, b, g=groups: F.group_norm(a, g, s, b, 1e-5),
        opset=21,
        num_groups=groups,
        epsilon=1e-5,
    )

for p in (1, 2):
    for axis in (0, 1, -1):
        case(
            f"p = {p}, axis {axis}",
            "LpNormalization",
            [x(random(2, 3, 4, seed=1))],
            lambda a, p=p, d=axis: a / torch.linalg.vector_norm(a, p, d, keepdim=True),
            p=p,
            axis=axis,
        )

for name, shape, axis in [("last axis", (2, 3, 4), -1), ("two axes", (2, 3, 4), 1)]:
    axes = tuple(range(axis % 3, 3))
    case(
        name,
        "RMSNormalization",
        [x(random(*shape, seed=1)), x(random(*shape[axis:], seed=2))],
        lambda a, s, d=axes: a * (a.square().mean(d, keepdim=True) + 1e-3).rsqrt() * s,
        opset=23,
        axis=axis,
        epsilon=1e-3,
    )
