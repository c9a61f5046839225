"""Writes scikit-learn's logistic regression on small random columns to test/reference/logistic.json.

    /usr/bin/python3 test/reference/logistic.py

The objective of src/scores/fit/logistic.ts is scikit-learn's with standardised columns, balanced classes and C = 1 / (ridge * rows):
scikit-learn minimises 1/2 |w|^2 + C * sum of the weighted losses, where balanced weights sum to the number of rows.
"""
import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

cases = []
for seed, (negatives, positives, columns, distance, ridge) in enumerate([(40, 25, 1, 1.0, 1e-3), (60, 30, 3, 0.7, 1e-2), (20, 50, 2, 8.0, 1e-3)]):
    generator = np.random.default_rng(seed)
    negative = np.round(generator.normal(0, 1, (negatives, columns)) * [1 + 10 * c for c in range(columns)], 4)
    positive = np.round(generator.normal(distance, 1.5, (positives, columns)) * [1 + 10 * c for c in range(columns)], 4)
    x = np.concatenate([negative, positive])
    y = np.r_[np.zeros(negatives), np.ones(positives)]
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=1 / (ridge * len(x)), class_weight="balanced", solver="newton-cg", tol=1e-14, max_iter=10000)
    model.fit(scaler.transform(x), y)
    weights = model.coef_[0] / scaler.scale_
    offset = model.intercept_[0] - float(weights @ scaler.mean_)
    cases.append({"negative": negative.tolist(), "positive": positive.tolist(), "ridge": ridge, "weights": weights.tolist(), "offset": offset})

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"made_by": "test/reference/logistic.py", "cases": cases}) + "\n")
print(path, path.stat().st_size, "bytes")
