"""Softmax, LogSoftmax and the losses built on them."""
import torch
import torch.nn.functional as F
from operators import case, constant, fed, random, x

for axis in (0, 1, -1):
    case(f"axis {axis}", "Softmax", [x(random(2, 3, 4, seed=1))], lambda a, d=axis: a.softmax(d), axis=axis)
    case(f"axis {axis}", "LogSoftmax", [x(random(2, 3, 4, seed=1))], lambda a, d=axis: a.log_softmax(d), axis=axis)
case("large logits", "Softmax", [x([[300.0, 299.0, -300.0]])], lambda a: a.softmax(-1), axis=-1)
case("large logits", "LogSoftmax", [x([[300.0, 299.0, -300.0]])], lambda a: a.log_softmax(-1), axis=-1)

labels = [2, 0, 1, 2]
pixels = [[[2, 0], [1, 1]], [[0, 2], [2, 1]]]
weights = constant([0.5, 2.0, 1.25], "float32")
for reduction in ("mean", "sum", "none"):
    for name, scores, targets, extra, ignore in [
        ("rows", random(4, 3, seed=1), labels, [], None),
        ("rows, weights", random(4, 3, seed=2), labels, [weights], None),
        ("pixels, one class ignored", random(2, 3, 2, 2, seed=3), pixels, [], 1),
        ("pixels, weights, one class ignored", random(2, 3, 2, 2, seed=4), pixels, [weights], 2),
        ("ignored labels outside the classes", random(4, 3, seed=5), [2, -100, 1, -100], [], -100),
    ]:
        attributes = {"reduction": reduction, **({} if ignore is None else {"ignore_index": ignore})}
        options = {"reduction": reduction, **({} if ignore is None else {"ignore_index": ignore})}
        case(
            f"{reduction}, {name}",
            "SoftmaxCrossEntropyLoss",
            [x(scores), fed(targets), *extra],
            lambda a, t, w=None, o=options: (F.cross_entropy(a, t, w, **o), a.log_softmax(1)),
            **attributes,
        )
        case(
            f"{reduction}, {name}",
            "NegativeLogLikelihoodLoss",
            [x(scores), fed(targets), *extra],
            lambda a, t, w=None, o=options: F.nll_loss(a, t, w, **o),
            **attributes,
        )
