"""Reductions, with ties and zeros."""
import torch

from operators import case, constant, random, x

values = random(2, 3, 4, seed=1)
positive = random(2, 3, 4, seed=2, low=0.25)
ties = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-1.0, -1.0, 0.0]]
zeros = [[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, -2.0, 3.0]]


def prod(u, dims, keep):
    for d in sorted(dims, reverse=True):
        u = u.prod(d, keepdim=keep)
    return u


for op, function, points in [
    ("ReduceSum", lambda u, d, k: u.sum(d, keepdim=k), values),
    ("ReduceMean", lambda u, d, k: u.mean(d, keepdim=k), values),
    ("ReduceMax", lambda u, d, k: u.amax(d, keepdim=k), values),
    ("ReduceMin", lambda u, d, k: u.amin(d, keepdim=k), values),
    ("ReduceProd", prod, values),
    ("ReduceLogSumExp", lambda u, d, k: u.logsumexp(d, keepdim=k), values),
    ("ReduceLogSum", lambda u, d, k: u.sum(d, keepdim=k).log(), positive),
    ("ReduceL1", lambda u, d, k: u.abs().sum(d, keepdim=k), values),
    ("ReduceL2", lambda u, d, k: torch.linalg.vector_norm(u, 2, d, keepdim=k), values),
    ("ReduceSumSquare", lambda u, d, k: u.square().sum(d, keepdim=k), values),
]:
    call = lambda d, k, f=function: lambda u, *_: f(u, d, k)
    case("one axis, kept", op, [x(points), constant([1])], call((1,), True))
    case("a negative axis, removed", op, [x(points), constant([-1])], call((2,), False), keepdims=0)
    case("two axes in descending order", op, [x(points), constant([2, 0])], call((0, 2), True), keepdims=1)
    case("no axes: all", op, [x(points)], call((0, 1, 2), False), keepdims=0)
    case("empty axes, no operation", op, [x(points), constant([])], lambda u, _: u + 0, noop_with_empty_axes=1) if op in (
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
    ) else None

for op, function in {"ReduceMax": torch.amax, "ReduceMin": torch.amin}.items():
    case("ties share evenly", op, [x(ties), constant([1])], lambda u, _, f=function: f(u, 1, keepdim=True))
case("zeros", "ReduceProd", [x(zeros), constant([1])], lambda u, _: u.prod(1, keepdim=True))
case("derivative 0 at 0", "ReduceL1", [x(zeros), constant([1])], lambda u, _: u.abs().sum(1, keepdim=True))
case("a row of zeros", "ReduceL2", [x([[0.0, 0.0], [3.0, -4.0]]), constant([1])], lambda u, _: u.norm(dim=1, keepdim=True))
case("large values", "ReduceLogSumExp", [x([[100.0, 99.0], [-200.0, -201.0]]), constant([1])], lambda u, _: u.logsumexp(1, True))

case("last axis", "ArgMax", [x(values)], lambda u: u.argmax(-1, keepdim=True), axis=-1)
case("first axis, removed", "ArgMin", [x(values)], lambda u: u.argmin(0), axis=0, keepdims=0)
