#!/usr/bin/python3
"""Exports the architectures to ONNX with seeded random weights: `export.py OUT_DIR [NAME...]`.

Two forms of each: `NAME.onnx` keeps every parameter under its PyTorch name and BatchNormalization as nodes of its own;
`NAME-folded.onnx` is what torch.onnx.export makes by default, BatchNorm folded into Conv and constants folded. Beside each
lies `*.names.json`: initializer -> {"parameter": PyTorch name, "transposed": bool}. Input `image` [N, 3, 32, 32], output `logits` [N, 10].
"""
import argparse
import json
import os
import warnings

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

from architectures import ARCHITECTURES
from images import structured_noise
from train import cycled, to_tensor

# LayerNormalization is one node from opset 17 on and six or more below.
KEPT_OPSET, FOLDED_OPSET = 17, 16


def build(name, seed=1, settled=None):
    """The architecture in eval mode with random weights, no parameter left at a constant.

    `settled`: (labels, images, normalize, steps), trains it a little first. Without that a deep network amplifies the rounding of float32 until
    not even PyTorch agrees with itself in float64, and a comparison says nothing.
    """
    torch.manual_seed(seed)
    model = ARCHITECTURES[name]()
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if path.endswith("scale"):
                parameter.uniform_(0.1, 0.5)
            elif path in ("token", "position"):
                parameter.normal_(0, 0.2)
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        _, images = structured_noise(64, seed)
        model.train()(torch.from_numpy(images).float() / 255)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.1
    if settled is not None:
        settle(model, *settled)
    return model.eval()


def settle(model, labels, images, normalize, steps):
    optimizer = torch.optim.Adam(model.train().parameters(), lr=2e-3)
    for step in range(steps):
        batch = cycled(len(images), 64, step)
        loss = F.cross_entropy(model(to_tensor(images[batch], normalize, torch.float32)), torch.from_numpy(labels[batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def export(model, path, folded):
    """Writes one form of the model and its table of names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            torch.zeros(2, 3, 32, 32),
            path,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
            opset_version=FOLDED_OPSET if folded else KEPT_OPSET,
            do_constant_folding=folded,
            training=torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE,
        )
    names = match_names(model, initializers(path))
    with open(names_path(path), "w") as file:
        json.dump(names, file, indent=1)
    return names


def names_path(path):
    return os.path.splitext(path)[0] + ".names.json"


def initializers(path):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def match_names(model, values):
    """Pairs initializers with parameters and buffers by name, or, where folding renamed one, by its values, as they are or transposed."""
    state = {key: value.detach().cpu().numpy() for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    names = {}
    for name, value in values.items():
        if name in state and np.array_equal(state[name], value):
            names[name] = {"parameter": name, "transposed": False}
            continue
        for key, candidate in state.items():
            if np.array_equal(candidate, value):
                names[name] = {"parameter": key, "transposed": False}
            elif candidate.ndim == 2 and np.array_equal(candidate.T, value):
                names[name] = {"parameter": key, "transposed": True}
    return names


def to_state(names, values):
    """Initializer values as a PyTorch state dictionary."""
    return {n["parameter"]: torch.from_numpy((values[k].T if n["transposed"] else values[k]).copy()) for k, n in names.items()}


def from_state(names, state):
    """The values of the initializers in a PyTorch state dictionary, NumPy arrays."""
    arrays = {k: state[n["parameter"]].detach().cpu().numpy() for k, n in names.items()}
    return {k: np.ascontiguousarray(v.T if names[k]["transposed"] else v) for k, v in arrays.items()}


def load(name, path):
    """The PyTorch model with the weights of an ONNX file that `export` wrote; refuses one that does not hold every parameter."""
    model = ARCHITECTURES[name]()
    with open(names_path(path)) as file:
        names = json.load(file)
    missing, unexpected = model.load_state_dict(to_state(names, initializers(path)), strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise SystemExit(f"{path} does not hold {missing[:3]} of {name}: folded BatchNorm cannot be trained as PyTorch trains it")
    return model, names


def has_batch_norm(model):
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def check_kept(model, path, names):
    """Stops if the file lost a parameter or a BatchNormalization: a parity run on it would compare two different networks."""
    wanted = {key for key in model.state_dict() if not key.endswith("num_batches_tracked")}
    found = {entry["parameter"] for entry in names.values()}
    nodes = sum(node.op_type == "BatchNormalization" for node in onnx.load(path).graph.node)
    modules = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    if wanted != found or nodes != modules:
        raise SystemExit(f"{path}: {nodes} BatchNormalization nodes for {modules} modules; parameters missing: {sorted(wanted - found)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("names", nargs="*", default=[name for name in ARCHITECTURES if not name.endswith("-tiny")])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for name in options.names:
        model = build(name, options.seed)
        kept = os.path.join(options.out, f"{name}.onnx")
        check_kept(model, kept, export(model, kept, folded=False))
        export(model, os.path.join(options.out, f"{name}-folded.onnx"), folded=True)
        print(f"{kept}: {os.path.getsize(kept)} bytes, {sum(p.numel() for p in model.parameters())} parameters", flush=True)


if __name__ == "__main__":
    main()
