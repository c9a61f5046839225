"""Distances between two sets of weights by initializer name, both started from `start`."""
import numpy as np


def distance(got, wanted, start):
    """`weights`: largest |a - b| / |b| over the tensors; `update`: |a - b| / |b - start| over all parameters together; and the largest one.
    All are infinite where a value is not finite.

    Running statistics count for the weights, not for the update, which they would outweigh.
    """
    norm = lambda x: float(np.linalg.norm(np.asarray(x, np.float64)))
    difference = {k: norm(np.float64(got[k]) - wanted[k]) for k in wanted}
    moved = {k: norm(np.float64(wanted[k]) - start[k]) for k in wanted}
    parameters = [k for k in wanted if "running_" not in k and moved[k] > 0]
    if not all(np.isfinite(list(difference.values()))):
        return {"weights": np.inf, "tensor": "", "update": np.inf, "worst_update": np.inf, "worst_tensor": "", "moved": np.inf}
    weights = {k: difference[k] / norm(wanted[k]) for k in wanted}
    total = lambda values: np.sqrt(sum(values[k] ** 2 for k in parameters))
    # A bias of 0 before BatchNorm has a gradient of 0, and moves by the rounding of float64 alone.
    worst = max((k for k in parameters if moved[k] > 1e-10 * total(moved)), key=lambda k: difference[k] / moved[k])
    return {
        "weights": max(weights.values()),
        "tensor": max(weights, key=weights.get),
        "update": float(total(difference) / total(moved)),
        "worst_update": difference[worst] / moved[worst],
        "worst_tensor": worst,
        "moved": float(total(moved) / np.sqrt(sum(norm(start[k]) ** 2 for k in parameters))),
    }
