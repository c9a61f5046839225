"""Concat, Split, Slice."""
import torch

from operators import case, constant, random, x

square = random(4, 5, seed=1)

case("three parts along the last axis", "Concat", [x(random(2, n, seed=n)) for n in (1, 3, 2)], lambda *u: torch.cat(u, -1), axis=-1)
case("the same part twice would be added", "Concat", [x(square), x(square)], lambda *u: torch.cat(u, 0), axis=0)
case("given sizes", "Split", [x(square), constant([1, 4])], lambda u, _: u.split([1, 4], 1), axis=1)
case("a smaller last part", "Split", [x(square)], lambda u: u.split([2, 2, 1], 1), axis=1, num_outputs=3)


def sliced(name, starts, ends, axes, steps, function):
    given = [starts, ends, axes, steps]
    case(name, "Slice", [x(square), *[None if g is None else constant(g) for g in given]], lambda u, *_: function(u))


sliced("both axes", [1, 2], [3, 5], None, None, lambda u: u[1:3, 2:5])
sliced("negative bounds of a named axis", [-3], [-1], [1], None, lambda u: u[:, -3:-1])
sliced("bounds beyond the end", [2], [99], [-1], None, lambda u: u[:, 2:])
sliced("a step of 2", [0], [4], [1], [2], lambda u: u[:, 0:4:2])
sliced("a step of 3 that ends inside", [1], [5], [1], [3], lambda u: u[:, 1:5:3])
sliced("reversed", [-1], [-99], [0], [-1], lambda u: u.flip(0))
sliced("reversed by 2 from the middle", [3], [-99], [1], [-2], lambda u: u[:, [3, 1]])
sliced("both axes with steps", [3, 0], [-99, 5], [0, 1], [-3, 2], lambda u: u[[3, 0]][:, ::2])
