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
import torch

from demo_network import maps, sheet, weights

torch.set_num_threads(1)
here = pathlib.Path(__file__).parent
target = here / "rankfeat"
target.mkdir(exist_ok=True)
C, SIDE = 64, 8
POSITIONS = SIDE * SIDE

W, b = (weights[f"linear.{part}"].numpy() for part in ("weight", "bias"))


def maps_of(name, rows):
    """Of images of a demo set."""
    return maps(sheet(name)[0][rows]).numpy()


random = np.random.default_rng(1)
normal = random.normal(size=(4, C, SIDE, SIDE))
common = random.normal(size=(3, C, 1, 1)) * random.normal(size=(3, 1, SIDE, SIDE))
sets = {
    "cifar10-test": maps_of("cifar10-test", range(0, 400, 100)),
    "textures": maps_of("textures", range(0, 200, 50)),
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
