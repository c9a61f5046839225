#!/usr/bin/env python3
"""Reference values and gradients of the losses, by PyTorch in float64: writes losses.json beside it.

Run with Debian's python3-torch:  /usr/bin/python3 test/reference/losses.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(7)


def energy(f):
    return -torch.logsumexp(f, dim=1)


def balanced(f_in, f_out, prior, m_in, m_out, alpha, gamma, gamma_weight, normalization, detach):
    def z(g):
        p = prior**g
        p = p / p.sum()
        value = (torch.softmax(f_out, dim=1) * p).sum(dim=1)
        return value.detach() if detach else value

    inner = F.relu(energy(f_in) - m_in).square().mean()
    hinge = F.relu(m_out + alpha * z(gamma) - energy(f_out)).square()
    w = z(gamma_weight)
    outer = (w * hinge).sum() / w.sum() if normalization == "sum" else (w * hinge).mean()
    return inner + outer


def regularizer(name, f_in, f_out, prior, o):
    if name == "ce":
        return torch.zeros((), dtype=torch.float64)
    if name == "oe":
        return (torch.logsumexp(f_out, 1) - f_out.mean(1)).mean()
    if name == "energy":
        return F.relu(energy(f_in) - o["mIn"]).square().mean() + F.relu(o["mOut"] - energy(f_out)).square().mean()
    return balanced(
        f_in, f_out, prior, o["mIn"], o["mOut"], o["alpha"], o["gamma"], o["gammaWeight"], o["normalization"], o["detachZ"]
    )


def case(name, f_in, labels, f_out, prior, weight, options):
    f_in = f_in.clone().requires_grad_()
    f_out = f_out.clone().requires_grad_()
    fit = F.cross_entropy(f_in, labels)
    reg = regularizer(name, f_in, f_out, prior, options)
    total = fit + weight * reg
    d_in, d_out = torch.autograd.grad(total, [f_in, f_out], allow_unused=True)
    zeros = torch.zeros_like(f_out)
    return {
        "loss": name,
        "weight": weight,
        "options": options,
        "logits": f_in.tolist(),
        "labels": labels.tolist(),
        "outlierLogits": f_out.tolist(),
        "prior": prior.tolist(),
        "crossEntropy": fit.item(),
        "regularizer": reg.item(),
        "total": total.item(),
        "logitsGradient": d_in.tolist(),
        "outlierGradient": (zeros if d_out is None else d_out).tolist(),
    }


def rand(n, k, scale, shift=0.0):
    # Rounded to float32, because that is what the graph is fed.
    return (torch.randn(n, k) * scale + shift).float().double()


balanced_defaults = dict(mIn=-23, mOut=-5, alpha=10, gamma=0.75, gammaWeight=0.75, normalization="sum", detachZ=False)
golden = (
    torch.tensor([[12.0, 1, 0], [2, 25, 1]], dtype=torch.float64),
    torch.tensor([0, 1]),
    torch.tensor([[6.0, 0, 0], [0, 0, 7], [1, 2, 1]], dtype=torch.float64),
    torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64),
)
cases = []
for changes in [{}, {"alpha": 0}, {"detachZ": True}, {"alpha": 0, "gamma": 0, "gammaWeight": 0}]:
    cases.append(case("balanced-energy", *golden, 0.1, {**balanced_defaults, **changes}))
cases.append(case("energy", *golden, 0.1, {"mIn": -23, "mOut": -5}))
for seed in range(3):
    f_in, f_out = rand(6, 5, 4, 2), rand(7, 5, 3)
    labels = torch.randint(0, 5, (6,))
    counts = torch.tensor([40.0, 25, 20, 15, 0] if seed == 1 else [40.0, 25, 20, 10, 5], dtype=torch.float64)
    args = (f_in, labels, f_out, counts / counts.sum())
    cases.append(case("ce", *args, 0.0, {}))
    cases.append(case("oe", *args, 0.5, {}))
    cases.append(case("energy", *args, 0.1, {"mIn": -9, "mOut": -2}))
    for changes in [
        {"mIn": -9, "mOut": -2},
        {"mIn": -9, "mOut": -2, "gamma": 0.05, "gammaWeight": 0.5},
        {"mIn": -9, "mOut": -2, "normalization": "mean"},
        {"mIn": -9, "mOut": -2, "detachZ": True},
        {"mIn": -9, "mOut": -2, "gamma": 0, "gammaWeight": 0},
    ]:
        cases.append(case("balanced-energy", *args, 0.1, {**balanced_defaults, **changes}))

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
print(f"{path}: {len(cases)} cases")
