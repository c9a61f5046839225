#!/usr/bin/python3
"""The reference fine-tuning in PyTorch: what `offmap tune --no-augment --no-shuffle` must reproduce step by step.

Known images and outliers are joined in one forward pass. SGD with Nesterov momentum; weight decay on everything that is
trained; a cosine over all steps whose first update already uses t = 1. Batches are the files' own order from the first image, see `batches`.
`--self-test` checks all of it without a model.
"""
import argparse
import json
import math

import numpy as np
import torch
from torch import nn

from images import read_cifar
from losses import WEIGHTS, total_loss

DEFAULTS = {
    "loss": "balanced-energy", "train": "all", "bn": "batch", "steps": 20, "batch": 16, "outlier_batch": 32, "lr": 0.001,
    "momentum": 0.9, "weight_decay": 5e-4, "m_in": -23.0, "m_out": -5.0, "alpha": 10.0, "gamma": 0.75, "prior": [0.1] * 10,
    "normalize": None, "dtype": "float32",
}  # fmt: skip


def learning_rate(base, step, horizon):
    """Rate of update `step`, the first being 1: falls from `base` to 1e-6 along half a cosine."""
    floor = 1e-6 / base
    return base * (floor + (1 - floor) * (1 + math.cos(math.pi * step / horizon)) / 2)


def cycled(count, size, step):
    """Indices of batch `step` (from 0) of `count` images that are read round and round."""
    return (np.arange(size) + step * size) % count


def batches(known, outliers, options, step):
    """Indices of the known images and of the outliers of one step, both in file order.

    An epoch sees every known image once, so its last batch may be short; the outliers start anew with each epoch.
    """
    within = step % math.ceil(known / options["batch"])
    ins = np.arange(within * options["batch"], min((within + 1) * options["batch"], known))
    return ins, cycled(outliers, options["outlier_batch"], within)


def to_tensor(images, normalize, dtype):
    """uint8 [N, 3, 32, 32] as pixel / 255, then (x - mean) / std per channel if asked for."""
    x = torch.from_numpy(images).to(dtype) / 255
    if normalize is None:
        return x
    mean, std = (torch.tensor(values, dtype=dtype).reshape(1, 3, 1, 1) for values in normalize)
    return (x - mean) / std


def prepare(model, options):
    """Sets what is trained and which statistics are used; returns the parameters to optimize."""
    model.to(getattr(torch, options["dtype"])).requires_grad_(options["train"] == "all")
    model.train(options["train"] == "all" and options["bn"] == "batch")
    model.head.requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]


def train(model, known, labels, outliers, options):
    """Trains in place; returns the loss of each step, taken before its update. Images uint8, labels int64."""
    options = {**DEFAULTS, "weight": WEIGHTS[options["loss"]], **options}
    dtype = getattr(torch, options["dtype"])
    optimizer = torch.optim.SGD(
        prepare(model, options), lr=options["lr"], momentum=options["momentum"], weight_decay=options["weight_decay"], nesterov=True
    )
    losses = []
    for step in range(options["steps"]):
        ins, outs = batches(len(known), len(outliers), options, step)
        both = to_tensor(np.concatenate([known[ins], outliers[outs]]), options["normalize"], dtype)
        logits = model(both)
        loss = total_loss(logits[: len(ins)], torch.from_numpy(labels[ins]), logits[len(ins) :], options)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options["lr"], step + 1, options["steps"])
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    return losses


def measure_prior(model, outliers, normalize=None):
    """Counts of the arg-max class over all outliers."""
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(to_tensor(outliers[i : i + 256], normalize, torch.float32)) for i in range(0, len(outliers), 256)]).argmax(1)
    return np.bincount(predicted.numpy(), minlength=model.head.out_features)


def add_options(parser):
    parser.add_argument("--loss", choices=list(WEIGHTS), default=DEFAULTS["loss"])
    parser.add_argument("--train", choices=["all", "head"], default=DEFAULTS["train"])
    parser.add_argument("--bn", choices=["batch", "frozen"], default=DEFAULTS["bn"])
    parser.add_argument("--dtype", choices=["float32", "float64"], default=DEFAULTS["dtype"])
    for name in ("steps", "batch", "outlier_batch"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=DEFAULTS[name])
    for name in ("lr", "momentum", "weight_decay", "m_in", "m_out", "alpha", "gamma"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=DEFAULTS[name])
    parser.add_argument("--weight", type=float, help="of the regularizer; default: its authors' value")
    parser.add_argument("--normalize", help="mean,mean,mean:std,std,std", type=parse_normalize)


def parse_normalize(text):
    return [[float(value) for value in part.split(",")] for part in text.split(":")]


def chosen(arguments):
    """The training options among parsed arguments."""
    given = vars(arguments)
    return {key: given[key] for key in [*DEFAULTS, "weight"] if given.get(key) is not None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--architecture")
    parser.add_argument("--model", help="ONNX file written by export.py")
    parser.add_argument("--id", help="CIFAR binary of known images")
    parser.add_argument("--outliers", help="CIFAR binary of outliers")
    parser.add_argument("--prior", dest="prior_file", help='JSON with "prior": a share per class')
    parser.add_argument("--out", help="weights by initializer name, .npz; losses and settings go to .json beside it")
    add_options(parser)
    arguments = parser.parse_args()
    if arguments.self_test:
        from self_test import run_all

        return run_all()
    from export import from_state, load

    model, names = load(arguments.architecture, arguments.model)
    (labels, known), (_, outliers) = read_cifar(arguments.id), read_cifar(arguments.outliers)
    options = chosen(arguments)
    if arguments.prior_file:
        with open(arguments.prior_file) as file:
            options["prior"] = json.load(file)["prior"]
    losses = train(model, known, labels, outliers, options)
    np.savez(arguments.out, **from_state(names, model.state_dict()))
    with open(arguments.out.removesuffix(".npz") + ".json", "w") as file:
        json.dump({"losses": losses, "options": options}, file, indent=1)


if __name__ == "__main__":
    main()
