"""Writes odin.json beside it: ODIN scores and gradients of real networks, by PyTorch autograd in float64.

    OMP_NUM_THREADS=1 /usr/bin/python3 test/reference/odin.py

Networks and images are those of test/fixtures/parity (test/parity/fixtures.py); tests only read what this wrote. Pixels are rounded to float32
after they are normalised, as ours are, so that both differentiate at the same point.
"""
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent / "parity"))
from architectures import ARCHITECTURES  # noqa: E402
from export import initializers  # noqa: E402
from images import read_cifar  # noqa: E402

torch.set_num_threads(1)
fixtures = here.parent / "fixtures" / "parity"
MODELS = ["resnet-tiny", "mobilenetv2-tiny", "vit-tiny"]
IMAGES_A_SET = 6
SETTINGS = [(1000, 0), (1000, 0.0014), (1000, 0.01), (1, 0), (1, 0.0014)]
mean, std = np.array(json.loads((fixtures / "index.json").read_text())["options"]["normalize"])


def load(name):
    """The network with the weights of the ONNX file, matched by name or, where the export renamed one, in the order of their shapes."""
    model = ARCHITECTURES[name]()
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    values = {key: torch.tensor(value) for key, value in initializers(str(fixtures / f"{name}.onnx")).items()}
    found = {key: values.pop(key) for key in state if key in values}
    for key in state:
        if key not in found:
            # An exported Linear keeps its weight under a number, transposed.
            number = next(n for n, value in values.items() if value.shape == state[key].T.shape)
            found[key] = values.pop(number).T
    assert not [value for value in values.values() if value.is_floating_point() and value.ndim > 1], "weights left over"
    model.load_state_dict(found, strict=False)
    return model.double().eval()


def odin(model, x, temperature, epsilon):
    """Scores [N] and the gradient [N, 3, H, W] of the loss."""
    x = x.clone().requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits / temperature, logits.argmax(1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    direction = torch.where(gradient >= 0, 1.0, -1.0).double()
    moved = x.detach() - epsilon * direction / torch.tensor(std).view(1, 3, 1, 1)
    with torch.no_grad():
        return -torch.softmax(model(moved) / temperature, 1).amax(1), gradient


pixels = np.concatenate([read_cifar(fixtures / f"{name}.bin")[1][:IMAGES_A_SET] for name in ("known", "outliers")])
normalised = ((pixels / 255 - mean[:, None, None]) / std[:, None, None]).astype("<f4")
x = torch.tensor(normalised, dtype=torch.float64)
models = {}
for name in MODELS:
    model = load(name)
    stored = json.loads((fixtures / "index.json").read_text())["models"][name]["logits"]
    with torch.no_grad():
        error = np.abs(model(x[:IMAGES_A_SET]).numpy() - np.array(stored[:IMAGES_A_SET])).max()
    assert error < 1e-4, f"{name}: not the weights of the fixture"
    cases = []
    for temperature, epsilon in SETTINGS:
        scores, gradient = odin(model, x, temperature, epsilon)
        cases.append({"temperature": temperature, "epsilon": epsilon, "scores": scores.tolist()})
        print(f"{name:18} T {temperature:5} eps {epsilon:7} spread {scores.std():.3g} |gradient| {gradient.abs().mean():.3g}")
    # One channel of one image says enough of the gradient of each.
    gradients = odin(model, x, 1000, 0)[1][:, 1, ::4, ::4]
    models[name] = {"cases": cases, "gradientOfEveryFourthGreenPixel": [[float(f"{v:.9g}") for v in each.flatten()] for each in gradients]}
document = {"made_by": "test/reference/odin.py", "imagesASet": IMAGES_A_SET, "normalize": [mean.tolist(), std.tolist()], "models": models}
(here / "odin.json").write_text(json.dumps(document).replace("}, {", "},\n{") + "\n")
