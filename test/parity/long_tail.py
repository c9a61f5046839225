"""The losses made for long tails in plain torch, over whole batches; the names of inputs and options are those of src/losses.

`x`: logits [N, K + A] of known images and outlierLogits [M, K + A], labels, classCounts, and what else a loss looks at. `o`: its options.
"""
import torch
import torch.nn.functional as F

from losses import outlier_exposure

DEFAULTS = {
    "oecc": {"inWeight": 0.07, "outWeight": 0.05, "trainingAccuracy": 0.9486},
    "open-sampling": {},
    "pascl": {"outlierWeight": 0.5, "contrastiveWeight": 0.1, "temperature": 0.07, "tailShare": 0.4},
    "eat": {"abstentionClasses": 3, "outlierWeight": 0.05, "pasteWeight": 0.05, "tailShare": 0.4},
    "cocl": {
        "outlierWeight": 0.05, "tailWeight": 0.05, "headWeight": 0.1, "temperature": 0.07, "margin": 1.0, "tailShare": 0.4, "headShare": 0.4,
    },
}  # fmt: skip
ABSTENTION = {"eat": 3, "cocl": 1}
VIEWS = {"pascl": 2, "eat": 2}


def ranked(counts):
    """Classes from the largest to the smallest."""
    return sorted(range(len(counts)), key=lambda label: (-counts[label], label))


def tail_classes(counts, share):
    return ranked(counts)[round((1 - share) * len(counts)) :]


def head_classes(counts, share):
    return ranked(counts)[: round(share * len(counts))]


def among(labels, classes):
    return torch.isin(labels, torch.tensor(classes))


def oecc(x, o):
    """Papadopoulos et al., Neurocomputing 2021; sums over the batch, as in their code."""
    confidence = x["logits"].softmax(1).amax(1)
    shares = x["outlierLogits"].softmax(1)
    return o["inWeight"] * (confidence - o["trainingAccuracy"]).square().sum() + o["outWeight"] * (shares - 1 / shares.shape[1]).abs().sum()


def open_sampling(x, o):
    """Wei et al., ICML 2022: classes drawn for the outliers, weighted by how rare the class is."""
    share = torch.tensor(x["classCounts"], dtype=x["outlierLogits"].dtype) / sum(x["classCounts"])
    return F.cross_entropy(x["outlierLogits"], x["outlierLabels"], weight=share.max() + share.min() - share)


def tail_contrast(x, o):
    """Wang et al., ICML 2022: rows of rare classes attract those of their class, and are compared with all of them and the outliers."""
    rare = among(x["labels"], tail_classes(x["classCounts"], o["tailShare"]))
    z, labels = x["projections"][rare], x["labels"][rare]
    if len(z) == 0:
        return 0 * x["projections"].sum()
    itself = torch.eye(len(z), dtype=torch.bool)
    inside = (z @ z.T / o["temperature"]).masked_fill(itself, -torch.inf)
    shares = torch.cat([inside, z @ x["outlierProjections"].T / o["temperature"]], 1).log_softmax(1)[:, : len(z)]
    positive = (labels[:, None] == labels) & ~itself
    costs = -torch.where(positive, shares, torch.zeros_like(shares)).sum(1) / positive.sum(1).clamp(min=1)
    return costs.mean()


def pascl(x, o):
    return o["outlierWeight"] * outlier_exposure(x["logits"], x["outlierLogits"], o) + o["contrastiveWeight"] * tail_contrast(x, o)


def virtual_label_cost(outliers, classes):
    """Cross entropy against the abstention class that is largest now."""
    return F.cross_entropy(outliers, outliers[:, classes:].argmax(1) + classes)


def eat(x, o):
    """Wei, Wang and Zhang, AAAI 2024."""
    pasted = F.cross_entropy(x["pastedLogits"], x["pastedLabels"])
    return o["outlierWeight"] * virtual_label_cost(x["outlierLogits"], len(x["classCounts"])) + o["pasteWeight"] * pasted


def half_directions(z):
    return torch.cat([F.normalize(half, dim=1) for half in z.chunk(2, 1)], 1)


def prototype_cost(x, o):
    tail = tail_classes(x["classCounts"], o["tailShare"])
    rare = among(x["labels"], tail)
    if not rare.any():
        # A gradient of 0, not none: the optimizer goes on with its averages and the weight decay.
        return 0 * x["prototypes"].sum()
    similarity = half_directions(x["features"][rare]) @ half_directions(torch.cat([x["prototypes"], x["outlierFeatures"]])).T
    return F.cross_entropy(similarity / o["temperature"], torch.tensor([tail.index(label) for label in x["labels"][rare].tolist()]))


def distances(a, b):
    return (a[:, None] - b).square().sum(2).clamp(min=1e-24).sqrt()


def head_distance_cost(x, o):
    frequent = among(x["labels"], head_classes(x["classCounts"], o["headShare"]))
    if not frequent.any():
        return 0 * x["features"].sum()
    outliers = x["outlierFeatures"]
    farthest = outliers[distances(outliers, outliers).argmax(1)]
    apart = (outliers - farthest).norm(dim=1, keepdim=True)
    return F.relu(apart - distances(outliers, x["features"][frequent]) + o["margin"]).mean()


def cocl(x, o):
    """Miao et al., AAAI 2024; the mean over all images of frequent classes where they draw one for each outlier."""
    outlier = virtual_label_cost(x["outlierLogits"], len(x["classCounts"]))
    return o["outlierWeight"] * outlier + o["tailWeight"] * prototype_cost(x, o) + o["headWeight"] * head_distance_cost(x, o)


REGULARIZERS = {"oecc": oecc, "open-sampling": open_sampling, "pascl": pascl, "eat": eat, "cocl": cocl}
