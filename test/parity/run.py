#!/usr/bin/python3
"""Twenty steps of fine-tuning by PyTorch and by `offmap tune` on the same images: writes docs/results/step-parity.md.

  OFFMAP_DATA=DIR /usr/bin/python3 test/parity/run.py [--steps 20] [ARCHITECTURE...]

OFFMAP_DATA holds cifar10-train.bin and tiny-imagenet-outliers.bin (CIFAR-10 binary files).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

from compare import distance

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
ARCHITECTURES = ["resnet20", "wrn-16-2", "mobilenetv2", "densenet-bc-40", "vit"]
RECORD = 3073
# Margins among the energies of these networks, which have random weights.
MARGINS = ["--m-in", "-7", "--m-out", "-3", "--alpha", "5", "--gamma", "0.75"]


def sample(source, target, count, label=None):
    """Every k-th image, because the files are in class order."""
    data = open(source, "rb").read()
    total = len(data) // RECORD
    parts = [bytearray(data[RECORD * (i * total // count) : RECORD * (i * total // count) + RECORD]) for i in range(count)]
    # A stride that is coprime to the count mixes the classes.
    parts = [parts[(i * 77) % count] for i in range(count)]
    for part in parts:
        part[0] = part[0] if label is None else label
    open(target, "wb").write(b"".join(bytes(part) for part in parts))


def initializers(path):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=ARCHITECTURES)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    data = os.environ["OFFMAP_DATA"]
    work = tempfile.mkdtemp(prefix="offmap-parity-")
    known, outliers, prior = (os.path.join(work, name) for name in ("known.bin", "outliers.bin", "prior.json"))
    sample(os.path.join(data, "cifar10-train.bin"), known, 16 * arguments.steps + 5)
    sample(os.path.join(data, "tiny-imagenet-outliers.bin"), outliers, 24 * arguments.steps + 3, label=0)
    json.dump({"prior": [0.24, 0.1, 0.23, 0.16, 0.07, 0.04, 0.12, 0.02, 0.01, 0.01]}, open(prior, "w"))
    subprocess.run([sys.executable, os.path.join(HERE, "export.py"), work, *arguments.names], check=True)
    rows = []
    for name in arguments.names:
        model = os.path.join(work, f"{name}.onnx")
        modes = ["batch", "frozen"] if any(n.op_type == "BatchNormalization" for n in onnx.load(model).graph.node) else ["frozen"]
        for bn in modes:
            for loss in ("ce", "oe", "energy", "balanced-energy"):
                rows.append(one(work, name, model, known, outliers, prior, bn, loss, arguments.steps))
                print(" | ".join(map(str, rows[-1])), flush=True)
    write(rows, arguments)


def one(work, name, model, known, outliers, prior, bn, loss, steps):
    # Without batch statistics the random networks are steep: a smaller step keeps the comparison about arithmetic, not chaos.
    rate = "0.001" if bn == "batch" else "0.0001"
    shared = ["--loss", loss, "--train", "all", "--bn", bn, "--steps", str(steps), "--batch", "16", "--outlier-batch", "32", "--lr", rate]
    margins = {"balanced-energy": MARGINS, "energy": MARGINS[:4]}.get(loss, [])
    priors = ["--prior", prior] if loss == "balanced-energy" else []
    weights = {}
    for dtype in ("float32", "float64"):
        out = os.path.join(work, f"{name}-{bn}-{loss}-{dtype}.npz")
        command = [sys.executable, "-W", "ignore", os.path.join(HERE, "train.py"), "--architecture", name, "--model", model]
        command += ["--id", known, "--outliers", outliers, "--dtype", dtype, "--out", out, "--prior", prior, *shared, *MARGINS]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        weights[dtype] = dict(np.load(out))
    out = os.path.join(work, f"{name}-{bn}-{loss}")
    command = ["node", os.path.join(ROOT, "dist", "cli", "main.js"), "tune", "--model", model, "--id", f"cifar:{known}"]
    command += ["--outliers", f"cifar:{outliers}", "--no-augment", "--no-shuffle", "--json", "--out", out, *shared, *margins, *priors]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    got, start = initializers(os.path.join(out, "model.onnx")), initializers(model)
    exact = {key: value for key, value in weights["float64"].items() if key in got}
    ours = distance(got, exact, start)
    torch32 = distance({key: weights["float32"][key] for key in exact}, exact, start)
    verdict = "yes" if ours["weights"] <= 1e-4 else "no"
    return [name, bn, loss, f"{ours['weights']:.1e}", f"{torch32['weights']:.1e}", f"{ours['update']:.1e}", f"{torch32['update']:.1e}", verdict]


def write(rows, arguments):
    head = ["network", "BatchNorm", "loss", "weights: Offmap", "weights: PyTorch float32", "update: Offmap", "update: PyTorch float32", "weights within 1e-4"]
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]
    text = f"""# Training steps against PyTorch

Written by `OFFMAP_DATA=DIR /usr/bin/python3 test/parity/run.py --steps {arguments.steps}` (PyTorch {__import__('torch').__version__}).

{arguments.steps} steps of 16 + 32 images, all parameters, SGD Nesterov, cosine; learning rate 0.001 with batch statistics and 0.0001 with frozen ones. Networks
have seeded random weights. Distances are to PyTorch in float64: `weights` is the largest relative distance of a tensor, `update` that of the change
of all parameters together. PyTorch's own float32 run has the same distance to its float64 run shown beside: the yardstick of what agreement can mean.

"""
    with open(os.path.join(ROOT, "docs", "results", "step-parity.md"), "w") as file:
        file.write(text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
