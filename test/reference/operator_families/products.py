"""MatMul, Gemm and Einsum."""
import torch
from operators import case, random, x

for name, a, b in [
    ("two matrices", (2, 3), (3, 4)),
    ("batches of matrices", (2, 2, 3), (2, 3, 2)),
    ("a batch times one matrix", (2, 3, 2, 3), (3, 4)),
    ("one matrix times a batch", (2, 3), (4, 3, 2)),
    ("batch axes broadcast both ways", (2, 1, 2, 3), (4, 3, 2)),
    ("two vectors", (3,), (3,)),
    ("vector times matrix", (3,), (3, 2)),
    ("matrix times vector", (2, 3), (3,)),
    ("vector times batch", (3,), (2, 3, 2)),
    ("batch times vector", (2, 4, 3), (3,)),
]:
    case(name, "MatMul", [x(random(*a, seed=1)), x(random(*b, seed=2))], torch.matmul)


def gemm(name, a, b, c, alpha=1.0, beta=1.0, trans_a=0, trans_b=0):
    def function(u, v, w=None):
        y = alpha * ((u.T if trans_a else u) @ (v.T if trans_b else v))
        return y if w is None else y + beta * w

    inputs = [x(random(*a, seed=1)), x(random(*b, seed=2))] + ([] if c is None else [x(random(*c, seed=3))])
    case(name, "Gemm", inputs, function, alpha=alpha, beta=beta, transA=trans_a, transB=trans_b)


gemm("a linear layer", (2, 3), (4, 3), (4,), trans_b=1)
gemm("without C", (2, 3), (3, 4), None, alpha=0.5)
gemm("A transposed, scalar C", (3, 2), (3, 4), (), alpha=2.0, beta=0.5, trans_a=1)
gemm("both transposed, a column C", (3, 2), (4, 3), (2, 1), beta=-1.5, trans_a=1, trans_b=1)
gemm("a full C", (2, 3), (3, 4), (2, 4), alpha=-0.25)

for equation, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("bij,bkj->bik", (2, 2, 3), (2, 4, 3)),
    ("bhid,bhjd->bhij", (1, 2, 3, 2), (1, 2, 4, 2)),
    ("ij,j->i", (2, 3), (3,)),
    ("i,j->ji", (2,), (3,)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ijk,jl->il", (2, 3, 4), (3, 2)),
    ("ij,kl->k", (2, 3), (4, 2)),
    ("bnc,bmc->bnm", (2, 3, 2), (2, 4, 2)),
    ("ji", (2, 3)),
    ("bc,ab", (2, 3), (4, 2)),
    ("ijk->kj", (2, 3, 4)),
    ("ij->", (2, 3)),
    ("...i,ij->...j", (2, 3, 4), (4, 2)),
    ("b...d,d...->b...", (2, 3, 4), (4, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
]:
    inputs = [x(random(*shape, seed=i + 1)) for i, shape in enumerate(shapes)]
    case(equation, "Einsum", inputs, lambda *a, e=equation: torch.einsum(e, *a), equation=equation)
