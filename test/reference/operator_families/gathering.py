"""Gather and scatter, with repeated and negative indices."""
import torch

from operators import case, constant, fed, random, x

cube = random(2, 3, 4, seed=1)
matrix = random(3, 4, seed=2)

rows = [[2, 0, -1], [2, 2, 1]]
case("repeated and negative rows", "Gather", [x(matrix), fed(rows)], lambda u, i: u[i], axis=0)
case("along the middle axis", "Gather", [x(cube), fed([1, 1, -3])], lambda u, i: u[:, i], axis=1)
case("known indices along the last axis", "Gather", [x(cube), constant([3, 0])], lambda u, i: u[..., i], axis=-1)
case("one known index", "Gather", [x(cube), constant(-2)], lambda u, i: u[:, 1], axis=1)
case("one known index, axis kept", "Gather", [x(cube), constant([2])], lambda u, i: u[:, :, 2:3], axis=2)
case("one unknown index", "Gather", [x(cube), fed(-1)], lambda u, i: u[:, -1], axis=1)

index = [[0, 2, 1, 0], [0, -1, 1, 2]]
wrapped = lambda i, size: torch.where(i < 0, i + size, i)
case("repeated and negative", "GatherElements", [x(matrix), fed(index)], lambda u, i: u.gather(0, wrapped(i, 3)), axis=0)
case("along the last axis", "GatherElements", [x(matrix), fed([[0, 0], [3, 1], [-1, -2]])], lambda u, i: u.gather(1, wrapped(i, 4)), axis=1)

case("elements, repeated and negative", "GatherND", [x(matrix), fed([[0, 1], [2, -1], [0, 1]])], lambda u, i: u[i[:, 0], i[:, 1]])
case("rows of a cube", "GatherND", [x(cube), fed([[[0, 1]], [[-1, 2]], [[0, 1]]])], lambda u, i: u[i[..., 0], i[..., 1]])
case("blocks", "GatherND", [x(cube), fed([[1], [1], [0]])], lambda u, i: u[i[:, 0]])
case("within batches", "GatherND", [x(cube), fed([[[0], [0]], [[2], [-1]]])], lambda u, i: torch.stack([u[0][i[0, :, 0]], u[1][i[1, :, 0]]]), batch_dims=1)

updates = random(2, 4, seed=3)
once = [[0, 2, 1, 0], [1, -3, 2, 2]]
case("overwriting", "ScatterElements", [x(matrix), fed(once), x(updates)], lambda u, i, v: u.scatter(0, wrapped(i, 3), v), axis=0)
case("adding, repeated", "ScatterElements", [x(matrix), fed([[0, 2, 1, 0], [0, 2, 1, 2]]), x(updates)], lambda u, i, v: u.scatter_add(0, i, v), axis=0, reduction="add")
case("overwriting rows", "ScatterND", [x(matrix), fed([[2], [0]]), x(updates)], lambda u, i, v: u.index_put((i[:, 0],), v))
case("adding elements", "ScatterND", [x(matrix), fed([[0, 1], [2, 3]]), x([1.0, 2.0])], lambda u, i, v: u.index_put((i[:, 0], i[:, 1]), v, accumulate=True), reduction="add")

case("largest of the last axis", "TopK", [x(cube), constant([2])], lambda u, k: tuple(u.topk(2)))
case("smallest of the middle axis", "TopK", [x(cube), constant([2])], lambda u, k: tuple(u.topk(2, dim=1, largest=False)), axis=1, largest=0)
