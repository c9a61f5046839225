#!/usr/bin/env python3
"""Ten steps of PEBAL and of balanced energy PEBAL on the small DeepLabV3+ by PyTorch in float64: writes deeplab-step.json beside it.

The network is narrow, with an abstention output, and has the parameters that nn-export.ts writes. Of the scenes, which deeplab-step.test.ts makes
by the same formulas, the first of each batch has no outlier; the fourth batch has none at all, and the last scene of the sixth is void.

Run with Debian's python3-torch and python3-onnx:  /usr/bin/python3 test/reference/deeplab-step.py
"""
import copy
import json
import pathlib
import subprocess
import tempfile

import torch

from nn import NETWORKS, digits, load, sampled
from pixel_terms import CLASSES, OUTLIER, PRIOR, VOID, loss_of

torch.set_default_dtype(torch.float64)

HERE = pathlib.Path(__file__).parent
SCENES, HEIGHT, WIDTH, STEPS, RATE = 3, 36, 44, 10, 3e-4
MARGINS = {"mIn": -3.0, "mOut": -1.0, "weight": 0.1, "outlierWeight": 0.1, "sparsity": 5e-4, "smoothness": 3e-6}
LOSSES = {"pebal": MARGINS, "balanced-pebal": {**MARGINS, "alpha": 5.0, "gamma": 0.75}}
# What is trained; BatchNormalization there; and below it.
MODES = [("head", "batch", "frozen"), ("head", "batch", "moving"), ("head", "frozen", "frozen"), ("all", "batch", "frozen"), ("all", "frozen", "frozen")]


def batch(step):
    count = SCENES * 3 * HEIGHT * WIDTH
    index = torch.arange(step * count, (step + 1) * count)
    images = (2 * (2 * ((index * 7919 + 13) % 2003)).double() / 2003 - 2).float().double()
    n, y, x = torch.meshgrid(torch.arange(SCENES), torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    labels = (x // 8 + y // 6 + n + step) % CLASSES
    labels[(n > 0) & (step != 3) & ((3 * x + 5 * y + 17 * n + 11 * step) % 23 < 4)] = OUTLIER
    labels[(x + 2 * y + step) % 13 == 0] = VOID
    labels[(n == 2) & (step == 5)] = VOID
    return images.reshape(SCENES, 3, HEIGHT, WIDTH), labels


def trained_modules(net, train):
    return net.final if train == "head" else net


def run(start, loss, mode, dtype):
    train, batch_norm, trunk = mode
    net = copy.deepcopy(start).to(dtype)
    net.train(trunk == "moving")
    trained_modules(net, train).train(batch_norm == "batch")
    optimizer = torch.optim.Adam(trained_modules(net, train).parameters(), lr=RATE)
    losses = []
    for step in range(STEPS):
        images, labels = batch(step)
        value = loss_of(loss, net(images.to(dtype))["logits"], None, labels, LOSSES[loss])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses, {name: value.detach().double() for name, value in net.state_dict().items() if value.is_floating_point()}


def distance(start, a, b):
    """How far apart the updates are that led to a and to b, in lengths of that to a."""
    length = lambda c, d: sum(float((c[name] - d[name]).square().sum()) for name in start) ** 0.5
    return length(a, b) / length(a, start)


def case(start, loss, mode):
    before = {name: value for name, value in start.state_dict().items() if value.is_floating_point()}
    losses, after = run(start, loss, mode, torch.float64)
    _, rounded = run(start, loss, mode, torch.float32)
    changed = {name: value for name, value in after.items() if not torch.equal(value, before[name])}
    return {
        **dict(zip(("loss", "train", "bn", "trunk"), (loss, *mode))),
        "losses": [digits(value) for value in losses],
        "rounding": digits(distance(before, after, rounded), 3),
        "changed": {name: sampled(changed[name]) for name in sorted(changed)},
    }


def main():
    net = NETWORKS["deeplabv3plus-small"][0](1 / 4, CLASSES + 1).double()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npx", "tsx", str(HERE / "nn-export.ts"), folder], check=True)
        load(net, pathlib.Path(folder) / "abstaining-deeplab.onnx")
    cases = [case(net, loss, mode) for loss in LOSSES for mode in MODES]
    head = {"prior": PRIOR.tolist(), "size": [SCENES, HEIGHT, WIDTH], "rate": RATE, "options": LOSSES}
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in cases)
    (HERE / "deeplab-step.json").write_text(f'{json.dumps(head)[:-1]}, "cases": [\n{lines}\n]}}\n')
    for row in cases:
        print(row["loss"], row["train"], row["bn"], row["trunk"], row["losses"][0], row["losses"][-1], row["rounding"], len(row["changed"]))


if __name__ == "__main__":
    main()
