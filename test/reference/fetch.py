#!/usr/bin/python3
"""Archives and MATLAB files as other programs write them, for the readers of `offmap fetch`.

Writes fetch.json beside this file (base64). Run: /usr/bin/python3 test/reference/fetch.py    (Python 3.11, SciPy 1.10)
"""
import base64
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from scipy.io import savemat

encode = lambda stream: base64.b64encode(stream.getvalue()).decode()
files = {
    "short.txt": b"one",
    "set/" + "long" * 40 + "/straße.txt": b"two" * 1000,
    "set/" + "/".join(["part"] * 30) + "/end.bin": bytes(range(256)),
    "empty": b"",
}


def tar(form, mode):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=form) as archive:
        folder = tarfile.TarInfo("set")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            if form == tarfile.USTAR_FORMAT and "straße" in name:
                continue
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return encode(stream)


def zipped(zip64):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            with archive.open(name, "w", force_zip64=zip64) as entry:
                entry.write(content)
    return encode(stream)


def matlab(compressed):
    stream = io.BytesIO()
    savemat(stream, dict(X=images, y=digits), do_compression=compressed)
    return encode(stream)


rng = np.random.default_rng(5)
# Two colours per image keep the file small and still tell rows from columns.
images = np.where(rng.random((32, 32, 3, 2)) < 0.1, 200, 7).astype(np.uint8)
images[0, 31, 0, 0], images[31, 0, 2, 1] = 99, 98
digits = np.array([[10], [3]], dtype=np.uint8)
svhn = dict(
    plain=matlab(False),
    compressed=matlab(True),
    # [N, 3, 32, 32], as Offmap has it
    images=base64.b64encode(np.ascontiguousarray(images.transpose(3, 2, 0, 1)).tobytes()).decode(),
    labels=[0, 3],
)
archives = dict(
    gnu=tar(tarfile.GNU_FORMAT, "w:gz"),
    pax=tar(tarfile.PAX_FORMAT, "w:gz"),
    ustar=tar(tarfile.USTAR_FORMAT, "w:gz"),
    zip=zipped(False),
    zip64=zipped(True),
)
contents = {name: base64.b64encode(content).decode() for name, content in files.items()}
Path(__file__).with_name("fetch.json").write_text(json.dumps(dict(archives=archives, contents=contents, svhn=svhn)) + "\n")
