"""Operators that lay elements out anew."""
import torch

from operators import case, constant, random, x

cube = random(2, 3, 4, seed=1)

case("0 copies, -1 takes the rest", "Reshape", [x(cube), constant([0, -1])], lambda u, _: u.reshape(2, 12))
case("another rank", "Reshape", [x(cube), constant([4, 3, 2, 1])], lambda u, _: u.reshape(4, 3, 2, 1))
case("axis 2", "Flatten", [x(cube)], lambda u: u.reshape(6, 4), axis=2)
case("negative axis", "Flatten", [x(cube)], lambda u: u.reshape(6, 4), axis=-1)
case("axis 0", "Flatten", [x(cube)], lambda u: u.reshape(1, 24), axis=0)
case("given axes", "Squeeze", [x(random(1, 3, 1, 2, seed=2)), constant([0, -2])], lambda u, _: u.squeeze(2).squeeze(0))
case("all axes of size 1", "Squeeze", [x(random(1, 3, 1, 2, seed=2))], torch.squeeze)
case("front and back", "Unsqueeze", [x(cube), constant([0, -1])], lambda u, _: u[None, ..., None])
case("reversed by default", "Transpose", [x(cube)], lambda u: u.permute(2, 1, 0))
case("a permutation that is not its own inverse", "Transpose", [x(cube)], lambda u: u.permute(1, 2, 0), perm=[1, 2, 0])
case("a new leading axis and a stretched one", "Expand", [x(random(3, 1, seed=3)), constant([2, 1, 4])], lambda u, _: u.expand(2, 3, 4))
case("some axes", "Tile", [x(cube), constant([2, 1, 3])], lambda u, _: u.tile(2, 1, 3))
case("all axes", "Tile", [x(random(2, 2, seed=4)), constant([2, 3])], lambda u, _: u.tile(2, 3))
