"""Writes metrics.json: detection metrics of small score sets by scikit-learn 1.2 and NumPy.

The `openood` numbers come from the scikit-learn calls that OpenOOD v1.5 makes, those of `fishyscapes` from scikit-learn's
curve with all of its thresholds; of the `official` ones AUROC and average precision come from scikit-learn and
the FPR is written down here from its definition, on whole arrays: over the distinct thresholds in descending order of
recall, the first whose |recall - level| is smallest, where of the thresholds that find every positive only the highest
stays.

Run: python3 test/reference/metrics.py
"""
import json
import pathlib

import numpy as np
from sklearn import metrics


def official_fpr(positive, score, level):
    thresholds = np.unique(score)  # ascending, so recall descends
    at_or_above = score[None, :] >= thresholds[:, None]
    found = (at_or_above & positive).sum(1)
    false = (at_or_above & ~positive).sum(1)
    complete = np.flatnonzero(found == positive.sum())
    found, false = found[complete[-1]:], false[complete[-1]:]
    nearest = np.argmin(np.abs(found / positive.sum() - level))
    return false[nearest] / (~positive).sum()


def openood_fpr(positive, score, level):
    fpr, tpr, _ = metrics.roc_curve(positive, score)
    return fpr[np.argmax(tpr >= level)]


def fishyscapes_fpr(positive, score, level):
    fpr, tpr, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    return fpr[np.argmax(tpr >= level)]


def case(name, in_distribution, outliers, dtype="float64"):
    in_distribution = np.asarray(in_distribution, dtype)
    outliers = np.asarray(outliers, dtype)
    score = np.concatenate([in_distribution, outliers])
    positive = np.r_[np.zeros(len(in_distribution), bool), np.ones(len(outliers), bool)]
    fpr, tpr, _ = metrics.roc_curve(positive, score)
    precision, recall, _ = metrics.precision_recall_curve(positive, score)
    levels = [0.3, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0]
    low, high = score.min(), score.max()
    # float64 edges for float32 scores too; scores on an edge would otherwise be a matter of rounding
    id_bins, edges = np.histogram(in_distribution.astype("float64"), 7, (low, high))
    ood_bins, _ = np.histogram(outliers.astype("float64"), 7, (low, high))
    return {
        "name": name,
        "dtype": dtype,
        "id": in_distribution.astype("float64").tolist(),
        "ood": outliers.astype("float64").tolist(),
        "levels": levels,
        "official": {
            "auroc": metrics.roc_auc_score(positive, score),
            "aupr": metrics.average_precision_score(positive, score),
            "fpr": [official_fpr(positive, score, level) for level in levels],
        },
        "openood": {
            "auroc": metrics.auc(fpr, tpr),
            "aupr": metrics.auc(recall, precision),
            "fpr": [openood_fpr(positive, score, level) for level in levels],
        },
        "fishyscapes": {
            "auroc": metrics.roc_auc_score(positive, score),
            "aupr": metrics.average_precision_score(positive, score),
            "fpr": [fishyscapes_fpr(positive, score, level) for level in levels],
        },
        "histogram": {"edges": edges.tolist(), "id": id_bins.tolist(), "ood": ood_bins.tolist()},
    }


def main():
    rng = np.random.default_rng(20230618)
    normal = rng.normal
    cases = [
        case("continuous", normal(0, 1, 150), normal(1, 1.5, 90)),
        case("continuous, negative scores in float32", normal(-20, 4, 130), normal(-15, 6, 70), "float32"),
        case("heavy ties", rng.integers(0, 6, 120), rng.integers(2, 8, 80)),
        case("heavy ties in float32", np.round(normal(0, 1, 140), 1), np.round(normal(0.7, 1, 60), 1), "float32"),
        # equal steps of the curve, which scikit-learn leaves out of it
        case("equal steps", [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]),
        case("equal steps around 95 % recall", np.r_[np.arange(30), -1], np.r_[np.arange(30), 40 + np.arange(10)]),
        case("three equal steps", [1, 2, 3], [1, 2, 3]),
        case("one and one", [0.25], [0.75]),
        case("one and one, reversed", [0.75], [0.25]),
        case("one in-distribution score", [0.4], rng.random(25)),
        case("one outlier", rng.random(25), [0.6]),
        case("all scores equal", np.full(9, -2.5), np.full(4, -2.5)),
        case("one equal pair", [3.0], [3.0]),
        case("separable", rng.random(40), 1.5 + rng.random(30)),
        case("separable the wrong way round", 1.5 + rng.random(40), rng.random(30)),
        case("constant sets, apart", np.full(12, 1.0), np.full(5, 2.0)),
        case("constant in-distribution set inside the outliers", np.full(12, 0.5), rng.random(33)),
        case("neighbouring float32 values", np.float32(1) + np.arange(12) * np.float32(2**-23),
             np.float32(1) + np.arange(4, 16) * np.float32(2**-23), "float32"),
        case("float64 values that are one float32", 1 + np.arange(10) * 2.0**-52, 1 + np.arange(3, 13) * 2.0**-52),
        case("both zeros", [-0.0, 0.0, -1.0, 1.0], [0.0, -0.0, 0.5, -0.5], "float32"),
        case("saturated probabilities", -1 + np.r_[np.zeros(60), rng.random(40)], -1 + np.r_[np.zeros(10), rng.random(60)], "float32"),
    ]
    target = pathlib.Path(__file__).with_name("metrics.json")
    target.write_text(json.dumps({"made_by": "test/reference/metrics.py", "cases": cases}) + "\n")
    print(f"{target.name}: {len(cases)} cases, {target.stat().st_size} bytes")


main()
