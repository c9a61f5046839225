"""The runs from nothing that are compared with PyTorch: options of `offmap train` that differ from `SHARED`."""

SHARED = {
    "optimizer": "sgd", "weightDecay": 5e-4, "schedule": "cosine", "shuffle": False, "augment": [], "holdOut": 0, "seed": 1,
    "dropout": False, "normalization": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, "engine": {"threads": 1},
}  # fmt: skip
# Shares of the classes among the outliers, as a model that prefers some classes would see them.
UNEVEN_PRIOR = [0.3, 0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.03, 0.02, 0.01]
# In place of the path of a file with `UNEVEN_PRIOR`.
PRIOR_FILE = "prior.json"
# Runs of these losses have no outliers, and no outliers' rows.
ALONE = ("ce", "deconf", "ce, dropout")

# Margins are the paper's, which are the defaults. Optimizers are those of the papers.
CASES = {
    "ce": {"loss": "ce"},
    "oe": {"loss": "oe"},
    "energy": {"loss": "energy"},
    "balanced-energy": {"loss": "balanced-energy", "prior": PRIOR_FILE},
    "balanced-energy, moving prior": {"loss": "balanced-energy", "prior": PRIOR_FILE, "priorMomentum": 0.9},
    "oecc": {"loss": "oecc", "lossOptions": {"trainingAccuracy": 0.9486}},
    "open-sampling": {"loss": "open-sampling"},
    "pascl": {"loss": "pascl", "optimizer": "adam"},
    "eat": {"loss": "eat", "optimizer": "adam"},
    "cocl": {"loss": "cocl", "optimizer": "adam"},
    "deconf": {"loss": "ce", "head": "deconf", "noDecay": "h.weight"},
    "ce, dropout": {"loss": "ce", "dropout": True},
}


def options_for(case, sizes, files, out):
    """`sizes`: arch, width, steps, batch, outlierBatch. `files`: specs of the known images and outliers, and the path of the prior."""
    options = {**SHARED, **sizes, **CASES[case], "id": files["known"], "out": out}
    if case not in ALONE:
        options["outliers"] = files["outliers"]
    if "prior" in options:
        options["prior"] = files["prior"]
    return options
