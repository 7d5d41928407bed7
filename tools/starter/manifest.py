#!/usr/bin/env python3
"""Write models/starter/eyeshine.json: sums of the model's files, and the calibration that calibrate.py measured.

  tools/starter/manifest.py calibration.json"""

import hashlib
import json
import os
import sys

STARTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "starter")
FILES = ("open_clip_config.json", "open_clip_model.safetensors", "text_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def main():
    measured = json.load(open(sys.argv[1]))
    files = {}
    for name in FILES:
        data = open(os.path.join(STARTER, name), "rb").read()
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    calibration = {kind: {k: measured[kind][k] for k in ("midpoint", "scale", "floor")} for kind in ("text", "image")}
    manifest = {"name": "starter", "revision": "1", "licence": "Apache-2.0 parts; training photographs: research use",
                "files": files, "calibration": calibration}
    with open(os.path.join(STARTER, "eyeshine.json"), "w") as f:
        json.dump(manifest, f, indent=2)
        f.write("\n")


main()
