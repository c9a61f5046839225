#!/usr/bin/python3
"""Pillow's antialiased bilinear resize, and torchvision's Resize(side) + CenterCrop(side) on top of it.

Writes pil-resize.json beside this file: images in planes (base64), bytes unless `float` is set.
Run: /usr/bin/python3 test/reference/pil-resize.py    (Pillow 9.4, NumPy)
"""
import base64
import json
from pathlib import Path

import numpy as np
from PIL import Image

rng = np.random.default_rng(20230610)
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
planes = lambda array: np.moveaxis(array, -1, 0) if array.ndim == 3 else array[None]


def stretch(image, height, width):
    return image.resize((width, height), Image.BILINEAR)


def crop(image, side):
    """torchvision.transforms.Resize(side) and CenterCrop(side), written out: torchvision is not installed."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(side * long / short)
    image = stretch(image, side, new_long) if width >= height else stretch(image, new_long, side)
    top = int(round((image.size[1] - side) / 2.0))
    left = int(round((image.size[0] - side) / 2.0))
    return image.crop((left, top, left + side, top + side))


cases = []
for mode, channels, source, target in [
    ("stretch", 3, (64, 64), (32, 32)),
    ("stretch", 3, (37, 53), (32, 32)),
    ("stretch", 3, (9, 7), (13, 20)),
    ("stretch", 3, (50, 20), (16, 32)),
    ("stretch", 1, (1, 1), (4, 4)),
    ("stretch", 1, (3, 200), (3, 8)),
    ("stretch", 1, (200, 3), (8, 3)),
    ("crop", 3, (40, 61), (16, 16)),
    ("crop", 3, (61, 40), (16, 16)),
    ("crop", 3, (11, 10), (21, 21)),
    ("crop", 1, (33, 35), (32, 32)),
]:
    # Hard edges and noise: a smooth image would hide a wrong filter.
    array = rng.choice([0, 255, 1, 254, 128], size=(*source, channels)).astype(np.uint8)
    array[: source[0] // 2] = rng.integers(0, 256, size=array[: source[0] // 2].shape)
    image = Image.fromarray(array if channels == 3 else array[..., 0])
    result = stretch(image, *target) if mode == "stretch" else crop(image, target[0])
    cases.append(dict(mode=mode, float=False, source=[channels, *source], target=[channels, *target],
                      input=encode(planes(array)), output=encode(planes(np.asarray(result)))))
for source, target in [((37, 53), (16, 32)), ((5, 6), (12, 7))]:
    array = rng.random(source, dtype=np.float32)
    result = np.asarray(stretch(Image.fromarray(array, mode="F"), *target))
    cases.append(dict(mode="stretch", float=True, source=[1, *source], target=[1, *target], input=encode(array), output=encode(result)))
colours = rng.integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
grey = dict(input=encode(planes(colours)), output=encode(np.asarray(Image.fromarray(colours).convert("L"))))
Path(__file__).with_name("pil-resize.json").write_text(json.dumps(dict(cases=cases, grey=grey)) + "\n")
