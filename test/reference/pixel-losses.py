#!/usr/bin/env python3
"""Reference values and gradients of the segmentation losses, and scores of pixels, by PyTorch in float64: writes pixel-losses.json beside it.

The losses are those of pixel_terms.py.

Run with Debian's python3-torch:  /usr/bin/python3 test/reference/pixel-losses.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from torch.distributions import Dirichlet

from pixel_terms import CLASSES, OUTLIER, PRIOR, VOID, blur, energy, loss_of

torch.manual_seed(23)
torch.set_default_dtype(torch.float64)

SIZE = (5, 6)


def exact32(x):
    return x.float().double()


def labels_of(outliers, voids):
    y = torch.randint(0, CLASSES, (2, *SIZE))
    y[outliers] = OUTLIER
    y[voids] = VOID
    return y


draw = torch.rand(2, *SIZE)
none, all_pixels = draw < 0, draw >= 0
single = none.clone()
single[1, 2, 3] = True
second = none.clone()
second[1] = True
first_left = none.clone()
first_left[0, :, :2] = True
scenes = {
    "mixed": labels_of(draw < 0.25, draw > 0.85),
    "outliers in one image": labels_of((draw < 0.4) & second, draw > 0.9),
    "no outlier pixel": labels_of(none, draw > 0.8),
    "a single outlier pixel": labels_of(single, draw > 2),
    "an image without inliers": labels_of(second | (draw < 0.1), first_left),
    "outliers and void alone": labels_of(draw < 0.5, draw >= 0.5),
    "all void": labels_of(none, all_pixels),
}
margins = {"mIn": -8, "mOut": -4, "weight": 0.1}
pebal_options = {**margins, "outlierWeight": 0.1, "sparsity": 5e-4, "smoothness": 3e-6}
settings = [
    ("ce", {}),
    ("oe", {"weight": 0.5}),
    ("energy", margins),
    ("balanced-energy", {**margins, "alpha": 5, "gamma": 3}),
    ("pebal", pebal_options),
    ("balanced-pebal", {**pebal_options, "alpha": 5, "gamma": 3}),
    ("deep-gambler", {"payoff": 4.5}),
    ("meta-ood", {"outlierShare": 0.9}),
    ("void-classifier", {"useVoid": True}),
    ("dodh", {"weight": 0.2}),
    ("dense-hybrid", {"weight": 0.03, "headWeight": 0.3}),
    ("dirichlet", {"precision": 1000, "smoothing": 0.01, "weight": 1}),
]
further = [
    ("balanced-energy", {**margins, "alpha": 0, "gamma": 2}),
    ("balanced-energy", {**margins, "alpha": 3, "gamma": 0}),
    ("balanced-pebal", {**pebal_options, "weight": 2, "sparsity": 0.1, "smoothness": 0.01, "alpha": 2, "gamma": 0.5}),
    ("pebal", {**pebal_options, "outlierWeight": 3, "weight": 0.5, "sparsity": 0.05, "smoothness": 0.003}),
    ("void-classifier", {"useVoid": False}),
    ("dirichlet", {"precision": 30, "smoothing": 0.05, "weight": 0.2}),
]

logits = exact32(torch.randn(2, CLASSES + 1, *SIZE) * 3 + 3)
# As confident as a trained network, so that probabilities reach the clamp of PEBAL and concentrations are far from 1.
confident = exact32(torch.randn(2, CLASSES + 1, *SIZE) * 9)
head = exact32(torch.randn(2, 2, *SIZE) * 2)
abstaining = {"pebal", "balanced-pebal", "deep-gambler", "void-classifier"}
with_head = {"dodh", "dense-hybrid"}


def rounded(x):
    return [float(f"{value:.9g}") for value in x.detach().flatten().tolist()]


def case(scene, name, options, values):
    f = values[:, : CLASSES + (name in abstaining)].clone().requires_grad_()
    g = head.clone().requires_grad_()
    value = loss_of(name, f, g, scenes[scene], options)
    slopes = torch.autograd.grad(value, [f, g], allow_unused=True) if value.requires_grad else [None, None]
    slopes = [torch.zeros_like(x) if slope is None else slope for slope, x in zip(slopes, (f, g))]
    return {
        "scene": scene,
        "loss": name,
        "options": options,
        "confident": values is confident,
        "value": value.item(),
        "logitsGradient": rounded(slopes[0]),
        **({"headGradient": rounded(slopes[1])} if name in with_head else {}),
    }


cases = [case(scene, name, options, logits) for name, options in settings for scene in scenes]
cases += [case("mixed", name, options, logits) for name, options in further]
cases += [case("mixed", name, options, confident) for name, options in settings]

# Scores of the same logits.
f = logits[:, :CLASSES]
samples = [f, exact32(f + torch.randn_like(f)), exact32(f + 2 * torch.randn_like(f))]
shares = [torch.softmax(sample, 1) for sample in samples]
spread = lambda p: -(p * p.log()).sum(1)
mu, sigma = exact32(torch.randn(CLASSES) + 6), exact32(torch.rand(CLASSES) + 0.5)
largest, predicted = f.max(1)
p = torch.softmax(f, 1)
scores = {
    "msp": -p.max(1).values,
    "max-logit": -largest,
    "energy": energy(f),
    "entropy": spread(p),
    "gen": (p**0.1 * (1 - p) ** 0.1).sort(1, descending=True).values[:, :3].sum(1),
    "temperature-scaling": -torch.softmax(f / 2.5, 1).max(1).values,
    "sml": -(largest - mu[predicted]) / sigma[predicted],
    "abstention": torch.softmax(logits, 1)[:, CLASSES],
    "outlier-head": torch.softmax(head, 1)[:, 1],
    "dense-hybrid": F.log_softmax(head, 1)[:, 1] - torch.logsumexp(f, 1),
    "differential-entropy": Dirichlet(f.exp().movedim(1, -1)).entropy(),
    "blurred-energy": blur(energy(f)),
    "mutual-information": spread(sum(shares) / 3) - sum(spread(share) for share in shares) / 3,
}
gamma_arguments = [-60.0, -20.0, -6.0, -3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 1.37, 1.39, 2.0, 3.0, 6.0, 12.0, 30.0, 80.0]
a = torch.tensor(gamma_arguments).exp()

target = pathlib.Path(__file__).with_suffix(".json")
content = {
    "made_by": "test/reference/pixel-losses.py",
    "classes": CLASSES,
    "dims": [2, *SIZE],
    "prior": PRIOR.tolist(),
    "logits": logits.flatten().tolist(),
    "confidentLogits": confident.flatten().tolist(),
    "head": head.flatten().tolist(),
    "scenes": {name: y.flatten().tolist() for name, y in scenes.items()},
    "cases": cases,
    "samples": [sample.flatten().tolist() for sample in samples],
    "maxLogits": {"mean": mu.tolist(), "std": sigma.tolist()},
    "scores": {name: rounded(value) for name, value in scores.items()},
    "gamma": {
        "logArguments": gamma_arguments,
        "lgamma": torch.lgamma(a).tolist(),
        "digamma": torch.digamma(a).tolist(),
    },
}
target.write_text(json.dumps(content, separators=(",", ":")) + "\n")
print(f"{target.name}: {len(cases)} cases, {target.stat().st_size} bytes")
