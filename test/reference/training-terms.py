"""Optimizers and the fit term of the losses by PyTorch in float64: writes training-terms.json.

    /usr/bin/python3 test/reference/training-terms.py
"""
import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(1)
FLOAT = torch.float64


def rounded(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def trajectory(make, gradients, start, rates):
    parameter = torch.nn.Parameter(start.clone())
    optimizer = make([parameter])
    values = []
    for gradient, rate in zip(gradients, rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        parameter.grad = gradient.clone()
        optimizer.step()
        values.append(rounded(parameter))
    return values


def optimizers():
    start = torch.randn(5, dtype=FLOAT)
    gradients = [torch.randn(5, dtype=FLOAT) * scale for scale in (1, 0.1, 3, 1e-3, 0.5, 1)]
    rates = [0.1, 0.05, 0.2, 0.1, 0.01, 0.1]
    cases = []
    for decay in (0, 0.05):
        makers = {
            "sgd": lambda p: torch.optim.SGD(p, lr=1, momentum=0.9, nesterov=True, weight_decay=decay),
            "sgd-plain": lambda p: torch.optim.SGD(p, lr=1, momentum=0.9, weight_decay=decay),
            "adam": lambda p: torch.optim.Adam(p, lr=1, weight_decay=decay),
            "adamw": lambda p: torch.optim.AdamW(p, lr=1, weight_decay=decay),
            "amsgrad": lambda p: torch.optim.Adam(p, lr=1, weight_decay=decay, amsgrad=True),
        }
        for name, make in makers.items():
            cases.append({"optimizer": name, "weightDecay": decay, "values": trajectory(make, gradients, start, rates)})
    return {"start": rounded(start), "gradients": [rounded(g) for g in gradients], "rates": rates, "cases": cases}


def fit_terms():
    logits = (torch.randn(4, 3, dtype=FLOAT) * 3).requires_grad_()
    labels, partners = torch.tensor([0, 2, 1, 2]), torch.tensor([1, 2, 0, 0])
    own_share = torch.tensor([0.7, 1.0, 0.25, 0.5], dtype=FLOAT)
    counts = torch.tensor([70.0, 20.0, 10.0], dtype=FLOAT)
    cases = []
    for smoothing in (0, 0.1):
        for tau in (0, 1, 0.5):
            for mixed in (False, True):
                adjusted = logits + tau * torch.log(counts / counts.sum())
                def fit(target):
                    return F.cross_entropy(adjusted, target, label_smoothing=smoothing, reduction="none")
                per_image = own_share * fit(labels) + (1 - own_share) * fit(partners) if mixed else fit(labels)
                value = per_image.mean()
                (gradient,) = torch.autograd.grad(value, logits)
                cases.append({"labelSmoothing": smoothing, "logitAdjustment": tau, "mixed": mixed, "value": float(f"{value.item():.12g}"), "gradient": rounded(gradient)})
    return {"logits": [rounded(row) for row in logits], "labels": labels.tolist(), "partners": partners.tolist(), "ownShare": own_share.tolist(), "counts": counts.tolist(), "cases": cases}


if __name__ == "__main__":
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training-terms.json")
    with open(target, "w") as file:
        json.dump({"torch": torch.__version__, "optimizers": optimizers(), "fitTerms": fit_terms()}, file, indent=1)
        file.write("\n")
