"""Training from nothing in PyTorch, by the options of `offmap train` (TrainOptions in JSON): what scratch-run.ts must reproduce.

The start, and what was drawn by chance, come from `scratch-run.ts draw`.
"""
import importlib.util
import json
import os
import subprocess

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import long_tail
from export import initializers
from images import read_cifar
from losses import REGULARIZERS, WEIGHTS
from train import batches, learning_rate, to_tensor

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROTOTYPES, PRIOR = "offmap.prototypes", "offmap.prior"
# Relative size of a change in the last bit of float32.
LAST_BIT = 6e-8


def reference_networks():
    spec = importlib.util.spec_from_file_location("reference_networks", os.path.join(ROOT, "test", "reference", "nn.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NETWORKS


class Masked(nn.Module):
    """Dropout by a mask that is set from outside."""

    mask = None

    def forward(self, x):
        return x * self.mask


class Classifier(nn.Module):
    """A network of test/reference/nn.py with the heads that `offmap train` gives it, parameters under its names."""

    def __init__(self, options, outputs):
        super().__init__()
        self.net = reference_networks()[options["arch"]][0](options.get("width", 1), outputs)
        name = "linear" if hasattr(self.net, "linear") else "fc"
        size = getattr(self.net, name).in_features
        self.deconf = options.get("head") == "deconf"
        if self.deconf:
            setattr(self.net, name, nn.Identity())
            self.net.h, self.net.g = nn.Linear(size, outputs, bias=False), nn.Sequential(nn.Linear(size, 1), nn.BatchNorm1d(1), nn.Sigmoid())
        if options["loss"] == "pascl":
            self.net.projection = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 128))
        getattr(self.net, name).register_forward_pre_hook(lambda _, inputs: setattr(self, "features", inputs[0]))
        for module in self.net.modules():
            if hasattr(module, "dropout"):
                module.dropout = Masked() if options["dropout"] else nn.Identity()

    def forward(self, image):
        """Logits, features and projections."""
        logits = self.net(image)["logits"]
        z = self.features
        if self.deconf:
            unit = lambda rows: rows / (rows.norm(dim=1, keepdim=True) + 1e-4)
            logits = unit(z) @ unit(self.net.h.weight).T / self.net.g(z)
        return logits, z, F.normalize(self.net.projection(z), dim=1) if hasattr(self.net, "projection") else z

    def load(self, start):
        own = self.net.state_dict()
        counters = {key: value for key, value in own.items() if key.endswith("num_batches_tracked")}
        self.net.load_state_dict({**{key: torch.tensor(start[key]) for key in start if not key.startswith("offmap.")}, **counters}, strict=True)


def run_offmap(mode, runs):
    """Runs scratch-run.ts once for all of the options, each in its own folder options["out"]."""
    files = [os.path.join(options["out"], "options.json") for options in runs]
    for options, file in zip(runs, files):
        os.makedirs(options["out"], exist_ok=True)
        with open(file, "w") as opened:
            json.dump(options, opened, indent=1)
    command = ["node", "--import", "tsx", os.path.join(ROOT, "test", "parity", "scratch-run.ts"), mode, *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())


def results(folder):
    """What a run of Offmap has in the end by name, statistics, prototypes and a moving prior among it, and the losses of its log."""
    weights = {key: value for key, value in initializers(os.path.join(folder, "model.onnx")).items() if not key.startswith("constant")}
    variables = initializers(os.path.join(folder, "checkpoint.onnx"))
    weights.update({key: variables[key] for key in (PROTOTYPES, PRIOR) if key in variables})
    with open(os.path.join(folder, "log.csv")) as file:
        header, *rows = [line.strip().split(",") for line in file if line.strip()]
    return weights, [float(row[header.index("loss")]) for row in rows]


def images_of(options):
    """Labels and images of the known, and the outliers, none if the run has none."""
    path = lambda spec: spec.removeprefix("cifar:").split("?")[0]
    labels, known = read_cifar(path(options["id"]))
    return labels, known, read_cifar(path(options["outliers"]))[1] if "outliers" in options else known[:0]


def masks(numbers, table, shape, share):
    """Which units stay, times 1 / (1 - share): frac(a u + b w) >= share in float32, for `numbers` [N, 2] and units of `shape`."""
    size = int(np.prod(shape))
    u, w = (table[start : start + size].reshape(1, *shape) for start in (0, size))
    a, b = (numbers[:, place].reshape(-1, *[1] * len(shape)) for place in (0, 1))
    position = a * u + b * w
    assert position.dtype == np.float32
    return (position - np.floor(position) >= np.float32(share)) / (1 - share)


class DropoutMasks:
    """Sets the masks of all Dropout nodes for one update. Shapes are known only when a unit sees its input, hence the hooks."""

    def __init__(self, model, drawn, share=0.3):
        self.numbers = None
        for place, module in enumerate(m for m in model.modules() if isinstance(m, Masked)):
            table = drawn[f"table/{place}"]

            def set_mask(module, inputs, place=place, table=table):
                x = inputs[0]
                module.mask = torch.from_numpy(masks(self.numbers[:, place], table, x.shape[1:], share)).to(x.dtype)

            module.register_forward_pre_hook(set_mask)


def regularizer(loss, x, options):
    if loss in long_tail.REGULARIZERS:
        return long_tail.REGULARIZERS[loss](x, {**long_tail.DEFAULTS[loss], **options.get("lossOptions", {})})
    margins = {"m_in": options.get("mIn", -23.0), "m_out": options.get("mOut", -5.0), "alpha": options.get("alpha", 10.0), "gamma": options.get("gamma", 0.75)}
    return REGULARIZERS[loss](x["logits"], x["outlierLogits"], {**margins, "prior": x["prior"]})


def optimizer_of(model, prototypes, options):
    undecayed = [p for name, p in model.net.named_parameters() if name == options.get("noDecay")]
    decayed = [p for p in model.net.parameters() if not any(p is q for q in undecayed)] + prototypes
    groups = [{"params": decayed, "weight_decay": options["weightDecay"]}, {"params": undecayed, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if options["optimizer"] == "adam":
        return torch.optim.Adam(groups, lr=options["learningRate"])
    return torch.optim.SGD(groups, lr=options["learningRate"], momentum=0.9, nesterov=True)


def train_in_torch(start, drawn, options, dtype, seed=None, change=LAST_BIT):
    """Everything by name after training, as `results` has it, and the loss of each step; with a seed, from weights changed by some `change`."""
    dtype = getattr(torch, dtype)
    labels, known, outliers = images_of(options)
    counts = np.bincount(labels, minlength=10).tolist()
    loss, views = options["loss"], long_tail.VIEWS.get(options["loss"], 1)
    normalize = [options["normalization"][key] for key in ("mean", "std")]
    model = Classifier(options, len(counts) + long_tail.ABSTENTION.get(loss, 0))
    model.load(start)
    model.to(dtype).train()
    prototypes = [nn.Parameter(torch.tensor(start[PROTOTYPES], dtype=dtype))] if PROTOTYPES in start else []
    if seed is not None:
        torch.manual_seed(seed)
        with torch.no_grad():
            for parameter in [*model.parameters(), *prototypes]:
                parameter.mul_(1 + change * torch.randn_like(parameter))
    prior = torch.full((len(counts),), 1 / len(counts), dtype=dtype)
    if "prior" in options:
        with open(options["prior"]) as file:
            prior = torch.tensor(json.load(file)["prior"], dtype=dtype)
    optimizer, dropout = optimizer_of(model, prototypes, options), DropoutMasks(model, drawn)
    sizes = {"batch": options["batch"], "outlier_batch": options["outlierBatch"] if "outliers" in options else 0}
    losses = []
    for step in range(options["steps"]):
        of_step = lambda name: drawn.get(f"{step + 1}/{name}")
        ins, outs = batches(len(known), len(outliers), sizes, step)
        ins = np.tile(ins, views)
        pasted = known[:0] if of_step("pasted_pixels") is None else to_bytes(of_step("pasted_pixels"), normalize)
        dropout.numbers = of_step("dropout")
        units, features, projections = model(to_tensor(np.concatenate([known[ins], pasted, outliers[outs]]), normalize, dtype))
        split = lambda rows: torch.split(rows, [len(ins), len(pasted), len(outs)])
        x = {"labels": torch.from_numpy(labels[ins]), "classCounts": counts, "prior": prior}
        x["logits"], x["pastedLogits"], x["outlierLogits"] = split(units)
        x["features"], _, x["outlierFeatures"] = split(features)
        x["projections"], _, x["outlierProjections"] = split(projections)
        x["prototypes"] = prototypes[0] if prototypes else None
        for key, name in (("outlierLabels", "outlier_labels"), ("pastedLabels", "pasted_labels")):
            x[key] = None if of_step(name) is None else torch.tensor(of_step(name))
        total = F.cross_entropy(x["logits"], x["labels"])
        if loss != "ce":
            total = total + WEIGHTS.get(loss, 1.0) * regularizer(loss, x, options)
        optimizer.zero_grad()
        total.backward()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options["learningRate"], step + 1, options["steps"])
        optimizer.step()
        if "priorMomentum" in options:
            shares = F.one_hot(x["outlierLogits"].argmax(1), len(counts)).to(dtype).mean(0)
            prior = options["priorMomentum"] * prior + (1 - options["priorMomentum"]) * shares
        losses.append(total.item())
    end = {key: value for key, value in model.net.state_dict().items() if key in start}
    end.update({PROTOTYPES: prototypes[0].detach()} if prototypes else {})
    end.update({PRIOR: prior} if "priorMomentum" in options else {})
    assert set(end) == set(start), set(end) ^ set(start)
    return {key: value.numpy() for key, value in end.items()}, losses


def to_bytes(pixels, normalize):
    """The bytes that normalised pixels came from."""
    mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in normalize)
    return np.rint((pixels * std + mean) * 255).astype(np.uint8)
