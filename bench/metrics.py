"""The scikit-learn side of bench/metrics.ts.

Usage: python3 metrics.py ID.f32 OOD.f32 PRESET REPEATS
Reads two files of raw float32 scores and prints, as one JSON object, the best time in seconds and the values of the metrics of the
preset, from arrays in memory to numbers.
"""
import json
import sys
import time

import numpy as np
from sklearn import metrics


def official(positive, score):
    """What OE's evaluation computes: two scikit-learn calls, then a sort of its own for the FPR."""
    auroc = metrics.roc_auc_score(positive, score)
    aupr = metrics.average_precision_score(positive, score)
    order = np.argsort(score, kind="mergesort")[::-1]
    descending, hits = score[order], positive[order]
    ends = np.r_[np.flatnonzero(np.diff(descending)), hits.size - 1]
    found = np.cumsum(hits)[ends]
    false = 1 + ends - found
    reversed_until_complete = slice(found.searchsorted(found[-1]), None, -1)
    nearest = np.argmin(np.abs(found[reversed_until_complete] / found[-1] - 0.95))
    return auroc, aupr, false[reversed_until_complete][nearest] / np.sum(~positive)


def openood(positive, score):
    fpr, tpr, _ = metrics.roc_curve(positive, score)
    precision, recall, _ = metrics.precision_recall_curve(positive, score)
    return metrics.auc(fpr, tpr), metrics.auc(recall, precision), fpr[np.argmax(tpr >= 0.95)]


def timed(function, in_distribution, outliers, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        score = np.concatenate([in_distribution, outliers])
        positive = np.zeros(score.size, bool)
        positive[in_distribution.size:] = True
        values = function(positive, score)
        times.append(time.perf_counter() - start)
    return {"seconds": min(times), **dict(zip(("auroc", "aupr", "fpr95"), map(float, values)))}


in_distribution, outliers = (np.fromfile(path, "float32") for path in sys.argv[1:3])
rule = {"official": official, "openood": openood}[sys.argv[3]]
print(json.dumps(timed(rule, in_distribution, outliers, int(sys.argv[4]))))
