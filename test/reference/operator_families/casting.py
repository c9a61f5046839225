"""Cast, CastLike, Dropout."""
import torch

from operators import case, constant, fed, random, x

values = random(2, 3, seed=1, low=-3, high=3)

case("to float64", "Cast", [x(values)], lambda u: u.double(), to=11)
case("to float32", "Cast", [x(values, "float64")], lambda u: u.float(), to=1)
case("to integers, which carry no gradient", "Cast", [x(values)], lambda u: u.long(), to=7)
case("to the type of another operand", "CastLike", [x(values), fed([1.0], "float64")], lambda u, _: u.double())
case("at inference", "Dropout", [x(values), constant(0.5, "float32")], lambda u, _: u + 0)
