"""Writes pixel-metrics.json beside it: metrics of anomaly segmentation, each written down from its definition.

  pixels      scikit-learn 1.2 on a million pooled pixels with many ties, and image by image
  confusion   IoU and accuracy by NumPy's boolean arrays, class by class
  components  sIoU, PPV and F1 as sets of pixels, components by scipy.ndimage.label

The million pixels are not stored: they come from a linear congruential generator that test and script both have.

Run: python3 test/reference/pixel-metrics.py
"""
import json
import pathlib

import numpy as np
from scipy import ndimage
from sklearn import metrics

PIXELS = 1_000_000
# Boundaries of the images that the million pixels are cut into; the fourth has no outlier.
ENDS = [1_000, 40_000, 250_000, 400_000, 700_000, 999_000, PIXELS]
WITHOUT_OUTLIERS = 3


def generated(shift):
    """12-bit draws added in pairs, outliers a bit higher; `shift` bits are dropped for more ties."""
    state = 2023
    values = []
    for _ in range(3 * PIXELS):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state)
    kind, a, b = np.array(values, "int64").reshape(PIXELS, 3).T
    kind >>= 16
    mask = np.where(kind < 1966, 1, np.where(kind < 9830, 255, 0))
    start, end = ENDS[WITHOUT_OUTLIERS - 1], ENDS[WITHOUT_OUTLIERS]
    mask[start:end][mask[start:end] == 1] = 0
    whole = (a >> 20) + (b >> 20) + 1200 * (mask == 1)
    return ((whole >> shift) - (4096 >> shift)).astype("float32") / np.float32(256), mask


def official(score, positive):
    """The FPR of the nearest recall: from the lowest of the thresholds that find all downwards in recall, the first nearest."""
    thresholds, place = np.unique(score, return_inverse=True)
    of = lambda kind: np.cumsum(np.bincount(place[kind], minlength=len(thresholds))[::-1])
    found, false = of(positive), of(~positive)
    complete = np.flatnonzero(found == found[-1])[0]
    found, false = found[: complete + 1][::-1], false[: complete + 1][::-1]
    nearest = np.argmin(np.abs(found / found[0] - 0.95))
    return {
        "auroc": metrics.roc_auc_score(positive, score),
        "aupr": metrics.average_precision_score(positive, score),
        "fpr95": false[nearest] / (~positive).sum(),
    }


def openood(score, positive):
    fpr, tpr, _ = metrics.roc_curve(positive, score)
    precision, recall, _ = metrics.precision_recall_curve(positive, score)
    return {"auroc": metrics.auc(fpr, tpr), "aupr": metrics.auc(recall, precision), "fpr95": fpr[np.argmax(tpr >= 0.95)]}


def fishyscapes(score, positive):
    fpr, tpr, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    return {
        "auroc": metrics.roc_auc_score(positive, score),
        "aupr": metrics.average_precision_score(positive, score),
        "fpr95": fpr[np.argmax(tpr >= 0.95)],
    }


def best_f1(score, positive):
    precision, recall, thresholds = metrics.precision_recall_curve(positive, score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    best = len(f1) - 2 - np.argmax(f1[:-1][::-1])  # the highest of equal thresholds
    return {"threshold": float(thresholds[best]), "f1": f1[best]}


def pixel_case(shift):
    score, mask = generated(shift)
    valid = mask < 2
    pooled = (score[valid], mask[valid] == 1)
    images = [(s[m < 2], m[m < 2] == 1) for s, m in zip(np.split(score, ENDS[:-1]), np.split(mask, ENDS[:-1]))]
    both = [image for image in images if 0 < image[1].sum() < len(image[1])]
    case = {
        "shift": shift,
        "n_id": int((mask == 0).sum()),
        "n_ood": int((mask == 1).sum()),
        "distinct": len(np.unique(pooled[0])),
        "best_f1": best_f1(*pooled),
        "pooled": {},
        "per_image": {},
        "left_out": len(images) - len(both),
    }
    for rule in (official, openood, fishyscapes):
        case["pooled"][rule.__name__] = rule(*pooled)
        each = [rule(*image) for image in both]
        case["per_image"][rule.__name__] = {key: np.mean([values[key] for values in each]) for key in each[0]}
    return case


def confusion_case(rng, classes, absent, only_predicted):
    images = []
    for _ in range(3):
        labels = rng.integers(0, classes, 600)
        labels[np.isin(labels, [absent, only_predicted])] = 0
        predictions = np.where(rng.random(600) < 0.6, labels, rng.integers(0, classes, 600))
        predictions[predictions == absent] = 1
        draw = rng.random(600)
        labels[draw < 0.1] = 255
        labels[draw > 0.93] = 254
        images.append((predictions, labels))
    prediction, label = (np.concatenate(parts) for parts in zip(*images))
    valid = (label != 254) & (label != 255)
    iou = []
    for c in range(classes):
        either = valid & ((prediction == c) | (label == c))
        iou.append(float((valid & (prediction == c) & (label == c)).sum() / either.sum()) if either.any() else None)
    present = [value for value in iou if value is not None]
    return {
        "classes": classes,
        "images": [{"predictions": p.tolist(), "labels": l.tolist()} for p, l in images],
        "iou": iou,
        "mean_iou": np.mean(present),
        "pixel_accuracy": float((prediction == label)[valid].mean()),
        "n_pixels": int(valid.sum()),
    }


FULL = np.ones((3, 3))


def parts(pixels):
    labelled, count = ndimage.label(pixels, FULL)
    return [labelled == index for index in range(1, count + 1)]


def overlap(mask, called, minimum):
    predicted = [part for part in parts(called & (mask < 2)) if part.sum() >= minimum["prediction"]]
    truth = parts(mask == 1)
    counts = mask < 2
    for part in truth:
        if part.sum() < minimum["truth"]:
            counts = counts & ~part
    truth = [part for part in truth if part.sum() >= minimum["truth"]]
    predicted = [part & counts for part in predicted if (part & counts).any()]
    siou = []
    for k in truth:
        meeting = np.any([p for p in predicted if (p & k).any()] + [np.zeros_like(k)], 0)
        others = np.any([other for other in truth if other is not k] + [np.zeros_like(k)], 0)
        siou.append((k & meeting).sum() / ((k | meeting) & ~(meeting & others)).sum())
    all_true = np.any(truth + [np.zeros(mask.shape, bool)], 0)
    return siou, [(p & all_true).sum() / p.sum() for p in predicted]


def component_case(images, minimum, scale, threshold):
    siou, ppv = [], []
    for mask, score in images:
        large = np.kron(mask, np.ones((scale, scale), int)), np.kron(score, np.ones((scale, scale), int))
        a, b = overlap(large[0], large[1] >= threshold, minimum)
        siou += a
        ppv += b
    siou, ppv = np.array(siou), np.array(ppv)
    f1 = []
    for level in np.linspace(0.25, 0.75, 11):
        found, missed, false = (siou >= level).sum(), (siou < level).sum(), (ppv < level).sum()
        f1.append(2 * found / (2 * found + missed + false))
    return {
        "minimum": minimum,
        "scale": scale,
        "threshold": threshold,
        "siou": siou.mean(),
        "ppv": ppv.mean(),
        "f1": f1,
        "f1_mean": np.mean(f1),
        "n_components": len(siou),
        "n_predicted": len(ppv),
    }


def blobs(rng, shape, sigma):
    noise = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return noise / noise.std()


def component_images(rng, count, shape=(40, 56)):
    images = []
    for _ in range(count):
        true, void = blobs(rng, shape, 1.6), blobs(rng, shape, 2.5)
        mask = np.where(void > 1.6, 2, np.where(true > 1.0, 1, 0))
        score = np.clip(np.round(4 + 1.5 * true + 1.2 * blobs(rng, shape, 1.0)), 0, 9).astype(int)
        images.append((mask, score))
    return images


def digits(array):
    return ["".join(map(str, row)) for row in array]


def main():
    rng = np.random.default_rng(20230618)
    images = component_images(rng, 4)
    labelled, count = ndimage.label(images[0][0] == 1, FULL)
    result = {
        "made_by": "test/reference/pixel-metrics.py",
        "ends": ENDS,
        "without_outliers": WITHOUT_OUTLIERS,
        "pixels": [pixel_case(shift) for shift in (0, 6)],
        "confusion": confusion_case(rng, classes=7, absent=5, only_predicted=6),
        "components": {
            "images": [{"mask": digits(mask), "score": digits(score)} for mask, score in images],
            "labels": labelled.ravel().tolist(),
            "count": count,
            "cases": [
                component_case(images, {"truth": 6, "prediction": 10}, 1, 6),
                component_case(images, {"truth": 0, "prediction": 0}, 1, 5),
                component_case(images, {"truth": 20, "prediction": 0}, 1, 5),
                component_case(images, {"truth": 100, "prediction": 500}, 8, 6),
                component_case(images, {"truth": 10, "prediction": 50}, 3, 7),
            ],
        },
    }
    target = pathlib.Path(__file__).with_name("pixel-metrics.json")
    target.write_text(json.dumps(result, default=float) + "\n")
    print(f"{target.name}: {target.stat().st_size} bytes")


main()
