"""Activation functions, with their kinks."""
import torch
import torch.nn.functional as F

from operators import case, constant, random, x

values = random(3, 4, seed=1, low=-4, high=4)
kinks = [-1.0, -0.0, 0.0, 1.0]

for op, function, attributes in [
    ("Relu", F.relu, {}),
    ("LeakyRelu", F.leaky_relu, {}),
    ("LeakyRelu", lambda u: F.leaky_relu(u, 0.25), {"alpha": 0.25}),
    ("Elu", F.elu, {}),
    ("Elu", lambda u: F.elu(u, 0.5), {"alpha": 0.5}),
    ("Selu", F.selu, {}),
    ("Sigmoid", torch.sigmoid, {}),
    ("Tanh", torch.tanh, {}),
    ("Softplus", F.softplus, {}),
    ("Softsign", F.softsign, {}),
    ("Mish", F.mish, {}),
    ("ThresholdedRelu", lambda u: F.threshold(u, 1.0, 0.0), {}),
    ("ThresholdedRelu", lambda u: F.threshold(u, 0.5, 0.0), {"alpha": 0.5}),
    ("HardSwish", F.hardswish, {}),
    ("HardSigmoid", F.hardsigmoid, {"alpha": 1 / 6, "beta": 0.5}),
]:
    case("random values", op, [x(values)], function, **attributes)
    case("at its kinks", op, [x(kinks + [0.5, 3.0, -3.0])], function, **attributes)

case("large values", "Softplus", [x([-90.0, -20.0, 15.0])], F.softplus)
case("large values", "Sigmoid", [x([-90.0, -20.0, 0.0, 20.0, 90.0])], torch.sigmoid)
case("large values", "Mish", [x([-90.0, -20.0, 20.0, 60.0])], F.mish)
case("exact", "Gelu", [x(values)], F.gelu, opset=20)
case("tanh form", "Gelu", [x(values)], lambda u: F.gelu(u, approximate="tanh"), opset=20, approximate="tanh")
case("exact at 0 and far away", "Gelu", [x([0.0, -0.0, 9.0, -9.0])], F.gelu, opset=20)

case("one slope per channel", "PRelu", [x(values), x([0.25, -0.5, 0.125, 1.5])], lambda u, s: torch.where(u > 0, u, s * u))
case("one slope", "PRelu", [x(values), x([0.25])], F.prelu)
case("at 0", "PRelu", [x([-1.0, 0.0, 1.0]), x([0.25])], F.prelu)

bounds = lambda low, high: [constant(low, "float32"), constant(high, "float32")]
case("passes at both bounds", "Clip", [x([-2.0, -1.0, 0.0, 1.0, 2.0]), *bounds(-1, 1)], lambda u, l, h: u.clamp(-1, 1))
case("only a lower bound", "Clip", [x(values), constant(0.5, "float32"), None], lambda u, l, h: u.clamp(min=0.5))
case("only an upper bound", "Clip", [x(values), None, constant(0.5, "float32")], lambda u, l, h: u.clamp(max=0.5))
case("no bound", "Clip", [x(values)], lambda u: u.clamp(max=1e30))
case("learned bounds", "Clip", [x(values), x(-1.0), x(1.5)], torch.clamp)
