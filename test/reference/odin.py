"""Writes odin.json beside it: ODIN scores and gradients of real networks, and Mahalanobis distances of images moved towards their nearest
class, by PyTorch autograd in float64.

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
MAHALANOBIS = {"ridge": 0.01, "epsilons": [0, 0.0014, 0.01]}
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


def features_of(model, x):
    """What goes into the last linear layer, [N, D]."""
    seen = []
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    hook = last.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model(x)
    hook.remove()
    return seen[0].reshape(len(x), -1)


def mahalanobis(model, x, known, labels, ridge, epsilons):
    """Lee et al. 2018, eq. 2 and 3: squared distances [N] to the nearest class, of x moved by each epsilon."""
    with torch.no_grad():
        z = features_of(model, known)
    means = torch.stack([z[labels == label].mean(0) for label in range(10)])
    centred = z - means[labels]
    within = centred.T @ centred / len(z)
    dimension = len(within)
    inverse = torch.linalg.inv(within + ridge * within.trace() / dimension * torch.eye(dimension, dtype=torch.float64))

    def distance(images):
        difference = features_of(model, images)[:, None] - means
        return torch.einsum("nkd,de,nke->nk", difference, inverse, difference).amin(1)

    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(distance(x).sum(), x)
    direction = torch.where(gradient >= 0, 1.0, -1.0).double() / torch.tensor(std).view(1, 3, 1, 1)
    with torch.no_grad():
        return [distance(x - epsilon * direction) for epsilon in epsilons]


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
def normalised(pixels):
    return torch.tensor(((pixels / 255 - mean[:, None, None]) / std[:, None, None]).astype("<f4"), dtype=torch.float64)


x = normalised(pixels)
# The distances are fitted to all of the images, in ten classes by turns.
known = normalised(np.concatenate([read_cifar(fixtures / f"{name}.bin")[1] for name in ("known", "outliers")]))
labels = torch.arange(len(known)) % 10
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
    distances = mahalanobis(model, x, known, labels, MAHALANOBIS["ridge"], MAHALANOBIS["epsilons"])
    moved = [{"epsilon": epsilon, "scores": scores.tolist()} for epsilon, scores in zip(MAHALANOBIS["epsilons"], distances)]
    models[name] = {"cases": cases, "mahalanobis": moved, "gradientOfEveryFourthGreenPixel": [[float(f"{v:.9g}") for v in each.flatten()] for each in gradients]}
document = {"made_by": "test/reference/odin.py", "imagesASet": IMAGES_A_SET, "normalize": [mean.tolist(), std.tolist()], "ridge": MAHALANOBIS["ridge"], "models": models}
(here / "odin.json").write_text(json.dumps(document).replace("}, {", "},\n{") + "\n")
