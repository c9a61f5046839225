"""Writes scores.json: post-hoc scores of small logits by SciPy, in float64 from float32 logits.

Run: python3 test/reference/scores.py
"""
import json
import pathlib

import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import entropy


def case(name, logits):
    logits = np.asarray(logits, "float32")
    wide = logits.astype("float64")
    return {
        "name": name,
        "dims": list(logits.shape),
        "logits": wide.ravel().tolist(),
        "scores": {
            "msp": (-softmax(wide, 1).max(1)).ravel().tolist(),
            "max-logit": (-wide.max(1)).ravel().tolist(),
            "energy": (-logsumexp(wide, 1)).ravel().tolist(),
            "entropy": entropy(softmax(wide, 1), axis=1).ravel().tolist(),
        },
        "energy_at": {str(t): (-t * logsumexp(wide / t, 1)).ravel().tolist() for t in (0.5, 10.0, 1000.0)},
    }


rng = np.random.default_rng(20230618)
largest = np.finfo("float32").max
cases = [
    case("ordinary", rng.normal(0, 3, (12, 10))),
    case("confident", rng.normal(0, 30, (12, 10))),
    case("many classes", rng.normal(0, 2, (5, 200))),
    case("pixels", rng.normal(0, 4, (2, 5, 3, 4))),
    case("equal", np.full((3, 7), 2.5)),
    case("one class", [[-3.0], [0.0], [40.0]]),
    case("logits whose exponential overflows", [[1e4, 1e4, 0.0], [1e4, 9999.0, 9998.0], [89.0, 88.5, 88.0], [1e30, 1.0, -1e30]]),
    case("logits whose exponential underflows", [[-1e4, -1e4, -2e4], [-1e4, -10001.0, -10002.0], [-120.0, -119.5, -121.0], [-1e30, -1e30, -2e30]]),
    case("the ends of float32", [[largest / 4, -largest / 4], [largest / 2, largest / 2], [-largest / 2, -largest / 4], [largest / 2, -largest]]),
]
target = pathlib.Path(__file__).with_name("scores.json")
target.write_text(json.dumps({"made_by": "test/reference/scores.py", "cases": cases}) + "\n")
print(f"{target.name}: {len(cases)} cases, {target.stat().st_size} bytes")
