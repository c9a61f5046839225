"""Writes segmentation-scores.json beside it: scores of pixels of a tiny network (test/segmentation/tiny-network.ts), their fits and their metrics, in float64
by PyTorch, NumPy, SciPy and scikit-learn, written from the papers.

Logits come at half the size of the image and are brought to it by torch's bilinear interpolation (align_corners=False). Labels of features are those of the
pixel in the middle. Four classes, and one output that is none.

Run: python3 test/reference/segmentation-scores.py
"""
import base64
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

CLASSES, OUTPUTS, HEIGHT, WIDTH = 4, 5, 12, 16
OUTLIER, VOID = 254, 255
rng = np.random.default_rng(20230620)


def scene(anomaly):
    """Blocks of noisy colours, one for each class; void in a corner, an anomaly of other colours."""
    blocks = rng.integers(0, CLASSES, (3, 4))
    labels = np.kron(blocks, np.ones((4, 4), int)).astype(np.uint8)
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [190, 190, 60]])
    image = colours[labels] + rng.normal(0, 25, (HEIGHT, WIDTH, 3))
    if anomaly:
        top, left = rng.integers(0, HEIGHT - 5), rng.integers(0, WIDTH - 5)
        image[top : top + 5, left : left + 4] = [120, 20, 150] + rng.normal(0, 40, (5, 4, 3))
        labels[top : top + 5, left : left + 4] = OUTLIER
    labels[:2, :3] = VOID
    return np.clip(np.round(image), 0, 255).astype(np.uint8).transpose(2, 0, 1), labels


def network(weights, image):
    w = {name: torch.tensor(value, dtype=torch.float64) for name, value in weights.items()}
    x = torch.tensor(image[None] / 255.0)
    x = F.conv2d(x, w["conv.weight"], stride=2, padding=1)
    features = F.relu(x / np.sqrt(1 + 1e-5))
    logits = F.conv2d(features, w["head.weight"], w["head.bias"])
    full = F.interpolate(logits, size=image.shape[1:], mode="bilinear", align_corners=False)
    return features[0].numpy(), full[0].numpy()


def upsampled(values):
    return F.interpolate(torch.tensor(values)[None, None], size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)[0, 0].numpy()


def log_sum_exp(x):
    top = x.max(0)
    return top + np.log(np.exp(x - top).sum(0))


def rows(features):
    return features.reshape(features.shape[0], -1).T


def middle(labels):
    """Label of the pixel in which the middle of a feature's two by two pixels lies."""
    return labels[1::2, 1::2]


def fpr_nearest(negatives, positives):
    thresholds = np.unique(np.concatenate([negatives, positives]))
    recalls = np.array([(positives >= t).mean() for t in thresholds])
    best = np.argmin(np.abs(recalls - 0.95))  # ascending thresholds: the first is the highest recall
    return float((negatives >= thresholds[best]).mean())


def learn(weights, train):
    """Gives the first four outputs the weights of a logistic regression, so that they mean something."""
    z = np.concatenate([rows(network(weights, image)[0]) for image, _ in train])
    y = np.concatenate([middle(label).ravel() for _, label in train])
    found = LogisticRegression(C=0.02, max_iter=1000).fit(z[y < CLASSES], y[y < CLASSES])
    weights["head.weight"][:CLASSES, :, 0, 0] = found.coef_.astype("float32")
    weights["head.bias"][:CLASSES] = found.intercept_.astype("float32")


def main():
    weights = {
        "conv.weight": rng.normal(0, 0.5, (6, 3, 3, 3)).astype("float32").astype("float64"),
        "head.weight": rng.normal(0, 1.5, (OUTPUTS, 6, 1, 1)).astype("float32").astype("float64"),
        "head.bias": rng.normal(0, 0.3, OUTPUTS).astype("float32").astype("float64"),
    }
    train = [scene(False) for _ in range(5)]
    test = [scene(index != 2) for index in range(4)]
    learn(weights, train)

    tops, predictions, bank, labels = [], [], [], []
    pixel_logits, pixel_labels = [], []
    for image, label in train:
        features, logits = network(weights, image)
        known = logits[:CLASSES]
        counted = label < CLASSES
        tops.append(known.max(0)[counted])
        predictions.append(known.argmax(0)[counted])
        pixel_logits.append(known[:, counted].T)
        pixel_labels.append(label[counted])
        small = middle(label).ravel()
        bank.append(rows(features)[small < CLASSES])
        labels.append(small[small < CLASSES])
    tops, predictions = np.concatenate(tops), np.concatenate(predictions)
    bank, labels = np.concatenate(bank), np.concatenate(labels)
    pixel_logits, pixel_labels = np.concatenate(pixel_logits), np.concatenate(pixel_labels).astype(int)

    def loss(beta):
        scaled = beta * pixel_logits.T
        return np.mean(log_sum_exp(scaled) - scaled[pixel_labels, np.arange(len(pixel_labels))])

    temperature = 1 / minimize_scalar(loss, bounds=(1e-6, 10), method="bounded", options={"xatol": 1e-12}).x
    mean = np.array([tops[predictions == c].mean() if (predictions == c).any() else tops.mean() for c in range(CLASSES)])
    std = np.array([tops[predictions == c].std() if (predictions == c).any() else tops.std() for c in range(CLASSES)])
    ridge = 1e-6
    centres, inverses = [], []
    for c in range(CLASSES):
        z = bank[labels == c]
        covariance = np.cov(z.T, bias=True)
        covariance += ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        centres.append(z.mean(0))
        inverses.append(np.linalg.inv(covariance))
    directions = lambda z: z / (np.linalg.norm(z, axis=1, keepdims=True) + 1e-10)
    neighbours = 5

    maps = {name: [] for name in ["msp", "energy", "entropy", "abstention", "sml", "mahalanobis", "knn-density"]}
    predicted = []
    for image, label in test:
        features, logits = network(weights, image)
        known = logits[:CLASSES]
        shape = features.shape[1:]
        p = np.exp(known - log_sum_exp(known))
        top = known.argmax(0)
        predicted.append(top)
        maps["msp"].append(-p.max(0))
        maps["energy"].append(-log_sum_exp(known))
        maps["entropy"].append(-(p * np.log(p)).sum(0))
        maps["abstention"].append(np.exp(logits[CLASSES:] - log_sum_exp(logits)).sum(0))
        maps["sml"].append(-(known.max(0) - mean[top]) / std[top])
        z = rows(features)
        distances = [np.einsum("pi,ij,pj->p", z - m, inverse, z - m) for m, inverse in zip(centres, inverses)]
        maps["mahalanobis"].append(upsampled(np.min(distances, 0).reshape(shape)))
        nearest = np.sort(cdist(directions(z), directions(bank)), 1)[:, :neighbours]
        maps["knn-density"].append(upsampled(-np.log(np.exp(-nearest).mean(1)).reshape(shape)))

    all_labels = np.stack([label for _, label in test])
    outlier, inlier = all_labels == OUTLIER, all_labels < CLASSES
    metrics = {}
    for name, values in maps.items():
        values = np.stack(values)
        truth = np.concatenate([np.zeros(inlier.sum()), np.ones(outlier.sum())])
        scores = np.concatenate([values[inlier], values[outlier]])
        single = [
            average_precision_score(outlier[i][~(all_labels[i] == VOID)], values[i][~(all_labels[i] == VOID)])
            for i in range(len(test))
            if outlier[i].any()
        ]
        metrics[name] = {
            "auroc": roc_auc_score(truth, scores),
            "aupr": average_precision_score(truth, scores),
            "fpr95": fpr_nearest(values[inlier], values[outlier]),
            "mean_image_aupr": float(np.mean(single)),
        }
    guess = np.stack(predicted)
    ious = []
    for c in range(CLASSES):
        both = (guess[inlier] == c) & (all_labels[inlier] == c)
        either = (guess[inlier] == c) | (all_labels[inlier] == c)
        ious.append(float(both.sum() / either.sum()))

    packed = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    rounded = lambda values: [float(f"{value:.9g}") for value in np.ravel(values)]
    result = {
        "made_by": "test/reference/segmentation-scores.py",
        "size": [HEIGHT, WIDTH],
        "weights": {name: rounded(value) for name, value in weights.items()},
        "train": [{"image": packed(image), "labels": packed(label)} for image, label in train],
        "test": [{"image": packed(image), "labels": packed(label)} for image, label in test],
        "neighbours": neighbours,
        "temperature": temperature,
        "sml": {"mean": rounded(mean), "std": rounded(std)},
        "predicted": packed(guess.astype(np.uint8)),
        "maps": {name: rounded(np.stack(values)) for name, values in maps.items()},
        "metrics": metrics,
        "miou": float(np.mean(ious)),
        "iou": ious,
        "pixels": [int(inlier.sum()), int(outlier.sum()), int((all_labels == VOID).sum())],
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result) + "\n")


main()
