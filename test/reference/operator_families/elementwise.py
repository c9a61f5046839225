"""Add, Sub, Mul, Div, Pow, Mod, Max, Min, Sum, Mean, Where."""
import torch

from operators import case, constant, fed, random, x

a, b = random(2, 3, seed=1), random(2, 3, seed=2)
row, column = random(3, seed=3), random(2, 1, seed=4)
positive = random(2, 3, seed=5, low=0.25)
zeros = [0.0, -0.0, 0.0, 0.0, 2.0, -2.0, 1.0]

for op, function in {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div}.items():
    case("equal shapes", op, [x(a), x(b)], function)
    case("a row against a column", op, [x(row), x(column)], function)
    case("a scalar against a matrix", op, [x(1.5), x(positive)], function)
case("division by zero", "Div", [x([1.0, -1.0, 0.0]), x([0.0, 2.0, 2.0])], torch.div)

case("general base and exponent", "Pow", [x(positive), x(b)], torch.pow)
for exponent in [0.0, 0.5, 1.0, 2.0, 3.0, -1.0, 2.5]:
    function = lambda u, n: torch.pow(u, n)
    case(f"constant exponent {exponent}", "Pow", [x(positive), constant(exponent, "float32")], function)
    case(f"constant exponent {exponent}, base 0", "Pow", [x([0.0, 1.0]), constant(exponent, "float32")], function)
case("integer exponent", "Pow", [x(a), constant(3, "int64")], torch.pow)
case("exponents at base 0", "Pow", [x([0.0, 0.0, 0.0, 0.0, 0.0]), x([0.0, 0.5, 1.0, 2.0, 3.0])], torch.pow)
case("exponents at base 1", "Pow", [x([1.0, 1.0, 1.0]), x([0.0, -1.0, 2.0])], torch.pow)

case("remainder of floats", "Mod", [x(a * 3), x(positive)], torch.fmod, fmod=1)
case("negative divisor, broadcast", "Mod", [x(a * 3), x([-0.75, 0.5, 1.25])], torch.fmod, fmod=1)

for op, function in {"Max": torch.maximum, "Min": torch.minimum}.items():
    case("two operands", op, [x(a), x(b)], function)
    case("broadcast", op, [x(row), x(column)], function)
    case("ties are shared", op, [x([1.0, 2.0, 3.0]), x([1.0, 1.0, 3.0])], function)
    case("ties of the first with a constant", op, [x([-1.0, 0.0, 3.0]), fed(0, "float32")], function)
    case("ties of the second with a constant", op, [fed(0, "float32"), x([-1.0, 0.0, 3.0])], function)
    case("one operand", op, [x(a)], lambda u: u + 0)
    case("three operands", op, [x(a), x(b), x(row)], lambda u, v, w, f=function: f(f(u, v), w))

case("three operands", "Sum", [x(a), x(row), x(column)], lambda u, v, w: u + v + w)
case("three operands", "Mean", [x(a), x(row), x(column)], lambda u, v, w: (u + v + w) / 3)

condition = [[True, False, True], [False, False, True]]
case("matrix condition", "Where", [fed(condition, "bool"), x(a), x(b)], torch.where)
case("condition broadcast to operands", "Where", [fed([[True], [False]], "bool"), x(row), x(column)], torch.where)
case("operands broadcast to condition", "Where", [fed(condition, "bool"), x(0.5), x(row)], torch.where)
