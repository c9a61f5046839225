"""Runs ONNX files by the reference evaluator of the onnx package (1.13 or newer), which shares no code with ONNX Runtime.

    python3 evaluator.py FOLDER

FOLDER holds NAME.onnx for any number of names, and input.json: dims and data of a float32 tensor for their only input. Prints a JSON document: by
name the output `ood_score`, or the error where the evaluator lacks something.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

folder = pathlib.Path(sys.argv[1])
given = json.loads((folder / "input.json").read_text())
images = np.array(given["data"], dtype="<f4").reshape(given["dims"])


def evaluated(file):
    model = onnx.load(file)
    onnx.checker.check_model(model)
    try:
        evaluator = ReferenceEvaluator(model)
        outputs = evaluator.run(["ood_score"], {evaluator.input_names[0]: images})
    except Exception as error:  # of any type: what the evaluator does not know it finds out late
        return f"{type(error).__name__}: {error}"
    return outputs[0].tolist()


json.dump({file.stem: evaluated(file) for file in sorted(folder.glob("*.onnx"))}, sys.stdout)
