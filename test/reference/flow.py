"""Writes PyTorch's log-densities of a small Real NVP flow and their gradients to test/reference/flow.json.

    /usr/bin/python3 test/reference/flow.py

Float64 throughout. Written from Dinh, Sohl-Dickstein and Bengio, "Density estimation using Real NVP", ICLR 2017, eq. 3, 6 and 9, with the bounded scale 2 tanh(s / 2).
The log-determinant is also taken from the Jacobian that autograd gives, which knows nothing of coupling layers.
"""
import json
import math
import pathlib

import torch

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
D, H, COUPLINGS, ROWS = 3, 4, 3, 6


def drawn(*dims, scale):
    return (torch.randn(*dims) * scale).float().double()


masks = [[1, 0, 1], [0, 1, 0], [1, 1, 0]]
flow = []
for mask in masks:
    flow.append(
        {
            "mask": torch.tensor(mask, dtype=torch.float64),
            "first.weight": drawn(D, H, scale=0.8),
            "first.bias": drawn(H, scale=0.5),
            "second.weight": drawn(H, H, scale=0.8),
            "second.bias": drawn(H, scale=0.5),
            "scale.weight": drawn(H, D, scale=0.7),
            "scale.bias": drawn(D, scale=0.5),
            "shift.weight": drawn(H, D, scale=0.7),
            "shift.bias": drawn(D, scale=0.5),
        }
    )
rows = drawn(ROWS, D, scale=1.2)


def couple(x, c):
    kept = x * c["mask"]
    h = torch.relu(kept @ c["first.weight"] + c["first.bias"])
    h = torch.relu(h @ c["second.weight"] + c["second.bias"])
    s = 2 * torch.tanh((h @ c["scale.weight"] + c["scale.bias"]) / 2)
    t = h @ c["shift.weight"] + c["shift.bias"]
    b = c["mask"]
    return b * x + (1 - b) * (x * torch.exp(s) + t), ((1 - b) * s).sum(-1)


def forward(x):
    total = torch.zeros(x.shape[:-1])
    for c in flow:
        x, log_det = couple(x, c)
        total = total + log_det
    return x, total


def nll(x):
    z, log_det = forward(x)
    return 0.5 * (z**2).sum(-1) + 0.5 * D * math.log(2 * math.pi) - log_det


z, log_det = forward(rows)
for row, expected in zip(rows, log_det):
    jacobian = torch.autograd.functional.jacobian(lambda x: forward(x)[0], row)
    assert abs(torch.linalg.slogdet(jacobian)[1] - expected) < 1e-12

names = [name for name in flow[0] if name != "mask"]
for c in flow:
    for name in names:
        c[name].requires_grad_()
rows.requires_grad_()
values = nll(rows)
values.mean().backward()


def stacked(tensors):
    """One coupling below another, as src/guard/segmentation/flow/real-nvp.ts keeps them."""
    joined = torch.stack(tensors) if tensors[0].dim() == 1 else torch.cat(tensors)
    return {"dims": list(joined.shape), "data": joined.detach().flatten().tolist()}


result = {
    "made_by": "test/reference/flow.py",
    "flow": {name: stacked([c[name] for c in flow]) for name in flow[0]},
    "rows": rows.detach().flatten().tolist(),
    "z": z.detach().flatten().tolist(),
    "log_determinant": log_det.detach().tolist(),
    "negative_log_density": values.detach().tolist(),
    "row_gradient": rows.grad.flatten().tolist(),
    "gradients": {name: stacked([c[name].grad for c in flow])["data"] for name in names},
}
path = pathlib.Path(__file__).with_suffix(".json")


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


path.write_text(json.dumps(rounded(result)) + "\n")
print(path, path.stat().st_size, "bytes")
