#!/usr/bin/python3
"""Makes test/fixtures/scratch-parity: what PyTorch's weights are, in float64, after a few steps of training narrow networks from nothing.

    /usr/bin/python3 test/parity/scratch_fixtures.py

Neither the start nor what is drawn by chance is stored: both follow from the seed, which `scratch-parity.test.ts` has too. The images are
those of test/fixtures/parity. See README.md.
"""
import json
import os
import tempfile

import numpy as np
import torch

from compare import distance
from export import initializers
from scratch_cases import CASES, PRIOR_FILE, UNEVEN_PRIOR, options_for
from scratch_train import ROOT, results, run_offmap, train_in_torch

FIXTURES = os.path.join(ROOT, "test", "fixtures")
OUT = os.path.join(FIXTURES, "scratch-parity")
INDEX = os.path.join(OUT, "index.json")
# Two batches of 7 images are all of them.
SIZES = {"arch": "resnet20", "width": 0.25, "steps": 5, "batch": 7, "outlierBatch": 9}
OF_CASE = {"ce, dropout": {"arch": "wrn-40-2", "width": 0.125}}
RATES = {"sgd": 0.01, "adam": 0.003}
# Weights changed by some three times the last bit of float32 must give the same updates to this. That shuts out seeds with which some
# activation is so near to 0 that rounding decides whether a ReLU passes it: there two right programs differ by 1 % of the update.
PERTURBED, CHANGE, LIMIT, SEEDS, AT_ONCE = 3, 2e-7, 1e-4, 160, 8
# Of tensors of more elements, every fifth is stored.
WHOLE, STRIDE = 64, 5


def stored(weights):
    """Tensors in the order of their names, one after another."""
    flat = [weights[key].ravel() for key in sorted(weights)]
    return np.concatenate([values if values.size <= WHOLE else values[::STRIDE] for values in flat]).astype("<f4")


def known_seeds():
    """What was found before, by case."""
    if not os.path.exists(INDEX):
        return {}
    with open(INDEX) as file:
        return {case: entry["options"]["seed"] for case, entry in json.load(file)["cases"].items()}


def drawn_runs(case, known, files, work):
    """Options, start and what is drawn, for one seed after another, the known one first."""
    attempts = [[known]] if known else []
    attempts += [range(first, first + AT_ONCE) for first in range(1, SEEDS, AT_ONCE)]
    for seeds in attempts:
        runs = []
        for seed in seeds:
            options = options_for(case, {**SIZES, **OF_CASE.get(case, {}), "seed": seed}, files, os.path.join(work, f"{case} {seed}"))
            runs.append({**options, "learningRate": RATES[options["optimizer"]]})
        run_offmap("draw", runs)
        for options in runs:
            yield options, results(options["out"])[0], initializers(os.path.join(options["out"], "drawn.onnx"))


def well_conditioned(case, known, files, work):
    """The first seed with which rounding decides nothing: options, start, what PyTorch gets, and how far other runs are from that, float32 first."""
    for options, start, drawn in drawn_runs(case, known, files, work):
        weights, losses = train_in_torch(start, drawn, options, "float64")
        errors = []
        for run in (None, *range(PERTURBED)):
            own, _ = train_in_torch(start, drawn, options, "float32" if run is None else "float64", run, CHANGE)
            errors.append(distance(own, weights, start))
            if errors[-1]["update"] > LIMIT:
                break
        else:
            return options, start, weights, losses, errors
        print(f"{case}, seed {options['seed']}: {len(errors)} runs, {errors[-1]['update']:.1e}", flush=True)
    raise SystemExit(f"{case}: none of {SEEDS} seeds is well conditioned")


def write(index, parts):
    np.concatenate(parts).tofile(os.path.join(OUT, "expected.f32"))
    with open(INDEX, "w") as file:
        json.dump(index, file, separators=(",", ":"))
        file.write("\n")


def main():
    torch.set_num_threads(1)
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, PRIOR_FILE), "w") as file:
        json.dump({"prior": UNEVEN_PRIOR}, file)
        file.write("\n")
    images = {name: f"cifar:{os.path.join(FIXTURES, 'parity', name)}.bin" for name in ("known", "outliers")}
    files = {**images, "outliers": images["outliers"] + "?labels=none", "prior": os.path.join(OUT, PRIOR_FILE)}
    known = known_seeds()
    index, parts, offset = {"torch": torch.__version__, "whole": WHOLE, "stride": STRIDE, "cases": {}}, [], 0
    with tempfile.TemporaryDirectory() as work:
        for case in CASES:
            options, start, weights, losses, errors = well_conditioned(case, known.get(case), files, work)
            parts.append(stored(weights))
            own, last = errors[0], errors[-1]
            print(f"{case}: seed {options['seed']}, loss {losses[0]:.4f} -> {losses[-1]:.4f}, {own}, perturbed {last['update']:.1e}", flush=True)
            kept = {key: value for key, value in options.items() if key not in ("out", "id", "outliers", "prior")}
            parameters = [key for key in weights if "running_" not in key]
            before, after = (stored({key: values[key] for key in parameters}).astype(np.float64) for values in (start, weights))
            index["cases"][case] = {
                "options": kept, "uses": [key for key in ("outliers", "prior") if key in options], "losses": losses, "offset": offset,
                "movement": float(np.linalg.norm(after - before)), "float32_error": {key: own[key] for key in ("weights", "update")},
            }  # fmt: skip
            offset += parts[-1].size
            write(index, parts)


if __name__ == "__main__":
    main()
