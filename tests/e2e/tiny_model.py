#!/usr/bin/env python3
"""Write a small random ViT CLIP model in open_clip's layout (configuration and safetensors): tiny_model.py FOLDER.
Standard library only. Width 64, 2 layers, patch 32, 64 px, embedding 64; seeded, so always the same."""
import json
import os
import random
import struct
import sys

DIM, WIDTH, LAYERS, PATCH, SIZE, VOCAB, CONTEXT = 64, 64, 2, 32, 64, 49408, 77

CONFIG = {
    "model_cfg": {
        "embed_dim": DIM,
        "vision_cfg": {"image_size": SIZE, "layers": LAYERS, "width": WIDTH, "head_width": 32, "patch_size": PATCH},
        "text_cfg": {"context_length": CONTEXT, "vocab_size": VOCAB, "width": WIDTH, "heads": 2, "layers": LAYERS},
    },
    "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]},
}


def block(prefix):
    return {
        prefix + "ln_1.weight": [WIDTH], prefix + "ln_1.bias": [WIDTH],
        prefix + "attn.in_proj_weight": [3 * WIDTH, WIDTH], prefix + "attn.in_proj_bias": [3 * WIDTH],
        prefix + "attn.out_proj.weight": [WIDTH, WIDTH], prefix + "attn.out_proj.bias": [WIDTH],
        prefix + "ln_2.weight": [WIDTH], prefix + "ln_2.bias": [WIDTH],
        prefix + "mlp.c_fc.weight": [4 * WIDTH, WIDTH], prefix + "mlp.c_fc.bias": [4 * WIDTH],
        prefix + "mlp.c_proj.weight": [WIDTH, 4 * WIDTH], prefix + "mlp.c_proj.bias": [WIDTH],
    }


def shapes():
    t = {
        "visual.class_embedding": [WIDTH],
        "visual.positional_embedding": [(SIZE // PATCH) ** 2 + 1, WIDTH],
        "visual.proj": [WIDTH, DIM],
        "visual.conv1.weight": [WIDTH, 3, PATCH, PATCH],
        "token_embedding.weight": [VOCAB, WIDTH],
        "positional_embedding": [CONTEXT, WIDTH],
        "text_projection": [WIDTH, DIM],
        "logit_scale": [],
    }
    for name in ("visual.ln_pre", "visual.ln_post", "ln_final"):
        t[name + ".weight"] = t[name + ".bias"] = [WIDTH]
    for i in range(LAYERS):
        t.update(block(f"visual.transformer.resblocks.{i}."))
        t.update(block(f"transformer.resblocks.{i}."))
    return t


def main():
    folder = sys.argv[1]
    os.makedirs(folder)
    rng = random.Random(7)
    header, chunks, at = {}, [], 0
    for name, shape in shapes().items():
        n = 1
        for v in shape:
            n *= v
        if name.endswith(".weight") and ".ln_" in "." + name:
            values = [1.0] * n
        else:
            noise = [rng.uniform(-0.2, 0.2) for _ in range(min(n, 65536))]  # repeats in the large tables: no matter
            values = (noise * (n // len(noise) + 1))[:n]
        data = struct.pack(f"<{n}e", *values)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + len(data)]}
        chunks.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "open_clip_model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))
    with open(os.path.join(folder, "open_clip_config.json"), "w", encoding="utf-8") as f:
        json.dump(CONFIG, f)


if __name__ == "__main__":
    main()
