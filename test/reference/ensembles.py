"""Writes ensembles.json: what is made of several networks' logits, or of logits and class counts, in float64 on real images.

    OMP_NUM_THREADS=1 /usr/bin/python3 test/reference/ensembles.py

The networks are the demo's ResNet-20, itself and with all of its kernels mirrored left and right.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from demo_network import features, sheet, weights

torch.set_num_threads(1)
torch.manual_seed(1)
IMAGES, SAMPLES, RATE = 8, 3, 0.3
COUNTS = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]

images = np.concatenate([sheet(name)[0][: IMAGES // 2] for name in ("cifar10-test", "textures")])
mirrored = {name: value.flip(3) if value.ndim == 4 else value for name, value in weights.items()}


def logits(features, own):
    return F.linear(torch.as_tensor(features), own["linear.weight"], own["linear.bias"])


def scores(members):
    """MSP and entropy of the mean probabilities, and the mean energy."""
    mean = torch.stack([F.softmax(member, 1) for member in members]).mean(0)
    energy = torch.stack([-member.logsumexp(1) for member in members]).mean(0)
    return {"msp": -mean.amax(1), "entropy": -(mean * mean.log()).sum(1), "energy": energy}


def rounded(tensor):
    return np.asarray(tensor).round(12).tolist()


members = [logits(features(images, own), own) for own in (weights, mirrored)]
# A mask for each thinned copy, the same for all images, as the exported file has them; scaled so that the mean stays.
masks = (torch.rand(SAMPLES, 64) >= RATE).double() / (1 - RATE)
z = torch.as_tensor(features(images))
thinned = [logits(z * mask, weights) for mask in masks]
counts = torch.tensor(COUNTS, dtype=torch.float64)
written = {
    "ensemble": {name: rounded(value) for name, value in scores(members).items()},
    "dropout": {"rate": RATE, "masks": masks.gt(0).int().tolist(), "scores": {name: rounded(value) for name, value in scores(thinned).items()}},
    "adjusted": {"counts": COUNTS, "logits": rounded(members[0] - (counts / counts.sum()).log())},
}
target = pathlib.Path(__file__).parent / "ensembles.json"
target.write_text(json.dumps(written) + "\n")
