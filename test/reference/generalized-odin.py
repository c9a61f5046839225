"""Writes generalized-odin.json beside it: a small network with the head of Generalized ODIN, trained here, and its scores with the
perturbation of images, by PyTorch autograd in float64.

    OMP_NUM_THREADS=1 /usr/bin/python3 test/reference/generalized-odin.py

The network is that of nn.py; tests make the same with src/nn and give it the weights that this stores. The images are those of
test/fixtures/parity: it learns the known ones by heart. Weights and normalised pixels are rounded to float32, as ours are, so that both
differentiate the same function at the same point.
"""
import base64
import importlib.util
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "parity"))
from images import read_cifar  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)
FIXTURES = HERE.parent / "fixtures" / "parity"
EPSILONS = [0, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08]
CLASSES, WIDTH, STEPS = 10, 1 / 8, 150
MEAN, STD = np.array(json.loads((FIXTURES / "index.json").read_text())["options"]["normalize"])


def images(name):
    """Labels, and normalised images that float32 can hold."""
    labels, pixels = read_cifar(FIXTURES / f"{name}.bin")
    normalised = ((pixels / 255 - MEAN[:, None, None]) / STD[:, None, None]).astype("<f4")
    return torch.tensor(labels, dtype=torch.int64), torch.tensor(normalised, dtype=torch.float64)


def trained(labels, x):
    spec = importlib.util.spec_from_file_location("reference_networks", HERE / "nn.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    module = reference.Deconf((3, 3, 3), 16, None, WIDTH, CLASSES, True).double()
    plain = [parameter for name, parameter in module.named_parameters() if name != "h.weight"]
    groups = [{"params": plain, "weight_decay": 1e-4}, {"params": [module.h.weight], "weight_decay": 0}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(module(x)["logits"], labels).backward()
        optimizer.step()
    rounded = {name: value.float().to(value.dtype) for name, value in module.state_dict().items()}
    module.load_state_dict(rounded)
    return module.eval()


def confidence(module, x):
    return module(x)["cosine"].amax(1)


def scores(module, x):
    """By epsilon, [N] each."""
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(confidence(module, x).sum(), x)
    direction = torch.where(gradient >= 0, 1.0, -1.0).double() / torch.tensor(STD).view(1, 3, 1, 1)
    with torch.no_grad():
        return [-confidence(module, x + epsilon * direction) for epsilon in EPSILONS]


def text(values):
    return base64.b64encode(values.numpy().astype("<f4").tobytes()).decode()


labels, known = images("known")
_, outliers = images("outliers")
module = trained(labels, known)
weights = {name: text(value) for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
found = {"known": scores(module, known), "outliers": scores(module, outliers)}
for name, own in found.items():
    for epsilon, values in zip(EPSILONS, own):
        print(f"{name:8} eps {epsilon:7} mean {values.mean():.5f} spread {values.std():.3g}")
document = {
    "made_by": "test/reference/generalized-odin.py",
    "normalize": [MEAN.tolist(), STD.tolist()],
    "classes": CLASSES,
    "width": WIDTH,
    "epsilons": EPSILONS,
    "scores": {name: [values.tolist() for values in own] for name, own in found.items()},
    "weights": weights,
}
(HERE / "generalized-odin.json").write_text(json.dumps(document).replace("], [", "],\n[").replace('", "', '",\n"') + "\n")
