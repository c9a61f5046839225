"""Pad, Resize, DepthToSpace and SpaceToDepth."""
import torch
import torch.nn.functional as F
from operators import case, constant, random, x

image = random(1, 2, 3, 4, seed=1)


def pad(name, mode, pads, torch_pads, torch_mode, axes=None):
    inputs = [x(image), constant(pads)] + ([] if axes is None else [None, constant(axes)])
    case(name, "Pad", inputs, lambda a, *_: F.pad(a, torch_pads, torch_mode), mode=mode)


pad("constant", "constant", [0, 0, 1, 2, 0, 0, 3, 1], (2, 1, 1, 3), "constant")
pad("constant, cropping", "constant", [0, 0, -1, 2, 0, 0, 1, -2], (2, -2, -1, 1), "constant")
pad("constant, two axes", "constant", [1, 2, 0, 3], (2, 3, 1, 0), "constant", axes=[2, 3])
pad("reflect", "reflect", [0, 0, 2, 3, 0, 0, 1, 2], (3, 2, 2, 1), "reflect")
pad("reflect, two axes in descending order", "reflect", [1, 2, 2, 0], (1, 2, 2, 0), "reflect", axes=[3, 2])
pad("edge", "edge", [0, 0, 2, 1, 0, 0, 0, 4], (1, 4, 2, 0), "replicate")
case(
    "constant that is trained",
    "Pad",
    [x(image), constant([0, 0, 1, 0, 0, 0, 0, 2]), x(1.5)],
    lambda a, _, c: torch.cat([c.expand(1, 2, 1, 6), torch.cat([a, c.expand(1, 2, 3, 2)], 3)], 2),
)


def resize(name, shape, method, align=None, size=None, scale=None, **attributes):
    target = constant([*shape[:2], *size]) if size else None
    factors = constant([1.0, 1.0, *scale], "float32") if scale else None
    options = {} if align is None else {"align_corners": align}
    case(
        name,
        "Resize",
        [x(random(*shape, seed=2)), None, factors] + ([target] if target else []),
        lambda a, *_: F.interpolate(a, size=size, scale_factor=scale, mode=method, **options),
        **attributes,
    )


half, corners = "pytorch_half_pixel", "align_corners"
resize("bilinear, twice", (1, 2, 3, 4), "bilinear", False, scale=(2.0, 2.0), mode="linear", coordinate_transformation_mode=half)
resize("bilinear to a size", (1, 2, 3, 4), "bilinear", False, size=(5, 3), mode="linear", coordinate_transformation_mode=half)
resize("bilinear, smaller", (1, 1, 7, 8), "bilinear", False, size=(3, 5), mode="linear", coordinate_transformation_mode="half_pixel")
resize("bilinear to one row", (1, 1, 4, 4), "bilinear", False, size=(1, 2), mode="linear", coordinate_transformation_mode="half_pixel")
resize("bilinear, corners aligned", (1, 2, 3, 4), "bilinear", True, size=(5, 7), mode="linear", coordinate_transformation_mode=corners)
resize("bilinear, corners aligned, one row", (1, 2, 3, 4), "bilinear", True, size=(1, 7), mode="linear", coordinate_transformation_mode=corners)
resize("nearest, twice", (1, 2, 3, 4), "nearest", scale=(2.0, 2.0), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
resize("nearest to a size", (1, 2, 3, 5), "nearest", size=(7, 4), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
resize("nearest, centres", (1, 1, 3, 5), "nearest-exact", size=(7, 4), mode="nearest", coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_ceil")

case("CRD", "DepthToSpace", [x(random(1, 8, 2, 3))], lambda a: F.pixel_shuffle(a, 2), blocksize=2, mode="CRD")
case(
    "DCR",
    "DepthToSpace",
    [x(random(1, 8, 2, 3))],
    lambda a: a.reshape(1, 2, 2, 2, 2, 3).permute(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6),
    blocksize=2,
    mode="DCR",
)
case(
    "blocks of 2",
    "SpaceToDepth",
    [x(random(1, 3, 4, 6))],
    lambda a: a.reshape(1, 3, 2, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(1, 12, 2, 3),
    blocksize=2,
)
