#!/usr/bin/python3
"""Colour and geometry operations of torchvision on PIL images, written out from its source: torchvision is not installed.

Writes augmentations.json beside this file. Pixel operations are run on an image that holds every colour there is, 4096x4096;
of their results the SHA-256 of the planes is stored. The others run on small images, stored whole (planes, base64).
Run: /usr/bin/python3 test/reference/augmentations.py    (Pillow 9.4, NumPy; about 1 minute)
"""
import base64
import hashlib
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

rng = np.random.default_rng(20230611)
planes = lambda image: np.ascontiguousarray(np.moveaxis(np.asarray(image), -1, 0))
encode = lambda image: base64.b64encode(planes(image).tobytes()).decode()
digest = lambda image: hashlib.sha256(planes(image).tobytes()).hexdigest()


def adjust_hue(image, turn):
    """torchvision.transforms._functional_pil.adjust_hue"""
    h, s, v = image.convert("HSV").split()
    moved = (np.array(h, dtype=np.int32) + int(turn * 255)) % 256
    return Image.merge("HSV", (Image.fromarray(moved.astype(np.uint8), "L"), s, v)).convert("RGB")


grey = lambda image: Image.merge("RGB", [image.convert("L")] * 3)
enhance = lambda kind: lambda image, factor: kind(image).enhance(factor)
brightness, contrast, saturation = map(enhance, (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color))

# Every colour once: red changes slowest.
levels = np.arange(2**24, dtype=np.uint32)
colours = np.stack([levels >> 16, levels >> 8 & 255, levels & 255], axis=-1).astype(np.uint8).reshape(4096, 4096, 3)
every = Image.fromarray(colours)
pixelwise = [dict(operation="grey", amount=0, sha256=digest(grey(every)))]
for name, function, amounts in [
    ("hue", adjust_hue, [0, 0.1, -0.1, 0.037, -0.5, 0.5, -0.0039, 1 / 3]),
    ("saturation", saturation, [0, 0.3, 0.6, 0.99, 1, 1.27, 1.4, 1.9]),
]:
    for amount in amounts:
        pixelwise.append(dict(operation=name, amount=amount, sha256=digest(function(every, amount))))

images, small = [], []
for height, width in [(16, 16), (9, 14)]:
    array = rng.integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    array[: height // 2] //= 3  # so that the mean is not the middle
    image = Image.fromarray(array)
    images.append(dict(shape=[3, height, width], data=encode(image)))
    add = lambda operation, amount, result: small.append(
        dict(operation=operation, amount=amount, image=len(images) - 1, output=encode(result)))
    for factor in [0, 0.1, 0.6, 0.83, 1, 1.2, 1.4, 1.9]:
        add("brightness", factor, brightness(image, factor))
        add("contrast", factor, contrast(image, factor))
    affine = lambda matrix: image.transform(image.size, Image.AFFINE, matrix, Image.NEAREST)
    for level in [0.09, -0.09, 0.3, -0.21]:
        # torchvision.transforms.functional._get_inverse_affine_matrix with center (0, 0)
        add("shear-x", level, affine([1, math.tan(math.atan(level)), 0, 0, 1, 0]))
        add("shear-y", level, affine([1, 0, 0, math.tan(math.atan(level)), 1, 0]))
    for pixels in [2, -3, 6]:
        add("translate-x", pixels, affine([1, 0, -pixels, 0, 1, 0]))
        add("translate-y", pixels, affine([1, 0, 0, 0, 1, -pixels]))
    for degrees in [0, 9, -9, 30, -17.5]:
        add("rotate", degrees, image.rotate(degrees, Image.NEAREST))
    # RandAugment's magnitudes, bins 0..30, as torchvision computes them.
    for magnitude in [0, 8, 9, 10, 17, 20, 30]:
        # Both scales are those of the current torchvision, in exact arithmetic.
        bits = 8 - round(magnitude / 7.5)
        add("randaugment posterize", magnitude, ImageOps.posterize(image, bits))
        add("randaugment solarize", magnitude, ImageOps.solarize(image, 255 * (30 - magnitude) / 30))
        for sign in (1, -1):
            signed = f"randaugment {'+' if sign > 0 else '-'}"
            add(f"{signed} rotate", magnitude, image.rotate(sign * 30 * magnitude / 30, Image.NEAREST))
            add(f"{signed} shear-x", magnitude, affine([1, sign * 0.3 * magnitude / 30, 0, 0, 1, 0]))
            x = int(sign * 150 * width * magnitude / (331 * 30))
            y = int(sign * 150 * height * magnitude / (331 * 30))
            add(f"{signed} translate-x", magnitude, affine([1, 0, -x, 0, 1, 0]))
            add(f"{signed} translate-y", magnitude, affine([1, 0, 0, 0, 1, -y]))
            add(f"{signed} contrast", magnitude, contrast(image, 1 + sign * 0.9 * magnitude / 30))
            add(f"{signed} color", magnitude, saturation(image, 1 + sign * 0.9 * magnitude / 30))
    add("randaugment flip", 9, ImageOps.mirror(image))

Path(__file__).with_name("augmentations.json").write_text(json.dumps(dict(pixelwise=pixelwise, images=images, small=small)) + "\n")
