"""Functions of one operand."""
import torch

from operators import case, random, x

values = random(2, 4, seed=1)
positive = random(2, 4, seed=2, low=0.125)

for op, function, points in [
    ("Neg", torch.neg, values),
    ("Abs", torch.abs, values),
    ("Sqrt", torch.sqrt, positive),
    ("Exp", torch.exp, values),
    ("Log", torch.log, positive),
    ("Reciprocal", torch.reciprocal, values),
    ("Sin", torch.sin, values),
    ("Cos", torch.cos, values),
    ("Erf", torch.erf, values),
    ("Identity", lambda u: u + 0, values),
    ("Floor", torch.floor, values * 3),
    ("Ceil", torch.ceil, values * 3),
    ("Round", torch.round, values * 3),
    ("Sign", torch.sign, values),
]:
    case("random values", op, [x(points)], function)

case("derivative 0 at 0", "Abs", [x([0.0, -0.0, 1.0, -1.0])], torch.abs)
case("infinite slope at 0", "Sqrt", [x([0.0, 4.0])], torch.sqrt)
case("pole at 0", "Log", [x([0.0, 1.0])], torch.log)
case("pole at 0", "Reciprocal", [x([0.0, 2.0])], torch.reciprocal)
case("halves go to the even number", "Round", [x([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])], torch.round)
