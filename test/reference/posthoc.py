"""Writes posthoc/posthoc.json and posthoc/data.f32: post-hoc OOD scores of ResNet-20 features of real images, in float64.

    OMP_NUM_THREADS=1 /usr/bin/python3 test/reference/posthoc.py

Written from the papers' formulas with NumPy, SciPy, scikit-learn and PyTorch 1.13; tests only read what it wrote. Features come from
the demo's model and images, through PyTorch in float64, rounded to float32; every score is computed in float64 from the rounded
features, W and b. Higher means further from the training data, always. Where a formula has a cheap second form, both are computed
and compared here.
"""
import json
import pathlib

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar
from scipy.spatial.distance import cdist
from scipy.special import log_softmax, logsumexp, rel_entr, softmax
from scipy.stats import weibull_min
from sklearn.covariance import EmpiricalCovariance
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from demo_network import features, sheet, weights

torch.set_num_threads(1)
here = pathlib.Path(__file__).parent
target = here / "posthoc"
target.mkdir(exist_ok=True)

# ---- images and features

FIT_A_CLASS, TEST_A_CLASS, OOD_A_SET = 50, 4, 8
# As in src/cli/demo.ts: classes that CIFAR-10 or its kin have are left out.
OOD = {
    "tiny-imagenet": "",
    "textures": "",
    "chars74k": "",
    "scenes": "coast mountain",
    "cifar100": "bee beetle bottle bridge butterfly cattle chair chimpanzee clock cockroach crocodile lamp lawn_mower lion lobster "
    "mountain orange pickup_truck plate rocket sea snail snake spider streetcar sweet_pepper table telephone train",
}


def first_of_each(labels, count, order):
    """The first `count` indices of each class in an order of all indices, ascending within a class."""
    return np.concatenate([np.sort(order[labels[order] == c][:count]) for c in range(labels.max() + 1)])


train_images, train_labels, class_names = sheet("cifar10-train")
test_images, test_labels, _ = sheet("cifar10-test")
W32, b32 = (weights[f"linear.{part}"].numpy().astype("<f4") for part in ("weight", "bias"))
W, b = W32.astype("float64"), b32.astype("float64")
train32 = np.concatenate([features(part) for part in np.array_split(train_images, 20)]).astype("<f4")
# Misclassified ones first: the model knows its training images so well that nearly every label would be its prediction.
wrong_first = np.argsort((train32 @ W32.T + b32).argmax(1) == train_labels, kind="stable")
fit_rows = first_of_each(train_labels, FIT_A_CLASS, wrong_first)
test_rows = first_of_each(test_labels, TEST_A_CLASS, np.arange(len(test_labels)))
sources = [("cifar10-test", int(row)) for row in test_rows]
query_images = [test_images[test_rows]]
for name, left in OOD.items():
    images, labels, classes = sheet(name)
    wanted = np.flatnonzero([classes[label] not in left.split() for label in labels])[:OOD_A_SET]
    sources += [(name, int(row)) for row in wanted]
    query_images.append(images[wanted])

fit32 = train32[fit_rows]
query32 = features(np.concatenate(query_images)).astype("<f4")
Z, Q = fit32.astype("float64"), query32.astype("float64")
y = train_labels[fit_rows]
N, D = Z.shape
K = len(W)


def logits_of(z):
    return z @ W.T + b


FZ, FQ = logits_of(Z), logits_of(Q)
yhat_fit, yhat = FZ.argmax(1), FQ.argmax(1)
right = yhat_fit == y
p_fit, p = softmax(FZ, 1), softmax(FQ, 1)
is_ood = np.array([0] * len(test_rows) + [1] * (len(Q) - len(test_rows)))
assert Z.shape == (500, 64) and Q.shape == (80, 64) and is_ood.sum() == 40
assert all((yhat_fit == c).any() for c in range(K)), "a class that no fit image is predicted as"

# ---- scores

cases = {}


def add(key, options, scores, **fitted):
    assert np.shape(scores) == (len(Q),) and np.isfinite(scores).all(), key
    fitted = {name: np.asarray(value).tolist() for name, value in fitted.items()}
    cases.setdefault(key, []).append({"options": options, "fitted": fitted, "scores": np.asarray(scores).tolist()})


def unit(z, epsilon=0.0):
    return z / (np.linalg.norm(z, axis=1, keepdims=True) + epsilon)


def class_means(values, labels):
    return np.stack([values[labels == c].mean(0) for c in range(K)])


lse, lse_fit = logsumexp(FQ, 1), logsumexp(FZ, 1)
add("msp", {}, -p.max(1))
add("energy", {"temperature": 1}, -lse)
add("max-logit", {}, -FQ.max(1))
add("entropy", {}, -(p * log_softmax(FQ, 1)).sum(1))

# GEN: Liu et al., CVPR 2023. 1 - p is summed from the other classes: subtracting loses digits where p is near 1.
others = np.stack([np.delete(p, c, 1).sum(1) for c in range(K)], 1)
order = np.argsort(-p, 1, kind="stable")
for largest in (min(100, K), 3):
    kept = order[:, :largest]
    terms = np.take_along_axis(p, kept, 1) ** 0.1 * np.take_along_axis(others, kept, 1) ** 0.1
    add("gen", {"gamma": 0.1, "largest": largest}, terms.sum(1))

# Temperature scaling: Guo et al., ICML 2017. The minimum by SciPy, then sharpened as the root of the derivative by 1/T.
found = minimize_scalar(
    lambda t: -log_softmax(FZ / t, 1)[np.arange(N), y].mean(), bounds=(0.01, 100), method="bounded", options={"xatol": 1e-12}
).x
slope = lambda beta: ((softmax(FZ * beta, 1) * FZ).sum(1) - FZ[np.arange(N), y]).mean()
T = 1 / brentq(slope, 0.5 / found, 2 / found, xtol=1e-15, rtol=1e-14)
assert abs(T / found - 1) < 1e-6
add("temperature", {}, -softmax(FQ / T, 1).max(1), temperature=T)


# Mahalanobis: Lee et al., NeurIPS 2018. Relative: Ren et al., 2021. Ridge: a share of the mean variance is added to each.
def covariance(centred, ridge):
    sigma = centred.T @ centred / len(centred)
    return sigma + ridge * np.trace(sigma) / len(sigma) * np.eye(len(sigma))


def squared_distances(x, centres, sigma):
    by_solve = np.stack([((x - m) * np.linalg.solve(sigma, (x - m).T).T).sum(1) for m in centres], 1)
    by_cholesky = np.stack([(np.linalg.solve(np.linalg.cholesky(sigma), (x - m).T) ** 2).sum(0) for m in centres], 1)
    assert np.allclose(by_solve, by_cholesky, rtol=1e-9, atol=0)
    return by_solve


def mahalanobis(fit, x, ridge):
    means = class_means(fit, y)
    return squared_distances(x, means, covariance(fit - means[y], ridge))


RIDGE = 1e-6
M = mahalanobis(Z, Q, RIDGE)
M0 = squared_distances(Q, [Z.mean(0)], covariance(Z - Z.mean(0), RIDGE))
by_sklearn = EmpiricalCovariance().fit(Z).mahalanobis(Q)
assert np.allclose(M0[:, 0], by_sklearn, rtol=1e-3)  # without the ridge
add("mahalanobis", {"ridge": RIDGE}, M.min(1))
add("relative-mahalanobis", {"ridge": RIDGE}, (M - M0).min(1))
for ridge in (1e-2, 1e-1):
    add("hyperspherical-mahalanobis", {"ridge": ridge}, mahalanobis(unit(Z), unit(Q), ridge).min(1))

# Nearest neighbours: Sun et al., ICML 2022
bank, u = unit(Z, 1e-10), unit(Q, 1e-10)
for k in (50, 1):
    scores = np.sort(cdist(u, bank), 1)[:, k - 1]
    assert np.allclose(scores, NearestNeighbors(n_neighbors=k, algorithm="ball_tree").fit(bank).kneighbors(u)[0][:, -1], rtol=1e-12)
    add("knn", {"k": k}, scores)

# ViM: Wang et al., CVPR 2022
P = 32
origin = -np.linalg.pinv(W) @ b
values, vectors = np.linalg.eigh((Z - origin).T @ (Z - origin) / N)
values, vectors = values[::-1], vectors[:, ::-1]
assert values[P - 1] / values[P] > 1.001, "the principal space is hardly defined"
residual = lambda z: np.linalg.norm((z - origin) @ vectors[:, P:], axis=1)
by_svd = np.linalg.svd(Z - origin)[2][P:]
assert np.allclose(residual(Q), np.linalg.norm((Q - origin) @ by_svd.T, axis=1), rtol=1e-10)
alpha = FZ.max(1).sum() / residual(Z).sum()
add("vim", {"dimension": P}, alpha * residual(Q) - lse, alpha=alpha, origin=origin, eigenvalues=values)

# ReAct: Sun et al., NeurIPS 2021
clip = np.percentile(Z, 90)
add("react", {"percentile": 90}, -logsumexp(logits_of(np.minimum(Q, clip)), 1), clip=clip)

# ASH: Djurisic et al., ICLR 2023. SCALE: Xu et al., ICLR 2024
total = Q.sum(1, keepdims=True)


def keep(percentile):
    """Which activations of each row are among its largest, and how many that is."""
    n = D - round(D * percentile / 100)
    ranked = np.sort(Q, 1)[:, ::-1]
    assert (ranked[:, n - 1] > ranked[:, n]).all(), "a tie at the cut"
    return Q >= ranked[:, n - 1 : n], n


kept, n = keep(65)
assert (kept.sum(1) == n).all()
add("ash-p", {"percentile": 65}, -logsumexp(logits_of(np.where(kept, Q, 0)), 1), kept=n)
add("ash-b", {"percentile": 65}, -logsumexp(logits_of(np.where(kept, total / n, 0)), 1), kept=n)
for percentile in (65, 90):
    kept, n = keep(percentile)
    pruned = np.where(kept, Q, 0)
    add("ash-s", {"percentile": percentile}, -logsumexp(logits_of(pruned * np.exp(total / pruned.sum(1, keepdims=True))), 1), kept=n)
kept, n = keep(85)
scaled = Q * np.exp(total / np.where(kept, Q, 0).sum(1, keepdims=True))
add("scale", {"percentile": 85}, -logsumexp(logits_of(scaled), 1), kept=n)

# DICE: Sun and Li, ECCV 2022
V = Z.mean(0) * W
threshold = np.percentile(V, 70)
add("dice", {"percentile": 70}, -logsumexp(Q @ (W * (V > threshold)).T + b, 1), threshold=threshold, kept=(V > threshold).sum())

# SHE: Zhang et al., ICLR 2023
patterns = class_means(Z[right], y[right])
add("she", {}, -(Q * patterns[yhat]).sum(1), right=right.sum())

# KL matching: Hendrycks et al., ICML 2022
templates = class_means(p_fit, yhat_fit)
divergence = rel_entr(p[:, None, :], templates[None]).sum(2)
add("kl-matching", {}, divergence.min(1), templates=templates)

# GradNorm: Huang et al., NeurIPS 2021, and the same by autograd
gradnorm = -np.abs(Q).sum(1) * np.abs(p - 1 / K).sum(1)
for row, score in zip(Q, gradnorm):
    leaf = torch.tensor(W, requires_grad=True)
    (-torch.log_softmax(leaf @ torch.tensor(row) + torch.tensor(b), 0).mean()).backward()
    assert np.isclose(-leaf.grad.abs().sum().item(), score, rtol=1e-12)
add("gradnorm", {}, gradnorm)

# fDBD: Liu and Qin, ICML 2024
ratios = []
for z, f, top in zip(Q, FQ, yhat):
    rest = [c for c in range(K) if c != top]
    boundaries = [(f[top] - f[c]) / np.linalg.norm(W[top] - W[c]) for c in rest]
    ratios.append(-np.mean(boundaries) / np.linalg.norm(z - Z.mean(0)))
add("fdbd", {}, ratios)

# NNGuide: Park et al., ICCV 2023
guidance = np.sort(unit(Q) @ (unit(Z) * lse_fit[:, None]).T, 1)[:, -10:].mean(1)
add("nnguide", {"k": 10}, -lse * guidance)

# Standardized max logits: Jung et al., ICCV 2021
top_fit = FZ.max(1)
centre = np.array([top_fit[yhat_fit == c].mean() for c in range(K)])
spread = np.array([top_fit[yhat_fit == c].std() for c in range(K)])
add("sml", {}, -(FQ.max(1) - centre[yhat]) / spread[yhat], mean=centre, std=spread)


# OpenMax: Bendale and Boult, CVPR 2016, on logits
def weibull(distances):
    """Shape and scale of the largest likelihood: the root of its profile's derivative, compared with SciPy's coarser search."""
    logs = np.log(distances)
    profile = lambda k: (softmax(k * logs) * logs).sum() - 1 / k - logs.mean()
    shape = brentq(profile, 1e-3, 1e4, xtol=1e-12, rtol=1e-14)
    scale = np.exp((logsumexp(shape * logs) - np.log(len(logs))) / shape)
    by_scipy, _, scale_by_scipy = weibull_min.fit(distances, floc=0, method="MLE")
    assert np.allclose([by_scipy, scale_by_scipy], [shape, scale], rtol=1e-3)
    likelihood = lambda *at: weibull_min.logpdf(distances, at[0], scale=at[1]).sum()
    assert likelihood(shape, scale) >= likelihood(by_scipy, scale_by_scipy) - 1e-9
    return shape, scale


TAIL, ALPHA = 20, K
centres = class_means(FZ[right], y[right])
tails = [np.sort(np.linalg.norm(FZ[right & (y == c)] - centres[c], axis=1))[-TAIL:] for c in range(K)]
assert all(len(tail) == TAIL for tail in tails)
shape, scale = np.array([weibull(tail) for tail in tails]).T
unknown = []
for f in FQ:
    share = np.zeros(K)
    for rank, c in enumerate(np.argsort(-f, kind="stable")[:ALPHA], start=1):
        outlying = weibull_min.cdf(np.linalg.norm(f - centres[c]), shape[c], scale=scale[c])
        share[c] = (ALPHA - rank + 1) / ALPHA * outlying
    unknown.append(softmax(np.append(f * (1 - share), (f * share).sum()))[K])
add("openmax", {"tail": TAIL, "alpha": ALPHA}, unknown, shape=shape, scale=scale, means=centres)

# ---- what is written

parts = {
    "fitFeatures": fit32,
    "fitLogits": FZ.astype("<f4"),
    "queryFeatures": query32,
    "queryLogits": FQ.astype("<f4"),
    "W": W32,
    "b": b32,
}
arrays, offset = {}, 0
for name, part in parts.items():
    arrays[name] = {"offset": offset, "dims": list(part.shape)}
    offset += part.size
(target / "data.f32").write_bytes(b"".join(part.tobytes() for part in parts.values()))
document = {
    "made_by": "test/reference/posthoc.py",
    "data": {"file": "data.f32", "type": "float32, little-endian; offsets count numbers", "length": offset, "arrays": arrays},
    "classes": class_names,
    "fitLabels": y.tolist(),
    "fitRows": fit_rows.tolist(),
    "querySources": sources,
    "queryOod": is_ood.tolist(),
    "predictions": yhat.tolist(),
    "scores": cases,
}
# One case a line.
lines = [f"{json.dumps(key)}: [\n" + ",\n".join(json.dumps(each, allow_nan=False) for each in of) + "\n]" for key, of in cases.items()]
head = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items() if key != "scores")
text = "{\n" + head + ',\n"scores": {\n' + ",\n".join(lines) + "\n}\n}\n"
assert json.loads(text) == json.loads(json.dumps(document))
(target / "posthoc.json").write_text(text)

print(f"accuracy: fit {right.mean():.3f}, test {(yhat[: len(test_rows)] == test_labels[test_rows]).mean():.3f}")
for key, of in cases.items():
    for each in of:
        area = roc_auc_score(is_ood, each["scores"])
        print(f"{key:28} {json.dumps(each['options']):36} AUROC {area:.4f}{'  BELOW 0.5' if area < 0.5 else ''}")
for file in ("data.f32", "posthoc.json"):
    print(f"{file}: {(target / file).stat().st_size} bytes")
