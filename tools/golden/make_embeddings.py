#!/usr/bin/env python3
"""Make tests/golden/embeddings: what open_clip 3.3.0 computes for small models of each shape.

    .venv/bin/python tools/golden/make_embeddings.py [CASE...]

Weights, pictures and token ids come from a tiny hash generator that tests/unit/clip/recipe.h repeats in C, so only the
recipe (configuration, names and shapes of the tensors, token ids) and the expected embeddings are kept. Names and
shapes are those of open_clip's own state dict. For each case a folder:

    open_clip_config.json | config.json, text_config.json, vocab.txt   as in a model folder
    tensors.txt      NAME STORED_TYPE SIDE...
    ids.txt          one text a line: token ids with start and end, without padding
    expected.f16     [3 pictures + texts, dim] unit vectors, little-endian half floats

The script fails when two different inputs get nearly the same vector: such a golden would prove nothing.
"""
import json
import math
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import open_clip
import timm
import torch
import transformers
from open_clip.model import CLIP, CustomTextCLIP

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/embeddings"
PICTURES = 3
M64 = (1 << 64) - 1


# ---- the generator: repeated in tests/unit/clip/recipe.h ----

def fnv1a(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & M64
    return h


def draw(seed, n):
    """n numbers in [-1, 1), multiples of 2^-23: exact in float32."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.int64) - (1 << 23)
    return (u.astype(np.float64) / (1 << 23)).astype(np.float32)


def scale_offset(name, shape):
    if name.endswith("running_var"):
        return 0.5, 1.0
    if name.endswith("running_mean"):
        return 0.2, 0.0
    if name.endswith(".gamma"):
        return 0.3, 0.6
    if len(shape) >= 2:
        if "embedding" in name and "patch" not in name:
            return (0.5 if "position" in name else 1.5), 0.0
        turned = name.endswith("text_projection") or name == "visual.proj"
        fan_in = shape[0] if turned else math.prod(shape[1:])
        gain = 1.0
        if "conv" in name or "patch" in name:
            gain = 2.0
        if "blocks." in name:  # larger: a chaotic trunk that magnifies rounding; smaller: nothing gets through
            gain = 1.4
        if "out_proj" in name or "attention.output" in name:
            gain = 4.0
        return gain * math.sqrt(3.0 / fan_in), 0.0
    if len(shape) == 1:
        if name.endswith(".weight"):
            return 0.3, 1.0
        return 0.2, 0.0
    return 0.0, 1.0


def weight(name, shape):
    scale, offset = scale_offset(name, shape)
    v = draw(fnv1a(name), max(1, math.prod(shape)))
    return (v * np.float32(scale) + np.float32(offset)).reshape(shape)


def picture(k, height, width):
    """u8 [height, width, 3]: coloured blocks of 8 x 8 pixels with a little noise."""
    bh, bw = (height + 7) // 8, (width + 7) // 8
    blocks = (draw(1000 + k, bh * bw * 3).reshape(bh, bw, 3) + 1) * 112
    noise = (draw(2000 + k, height * width * 3).reshape(height, width, 3) + 1) * 16
    base = np.repeat(np.repeat(np.floor(blocks), 8, 0), 8, 1)[:height, :width]
    return (base + np.floor(noise)).astype(np.uint8)


# ---- cases ----

def vit(width=128, **kw):
    return dict(dict(layers=2, width=width, patch_size=16, image_size=64), **kw)


def text(width=128, **kw):
    return dict(dict(context_length=16, vocab_size=300, width=width, heads=2, layers=2), **kw)


LITE = dict(timm_model_name="tf_efficientnet_lite0", timm_model_pretrained=False, timm_pool="avg", image_size=100)
BERT = dict(model_type="bert", hidden_size=96, num_hidden_layers=2, num_attention_heads=3, intermediate_size=200,
            max_position_embeddings=40, vocab_size=64, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12,
            pad_token_id=0, position_embedding_type="absolute")
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [chr(97 + i) for i in range(26)] + [
    "##" + chr(97 + i) for i in range(26)]
BERT_TEXT = dict(hf_model_name="bert", hf_tokenizer_name="bert", hf_model_pretrained=False, context_length=16)
HALF = dict(mean=[0.5] * 3, std=[0.5] * 3)

CASES = {
    "vit-quick-p32-512": dict(cfg=dict(embed_dim=512, quick_gelu=True, vision_cfg=vit(patch_size=32, image_size=96),
                                       text_cfg=text())),
    "vit-exact-p16-640": dict(cfg=dict(embed_dim=640, custom_text=True, vision_cfg=vit(), text_cfg=text())),
    "vit-h80-p14-768": dict(cfg=dict(embed_dim=768, vision_cfg=vit(160, patch_size=14, image_size=56, head_width=80,
                                                                   mlp_ratio=4.3637), text_cfg=text(160, heads=2))),
    "vit-avg-clipa-1024": dict(
        cfg=dict(embed_dim=1024, vision_cfg=vit(patch_size=14, image_size=56, no_ln_pre=True, pool_type="avg",
                                                final_ln_after_pool=True),
                 text_cfg=text(vocab_size=60, context_length=7, hf_tokenizer_name="bert-base-uncased", pool_type="last",
                               tokenizer_kwargs=dict(strip_sep_token=True), no_causal_mask=True)), wordpiece=True),
    "vit-avg-oblong-96": dict(cfg=dict(embed_dim=96, vision_cfg=vit(pool_type="avg", image_size=[48, 80]),
                                       text_cfg=text(pool_type="last")), pre=HALF),
    "vit-layerscale-64": dict(cfg=dict(embed_dim=64, custom_text=True, vision_cfg=vit(ls_init_value=1e-4),
                                       text_cfg=text(ls_init_value=1e-4)), flat=True),
    "text-eos-bias-80": dict(cfg=dict(embed_dim=80, custom_text=True, vision_cfg=vit(64, layers=1),
                                      text_cfg=text(pool_type="eos", eos_id=299, proj_bias=True,
                                                    norm_kwargs=dict(eps=1e-3)))),
    "text-first-none-128": dict(cfg=dict(embed_dim=128, vision_cfg=vit(64, layers=1),
                                         text_cfg=text(pool_type="first", proj_type="none", no_causal_mask=True))),
    "hf-clip-72": dict(hf=dict(model_type="clip", projection_dim=72,
                               vision_config=dict(hidden_size=128, intermediate_size=320, num_hidden_layers=2,
                                                  num_attention_heads=4, image_size=64, patch_size=16,
                                                  hidden_act="gelu"),
                               text_config=dict(hidden_size=96, intermediate_size=300, num_hidden_layers=2,
                                                num_attention_heads=3, vocab_size=300, max_position_embeddings=16,
                                                hidden_act="quick_gelu", eos_token_id=299, bos_token_id=298))),
    "vit-f16-64": dict(cfg=dict(embed_dim=64, quick_gelu=True, vision_cfg=vit(), text_cfg=text()), dtype="F16"),
    "vit-bf16-64": dict(cfg=dict(embed_dim=64, vision_cfg=vit(ls_init_value=0.1), text_cfg=text()), dtype="BF16"),
    "lite0-mlp-bert-mean-mlp-48": dict(
        cfg=dict(embed_dim=48, custom_text=True, vision_cfg=dict(LITE, timm_proj="mlp"),
                 text_cfg=dict(BERT_TEXT, hf_pooler_type="mean_pooler", hf_proj_type="mlp")), pre=HALF, dtype="mixed"),
    "lite0-linear-bert-cls-linear-40": dict(
        cfg=dict(embed_dim=40, custom_text=True, vision_cfg=dict(LITE, timm_proj="linear", timm_proj_bias=True,
                                                                 image_size=64),
                 text_cfg=dict(BERT_TEXT, hf_pooler_type="cls_pooler", hf_proj_type="linear"))),
    "lite1-classifier-bert-row0-none-96": dict(
        cfg=dict(embed_dim=96, custom_text=True, vision_cfg=dict(LITE, timm_model_name="tf_efficientnet_lite1",
                                                                 timm_proj=None, image_size=75),
                 text_cfg=dict(BERT_TEXT, hf_pooler_type="cls_last_hidden_state_pooler", hf_proj_type=None))),
}


def stored_type(case, shape):
    kind = case.get("dtype", "F32")
    if kind == "mixed":  # as the starter model: matrices in half precision
        return "F16" if len(shape) >= 2 else "F32"
    return kind


def as_stored(value, kind):
    t = torch.from_numpy(np.ascontiguousarray(value))
    return t.to({"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[kind]).float()


def fill(model, case):
    """Put the generator's numbers into every tensor; returns the lines of tensors.txt."""
    lines, state = [], {}
    for name, t in model.state_dict().items():
        if not t.dtype.is_floating_point:
            continue
        kind = stored_type(case, t.shape)
        file_name = name
        if case.get("flat") and name.startswith("text."):
            file_name = name[5:]  # an old flat file read into a CustomTextCLIP
        state[name] = as_stored(weight(file_name, tuple(t.shape)), kind)
        lines.append(" ".join([file_name, kind, *map(str, t.shape)]))
    model.load_state_dict(state, strict=False)
    return lines


def build(case, folder):
    if "hf" in case:
        model = transformers.CLIPModel(transformers.CLIPConfig(**case["hf"])).eval()
        return model, case["hf"]["text_config"]["max_position_embeddings"], 300, 64, 64
    cfg = json.loads(json.dumps(case["cfg"]))
    v = cfg["vision_cfg"]
    size = v["image_size"] if isinstance(v["image_size"], list) else [v["image_size"]] * 2
    bert = "hf_model_name" in cfg["text_cfg"]
    if bert:
        (folder / "bert").mkdir()
        (folder / "bert/config.json").write_text(json.dumps(BERT))
        cfg["text_cfg"]["hf_model_name"] = str(folder / "bert")
    custom = cfg.pop("custom_text", False)
    model = (CustomTextCLIP if custom else CLIP)(**cfg).eval()
    return model, cfg["text_cfg"]["context_length"], (64 if bert else cfg["text_cfg"]["vocab_size"]), *size


def texts(case, context, vocab):
    start, end = vocab - 2, vocab - 1
    wordpiece = case.get("wordpiece") or "hf_model_name" in case.get("cfg", {}).get("text_cfg", {})
    if wordpiece:
        start, end = 2, 3
    words = ((draw(77, 64) + 1) * (vocab - 10) / 2).astype(int) + 5
    rows = [[], words[:3], words[10:14], words[20:20 + context - 2]]
    if wordpiece:
        rows.append([9, 0, 11])  # a padding id inside
    else:
        rows.append([9, end, 11])  # the end token inside
    return [[start, *map(int, r), end] for r in rows]


def padded(case, rows, context):
    out = torch.zeros(len(rows), context, dtype=torch.long)
    strip = case.get("cfg", {}).get("text_cfg", {}).get("tokenizer_kwargs", {}).get("strip_sep_token")
    for i, r in enumerate(rows):
        out[i, :len(r)] = torch.tensor(r)
        if strip:
            out[i][out[i] == r[-1]] = 0
    return out


def encode(model, case, pixels, ids):
    with torch.inference_mode():
        if "hf" in case:
            v = model.visual_projection(model.vision_model(pixels).pooler_output)
            t = model.text_projection(model.text_model(ids).pooler_output)
            return torch.cat([v, t])
        return torch.cat([model.encode_image(pixels), model.encode_text(ids)])


def check_distinct(name, e):
    for part, rows in (("pictures", e[:PICTURES]), ("texts", e[PICTURES:])):
        if "-v" in sys.argv:
            print(np.round((rows @ rows.T).numpy(), 3))
        cos = (rows @ rows.T).fill_diagonal_(-1).max().item()
        print(f"  {name}: {part} at most {cos:.3f} alike")
        if cos > 0.99:
            raise SystemExit(f"{name}: two {part} have cosine {cos:.4f}; change the recipe")


def make(name, case):
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as tmp:
        model, context, vocab, height, width = build(case, Path(tmp))
    lines = fill(model, case)
    pre = case.get("pre", dict(mean=open_clip.OPENAI_DATASET_MEAN, std=open_clip.OPENAI_DATASET_STD))
    pixels = np.stack([picture(k, height, width) for k in range(PICTURES)]).astype(np.float32) / 255
    pixels = (pixels - np.float32(pre["mean"])) / np.float32(pre["std"])
    rows = texts(case, context, vocab)
    pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    single = encode(model, case, pixels, padded(case, rows, context))
    e = encode(model.double(), case, pixels.double(), padded(case, rows, context))  # no rounding of its own
    print(f"  {name}: float32 is at least {torch.nn.functional.cosine_similarity(single, e).min().item():.8f} like float64")
    e = torch.nn.functional.normalize(e, dim=-1)
    check_distinct(name, e)
    (folder / "tensors.txt").write_text("\n".join(lines) + "\n")
    (folder / "ids.txt").write_text("\n".join(" ".join(map(str, r)) for r in rows) + "\n")
    e.float().numpy().astype("<f2").tofile(folder / "expected.f16")
    if "hf" in case:
        (folder / "config.json").write_text(json.dumps(case["hf"], indent=1) + "\n")
        return
    cfg = dict(model_cfg=case["cfg"], **({"preprocess_cfg": pre} if "pre" in case else {}))
    (folder / "open_clip_config.json").write_text(json.dumps(cfg, indent=1) + "\n")
    if "hf_model_name" in case["cfg"]["text_cfg"]:
        (folder / "text_config.json").write_text(json.dumps(BERT, indent=1) + "\n")
    if "hf_tokenizer_name" in case["cfg"]["text_cfg"]:
        (folder / "vocab.txt").write_text("\n".join(VOCAB) + "\n")


STARTER_TEXTS = [
    "a pink clutch bag", "a dark stairwell", "two dogs running through the snow", "", "COMING SOON", "crème brûlée",
    "a man in a red shirt &amp; a blue hat climbs a rock face", "[PAD] a dog [SEP] a cat", "一只狗在雪地里奔跑",
    "a very long caption about a dog in a park with many trees and people " * 10]


def make_starter():
    """The shipped model, from words to vector."""
    sys.path.insert(0, str(ROOT / "tools/parity"))
    from parity import load_starter
    model, _, tokenizer = load_starter(ROOT / "models/starter")
    folder = OUT / "starter"
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.stack([picture(k, 224, 224) for k in range(PICTURES)]).astype(np.float32) / 127.5 - 1
    model = model.double()
    with torch.inference_mode():
        e = torch.cat([model.encode_image(torch.from_numpy(pixels).permute(0, 3, 1, 2).double()),
                       model.encode_text(tokenizer(STARTER_TEXTS))])
    e = torch.nn.functional.normalize(e, dim=-1)
    check_distinct("starter", e)
    (folder / "texts.txt").write_text("".join(t + "\n" for t in STARTER_TEXTS))
    e.float().numpy().astype("<f2").tofile(folder / "expected.f16")


def main():
    torch.set_num_threads(1)
    wanted = [a for a in sys.argv[1:] if a != "-v"] or [*CASES, "starter"]
    for name in wanted:
        if name == "starter":
            make_starter()
        else:
            make(name, CASES[name])
    versions = dict(open_clip=open_clip.__version__, torch=torch.__version__, timm=timm.__version__,
                    transformers=transformers.__version__, numpy=np.__version__)
    (OUT / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
