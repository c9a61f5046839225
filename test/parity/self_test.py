"""Checks of the reference itself, against the published golden values and against NumPy: `train.py --self-test`."""
import json
import math
import os

import numpy as np
import torch
from torch import nn

import long_tail
import losses
import train

# Worked by hand from the authors' formulas: class counts 6, 3, 1 with gamma 0.75, alpha 10, margins -23 and -5.
KNOWN = [[12.0, 1.0, 0.0], [2.0, 25.0, 1.0]]
OUTLIERS = [[6.0, 0.0, 0.0], [0.0, 0.0, 7.0], [1.0, 2.0, 1.0]]
GOLDEN = {"m_in": -23.0, "m_out": -5.0, "alpha": 10.0, "gamma": 0.75, "prior": [0.6, 0.3, 0.1], "weight": 0.1}
GOLDEN_TOTAL, GOLDEN_WITHOUT_ALPHA = 8.40755119, 1.10032227
GOLDEN_GRADIENT = [[0.69031, -0.002874, -0.006648], [0.000005, 0.00005, 0.095578], [-0.065263, 0.039632, 0.080313]]


def check_golden_vector():
    known, outliers = torch.tensor(KNOWN, dtype=torch.float64), torch.tensor(OUTLIERS, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1])
    options = {**GOLDEN, "loss": "balanced-energy"}
    total = losses.total_loss(known, labels, outliers, options)
    assert abs(total.item() - GOLDEN_TOTAL) < 1e-8, total.item()
    (gradient,) = torch.autograd.grad(total, outliers)
    np.testing.assert_allclose(gradient.numpy(), GOLDEN_GRADIENT, atol=1e-6)
    flat = losses.balanced_energy(known, outliers, {**options, "alpha": 0.0})
    assert abs(flat.item() - 60.49974870 - GOLDEN_WITHOUT_ALPHA) < 1e-7, flat.item()
    plain, uniform = losses.energy_bounded(known, outliers, options), losses.balanced_energy(known, outliers, {**options, "alpha": 0.0, "gamma": 0.0})
    assert abs(plain.item() - uniform.item()) < 1e-12 and abs(plain.item() - 60.49974870 - 1.67240222) < 1e-7


def numpy_loss(name, known, labels, outliers, o):
    """The formulas once more, without torch."""
    lse = lambda f: np.log(np.exp(f - f.max(1, keepdims=True)).sum(1)) + f.max(1)
    ce = np.mean(lse(known) - known[np.arange(len(known)), labels])
    hinge_in = np.mean(np.maximum(0, -lse(known) - o["m_in"]) ** 2)
    if name == "ce":
        return ce
    if name == "oe":
        return ce + o["weight"] * np.mean(lse(outliers) - outliers.mean(1))
    if name == "energy":
        return ce + o["weight"] * (hinge_in + np.mean(np.maximum(0, o["m_out"] + lse(outliers)) ** 2))
    tempered = np.array([p ** o["gamma"] if p > 0 else 0.0 for p in o["prior"]])
    z = (np.exp(outliers - lse(outliers)[:, None]) * (tempered / tempered.sum())).sum(1)
    hinge_out = np.maximum(0, o["m_out"] + o["alpha"] * z + lse(outliers)) ** 2
    return ce + o["weight"] * (hinge_in + np.sum(z * hinge_out) / np.sum(z))


def check_losses_against_numpy():
    random = np.random.default_rng(3)
    for trial in range(20):
        known, outliers = random.normal(0, 4, (5, 4)), random.normal(0, 4, (7, 4))
        labels = random.integers(0, 4, 5)
        prior = random.dirichlet(np.ones(4))
        if trial % 2:
            prior = np.array([0.5, 0.0, 0.3, 0.2])
        for name, weight in losses.WEIGHTS.items():
            options = {"loss": name, "weight": weight, "m_in": -7.0, "m_out": -3.0, "alpha": 5.0, "gamma": 0.5, "prior": prior.tolist()}
            ours = losses.total_loss(torch.from_numpy(known), torch.from_numpy(labels), torch.from_numpy(outliers), options).item()
            assert abs(ours - numpy_loss(name, known, labels, outliers, options)) < 1e-10, (name, trial)


def check_long_tail_losses():
    """Whole batches at once give what test/reference/losses.py gets from the definitions, row by row."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference", "losses.json")) as file:
        cases = [case for case in json.load(file)["cases"] if case["loss"] in long_tail.REGULARIZERS]
    assert {case["loss"] for case in cases} == set(long_tail.REGULARIZERS)
    for case in cases:
        x = {key: torch.tensor(case[key]) for key in ("labels", "outlierLabels", "pastedLabels") if key in case}
        inputs = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in case["inputs"].items()}
        value = long_tail.REGULARIZERS[case["loss"]]({**x, **inputs, "classCounts": case["classCounts"]}, case["options"])
        # They are stored with nine digits.
        assert abs(value.item() - case["regularizer"]) < 1e-7 * max(1, case["regularizer"]), case["loss"]
        total = case["weight"] * value + torch.nn.functional.cross_entropy(inputs["logits"], x["labels"])
        for (key, wanted), found in zip(case["gradients"].items(), torch.autograd.grad(total, list(inputs.values()), allow_unused=True)):
            found = np.zeros_like(wanted) if found is None else found.numpy()
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7, err_msg=f"{case['loss']} {key}")


class Linear(nn.Module):
    """The smallest model `train` takes: logits = head(mean colour)."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 4)

    def forward(self, image):
        return self.head(image.mean((2, 3)))


def check_optimizer_against_numpy():
    """Five steps of `train` on a linear model, with cross entropy, whose gradient is written out here."""
    random = np.random.default_rng(5)
    images, labels = random.integers(0, 256, (7, 3, 32, 32)).astype(np.uint8), random.integers(0, 4, 7)
    outliers = random.integers(0, 256, (4, 3, 32, 32)).astype(np.uint8)
    model = Linear().double()
    weight, bias = model.head.weight.detach().numpy().copy(), model.head.bias.detach().numpy().copy()
    options = {"loss": "ce", "steps": 5, "batch": 3, "outlier_batch": 2, "lr": 0.3, "dtype": "float64"}
    train.train(model, images, labels, outliers, options)
    velocity_w, velocity_b = np.zeros_like(weight), np.zeros_like(bias)
    for step in range(1, 6):
        rows = [[0, 1, 2], [3, 4, 5], [6], [0, 1, 2], [3, 4, 5]][step - 1]
        x = images[rows].mean((2, 3)) / 255
        f = x @ weight.T + bias
        p = np.exp(f) / np.exp(f).sum(1, keepdims=True)
        p[np.arange(len(rows)), labels[rows]] -= 1
        gradient_w, gradient_b = p.T @ x / len(rows) + 5e-4 * weight, p.mean(0) + 5e-4 * bias
        velocity_w, velocity_b = 0.9 * velocity_w + gradient_w, 0.9 * velocity_b + gradient_b
        rate = 1e-6 + (0.3 - 1e-6) * (1 + math.cos(math.pi * step / 5)) / 2
        weight -= rate * (gradient_w + 0.9 * velocity_w)
        bias -= rate * (gradient_b + 0.9 * velocity_b)
    np.testing.assert_allclose(model.head.weight.detach().numpy(), weight, rtol=1e-12)
    np.testing.assert_allclose(model.head.bias.detach().numpy(), bias, rtol=1e-12)


def check_batches():
    options = {"batch": 3, "outlier_batch": 2}
    seen = [[part.tolist() for part in train.batches(7, 3, options, step)] for step in range(4)]
    assert seen == [[[0, 1, 2], [0, 1]], [[3, 4, 5], [2, 0]], [[6], [1, 2]], [[0, 1, 2], [0, 1]]], seen


def check_what_is_trained():
    """Frozen statistics stay, batch statistics follow PyTorch's rule, and `head` leaves everything else alone."""
    from architectures import ARCHITECTURES
    from images import structured_noise

    labels, images = structured_noise(12, 1)
    for bn, scope in (("batch", "all"), ("frozen", "all"), ("batch", "head"), ("frozen", "head")):
        torch.manual_seed(0)
        model = ARCHITECTURES["resnet-tiny"]()
        before = {key: value.clone() for key, value in model.state_dict().items()}
        train.train(model, images, labels, images, {"loss": "oe", "steps": 1, "batch": 4, "outlier_batch": 8, "bn": bn, "train": scope, "dtype": "float64"})
        after = model.state_dict()
        changed = {key for key in after if not torch.equal(after[key], before[key].to(after[key].dtype))}
        parameters = {key for key, _ in model.named_parameters()}
        statistics = {key for key in after if "running" in key or "num_batches" in key}
        expected = {"head.weight", "head.bias"} if scope == "head" else parameters | (statistics if bn == "batch" else set())
        assert changed == expected, (bn, scope, changed ^ expected)
        if statistics <= changed:
            x = torch.nn.functional.conv2d(torch.from_numpy(np.concatenate([images[:4], images[:8]])).double() / 255, before["conv1.weight"].double(), padding=1)
            np.testing.assert_allclose(after["bn1.running_mean"], 0.1 * x.mean((0, 2, 3)), rtol=1e-10)
            np.testing.assert_allclose(after["bn1.running_var"], 0.9 + 0.1 * x.var((0, 2, 3), unbiased=True), rtol=1e-10)


def run_all():
    for check in (check_golden_vector, check_losses_against_numpy, check_long_tail_losses, check_batches, check_optimizer_against_numpy, check_what_is_trained):
        check()
        print(f"ok {check.__name__}")
