#!/usr/bin/env python3
"""Three training steps of a tiny segmentation network by PyTorch in float64: writes pixel-step.json beside it.

The network gives logits at half the size of the images, which are interpolated to it. Of the three batches the first is mixed, the second has no
outlier pixel, and of the third one image is all void.

Run with Debian's python3-torch:  /usr/bin/python3 test/reference/pixel-step.py
"""
import base64
import copy
import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)

CLASSES, BATCH, HEIGHT, WIDTH, STEPS = 4, 3, 12, 16, 3
OUTLIER, VOID = 254, 255
PRIOR = torch.tensor([0.5, 0.25, 0.2, 0.05])
BALANCED = {"mIn": -3.0, "mOut": -1.0, "alpha": 5.0, "gamma": 0.75, "weight": 0.1}
PEBAL = {"mIn": -3.0, "mOut": -1.0, "weight": 0.1, "outlierWeight": 0.1, "sparsity": 5e-4, "smoothness": 3e-6}
OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3, weight_decay=0),
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, nesterov=True, weight_decay=5e-4),
}


class Tiny(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Conv2d(6, outputs, 1)

    def forward(self, x):
        y = self.head(F.relu(self.norm(self.conv(x))))
        return F.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=False)


def energy(f):
    return -torch.logsumexp(f, 1)


def mean(values):
    return values.mean() if values.numel() else values.sum()


def hinges(f, y, o, weigh):
    e, out = energy(f), y == OUTLIER
    inner = mean(F.relu(e[y < OUTLIER] - o["mIn"]) ** 2)
    if not out.any():
        return inner
    if not weigh:
        return 0.5 * (inner + mean(F.relu(o["mOut"] - e[out]) ** 2))
    p = PRIOR ** o["gamma"]
    z = (torch.softmax(f, 1) * (p / p.sum())[None, :, None, None]).sum(1)[out]
    return 0.5 * (inner + (z * F.relu(o["mOut"] + o["alpha"] * z - e[out]) ** 2).sum() / z.sum())


def balanced_energy(f, y, o):
    fit = mean(F.cross_entropy(f, torch.where(y < OUTLIER, y, -100), ignore_index=-100, reduction="none")[y < OUTLIER])
    return fit + o["weight"] * hinges(f, y, o, True)


def blur(x):
    bell = torch.exp(-torch.arange(-3.0, 4.0) ** 2 / 2)
    bell = bell / bell.sum()
    kernel = (bell[:, None] * bell)[None, None]
    return F.conv2d(F.pad(x[:, None], (3, 3, 3, 3), mode="reflect"), kernel)[:, 0]


def pebal(f, y, o):
    known = f[:, :CLASSES]
    e, p = energy(known), torch.softmax(f, 1)
    kept = p[:, CLASSES] / blur(e**2)
    holds = (y == OUTLIER).flatten(1).any(1)[:, None, None]
    total = 0
    for part in (holds, ~holds):
        inlier = (y < OUTLIER) & part
        chosen = p.movedim(1, -1)[inlier].gather(1, y[inlier][:, None])[:, 0]
        total = total + mean(-torch.log(chosen + kept[inlier]))
    boosted = (p[:, :CLASSES] + kept[:, None]).movedim(1, -1)[y == OUTLIER]
    total = total - o["outlierWeight"] * mean(torch.log(torch.clamp(boosted, min=1e-7)))
    rough = ((e[:, 1:] - e[:, :-1]) ** 2).sum() + ((e[:, :, 1:] - e[:, :, :-1]) ** 2).sum()
    out = e[y == OUTLIER]
    sparse = torch.norm(out) if out.numel() else 0
    return total + o["weight"] * (hinges(known, y, o, False) + o["sparsity"] * sparse + o["smoothness"] * rough / 2)


def batches():
    found = []
    for step in range(STEPS):
        x = torch.randn(BATCH, 3, HEIGHT, WIDTH).float().double()
        y = torch.randint(0, CLASSES, (BATCH, HEIGHT, WIDTH))
        draw = torch.rand(BATCH, HEIGHT, WIDTH)
        if step != 1:
            y[draw < 0.2] = OUTLIER
        if step == 0:
            y[0][y[0] == OUTLIER] = 0
        y[draw > 0.9] = VOID
        if step == 2:
            y[2] = VOID
        found.append((x, y))
    return found


def text32(tensor):
    return base64.b64encode(tensor.detach().float().numpy().tobytes()).decode()


def floats(state):
    return {name: text32(value) for name, value in state.items() if value.is_floating_point()}


def run(start, loss, options, optimizer, batch_norm, data):
    net = copy.deepcopy(start)
    net.train(batch_norm == "batch")
    stepper = OPTIMIZERS[optimizer](net.parameters())
    losses = []
    for x, y in data:
        stepper.zero_grad()
        value = loss(net(x), y, options)
        value.backward()
        stepper.step()
        losses.append(value.item())
    return {"losses": losses, "weights": floats(net.state_dict())}


def started(outputs):
    net = Tiny(outputs)
    with torch.no_grad():
        net.norm.running_mean.normal_()
        net.norm.running_var.uniform_(0.5, 2)
        net.norm.weight.uniform_(0.5, 1.5)
        net.norm.bias.normal_()
        for value in net.state_dict().values():
            if value.is_floating_point():
                value.copy_(value.float())
    return net


data = batches()
cases = []
nets = {}
for name, loss, options, outputs in (
    ("balanced-energy", balanced_energy, BALANCED, CLASSES),
    ("pebal", pebal, PEBAL, CLASSES + 1),
):
    start = started(outputs)
    nets[name] = {"options": options, "weights": floats(start.state_dict())}
    for optimizer in OPTIMIZERS:
        for batch_norm in ("batch", "frozen"):
            result = run(start, loss, options, optimizer, batch_norm, data)
            cases.append({"loss": name, "optimizer": optimizer, "bn": batch_norm, **result})

reference = {
    "classes": CLASSES,
    "dims": [BATCH, HEIGHT, WIDTH],
    "prior": PRIOR.tolist(),
    "batches": [{"images": text32(x), "labels": base64.b64encode(bytes(y.flatten().tolist())).decode()} for x, y in data],
    "nets": nets,
    "cases": cases,
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(reference, indent=1) + "\n")
