"""Writes PyTorch's outputs and gradients for small operator calls to test/reference/operators/*.json, one file per family.

    /usr/bin/python3 test/reference/operators.py [family ...]

A family is a module in test/reference/operator_families/ that calls `case(...)`. Made with PyTorch 1.13; tests only read the JSON.
"""
import importlib
import json
import math
import pathlib
import sys

import numpy as np
import torch

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder))
sys.modules.setdefault("operators", sys.modules[__name__])  # families import this very module, not a second copy

_cases = []


class Input:
    """An input of a case. `role`: differentiated (float graph input), fed (graph input) or constant (initializer)."""

    def __init__(self, values, role, dtype):
        self.array = np.asarray(values, dtype=dtype)
        self.role = role


def x(values, dtype="float32"):
    """An input with a gradient."""
    return Input(values, "differentiated", dtype)


def fed(values, dtype="int64"):
    """An input without a gradient that is only known when the graph runs."""
    return Input(values, "fed", dtype)


def constant(values, dtype="int64"):
    """An input that is known while the graph is built."""
    return Input(values, "constant", dtype)


def random(*dims, seed=0, low=-2.0, high=2.0):
    """Uniform values rounded to 1/64, which JSON and float32 both hold exactly."""
    values = np.random.default_rng(seed).uniform(low, high, dims)
    return np.round(values * 64) / 64


def case(name, op, inputs, function, opset=None, **attributes):
    """Records one call.

    name        what the case is about: shown as the test's title
    op          ONNX operator
    inputs      x(...), fed(...), constant(...) or None, in ONNX order
    function    from the inputs as torch tensors (None stays None) to one torch tensor or a tuple: the operator's outputs
    opset       oldest operator set that has the operator, when newer than 18
    attributes  ONNX attributes; Python int, float, str and lists of int or float become their ONNX kinds
    """
    tensors = [None if i is None else torch.tensor(i.array) for i in inputs]
    for given, tensor in zip(inputs, tensors):
        if given is not None and given.role == "differentiated":
            tensor.requires_grad_(True)
    outputs = function(*tensors)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    generator = np.random.default_rng(len(name))
    cotangents = []
    for output in outputs:
        if not output.is_floating_point():
            cotangents.append(None)
            continue
        sign = np.where(generator.uniform(size=output.shape) < 0.5, -1, 1)
        weights = np.round(generator.uniform(0.25, 2, output.shape) * 16) / 16 * sign
        cotangents.append(torch.tensor(np.asarray(weights, dtype=output.detach().numpy().dtype)))
    # Integer and boolean outputs carry no gradient; a call with no others has none to store.
    carries = any(c is not None for c in cotangents)
    targets = [t for t in tensors if carries and t is not None and t.requires_grad]
    found = iter([])
    if targets:
        loss = sum((o * c).sum() for o, c in zip(outputs, cotangents) if c is not None)
        results = torch.autograd.grad(loss, targets, allow_unused=True)
        found = iter([torch.zeros_like(t) if g is None else g for t, g in zip(targets, results)])
    _cases.append(
        {
            "name": name,
            "op": op,
            **({} if opset is None else {"opset": opset}),
            "attributes": {key: _attribute(value) for key, value in attributes.items()},
            "inputs": [None if i is None else {"role": i.role, **_tensor(i.array)} for i in inputs],
            "outputs": [_tensor(o.detach().numpy()) for o in outputs],
            "cotangents": [None if c is None else _tensor(c.numpy()) for c in cotangents],
            "gradients": [_tensor(next(found).numpy()) if any(t is u for u in targets) else None for t in tensors],
        }
    )


def _attribute(value):
    if isinstance(value, bool) or isinstance(value, int):
        return {"kind": "int", "value": int(value)}
    if isinstance(value, float):
        return {"kind": "float", "value": value}
    if isinstance(value, str):
        return {"kind": "string", "value": value}
    if any(isinstance(v, float) for v in value):
        return {"kind": "floats", "value": list(value)}
    return {"kind": "ints", "value": list(value)}


def _number(value):
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return int(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(f"{float(value):.9g}") if isinstance(value, np.float32) else float(value)


def _tensor(array):
    return {"dtype": str(array.dtype), "dims": list(array.shape), "data": [_number(v) for v in array.reshape(-1)]}


def main(families):
    for family in families or sorted(p.stem for p in (folder / "operator_families").glob("*.py")):
        _cases.clear()
        importlib.import_module(f"operator_families.{family}")
        lines = ",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in _cases)
        header = json.dumps({"script": "test/reference/operators.py", "torch": torch.__version__})[:-1]
        path = folder / "operators" / f"{family}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'{header}, "cases": [\n{lines}\n]}}\n')
        print(f"{path.name}: {len(_cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
