"""The training losses of Offmap in plain torch, written from the papers' formulas; logits [N, K] of known images, [M, K] of outliers."""
import torch
import torch.nn.functional as F

# Weight of each regularizer beside the cross entropy, as its authors have it.
WEIGHTS = {"ce": 0.0, "oe": 0.5, "energy": 0.1, "balanced-energy": 0.1}


def energy(logits):
    return -torch.logsumexp(logits, 1)


def outlier_exposure(logits, outliers, options):
    """Cross entropy between the uniform distribution and the prediction: mean logsumexp(f) - mean_c f_c."""
    return (torch.logsumexp(outliers, 1) - outliers.mean(1)).mean()


def energy_bounded(logits, outliers, options):
    inside = F.relu(energy(logits) - options["m_in"]).square().mean()
    return inside + F.relu(options["m_out"] - energy(outliers)).square().mean()


def balanced_energy(logits, outliers, options):
    """Normalised by the sum of Z over the batch; the gradient flows through Z everywhere, as in the authors' code."""
    prior = torch.as_tensor(options["prior"], dtype=outliers.dtype)
    tempered = torch.where(prior > 0, prior ** options["gamma"], torch.zeros_like(prior) if options["gamma"] > 0 else torch.ones_like(prior))
    z = outliers.softmax(1) @ (tempered / tempered.sum())
    margin = options["m_out"] + options["alpha"] * z
    inside = F.relu(energy(logits) - options["m_in"]).square().mean()
    return inside + (z * F.relu(margin - energy(outliers)).square()).sum() / z.sum()


REGULARIZERS = {"oe": outlier_exposure, "energy": energy_bounded, "balanced-energy": balanced_energy}


def total_loss(logits, labels, outliers, options):
    loss = F.cross_entropy(logits, labels)
    if options["loss"] != "ce":
        loss = loss + options["weight"] * REGULARIZERS[options["loss"]](logits, outliers, options)
    return loss
