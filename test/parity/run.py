#!/usr/bin/python3
"""Step parity: fine-tunes the same exported models on the same images with PyTorch and with Offmap, and compares every weight.

    npm run build && OFFMAP_DATA=DIR python3 test/parity/run.py

DIR holds `cifar10-train.bin` and `tiny-imagenet-outliers.bin`; without OFFMAP_DATA, seeded synthetic images are used. Writes
docs/results/step-parity.md and exits 1 if a case fails. `--work DIR` keeps models and finished cases, and goes on from them.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile

import numpy as np
import torch

from compare import distance
from export import build, check_kept, export, from_state, has_batch_norm, initializers, load
from images import read_cifar, structured_noise, write_cifar
from losses import WEIGHTS
from train import measure_prior, train

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DEFAULT = ["resnet20", "wrn-16-2", "mobilenetv2", "densenet-bc-40", "vit", "vit-folded"]
# Weights of every tensor, |a - b| / |b|.
LIMIT = 1e-4
# The update, |a - b| / |b - start|, may differ from PyTorch's in float64 by this many times what PyTorch's own float32 does, or by LIMIT.
UPDATE_FACTOR = 4
# PyTorch's own float32: from the model as it is, and from as many copies whose weights differ in the last bit. One run is not enough,
# because rounding acts by chance: either it puts an activation on the other side of a ReLU's kink, or it does not.
PERTURBED, LAST_BIT = 2, 6e-8
# The first rate at which all of them agree with float64 well enough for the limit to mean something: a ReLU network amplifies
# rounding, the more the larger the steps.
RATES, OWN_LIMIT = (1e-3, 1e-4, 3e-5, 1e-5, 3e-6), 1e-5
OPTIONS = {
    "momentum": 0.9, "weight_decay": 5e-4, "m_in": -7.0, "m_out": -3.0, "alpha": 5.0, "gamma": 0.75,
    "normalize": [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
}  # fmt: skip
SETTLE_IMAGES = 6400


def prepare_data(data, work, known_count, outlier_count, seed):
    """Writes the images of the comparison; returns the files and, apart from them, images to settle the models on."""
    if data:
        labels, images = read_cifar(os.path.join(data, "cifar10-train.bin"))
        order = np.random.default_rng(seed).permutation(len(images))
        labels, images = labels[order], images[order]
        _, outliers = read_cifar(os.path.join(data, "tiny-imagenet-outliers.bin"))
        outliers = outliers[np.random.default_rng(seed + 1).permutation(len(outliers))[:outlier_count]]
    else:
        labels, images = structured_noise(known_count + SETTLE_IMAGES, seed)
        _, outliers = structured_noise(outlier_count, seed + 1, (2, 6))
    files = {"known": os.path.join(work, "known.bin"), "outliers": os.path.join(work, "outliers.bin")}
    write_cifar(files["known"], labels[:known_count], images[:known_count])
    write_cifar(files["outliers"], np.zeros(outlier_count), outliers)
    rest = slice(known_count, known_count + SETTLE_IMAGES)
    return files, (labels[rest], images[rest])


def model_file(stem, work, settling, steps, seed):
    """Exports the model unless a run that this one continues already has."""
    name, folded = stem.removesuffix("-folded"), stem.endswith("-folded")
    path = os.path.join(work, f"{stem}.onnx")
    if not os.path.exists(path.replace(".onnx", ".names.json")):
        model = build(name, seed, (*settling, OPTIONS["normalize"], steps))
        names = export(model, path, folded)
        if not folded:
            check_kept(model, path, names)
    return name, path


def in_torch(name, path, files, options, dtype, seed=None):
    """Weights after training, and the losses; with a seed, from weights changed in the last bit."""
    (labels, known), (_, outliers) = read_cifar(files["known"]), read_cifar(files["outliers"])
    model, names = load(name, path)
    if seed is not None:
        torch.manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + LAST_BIT * torch.randn_like(parameter))
    losses = train(model, known, labels, outliers, {**options, "dtype": dtype})
    return from_state(names, model.state_dict()), losses


def in_offmap(cli, path, files, options, out):
    """Weights after `offmap tune` with the same options, and the losses of its log."""
    prior = os.path.join(out, "prior.json")
    os.makedirs(out, exist_ok=True)
    with open(prior, "w") as file:
        json.dump({"prior": options["prior"], "counts": options["counts"], "outliers": sum(options["counts"])}, file)
    mean, std = (",".join(map(str, values)) for values in options["normalize"])
    command = [
        "node", cli, "tune", "--model", path, "--id", f"cifar:{files['known']}", "--outliers", f"cifar:{files['outliers']}?labels=none",
        "--loss", options["loss"], "--train", options["train"], "--bn", options["bn"], "--steps", options["steps"], "--batch", options["batch"],
        "--outlier-batch", options["outlier_batch"], "--lr", options["lr"], "--momentum", options["momentum"],
        "--weight-decay", options["weight_decay"], "--normalize", f"{mean}:{std}", "--no-augment", "--no-shuffle", "--json", "--out", out,
    ]  # fmt: skip
    if options["loss"] in ("energy", "balanced-energy"):
        command += ["--m-in", options["m_in"], "--m-out", options["m_out"]]
    if options["loss"] == "balanced-energy":
        command += ["--alpha", options["alpha"], "--gamma", options["gamma"], "--prior", prior]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())
    with open(os.path.join(out, "log.csv")) as file:
        header, *rows = [line.strip().split(",") for line in file if line.strip()]
    return initializers(os.path.join(out, "model.onnx")), [float(row[header.index("loss")]) for row in rows]


def run_case(name, path, files, options, cli, out):
    start = initializers(path)
    for rate in RATES:
        options = {**options, "lr": rate}
        double, losses = in_torch(name, path, files, options, "float64")
        runs = []
        for seed in (None, *range(PERTURBED)):
            runs.append(in_torch(name, path, files, options, "float32", seed)[0])
            if distance(runs[-1], double, start)["weights"] > OWN_LIMIT:
                break
        else:
            break
    single, distances = runs[0], [distance(run, double, start) for run in runs]
    own = {**distances[0], **{key: max(d[key] for d in distances) for key in ("weights", "update")}}
    result = {"lr": rate, "own": own, "losses": [losses[0], losses[-1]]}
    if cli is None:
        return result
    offmap, its_losses = in_offmap(cli, path, files, options, out)
    offmap = {key: offmap[key] for key in double}
    result["offmap"], result["exact"] = distance(offmap, single, start), distance(offmap, double, start)
    result["loss_error"] = max(abs(a / b - 1) for a, b in zip(its_losses, losses, strict=True))
    return result


def passed(result):
    return result["offmap"]["weights"] <= LIMIT and result["exact"]["update"] <= max(UPDATE_FACTOR * result["own"]["update"], LIMIT)


def table(results, torch_only):
    lines = [
        "| model | loss | BatchNorm | rate | moved | weights | update | update, PyTorch float32 | worst tensor's update | losses | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (stem, loss, bn), r in results.items():
        if torch_only:
            cells = ["", "", f"{r['own']['update']:.1e}", "", "", f"own weights {r['own']['weights']:.1e}"]
        else:
            worst = f"{r['exact']['worst_update']:.1e} `{r['exact']['worst_tensor']}`"
            verdict = "PASS" if passed(r) else "FAIL"
            cells = [f"{r['offmap']['weights']:.1e}", f"{r['exact']['update']:.1e}", f"{r['own']['update']:.1e}", worst, f"{r['loss_error']:.1e}", verdict]
        row = [stem, loss, bn, f"{r['lr']:g}", f"{r['own']['moved']:.1e}", *cells]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def document(results, arguments):
    good = sum(passed(r) for r in results.values())
    source = "CIFAR-10 training images with Tiny-ImageNet outliers" if arguments.data else "seeded synthetic images"
    return f"""# Step parity with PyTorch

Written by `OFFMAP_DATA=DIR python3 test/parity/run.py` (PyTorch {torch.__version__}, {platform.machine()}, {platform.system()}). {good} of {len(results)} cases pass.

Each model is trained for {arguments.settle} steps on other images, exported by `torch.onnx.export` with BatchNorm kept apart (`vit-folded`: the default export), and
then fine-tuned for {arguments.steps} steps of {arguments.batch} + {arguments.outlier_batch} images ({source}), all parameters, by PyTorch and by `offmap tune`, from the same file. Models without BatchNorm have one row for each loss.

- **moved**: how far the fine-tuning takes the weights, relative to their norm.
- **weights**: the largest relative difference between Offmap's and PyTorch's float32 weights over all tensors, running statistics included. Limit {LIMIT:g}.
- **update**: the difference between Offmap's weights and those of PyTorch in **float64**, relative to what training changed. Limit: {UPDATE_FACTOR} times the same distance of
  PyTorch's own float32, in the next column (the largest of {1 + PERTURBED} runs, {PERTURBED} of them from weights changed in the last bit), or {LIMIT:g}. A missing weight decay, a wrong momentum or one wrong
  gradient would show here first.
- **worst tensor's update**: the same for the one tensor where it is largest. Tensors whose exact gradient is zero (a bias before BatchNorm, say) move by rounding alone.
- **losses**: the largest relative difference of the loss over the steps, against float64.
- **rate**: the first of {', '.join(f'{rate:g}' for rate in RATES)} at which those runs agree with float64 to {OWN_LIMIT:g} in every tensor, or else the last. Larger steps amplify rounding until PyTorch does not agree with itself.

{table(results, False)}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("OFFMAP_DATA"))
    parser.add_argument("--models", nargs="*", default=DEFAULT)
    parser.add_argument("--losses", nargs="*", default=list(WEIGHTS))
    parser.add_argument("--bn", nargs="*", default=["batch", "frozen"])
    for name, value in (("steps", 20), ("batch", 16), ("outlier-batch", 32), ("settle", 200), ("seed", 1), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--cli", default=os.path.join(ROOT, "dist", "cli", "main.js"))
    parser.add_argument("--torch-only", action="store_true", help="only PyTorch against itself")
    parser.add_argument("--work", help="folder for models and finished cases; default: a temporary one")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs", "results", "step-parity.md"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    work = arguments.work or tempfile.mkdtemp(prefix="offmap-parity-")
    os.makedirs(work, exist_ok=True)
    steps, batch, outlier_batch = arguments.steps, arguments.batch, arguments.outlier_batch
    files, settling = prepare_data(arguments.data, work, steps * batch, steps * outlier_batch, arguments.seed)
    results = {}
    for stem in arguments.models:
        name, path = model_file(stem, work, settling, arguments.settle, arguments.seed)
        model, _ = load(name, path)
        counts = measure_prior(model, read_cifar(files["outliers"])[1], OPTIONS["normalize"]).tolist()
        shared = {**OPTIONS, "steps": steps, "batch": batch, "outlier_batch": outlier_batch, "train": "all", "counts": counts, "prior": [n / sum(counts) for n in counts]}
        for loss in arguments.losses:
            for bn in arguments.bn if has_batch_norm(model) else ["frozen"]:
                out = os.path.join(work, f"{stem}-{loss}-{bn}")
                finished = f"{out}.result.json"
                if not os.path.exists(finished):
                    result = run_case(name, path, files, {**shared, "loss": loss, "bn": bn}, None if arguments.torch_only else arguments.cli, out)
                    with open(finished, "w") as file:
                        json.dump(result, file)
                with open(finished) as file:
                    results[stem, loss, bn if has_batch_norm(model) else "none"] = json.load(file)
                print(table(dict([list(results.items())[-1]]), arguments.torch_only).splitlines()[-1], flush=True)
    if not arguments.torch_only:
        os.makedirs(os.path.dirname(arguments.out), exist_ok=True)
        with open(arguments.out, "w") as file:
            file.write(document(results, arguments))
        sys.exit(0 if all(map(passed, results.values())) else 1)


if __name__ == "__main__":
    main()
