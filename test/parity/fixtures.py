#!/usr/bin/python3
"""Makes test/fixtures/parity: tiny models, a few images, and the weights PyTorch gives after 4 training steps. See README.md."""
import json
import os
import shutil
import tempfile

import numpy as np
import torch

from compare import distance
from export import build, check_kept, export, from_state, has_batch_norm, initializers, load
from images import structured_noise, write_cifar
from losses import WEIGHTS
from train import DEFAULTS, learning_rate, measure_prior, to_tensor, train

OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "parity"))
# Architecture -> which of the two exported forms; a folded BatchNorm cannot be trained as PyTorch trains it.
MODELS = {
    "resnet-tiny": ["kept"],
    "wrn-tiny": ["kept"],
    "mobilenetv2-tiny": ["kept"],
    "densenet-tiny": ["kept"],
    "vit-tiny": ["kept", "folded"],
    "vgg-tiny": ["kept"],
    "efficientnet-tiny": ["kept"],
    "convnext-tiny": ["kept"],
}
OPTIONS = {
    "steps": 4, "batch": 4, "outlier_batch": 8, "momentum": 0.9, "weight_decay": 5e-4, "m_in": -7.0, "m_out": -3.0, "alpha": 5.0,
    "gamma": 0.75, "normalize": [[0.5, 0.45, 0.4], [0.25, 0.2, 0.3]],
}  # fmt: skip
# Of these rates, the one at which float32 and float64 agree best. Where a large step diverges, where rounding decides on which side
# of a kink an activation falls, or where weights hardly move, a comparison proves nothing.
RATES = {"batch": (0.01, 0.005, 0.003), "frozen": (0.008, 0.004, 0.002, 0.001, 0.0005, 0.00025)}
# The last batch of known images is short, and the outliers begin again in the middle of it.
KNOWN, OUTLIERS = 14, 28


def cases(batch_norm, form):
    if form == "folded":
        return [("all", "frozen", "oe"), ("all", "frozen", "balanced-energy")]
    modes = ["batch", "frozen"] if batch_norm else ["frozen"]
    return [("all", bn, loss) for bn in modes for loss in WEIGHTS] + [("head", "frozen", loss) for loss in ("energy", "balanced-energy")]


def train_case(name, path, names, data, chosen, prior):
    """Trains in both precisions; returns what the index says of the case, and the float64 weights."""
    labels, known, outliers = data
    start = initializers(path)
    best = None
    for rate in RATES[chosen["bn"]]:
        results = {}
        for dtype in ("float64", "float32"):
            model, _ = load(name, path)
            losses = train(model, known, labels, outliers, {**OPTIONS, **chosen, "prior": prior, "lr": rate, "dtype": dtype})
            results[dtype] = (losses, from_state(names, model.state_dict()))
        error = distance(results["float32"][1], results["float64"][1], start)
        if error["moved"] < 0.1 and error["update"] < 1e-4 and (best is None or error["update"] < best[0]["update"]):
            best = (error, rate, *results["float64"])
    if best is None:
        raise SystemExit(f"{name} {chosen}: no rate is well conditioned, the last: {error}")
    own, rate, losses, weights = best
    print(f"{os.path.basename(path):24} {chosen} lr {rate} loss {losses[0]:.4f} -> {losses[-1]:.4f} {own}", flush=True)
    rates = [learning_rate(rate, step + 1, OPTIONS["steps"]) for step in range(OPTIONS["steps"])]
    error = {key: own[key] for key in ("weights", "update", "worst_update")}
    return {**chosen, "weight": WEIGHTS[chosen["loss"]], "lr": rate, "learning_rates": rates, "losses": losses, "moved": own["moved"], "float32_error": error}, weights


def make(name, form, data, index, out):
    labels, known, outliers = data
    stem = name if form == "kept" else f"{name}-folded"
    path = os.path.join(out, f"{stem}.onnx")
    model = build(name, 1, (*structured_noise(640, 21), OPTIONS["normalize"], 300))
    names = export(model, path, folded=form == "folded")
    if form == "kept":
        check_kept(model, path, names)
    names_file = os.path.join(out, f"{stem}.names.json")
    start = initializers(path)
    counts = measure_prior(model, outliers, OPTIONS["normalize"])
    # The outliers are few: one more for each class leaves no zero, and the prior stays uneven.
    prior = ((counts + 1) / (counts + 1).sum()).tolist()
    with torch.no_grad():
        logits = model.double()(to_tensor(known, OPTIONS["normalize"], torch.float64)).float().numpy()
    entry = {"model": f"{stem}.onnx", "batch_norm": has_batch_norm(model), "prior": prior, "expected": f"{stem}.expected.f32"}
    entry["tensors"], offset = [], 0
    for key in names:
        entry["tensors"].append({"name": key, "dims": list(start[key].shape), "offset": offset})
        offset += start[key].size
    entry["elements"], entry["logits"], entry["cases"], expected = offset, [[float(f"{v:.8g}") for v in row] for row in logits], [], []
    for scope, bn, loss in cases(entry["batch_norm"], form):
        case, weights = train_case(name, path, names, data, {"train": scope, "bn": bn, "loss": loss}, prior)
        entry["cases"].append({**case, "offset": len(entry["cases"]) * offset})
        expected.append(np.concatenate([weights[key].astype(np.float32).ravel() for key in names]))
    np.concatenate(expected).astype("<f4").tofile(os.path.join(out, entry["expected"]))
    os.remove(names_file)
    index["models"][stem] = entry


def make_all(out):
    labels, known = structured_noise(KNOWN, 11)
    _, outliers = structured_noise(OUTLIERS, 12, (2, 6))
    write_cifar(os.path.join(out, "known.bin"), labels, known)
    write_cifar(os.path.join(out, "outliers.bin"), np.zeros(OUTLIERS), outliers)
    index = {"torch": torch.__version__, "known": "known.bin", "outliers": "outliers.bin", "options": OPTIONS, "models": {}}
    for name, forms in MODELS.items():
        for form in forms:
            make(name, form, (labels, known, outliers), index, out)
    with open(os.path.join(out, "index.json"), "w") as file:
        json.dump(index, file, separators=(",", ":"))
        file.write("\n")


def main():
    torch.set_num_threads(1)
    assert set(OPTIONS) <= set(DEFAULTS)
    # The files belong together, so the folder is replaced only when all of them are there.
    work = tempfile.mkdtemp(dir=os.path.dirname(OUT))
    try:
        make_all(work)
        os.chmod(work, 0o755)
        shutil.rmtree(OUT, ignore_errors=True)
        os.rename(work, OUT)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
