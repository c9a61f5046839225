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


def oecc(x, o):
    confidence = torch.softmax(x["logits"], 1).max(1).values
    p = torch.softmax(x["outlierLogits"], 1)
    control = ((confidence - o["trainingAccuracy"]) ** 2).sum()
    return o["inWeight"] * control + o["outWeight"] * (p - 1 / p.shape[1]).abs().sum()


def ranked(counts):
    return sorted(range(len(counts)), key=lambda c: (-counts[c], c))


def tail_classes(counts, share):
    return ranked(counts)[round((1 - share) * len(counts)) :]


def open_sampling(x, o):
    rates = torch.tensor(x["classCounts"], dtype=torch.float64)
    rates = rates / rates.sum()
    gamma = rates.max() + rates.min() - rates
    return F.cross_entropy(x["outlierLogits"], x["outlierLabels"], weight=len(rates) * gamma / gamma.sum())


def tail_contrast(x, o):
    """One anchor after the other, from the definition."""
    tail = tail_classes(x["classCounts"], o["tailShare"])
    z, labels = x["projections"], x["labels"].tolist()
    anchors = [i for i, y in enumerate(labels) if y in tail]
    costs = []
    for i in anchors:
        others = [k for k in anchors if k != i]
        candidates = torch.cat([z[others], x["outlierProjections"]])
        shares = F.log_softmax(candidates @ z[i] / o["temperature"], 0)
        positives = [shares[k] for k, j in enumerate(others) if labels[j] == labels[i]]
        costs.append(-torch.stack(positives).mean() if positives else 0 * z.sum())
    return torch.stack(costs).mean() if costs else 0 * z.sum()


def outlier_exposure(f_out):
    return (torch.logsumexp(f_out, 1) - f_out.mean(1)).mean()


def eat(x, o):
    f_out, classes = x["outlierLogits"], len(x["classCounts"])
    virtual = f_out[:, classes:].argmax(1) + classes
    pasted = F.cross_entropy(x["pastedLogits"], x["pastedLabels"])
    return o["outlierWeight"] * F.cross_entropy(f_out, virtual) + o["pasteWeight"] * pasted


def half_directions(z):
    return torch.cat([F.normalize(half, dim=1) for half in z.chunk(2, dim=1)], 1)


def cocl(x, o):
    classes, labels = len(x["classCounts"]), x["labels"].tolist()
    f_out, z, z_out = x["outlierLogits"], x["features"], x["outlierFeatures"]
    outlier = F.cross_entropy(f_out, torch.full((len(f_out),), classes))

    tail = tail_classes(x["classCounts"], o["tailShare"])
    rare = [i for i, y in enumerate(labels) if y in tail]
    if rare:
        similarity = half_directions(z[rare]) @ half_directions(torch.cat([x["prototypes"], z_out])).T
        prototype = F.cross_entropy(similarity / o["temperature"], torch.tensor([tail.index(labels[i]) for i in rare]))
    else:
        prototype = 0 * z.sum()

    head = ranked(x["classCounts"])[: round(o["headShare"] * classes)]
    frequent = [i for i, y in enumerate(labels) if y in head]
    distance = 0 * z.sum()
    if frequent:
        farthest = torch.cdist(z_out, z_out).argmax(1)
        draws = [
            F.triplet_margin_loss(z_out, z_out[farthest], z[i].expand_as(z_out), margin=o["margin"], eps=0)
            for i in frequent
        ]
        distance = torch.stack(draws).mean()
    return o["outlierWeight"] * outlier + o["tailWeight"] * prototype + o["headWeight"] * distance


def regularizer(name, x, o):
    f_in, f_out = x["logits"], x["outlierLogits"]
    if name == "ce":
        return torch.zeros((), dtype=torch.float64)
    if name == "oe":
        return outlier_exposure(f_out)
    if name == "energy":
        return F.relu(energy(f_in) - o["mIn"]).square().mean() + F.relu(o["mOut"] - energy(f_out)).square().mean()
    if name == "pascl":
        return o["outlierWeight"] * outlier_exposure(f_out) + o["contrastiveWeight"] * tail_contrast(x, o)
    if name in by_name:
        return by_name[name](x, o)
    return balanced(
        f_in, f_out, x["prior"], o["mIn"], o["mOut"], o["alpha"], o["gamma"], o["gammaWeight"], o["normalization"], o["detachZ"]
    )


by_name = {"oecc": oecc, "open-sampling": open_sampling, "eat": eat, "cocl": cocl}


def extended_case(name, weight, options, inputs, **given):
    """A case with the gradients of all `inputs`; `given` are the constants: labels, prior, classCounts and others."""
    inputs = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    fit = F.cross_entropy(inputs["logits"], given["labels"])
    reg = regularizer(name, {**inputs, **given}, options)
    total = fit + weight * reg
    slopes = torch.autograd.grad(total, list(inputs.values()), allow_unused=True)
    return {
        "loss": name,
        "weight": weight,
        "options": options,
        **{key: value.tolist() if torch.is_tensor(value) else value for key, value in given.items()},
        "inputs": {key: value.tolist() for key, value in inputs.items()},
        "crossEntropy": fit.item(),
        "regularizer": reg.item(),
        "total": total.item(),
        "gradients": {
            key: (torch.zeros_like(value) if slope is None else slope).tolist()
            for (key, value), slope in zip(inputs.items(), slopes)
        },
    }


def case(name, f_in, labels, f_out, prior, weight, options):
    inputs = {"logits": f_in, "outlierLogits": f_out}
    return extended_case(name, weight, options, inputs, labels=labels, prior=prior, classCounts=[1] * len(prior))


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

# The long-tailed losses: classes are not in the order of their size; batches without rare or frequent classes; rows alone in their class.
counts = [30, 2, 500, 9, 120]
uniform = torch.full((5,), 0.2, dtype=torch.float64)
labels_of = {
    "mixed": torch.tensor([1, 3, 2, 2, 0, 4, 1, 3, 2, 2, 0, 4, 3]),
    "no rare": torch.tensor([2, 4, 0, 2, 4, 0]),
    "all rare": torch.tensor([1, 1, 3, 1, 3]),
    "single": torch.tensor([2, 3, 2, 4]),
}


def unit(n, d):
    return F.normalize(rand(n, d, 1), dim=1).float().double()


for changes in [{}, {"trainingAccuracy": 0.7573}, {"inWeight": 0}, {"outWeight": 0}]:
    options = {"inWeight": 0.07, "outWeight": 0.05, "trainingAccuracy": 0.9486, **changes}
    inputs = {"logits": rand(13, 5, 3), "outlierLogits": rand(8, 5, 2)}
    cases.append(extended_case("oecc", 1, options, inputs, labels=labels_of["mixed"], prior=uniform, classCounts=counts))
for sizes in [counts, [7] * 5]:
    inputs = {"logits": rand(13, 5, 3), "outlierLogits": rand(8, 5, 2)}
    drawn = torch.tensor([1, 1, 3, 0, 1, 3, 4, 2])
    given = dict(labels=labels_of["mixed"], prior=uniform, classCounts=sizes, outlierLabels=drawn)
    cases.append(extended_case("open-sampling", 1, {}, inputs, **given))
for key, labels in labels_of.items():
    n = len(labels)
    given = dict(labels=labels, prior=uniform, classCounts=counts)
    logits = {"logits": rand(n, 5, 3), "outlierLogits": rand(8, 5, 2)}
    for changes in [{}, {"contrastiveWeight": 2, "temperature": 0.2, "tailShare": 0.6}]:
        options = {"outlierWeight": 0.5, "contrastiveWeight": 0.1, "temperature": 0.07, "tailShare": 0.4, **changes}
        inputs = {**logits, "projections": unit(n, 6), "outlierProjections": unit(8, 6)}
        cases.append(extended_case("pascl", 1, options, inputs, **given))
    # Of one row alone, the prototype's share rounds to 1 in float32 at the default temperature: nothing to compare.
    for changes in [{}] * (key != "single") + [{"outlierWeight": 1, "tailWeight": 1, "headWeight": 1, "temperature": 0.5, "margin": 3, "headShare": 0.6}]:
        options = dict(outlierWeight=0.05, tailWeight=0.05, headWeight=0.1, temperature=0.07, margin=1, tailShare=0.4, headShare=0.4)
        inputs = {
            "logits": rand(n, 6, 3),
            "outlierLogits": rand(8, 6, 2),
            "features": rand(n, 6, 1),
            "outlierFeatures": rand(8, 6, 1),
            "prototypes": rand(2, 6, 0.4),
        }
        cases.append(extended_case("cocl", 1, {**options, **changes}, inputs, **given))
for abstention, changes in [(1, {}), (3, {}), (3, {"outlierWeight": 1, "pasteWeight": 0.5})]:
    options = {"abstentionClasses": abstention, "outlierWeight": 0.05, "pasteWeight": 0.05, "tailShare": 0.4, **changes}
    width = 5 + abstention
    inputs = {"logits": rand(13, width, 3), "outlierLogits": rand(8, width, 2), "pastedLogits": rand(7, width, 2)}
    pasted = torch.tensor([1, 3, 3, 1, 1, 3, 3])
    given = dict(labels=labels_of["mixed"], prior=uniform, classCounts=counts, pastedLabels=pasted)
    cases.append(extended_case("eat", 1, options, inputs, **given))

def shortened(value):
    """Nine digits are enough for float32, in which inputs are read."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [shortened(each) for each in value]
    return {key: shortened(each) for key, each in value.items()} if isinstance(value, dict) else value


path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": shortened(cases)}) + "\n")
print(f"{path}: {len(cases)} cases")
