#!/usr/bin/python3
"""Step parity of training from nothing: full-size networks, every loss, the same start and batches with PyTorch and with Offmap.

    OFFMAP_DATA=DIR python3 test/parity/scratch.py --work FOLDER

DIR holds `cifar10-train.bin` and `tiny-imagenet-outliers.bin`; without OFFMAP_DATA, seeded synthetic images are used. Writes
docs/results/scratch-parity.md and exits 1 if a case fails. `--work DIR` keeps every finished run, and goes on from them.
"""
import argparse
import json
import os
import platform
import sys
import tempfile

import numpy as np
import torch

from compare import distance
from export import initializers
from images import read_cifar, structured_noise, write_cifar
from scratch_cases import CASES, PRIOR_FILE, UNEVEN_PRIOR, options_for
from scratch_train import ROOT, results, run_offmap, train_in_torch

# Network -> known images and outliers of a batch.
BATCHES = {"resnet20": (16, 32), "wrn-40-2": (8, 16)}
# Of the losses of all steps, and of the weights together, |a - b| / |b|.
LIMIT = 1e-3
# The update, |a - b| / |b - start|, may differ from PyTorch's in float64 by this many times what PyTorch's own float32 does, or by LIMIT.
UPDATE_FACTOR = 4
# PyTorch's own float32: from the start, and from as many copies whose weights differ in the last bit.
PERTURBED = 2
# The first rate at which all of them agree with float64 so well: with larger steps a ReLU network amplifies rounding, until two right
# programs are as far from each other as two seeds, as all cases of ResNet-20 did at 3e-4 and above.
RATES, OWN_LIMIT = (1e-4, 3e-5, 1e-5, 3e-6), LIMIT / 4
# Images of the smallest class for one of the largest. More uneven, and most batches would have no image of a rare class.
LONG_TAIL = 0.1


def prepare_data(data, work, known, outliers, seed):
    """Writes `known` images, long-tailed, `outliers` and the prior; returns what the options call them."""
    random = np.random.default_rng(seed)
    if data:
        labels, images = read_cifar(os.path.join(data, "cifar10-train.bin"))
        _, others = read_cifar(os.path.join(data, "tiny-imagenet-outliers.bin"))
    else:
        labels, images = structured_noise(4 * known, seed)
        _, others = structured_noise(outliers, seed + 1, (2, 6))
    order = random.permutation(len(images))
    order = order[random.random(len(order)) < LONG_TAIL ** (labels[order] / 9)][:known]
    files = {name: os.path.join(work, f"{name}.bin") for name in ("known", "outliers")}
    write_cifar(files["known"], labels[order], images[order])
    write_cifar(files["outliers"], np.zeros(outliers), others[random.permutation(len(others))[:outliers]])
    prior = os.path.join(work, PRIOR_FILE)
    with open(prior, "w") as file:
        json.dump({"prior": UNEVEN_PRIOR}, file)
    return {"known": f"cifar:{files['known']}", "outliers": f"cifar:{files['outliers']}?labels=none", "prior": prior}


def kept(path, compute):
    """Weights and losses of a run, from the file if it is there."""
    if not os.path.exists(path):
        weights, losses = compute()
        np.savez(f"{path}.tmp.npz", losses=losses, **{f"weights/{key}": value for key, value in weights.items()})
        os.replace(f"{path}.tmp.npz", path)
    with np.load(path) as file:
        return {key.removeprefix("weights/"): file[key] for key in file.files if key != "losses"}, file["losses"]


def compared(run, reference, start):
    """`losses`: largest relative difference of any step; `together`: of all parameters; the rest as `distance` has it."""
    (weights, losses), (wanted, exact) = run, reference
    found = distance({key: weights[key] for key in wanted}, wanted, start)
    return {**found, "losses": float(np.max(np.abs(np.asarray(losses) / exact - 1))), "together": found["update"] * found["moved"]}


def agrees(found, limit):
    return found["losses"] <= limit and found["together"] <= limit


def choose_rate(options, start, drawn, out):
    """The rate, what PyTorch gets in float64, and how far its own float32 runs are from that."""
    for rate in RATES:
        options = {**options, "learningRate": rate}
        in_torch = lambda dtype, seed=None: kept(
            os.path.join(out, f"{rate:g}-{dtype}{'' if seed is None else f'-{seed}'}.npz"), lambda: train_in_torch(start, drawn, options, dtype, seed)
        )
        single = [in_torch("float32"), in_torch("float32", 0)]
        # float64 takes five times as long, and where float32 does not agree with itself there is no need for it.
        if rate != RATES[-1] and not agrees(compared(*single, start), 2 * OWN_LIMIT):
            continue
        double = in_torch("float64")
        own = [compared(run, double, start) for run in single + [in_torch("float32", seed) for seed in range(1, PERTURBED)]]
        if all(agrees(found, OWN_LIMIT) for found in own):
            break
    return rate, double, own


def run_case(options):
    out = options["out"]
    drawn_in, trained_in = os.path.join(out, "draw"), os.path.join(out, "run")
    if not os.path.exists(os.path.join(drawn_in, "drawn.onnx")):
        run_offmap("draw", [{**options, "learningRate": 0.1, "out": drawn_in}])
    start, drawn = results(drawn_in)[0], initializers(os.path.join(drawn_in, "drawn.onnx"))
    rate, double, own = choose_rate(options, start, drawn, out)
    run_offmap("train", [{**options, "learningRate": rate, "out": trained_in}])
    worst = {key: max(found[key] for found in own) for key in ("losses", "together", "update", "worst_update")}
    return {"rate": rate, "optimizer": options["optimizer"], "ends": [double[1][0], double[1][-1]], "offmap": compared(results(trained_in), double, start), "own": worst}


def passed(result):
    offmap, own = result["offmap"], result["own"]
    return agrees(offmap, LIMIT) and offmap["update"] <= max(UPDATE_FACTOR * own["update"], LIMIT)


def table(rows):
    lines = [
        "| network | loss | optimizer, rate | loss, first to last | moved | losses | PyTorch float32 | weights | PyTorch float32 | update | PyTorch float32 | worst tensor's update | PyTorch float32 | |",
        "|" + "---|" * 14,
    ]
    for (network, case), r in rows.items():
        offmap, own = r["offmap"], r["own"]
        pairs = [f"{value[key]:.1e}" for key in ("losses", "together", "update") for value in (offmap, own)]
        worst = f"{offmap['worst_update']:.1e} `{offmap['worst_tensor']}`"
        ends = " to ".join(f"{loss:.3f}" for loss in r["ends"])
        cells = [network, case, f"{r['optimizer']}, {r['rate']:g}", ends, f"{offmap['moved']:.1e}", *pairs, worst, f"{own['worst_update']:.1e}"]
        lines.append(f"| {' | '.join([*cells, 'PASS' if passed(r) else 'FAIL'])} |")
    return "\n".join(lines)


def document(rows, arguments):
    source = "CIFAR-10 training images with Tiny-ImageNet outliers" if arguments.data else "seeded synthetic images"
    networks = " and ".join(f"{name} ({' + '.join(map(str, BATCHES[name]))} images a batch)" for name in arguments.models)
    return f"""# Training from nothing, step by step against PyTorch

Written by `OFFMAP_DATA=DIR python3 test/parity/scratch.py` (PyTorch {torch.__version__}, {platform.machine()}, {platform.system()}). {sum(map(passed, rows.values()))} of {len(rows)} cases pass.

`offmap train` and PyTorch start from the same values and train {arguments.steps} steps, two epochs, on the same batches of {source}: {networks}. The classes are long-tailed,
the smallest with {LONG_TAIL:g} times the images of the largest. Batch statistics, cosine schedule, weight decay 5e-4, SGD with Nesterov momentum 0.9 or Adam; margins are the paper's. What a
run draws by chance (classes of outliers, pasted images, dropout, the starting values of prototypes) is Offmap's, and given to PyTorch. `ce`, `deconf` (Generalized ODIN) and `ce, dropout` train without
outliers; `pascl` and `eat` with two rows an image; all but `ce, dropout` with dropout off.

- **moved**: how far the training takes the parameters, relative to their norm.
- **losses**: the largest relative difference of the loss over all steps, against PyTorch in float64. Limit {LIMIT:g}.
- **weights**: the relative difference of all parameters together after the last step, against PyTorch in float64. Limit {LIMIT:g}.
- **update**: the same relative to what training changed. Limit: {UPDATE_FACTOR} times the same distance of PyTorch's own float32, or {LIMIT:g}.
- **worst tensor's update**: the same for the one tensor where it is largest; those whose exact gradient is zero move by rounding alone.
- **PyTorch float32**: the same measure for PyTorch's own float32, the largest of {1 + PERTURBED} runs, {PERTURBED} of them from weights changed in the last bit.
- **rate**: the first of {', '.join(f'{rate:g}' for rate in RATES)} at which those runs agree with float64 to {OWN_LIMIT:g} in losses and weights, or else the last. Larger
  steps amplify rounding: whether an activation near 0 passes a ReLU is decided by the last bit, and from then on two right programs part.

{table(rows)}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("OFFMAP_DATA"))
    parser.add_argument("--models", nargs="*", default=list(BATCHES))
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    for name, value in (("steps", 50), ("seed", 1), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--work", help="folder for finished runs; default: a temporary one")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs", "results", "scratch-parity.md"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    work = os.path.abspath(arguments.work or tempfile.mkdtemp(prefix="offmap-scratch-"))
    rows = {}
    for network in arguments.models:
        batch, outlier_batch = BATCHES[network]
        folder = os.path.join(work, network)
        os.makedirs(folder, exist_ok=True)
        epoch = arguments.steps // 2
        files = prepare_data(arguments.data, folder, epoch * batch, epoch * outlier_batch, arguments.seed)
        sizes = {"arch": network, "width": 1, "steps": arguments.steps, "batch": batch, "outlierBatch": outlier_batch}
        for case in arguments.cases:
            options = options_for(case, sizes, files, os.path.join(folder, case))
            # ResNet-20 has no dropout.
            if options["dropout"] and network == "resnet20":
                continue
            finished = os.path.join(folder, f"{case}.json")
            if not os.path.exists(finished):
                result = run_case(options)
                with open(finished, "w") as file:
                    json.dump(result, file)
            with open(finished) as file:
                rows[network, case] = json.load(file)
            print(table({(network, case): rows[network, case]}).splitlines()[-1], flush=True)
            with open(arguments.out, "w") as file:
                file.write(document(rows, arguments))
    sys.exit(0 if all(map(passed, rows.values())) else 1)


if __name__ == "__main__":
    main()
