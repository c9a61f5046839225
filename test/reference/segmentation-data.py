#!/usr/bin/python3
"""Masks of COCO, label PNGs, resized labels and pasted objects, written independently in NumPy and Pillow.

Writes segmentation-data.json beside this file; arrays of bytes are base64.
Run: /usr/bin/python3 test/reference/segmentation-data.py    (Pillow 9.4, NumPy)
"""
import base64
import io
import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

rng = np.random.default_rng(20230617)
encode = lambda data: base64.b64encode(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()).decode()


# --- run lengths -----------------------------------------------------------------------------------------------------
def runs_of(mask):
    """Lengths of the runs down the columns; the first is background and may be 0."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return lengths if flat[0] == 0 else [0] + lengths


def packed(runs):
    """Numbers to text: differences from the fourth on, groups of five bits, sign by two's complement."""
    text = ""
    for place, run in enumerate(runs):
        value = run - runs[place - 2] if place > 2 else run
        bits = 5
        while not -(1 << (bits - 1)) <= value < (1 << (bits - 1)):
            bits += 5
        digits = value % (1 << bits)
        for group in range(bits // 5):
            text += chr(48 + (digits >> 5 * group & 31) + (32 if group < bits // 5 - 1 else 0))
    return text


runs = []
for height, width, kind in [(1, 1, "full"), (1, 1, "empty"), (7, 5, "noise"), (5, 7, "full"), (40, 30, "blob"), (300, 200, "blob"), (200, 150, "empty")]:
    rows, columns = np.mgrid[:height, :width]
    mask = {
        "full": np.ones((height, width)),
        "empty": np.zeros((height, width)),
        "noise": rng.integers(0, 2, size=(height, width)),
        "blob": (rows - height / 3) ** 2 + (columns - width / 2) ** 2 < (height / 4) ** 2,
    }[kind].astype(np.uint8)
    lengths = runs_of(mask)
    runs.append(dict(height=height, width=width, runs=lengths, packed=packed(lengths), mask=encode(np.packbits(mask))))


# --- polygons --------------------------------------------------------------------------------------------------------
def to_int(values):
    """C's conversion: towards zero."""
    return np.trunc(values).astype(np.int64)


def coco_polygon(points, height, width):
    """The rule of the COCO API in whole arrays: crossings as positions in the mask read down its columns, whose count, modulo
    two, is the mask."""
    fine = to_int(5 * points + 0.5)
    outline = []
    for start, end in zip(fine, np.roll(fine, -1, axis=0)):
        dx, dy = np.abs(end - start)
        axis = 0 if dx >= dy else 1
        low, high = (start, end) if start[axis] <= end[axis] else (end, start)
        steps = np.arange(max(dx, dy) + 1)
        slope = (high[1 - axis] - low[1 - axis]) / max(dx, dy, 1)
        line = np.empty((steps.size, 2), np.int64)
        line[:, axis] = low[axis] + steps
        line[:, 1 - axis] = to_int(low[1 - axis] + slope * steps + 0.5)
        outline.append(line if low is start else line[::-1])
    u, v = np.concatenate(outline).T
    moved = np.flatnonzero(np.diff(u))
    column = (np.minimum(u[moved], u[moved + 1]) + 0.5) / 5 - 0.5
    row = np.ceil(np.clip((np.minimum(v[moved], v[moved + 1]) + 0.5) / 5 - 0.5, 0, height))
    good = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    places = (column[good] * height + row[good]).astype(np.int64)
    counts = np.bincount(places, minlength=height * width + 1)[: height * width]
    return (np.cumsum(counts) % 2).reshape(width, height).T.astype(np.uint8)


def even_odd(points, height, width):
    """Which pixel centres lie inside, and how far they are from the outline."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.zeros((height, width), bool)
    distance = np.full((height, width), np.inf)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0)):
        crosses = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-12)
        along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
        distance = np.minimum(distance, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    return inside, distance


polygons = []
for height, width, points in [
    (8, 8, [[1, 1], [1, 3], [4, 3], [4, 1]]),
    (8, 8, [[0.5, 0.5], [0.5, 2.5], [2.5, 2.5], [2.5, 0.5]]),
    (10, 12, [[0, 0], [12, 0], [12, 10], [0, 10]]),
    (20, 20, [[-5, -5], [30, 5], [10, 30]]),
    (20, 20, [[2, 2], [18, 18], [2, 18], [18, 2]]),
    (30, 40, [[35.5, 10.2], [38, 29.9], [40, 30], [39.9, 0.1]]),
    (30, 40, rng.uniform(-3, 43, size=(3, 2))),
    (30, 40, rng.uniform(0, 30, size=(9, 2))),
    (60, 50, rng.uniform(0, 50, size=(25, 2)).round(2)),
    (64, 48, [[24 + 20 * np.cos(a), 32 + 30 * np.sin(a)] for a in np.linspace(0, 2 * np.pi, 60, endpoint=False)]),
    (64, 48, [[24 + r * np.cos(a), 32 + r * np.sin(a)] for a, r in zip(np.linspace(0, 2 * np.pi, 20, endpoint=False), [10, 24] * 10)]),
    (16, 16, [[5, 5], [5, 5], [5, 5]]),
]:
    points = np.array(points, float)
    mask = coco_polygon(points, height, width)
    inside, distance = even_odd(points, height, width)
    # The tracing is a fifth of a pixel coarse: both rules may differ only along the outline.
    assert (distance[inside != mask] < 0.3).all(), distance[inside != mask].max()
    polygons.append(dict(height=height, width=width, points=points.ravel().tolist(), mask=encode(np.packbits(mask))))


# --- label PNGs ------------------------------------------------------------------------------------------------------
def png(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


ids = rng.integers(0, 256, size=(9, 13)).astype(np.uint8)
few = ids % 12
palette = rng.integers(0, 256, size=768).tolist()


def with_palette(array):
    image = Image.frombytes("P", array.shape[::-1], array.tobytes())
    image.putpalette(palette)
    return image


gamma = PngImagePlugin.PngInfo()
gamma.add(b"gAMA", struct.pack(">I", 100000))
labels = [
    dict(name="8-bit grey", ids=ids, png=png(Image.fromarray(ids))),
    dict(name="8-bit grey with a gamma", ids=ids, png=png(Image.fromarray(ids), pnginfo=gamma)),
    dict(name="8-bit grey with a transparent id", ids=ids, png=png(Image.fromarray(ids), transparency=7)),
    dict(name="8-bit palette", ids=ids, png=png(with_palette(ids))),
    dict(name="8-bit palette with transparency", ids=ids, png=png(with_palette(ids), transparency=0)),
    dict(name="4-bit palette", ids=few, png=png(with_palette(few), bits=4)),
    dict(name="2-bit palette", ids=ids % 4, png=png(with_palette(ids % 4), bits=2)),
    dict(name="1-bit grey", ids=ids % 2, png=png(Image.fromarray(ids % 2 * 255).convert("1"))),
]
labels = [dict(name=item["name"], height=9, width=13, ids=encode(item["ids"]), png=encode(item["png"])) for item in labels]

# --- labels at another size ------------------------------------------------------------------------------------------
nearest = []
for source, target in [((9, 13), (9, 13)), ((9, 13), (4, 6)), ((9, 13), (18, 26)), ((9, 13), (20, 5)), ((30, 50), (7, 49)), ((6, 10), (9, 15)), ((1, 1), (3, 2)), ((45, 60), (22, 30)), ((72, 49), (108, 87))]:
    array = rng.integers(0, 256, size=source).astype(np.uint8)
    result = np.asarray(Image.fromarray(array).resize(target[::-1], Image.NEAREST))
    nearest.append(dict(source=source, target=target, input=encode(array), output=encode(result)))


# --- pasting ---------------------------------------------------------------------------------------------------------
def erosions(mask):
    """How often a mask can be eroded by a cross before a pixel goes, border included: its distance to the outside."""
    depth = np.zeros(mask.shape, int)
    left = np.pad(mask.astype(bool), 1)
    while left.any():
        depth += left[1:-1, 1:-1]
        shrunk = left.copy()
        shrunk[1:-1, 1:-1] &= left[:-2, 1:-1] & left[2:, 1:-1] & left[1:-1, :-2] & left[1:-1, 2:]
        left = shrunk
    return depth


def resized(image, mask, scale):
    height, width = [max(1, int(np.floor(side * scale + 0.5))) for side in mask.shape]
    plane = lambda array: np.asarray(Image.fromarray(array.astype(np.float32), mode="F").resize((width, height), Image.BILINEAR))
    share = plane(mask)
    colours = [np.floor(plane(channel * mask) / np.maximum(share, 1e-6) + 0.5).clip(0, 255) for channel in image]
    kept = share >= 0.5
    return np.where(kept, colours, 0).astype(np.uint8), kept.astype(np.uint8)


pastes = []
for scale, feather, top, left in [(1, 0, 3, 4), (1, 2, 3, 4), (1, 0, -4, 25), (1.7, 0, 1, 2), (0.6, 3, 12, -2), (1, 0, -30, 0)]:
    scene = rng.integers(0, 256, size=(3, 24, 32)).astype(np.uint8)
    train_ids = rng.choice([0, 1, 2, 255], size=(24, 32)).astype(np.uint8)
    rows, columns = np.mgrid[:13, :11]
    mask = ((rows - 6) ** 2 / 36 + (columns - 5) ** 2 / 25 <= 1).astype(np.uint8)
    mask[4:7, 4:6] = 0
    thing = rng.integers(0, 256, size=(3, 13, 11)).astype(np.uint8)
    image, shape = resized(thing, mask, scale) if scale != 1 else (thing, mask)
    share = np.minimum(1, erosions(shape) / (feather + 1))
    out, out_ids = scene.copy(), train_ids.copy()
    for row in range(shape.shape[0]):
        for column in range(shape.shape[1]):
            y, x = top + row, left + column
            if not (0 <= y < 24 and 0 <= x < 32) or shape[row, column] == 0:
                continue
            mixed = scene[:, y, x] + share[row, column] * (image[:, row, column].astype(float) - scene[:, y, x])
            out[:, y, x] = np.floor(mixed + 0.5)
            out_ids[y, x] = 254
    pastes.append(dict(scale=scale, feather=feather, top=top, left=left, scene=encode(scene), labels=encode(train_ids),
                       image=encode(thing), mask=encode(mask), outImage=encode(out), outLabels=encode(out_ids)))

result = dict(runs=runs, polygons=polygons, labels=labels, nearest=nearest, pastes=pastes)
Path(__file__).with_suffix(".json").write_text(json.dumps(result) + "\n")
