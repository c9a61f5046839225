#!/usr/bin/env python3
"""Reference values and gradients of the segmentation losses, and scores of pixels, by PyTorch in float64: writes pixel-losses.json beside it.

Pixels are picked by boolean indices and images by loops, as in the formulas; nothing here multiplies by a mask.

Run with Debian's python3-torch:  /usr/bin/python3 test/reference/pixel-losses.py
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch.distributions import Dirichlet, kl_divergence

torch.manual_seed(23)
torch.set_default_dtype(torch.float64)

CLASSES, SIZE = 5, (5, 6)
OUTLIER, VOID = 254, 255
PRIOR = torch.tensor([0.5, 0.25, 0.0, 0.2, 0.05])


def energy(f):
    return -torch.logsumexp(f, 1)


def mean(values):
    """Of nothing: 0."""
    return values.mean() if values.numel() else values.sum()


def pixels(values, chosen):
    """[N, C, H, W] or [N, H, W] to the rows or numbers of the chosen pixels."""
    return values.movedim(1, -1)[chosen] if values.dim() == 4 else values[chosen]


def cross_entropy(f, y):
    inlier = y < OUTLIER
    return F.cross_entropy(pixels(f, inlier), y[inlier], reduction="sum") / max(1, int(inlier.sum()))


def z(f, gamma):
    p = PRIOR**gamma
    return (torch.softmax(f, 1) * (p / p.sum())[None, :, None, None]).sum(1)


def energy_terms(f, y, o, alpha=0, gamma=None):
    """The loss, and the energies of the outlier pixels less their shift."""
    e, out = energy(f), y == OUTLIER
    inner = mean(F.relu(e[y < OUTLIER] - o["mIn"]) ** 2)
    if not out.any():
        return inner, e[out]
    shifted = e[out] - (0 if gamma is None else alpha * z(f, gamma)[out])
    weight = torch.ones_like(shifted) if gamma is None else z(f, gamma)[out]
    outer = (weight * F.relu(o["mOut"] - shifted) ** 2).sum() / weight.sum()
    return 0.5 * (inner + outer), shifted


def blur(x):
    """7x7, sigma 1, reflected border, of [N, H, W]; all 49 taps."""
    bell = torch.exp(-torch.arange(-3.0, 4.0) ** 2 / 2)
    bell = bell / bell.sum()
    kernel = bell[:, None] * bell
    return F.conv2d(F.pad(x[:, None], (3, 3, 3, 3), mode="reflect"), kernel[None, None])[:, 0]


def gambler(f, y, payoff):
    p = torch.softmax(f, 1)
    inlier = y < OUTLIER
    kept = (p[:, CLASSES] / payoff)[inlier]
    return mean(-torch.log(pixels(p, inlier).gather(1, y[inlier][:, None])[:, 0] + kept))


def pebal(f, y, o, alpha=0, gamma=None):
    known = f[:, :CLASSES]
    terms, e_out = energy_terms(known, y, o, alpha, gamma)
    e = energy(known)
    rough = ((e[:, 1:] - e[:, :-1]) ** 2).sum() + ((e[:, :, 1:] - e[:, :, :-1]) ** 2).sum()
    regular = terms + o["sparsity"] * (torch.norm(e_out) if e_out.numel() else 0) + o["smoothness"] * rough / 2

    total = 0
    holds = (y == OUTLIER).flatten(1).any(1)
    for part in (holds, ~holds):
        if part.any():
            fp, yp = f[part], y[part]
            payoff = blur(energy(fp[:, :CLASSES]) ** 2)
            total = total + gambler(fp, yp, payoff)
            p = torch.softmax(fp, 1)
            boosted = pixels(p[:, :CLASSES] + (p[:, CLASSES] / payoff)[:, None], yp == OUTLIER)
            total = total - o["outlierWeight"] * mean(torch.log(torch.clamp(boosted, min=1e-7)))
    return total + o["weight"] * regular


def outlier_exposure(f, y, o):
    rows = pixels(f, y == OUTLIER)
    uniform = torch.full_like(rows, 1 / CLASSES)
    return cross_entropy(f, y) + o["weight"] * mean(-(uniform * F.log_softmax(rows, 1)).sum(1))


def meta_ood(f, y, o):
    target = torch.zeros_like(f).movedim(1, -1)
    target[y < OUTLIER] = (1 - o["outlierShare"]) * F.one_hot(y[y < OUTLIER], CLASSES).double()
    target[y == OUTLIER] = o["outlierShare"] / CLASSES
    return (target.movedim(-1, 1) * -F.log_softmax(f, 1)).mean()


def void_classifier(f, y, o):
    target = y.clone()
    target[y == OUTLIER] = CLASSES
    target[y == VOID] = CLASSES if o["useVoid"] else VOID
    counted = target < VOID
    return F.cross_entropy(f, target, ignore_index=VOID, reduction="sum") / max(1, int(counted.sum()))


def head_cost(g, y):
    rows, is_outlier = pixels(g, y != VOID), (y == OUTLIER)[y != VOID]
    return F.cross_entropy(rows, is_outlier.long(), reduction="sum") / max(1, len(rows))


def dense_hybrid(f, y, o, g):
    density = mean(torch.logsumexp(f, 1)[y == OUTLIER])
    return cross_entropy(f, y) + o["weight"] * density + o["headWeight"] * head_cost(g, y)


def dirichlet(f, y, o):
    inlier, outlier = y < OUTLIER, y == OUTLIER
    total = 0 * f.sum()
    if inlier.any():
        smooth = torch.full((int(inlier.sum()), CLASSES), o["smoothing"])
        smooth.scatter_(1, y[inlier][:, None], 1 - (CLASSES - 1) * o["smoothing"])
        total = total + kl_divergence(Dirichlet(o["precision"] * smooth), Dirichlet(pixels(f, inlier).exp())).mean()
    if outlier.any():
        rows = pixels(f, outlier).exp()
        total = total + o["weight"] * kl_divergence(Dirichlet(torch.ones_like(rows)), Dirichlet(rows)).mean()
    return total


def loss_of(name, f, g, y, o):
    if name == "ce":
        return cross_entropy(f, y)
    if name == "energy":
        return cross_entropy(f, y) + o["weight"] * energy_terms(f, y, o)[0]
    if name == "balanced-energy":
        return cross_entropy(f, y) + o["weight"] * energy_terms(f, y, o, o["alpha"], o["gamma"])[0]
    if name == "pebal":
        return pebal(f, y, o)
    if name == "balanced-pebal":
        return pebal(f, y, o, o["alpha"], o["gamma"])
    if name == "deep-gambler":
        return gambler(f, y, o["payoff"])
    if name == "dodh":
        return cross_entropy(f, y) + o["weight"] * head_cost(g, y)
    if name == "dense-hybrid":
        return dense_hybrid(f, y, o, g)
    return {"oe": outlier_exposure, "meta-ood": meta_ood, "void-classifier": void_classifier, "dirichlet": dirichlet}[
        name
    ](f, y, o)


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
