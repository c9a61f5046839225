"""The segmentation losses in PyTorch, as in their formulas: pixels are picked by boolean indices and images by loops, nothing multiplies by a mask.

Of the logits `f` [N, C, H, W] the first `CLASSES` channels belong to classes. `y` is [N, H, W] with `OUTLIER` and `VOID`.
"""
import torch
import torch.nn.functional as F
from torch.distributions import Dirichlet, kl_divergence

CLASSES = 5
OUTLIER, VOID = 254, 255
PRIOR = torch.tensor([0.5, 0.25, 0.0, 0.2, 0.05], dtype=torch.float64)


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
    return F.conv2d(F.pad(x[:, None], (3, 3, 3, 3), mode="reflect"), kernel[None, None].to(x))[:, 0]


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
