"""Writes Meta-OOD's meta classifier on small synthetic scenes, by SciPy and scikit-learn, to test/reference/segments.json.

    /usr/bin/python3 test/reference/segments.py

The network is one 1x1 convolution, so that maps are a matter of a line. Segments are by scipy.ndimage.label, interiors and neighbours by its erosion and dilation; the classifier
is scikit-learn's logistic regression with standardised features, balanced classes and C = 1. Written from Chan, Rottmann and Gottschalk, ICCV 2021, and Rottmann et al., IJCNN 2020.
"""
import base64
import json
import pathlib

import numpy as np
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

generator = np.random.default_rng(5)
K, H, W, TRAIN, TEST = 3, 24, 32, 8, 2
OUTLIER, VOID = 254, 255
FULL = np.ones((3, 3))
weight = np.round(generator.normal(0, 1, (K, 3)) * 6, 3).astype(np.float32)
bias = np.round(-weight.sum(1) * 128 / 255 + generator.normal(0, 0.3, K), 3).astype(np.float32)


def scene():
    smooth = np.stack([ndimage.gaussian_filter(generator.normal(size=(H, W)), 1.0) for _ in range(3)])
    image = np.clip(128 + 250 * smooth, 0, 255).astype(np.uint8)
    labels = maps(image)["predicted"].astype(np.uint8)
    for _ in range(2):
        top, left = generator.integers(0, H - 6), generator.integers(0, W - 6)
        labels[top : top + 6, left : left + 6] = OUTLIER
    top, left = generator.integers(0, H - 7), generator.integers(0, W - 7)
    labels[top : top + 7, left : left + 7] = VOID
    return image, labels


def maps(image):
    x = image.astype(np.float64) / 255
    logits = np.einsum("kc,chw->khw", weight.astype(np.float64), x) + bias[:, None, None]
    e = np.exp(logits - logits.max(0))
    p = e / e.sum(0)
    return {"score": -(p * np.log(p)).sum(0), "p": p, "predicted": p.argmax(0)}


def spread(values, segment, inside):
    parts = [values[segment], values[segment & inside], values[segment & ~inside]]
    return [v.mean() if v.size else 0 for v in parts] + [v.var() if v.size else 0 for v in parts]


def segments(found, threshold):
    components, count = ndimage.label(found["score"] >= threshold, structure=FULL)
    p, rows = found["p"], []
    top = np.sort(p, axis=0)
    for label in range(1, count + 1):
        segment = components == label
        inside = ndimage.binary_erosion(segment, structure=FULL, border_value=0)
        around = ndimage.binary_dilation(segment, structure=FULL) & ~segment
        size, interior = segment.sum(), inside.sum()
        boundary = size - interior
        row = [size / (H * W), interior / (H * W), boundary / (H * W), size / boundary, interior / boundary]
        row += spread(found["score"], segment, inside)
        row += spread(found["score"] / np.log(K), segment, inside)
        row += spread(1 - top[-1] + top[-2], segment, inside)
        y, x = np.nonzero(segment)
        row += [(y.mean() + 0.5) / H, (x.mean() + 0.5) / W]
        row += [p[k][segment].mean() for k in range(K)]
        row += [(found["predicted"][around] == k).mean() for k in range(K)]
        rows.append(row)
    return components, np.array(rows).reshape(count, 25 + 2 * K)


train = [scene() for _ in range(TRAIN)]
test = [scene() for _ in range(TEST)]
threshold = 0.75
gap = min(np.abs(maps(image)["score"] - threshold).min() for image, _ in train + test)
assert gap > 1e-6, gap
x, y, skipped = [], [], 0
for image, labels in train:
    components, rows = segments(maps(image), threshold)
    for label, row in enumerate(rows, 1):
        own = labels[components == label]
        if (own == OUTLIER).any():
            kind = 0
        elif (own == VOID).mean() > 0.5:
            skipped += 1
            continue
        else:
            kind = 1
        x.append(row)
        y.append(kind)
x, y = np.array(x), np.array(y)
varied = x.std(0) > 0
scaler = StandardScaler().fit(x[:, varied])
model = LogisticRegression(C=1, class_weight="balanced", solver="newton-cg", tol=1e-14, max_iter=100000)
model.fit(scaler.transform(x[:, varied]), y)
evidence = lambda rows: model.decision_function(scaler.transform(rows[:, varied]))
encoded = lambda values: base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
tests = []
for image, labels in test:
    components, rows = segments(maps(image), threshold)
    values = evidence(rows)
    assert np.abs(values).min() > 1e-3
    removed = np.isin(components, 1 + np.nonzero(values >= 0)[0])
    tests.append({"features": np.round(rows, 9).tolist(), "evidence": np.round(values, 9).tolist(), "removed": encoded(removed.astype(np.uint8))})

train_evidence = evidence(x)
result = {
    "made_by": "test/reference/segments.py",
    "size": [H, W],
    "weight": weight.flatten().tolist(),
    "bias": bias.tolist(),
    "threshold": threshold,
    "train": [{"image": encoded(image), "labels": encoded(labels)} for image, labels in train],
    "test": [{"image": encoded(image), "labels": encoded(labels)} for image, labels in test],
    "counts": {"found": int((y == 0).sum()), "falseAlarms": int((y == 1).sum()), "skipped": skipped},
    "right": {"found": int((train_evidence[y == 0] < 0).sum()), "falseAlarms": int((train_evidence[y == 1] >= 0).sum())},
    "segments": tests,
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result) + "\n")
print(path, path.stat().st_size, "bytes", result["counts"], result["right"], varied.sum(), x.shape, [len(t["evidence"]) for t in tests])
