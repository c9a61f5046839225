"""The demo's images, and its ResNet-20 in PyTorch in float64, for the scripts beside this one."""
import json
import pathlib

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image

demo = pathlib.Path(__file__).parent.parent.parent / "assets" / "demo"
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def sheet(name):
    """Images [N, 3, 32, 32] of 0..255, labels and class names of a demo set: tiles of one lossless WebP sheet, row by row."""
    facts = json.loads((demo / f"{name}.json").read_text())
    tile, columns, (file,) = facts["tile"], facts["columns"], facts["sheets"]
    pixels = np.asarray(Image.open(demo / file).convert("RGB"))
    rows = pixels.shape[0] // tile
    tiles = pixels[: rows * tile].reshape(rows, tile, columns, tile, 3).transpose(0, 2, 4, 1, 3).reshape(-1, 3, tile, tile)
    return tiles[: facts["count"]], np.array(facts["labels"]), facts["classes"]


weights = {
    each.name: torch.tensor(numpy_helper.to_array(each), dtype=torch.float64)
    for each in onnx.load(demo / "resnet20-cifar10.onnx").graph.initializer
}


def maps(images, weights=weights):
    """What ResNet-20 (He et al. 2016, shortcuts of option A) averages over positions, [N, 64, 8, 8], by default with the weights of the ONNX file."""
    scaled = (images / 255.0 - MEAN[:, None, None]) / STD[:, None, None]

    def conv_bn(x, conv, bn, stride=1):
        x = F.conv2d(x, weights[f"{conv}.weight"], stride=stride, padding=1)
        mean, var = weights[f"{bn}.running_mean"], weights[f"{bn}.running_var"]
        return F.batch_norm(x, mean, var, weights[f"{bn}.weight"], weights[f"{bn}.bias"], eps=float(np.float32(1e-5)))

    x = F.relu(conv_bn(torch.tensor(scaled), "conv1", "bn1"))
    for layer in (1, 2, 3):
        for block in range(3):
            name, down = f"layer{layer}.{block}", layer > 1 and block == 0
            y = F.relu(conv_bn(x, f"{name}.conv1", f"{name}.bn1", 2 if down else 1))
            y = conv_bn(y, f"{name}.conv2", f"{name}.bn2")
            if down:
                beside = x.shape[1] // 2
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, beside, beside))
            x = F.relu(y + x)
    return x


def features(images, weights=weights):
    """What goes into the last Gemm, [N, 64]."""
    return maps(images, weights).mean((2, 3)).numpy()
