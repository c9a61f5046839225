"""Writes beta.json: density, distribution function and quantiles of Beta distributions by SciPy.

Run: /usr/bin/python3 test/reference/beta.py
"""
import json
import pathlib

import scipy
from scipy.stats import beta

# The last four are of calibration sets: (n + 1 - rank, rank) for 99, 1000, 10^4 and 10^7 scores.
parameters = [(1, 1), (0.5, 0.5), (2, 3), (5, 1), (1, 400), (20, 381), (150.5, 3.25), (1, 99), (50, 951), (100, 9901), (10**6, 9 * 10**6 + 1)]
probabilities = [1e-6, 0.01, 0.05, 0.25, 0.5, 0.9, 0.95, 0.99, 0.9999]


def case(a, b):
    quantiles = beta.ppf(probabilities, a, b)
    # Rounded, so that the distribution function is asked at numbers of its own and not at what it returned.
    points = [float(f"{x:.6g}") for x in quantiles if 0 < float(f"{x:.6g}") < 1]
    return {
        "a": a,
        "b": b,
        "points": points,
        "density": beta.pdf(points, a, b).tolist(),
        "cdf": beta.cdf(points, a, b).tolist(),
        "probabilities": probabilities,
        "quantiles": quantiles.tolist(),
    }


target = pathlib.Path(__file__).with_name("beta.json")
document = {"made_by": f"test/reference/beta.py, SciPy {scipy.__version__}", "cases": [case(a, b) for a, b in parameters]}
target.write_text(json.dumps(document) + "\n")
print(f"{target.name}: {len(parameters)} cases, {target.stat().st_size} bytes")
