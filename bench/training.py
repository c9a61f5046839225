#!/usr/bin/python3
"""The PyTorch side of bench/training.ts: exports the models, and does in one process what one `offmap` command does.

    training.py export OUT_DIR NAME...
    training.py tune --architecture NAME --model FILE --id FILE --outliers FILE --train all|head --bn batch|frozen --steps N [...]
    training.py eval --architecture NAME --model FILE --id FILE --ood FILE

`tune` and `eval` print one JSON object: `steps`, `seconds` (of the training loop, as `offmap tune` counts them) or `images`, `seconds`.
Peak memory is read by the caller. The reference mathematics are those of test/parity.
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "parity"))
import train as reference  # noqa: E402
from export import build, export, load  # noqa: E402
from images import read_cifar  # noqa: E402
from losses import total_loss  # noqa: E402

PADDING = 4


def random_crop_and_flip(images, random):
    """Each image from its own place in a frame of zeros, mirrored half of the time; as Offmap and the official code do."""
    count, channels, height, width = images.shape
    padded = np.zeros((count, channels, height + 2 * PADDING, width + 2 * PADDING), images.dtype)
    padded[:, :, PADDING:-PADDING, PADDING:-PADDING] = images
    top, left = random.integers(0, 2 * PADDING + 1, (2, count))
    mirrored = random.random(count) < 0.5
    out = np.empty_like(images)
    for i in range(count):
        crop = padded[i, :, top[i] : top[i] + height, left[i] : left[i] + width]
        out[i] = crop[:, :, ::-1] if mirrored[i] else crop
    return out


class FeaturesOf(nn.Module):
    """What a model computes below its last linear layer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        head, self.model.head = self.model.head, nn.Identity()
        try:
            return self.model(image)
        finally:
            self.model.head = head


class JpegFolder(torch.utils.data.Dataset):
    """Images in one folder per class, brought to 32x32, as `offmap eval` reads them."""

    def __init__(self, folder):
        classes = sorted(os.listdir(folder))
        self.files = [(os.path.join(folder, name, file), label) for label, name in enumerate(classes) for file in sorted(os.listdir(os.path.join(folder, name)))]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, label = self.files[index]
        with Image.open(path) as image:
            small = image.convert("RGB").resize((32, 32), Image.BILINEAR)
        return torch.from_numpy(np.array(small).transpose(2, 0, 1)), label


def from_folder(model, folder, workers, size=250):
    """Logits and labels; the images are decoded by as many processes as there are threads."""
    logits, labels = [], []
    with torch.no_grad():
        for images, these in torch.utils.data.DataLoader(JpegFolder(folder), batch_size=size, num_workers=workers):
            logits.append(model(reference.to_tensor(images.numpy(), None, torch.float32)))
            labels.append(these)
    return torch.cat(logits), torch.cat(labels).numpy()


def in_batches(model, images, size=250):
    with torch.no_grad():
        return torch.cat([model(reference.to_tensor(images[i : i + size], None, torch.float32)) for i in range(0, len(images), size)])


def tune(arguments):
    model, _ = load(arguments.architecture, arguments.model)
    (labels, known), (_, outliers) = read_cifar(arguments.id), read_cifar(arguments.outliers)
    options = {**reference.DEFAULTS, **reference.chosen(arguments), "weight": reference.WEIGHTS[arguments.loss]}
    parameters = reference.prepare(model, options)
    optimizer = torch.optim.SGD(parameters, lr=options["lr"], momentum=options["momentum"], weight_decay=options["weight_decay"], nesterov=True)
    random = np.random.default_rng(1)
    head_only = options["train"] == "head"
    features = FeaturesOf(model)
    # Without augmentation the frozen part gives an image the same features each time: computed once, before the loop, as Offmap does.
    stored = (in_batches(features, known), in_batches(features, outliers)) if head_only and not arguments.augment else None
    started = time.perf_counter()
    for step in range(options["steps"]):
        ins, outs = reference.batches(len(known), len(outliers), options, step)
        if stored is not None:
            logits = model.head(torch.cat([stored[0][ins], stored[1][outs]]))
        else:
            images = np.concatenate([known[ins], outliers[outs]])
            x = reference.to_tensor(random_crop_and_flip(images, random) if arguments.augment else images, None, torch.float32)
            if head_only:
                with torch.no_grad():
                    x = features(x)
                logits = model.head(x)
            else:
                logits = model(x)
        loss = total_loss(logits[: len(ins)], torch.from_numpy(labels[ins]), logits[len(ins) :], options)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = reference.learning_rate(options["lr"], step + 1, options["steps"])
        optimizer.step()
        loss.item()
    return {"steps": options["steps"], "seconds": time.perf_counter() - started}


def evaluate(arguments):
    """Logits of both sets, then the metrics of two scores by scikit-learn, and accuracy."""
    from sklearn import metrics

    model, _ = load(arguments.architecture, arguments.model)
    model.eval()
    started = time.perf_counter()
    if os.path.isdir(arguments.id):
        (known, labels), (ood, _) = (from_folder(model, folder, arguments.threads) for folder in (arguments.id, arguments.ood))
    else:
        (labels, known), (_, ood) = read_cifar(arguments.id), read_cifar(arguments.ood)
        known, ood = in_batches(model, known), in_batches(model, ood)
    logits = [known.double(), ood.double()]
    accuracy = (logits[0].argmax(1).numpy() == labels).mean()
    positive = np.r_[np.zeros(len(known)), np.ones(len(ood))]
    rows = {}
    for name, score in (("msp", lambda f: -f.softmax(1).amax(1)), ("energy", lambda f: -f.logsumexp(1))):
        values = torch.cat([score(f) for f in logits]).numpy()
        fpr, tpr, _ = metrics.roc_curve(positive, values)
        rows[name] = {
            "auroc": metrics.roc_auc_score(positive, values),
            "aupr": metrics.average_precision_score(positive, values),
            "fpr95": fpr[np.argmax(tpr >= 0.95)],
        }
    return {"images": len(positive), "seconds": time.perf_counter() - started, "accuracy": accuracy, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    exporting = commands.add_parser("export")
    exporting.add_argument("out")
    exporting.add_argument("names", nargs="+")
    for name in ("tune", "eval"):
        command = commands.add_parser(name)
        command.add_argument("--architecture", required=True)
        command.add_argument("--model", required=True)
        command.add_argument("--id", required=True)
        command.add_argument("--threads", type=int, default=2)
        if name == "eval":
            command.add_argument("--ood", required=True)
        else:
            command.add_argument("--outliers", required=True)
            command.add_argument("--augment", action="store_true")
            reference.add_options(command)
    arguments = parser.parse_args()
    if arguments.command == "export":
        for name in arguments.names:
            export(build(name), os.path.join(arguments.out, f"{name}.onnx"), folded=False)
        return
    torch.set_num_threads(arguments.threads)
    print(json.dumps(tune(arguments) if arguments.command == "tune" else evaluate(arguments)))


if __name__ == "__main__":
    main()
