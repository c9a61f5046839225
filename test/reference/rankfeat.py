"""Writes rankfeat/rankfeat.json and rankfeat/maps.f32: RankFeat scores of feature maps, by exact singular value decomposition in float64.

    OMP_NUM_THREADS=1 /usr/bin/python3 test/reference/rankfeat.py

Written from the paper's formula with NumPy: s = -log sum exp(W z + b), z the mean over positions of X - sigma1 u1 v1^T. Real maps are
what the demo's ResNet-20 averages, computed with PyTorch 1.13 in float64 and rounded to float32; random ones are rectified normal
numbers, and normal ones of both signs, in one of which the second part is close to the first. Also written: the largest singular values, and the tangent of the angle between u1 and the
weights that the power iteration of Offmap starts from, which bound its error.
"""
import json
import pathlib

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image

torch.set_num_threads(1)
here = pathlib.Path(__file__).parent
demo = here.parent.parent / "assets" / "demo"
target = here / "rankfeat"
target.mkdir(exist_ok=True)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
C, SIDE = 64, 8
POSITIONS = SIDE * SIDE

weights = {
    each.name: torch.tensor(numpy_helper.to_array(each), dtype=torch.float64)
    for each in onnx.load(demo / "resnet20-cifar10.onnx").graph.initializer
}
W, b = (weights[f"linear.{part}"].numpy() for part in ("weight", "bias"))


def sheet(name, rows):
    """Images [N, 3, 32, 32] of 0..255 of a demo set: tiles of one lossless WebP sheet, row by row."""
    facts = json.loads((demo / f"{name}.json").read_text())
    tile, columns, (file,) = facts["tile"], facts["columns"], facts["sheets"]
    pixels = np.asarray(Image.open(demo / file).convert("RGB"))
    at = lambda i: pixels[i // columns * tile :, i % columns * tile :][:tile, :tile]
    return np.stack([at(row).transpose(2, 0, 1) for row in rows])


def maps_of(images):
    """What ResNet-20 (He et al. 2016, shortcuts of option A) averages over positions, [N, 64, 8, 8]."""

    def conv_bn(x, conv, bn, stride=1):
        x = F.conv2d(x, weights[f"{conv}.weight"], stride=stride, padding=1)
        mean, var = weights[f"{bn}.running_mean"], weights[f"{bn}.running_var"]
        return F.batch_norm(x, mean, var, weights[f"{bn}.weight"], weights[f"{bn}.bias"], eps=float(np.float32(1e-5)))

    scaled = torch.tensor((images / 255.0 - MEAN[:, None, None]) / STD[:, None, None])
    x = F.relu(conv_bn(scaled, "conv1", "bn1"))
    for layer in (1, 2, 3):
        for block in range(3):
            name, down = f"layer{layer}.{block}", layer > 1 and block == 0
            y = F.relu(conv_bn(x, f"{name}.conv1", f"{name}.bn1", 2 if down else 1))
            y = conv_bn(y, f"{name}.conv2", f"{name}.bn2")
            if down:
                beside = x.shape[1] // 2
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, beside, beside))
            x = F.relu(y + x)
    return x.numpy()


random = np.random.default_rng(1)
normal = random.normal(size=(4, C, SIDE, SIDE))
common = random.normal(size=(3, C, 1, 1)) * random.normal(size=(3, 1, SIDE, SIDE))
sets = {
    "cifar10-test": maps_of(sheet("cifar10-test", range(0, 400, 100))),
    "textures": maps_of(sheet("textures", range(0, 200, 50))),
    "rectified": np.maximum(normal[:2], 0),
    "of both signs": common[:1] + normal[2:3],
    "with a close second": 2 * (common[1:2] + 0.7 * common[2:3]) + normal[3:],
}
maps = np.concatenate(list(sets.values())).astype("<f4")
names = [name for name, each in sets.items() for _ in each]

start = 1 + np.arange(C) * (1 + np.sqrt(5)) / 2 % 1
cases = []
for name, x in zip(names, maps.astype("float64").reshape(-1, C, POSITIONS)):
    u, sigma, vt = np.linalg.svd(x, full_matrices=False)
    rest = x - sigma[0] * np.outer(u[:, 0], vt[0])
    assert np.allclose(rest, (u[:, 1:] * sigma[1:]) @ vt[1:], atol=1e-12 * sigma[0])
    logits = W @ rest.mean(1) + b
    plain = W @ x.mean(1) + b
    energy = lambda f: -(f.max() + np.log(np.exp(f - f.max()).sum()))
    cosine = abs(start @ u[:, 0]) / np.linalg.norm(start)
    tangent = np.sqrt(1 - cosine**2) / cosine
    cases.append({"map": name, "score": energy(logits), "energy": energy(plain), "sigma": sigma[:2].tolist(), "tangent": tangent})

parts = {"maps": maps, "W": W.astype("<f4"), "b": b.astype("<f4")}
arrays, offset = {}, 0
for name, part in parts.items():
    arrays[name] = {"offset": offset, "dims": list(part.shape)}
    offset += part.size
(target / "maps.f32").write_bytes(b"".join(part.tobytes() for part in parts.values()))
document = {"made_by": "test/reference/rankfeat.py", "data": "maps.f32: float32, little-endian; offsets count numbers", "arrays": arrays}
lines = ",\n".join(json.dumps(each, allow_nan=False) for each in cases)
text = json.dumps(document)[:-1] + f',\n"cases": [\n{lines}\n]}}\n'
json.loads(text)
(target / "rankfeat.json").write_text(text)
for each in cases:
    print(f"{each['map']:14} ratio {each['sigma'][1] / each['sigma'][0]:.3f} tangent {each['tangent']:.2f} score {each['score']:.4f} energy {each['energy']:.4f}")
