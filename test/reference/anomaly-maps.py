"""Writes anomaly-maps.json beside it: what is done to whole anomaly maps, in float64, pixel by pixel from the definitions.

  gaussian   7x7, sigma 1, border reflected (torchvision's GaussianBlur), as one two-dimensional sum over torch's padding
  smoothing  the same kernel with dilation, border repeated (Standardized Max Logits, ICCV 2021)
  suppression  iterative boundary suppression (Standardized Max Logits), one pixel after the other

Run: python3 test/reference/anomaly-maps.py
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage


def gaussian_kernel():
    at = np.arange(7) - 3.0
    kernel = np.exp(-(at[:, None] ** 2 + at[None, :] ** 2) / 2) / (2 * np.pi)
    return kernel / kernel.sum()


def blurred(maps, dilation, border):
    kernel = torch.tensor(gaussian_kernel())[None, None]
    framed = F.pad(torch.tensor(maps), [3 * dilation] * 4, mode=border)
    return F.conv2d(framed, kernel, dilation=dilation).numpy()


def boundary(predicted):
    height, width = predicted.shape
    result = np.zeros(predicted.shape, bool)
    for y in range(height):
        for x in range(width):
            around = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            around = [(v, u) for v, u in around if 0 <= v < height and 0 <= u < width]
            cross = [(v, u) for v, u in around if v == y or u == x]
            result[y, x] = max(predicted[at] for at in cross) != min(predicted[at] for at in around)
    return result


def suppressed(scores, predicted, width, iterations):
    height, columns = scores.shape
    first = boundary(predicted)
    ys, xs = np.nonzero(first)
    for iteration in range(iterations):
        radius = 0 if iteration == iterations - 1 else width - (width // iterations) * iteration - 1
        near = np.zeros(scores.shape, bool)
        for y in range(height):
            for x in range(columns):
                near[y, x] = (np.abs(ys - y) + np.abs(xs - x) <= radius).any()
        new = scores.copy()
        for y, x in zip(*np.nonzero(near)):
            # neighbours beyond the border are the outermost pixels once more
            around = [(min(max(y + dy, 0), height - 1), min(max(x + dx, 0), columns - 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            away = [scores[at] for at in around if not near[at]]
            if away:
                new[y, x] = np.mean(away)
        scores = new
    return scores


def main():
    rng = np.random.default_rng(20210811)
    shape = (2, 1, 23, 31)
    maps = rng.normal(-3, 2, shape).astype("float32").astype("float64")
    noise = np.stack([[ndimage.gaussian_filter(rng.normal(size=shape[2:]), 2.5)] for _ in range(shape[0])])
    predicted = np.digitize(noise / noise.std(), [-1.2, -0.2, 0.5, 1.5])
    suppression = []
    for width, iterations in [(4, 4), (4, 2), (3, 1), (2, 2), (1, 1)]:
        values = [suppressed(m[0], p[0], width, iterations).ravel().tolist() for m, p in zip(maps, predicted)]
        suppression.append({"width": width, "iterations": iterations, "values": sum(values, [])})
    rounded = lambda values: [float(f"{value:.9g}") for value in np.ravel(values)]
    result = {
        "made_by": "test/reference/anomaly-maps.py",
        "dims": shape,
        "maps": rounded(maps),
        "predicted": predicted.ravel().tolist(),
        "gaussian": rounded(blurred(maps, 1, "reflect")),
        "smoothing": [
            {"dilation": dilation, "values": rounded(blurred(maps, dilation, "replicate"))} for dilation in (6, 2)
        ],
        "suppression": [{**case, "values": rounded(case["values"])} for case in suppression],
    }
    target = pathlib.Path(__file__).with_name("anomaly-maps.json")
    target.write_text(json.dumps(result) + "\n")
    print(f"{target.name}: {target.stat().st_size} bytes")


main()
