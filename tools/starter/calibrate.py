#!/usr/bin/env python3
"""Measure how a cosine of the starter model becomes a similarity, and where relevance ends.

Reference: open_clip and PIL on ../shared/photos (not part of the project). Four sets of pairs, each pair known to be
relevant or not, weigh the same; in each, relevant and not relevant weigh the same (a prior of one half):
  text   captions   a Flickr8k caption and its own photograph / a random other one
         words      a noun alone ("dog") and photographs that at least three of their five captions call so / none does
         products   a product's name and its own photograph / one of another kind of product
  image  views      a photograph and a crop (50-90 % of the area, maybe mirrored, recompressed) / another photograph
         products   two photographs of the same kind of product / of different kinds
A logistic curve is fitted to each modality's pairs: midpoint and scale of 1 / (1 + exp(-(cos - midpoint) / scale)).
The floor is the midpoint: where a pair is as likely relevant as not, so a similarity of one half is the line. Tried and
dropped: the mean of the sets' 10 % quantiles (0.20 for text), which put four of five right answers to one-word queries below it.

  .venv/bin/python tools/starter/calibrate.py [photos] > result.json
  .venv/bin/python tools/starter/calibrate.py photos --embed build/release/parity-embed > result.json
The second lets the program itself compute the embeddings (tools/parity/embed.c, in a tenth of the time)."""

import collections
import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import numpy as np
import open_clip
import torch
from open_clip.model import CustomTextCLIP
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import load_file

torch.set_num_threads(1)
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
STARTER = os.path.join(ROOT, "models", "starter")


def load_model(folder):
    for name in ("vocab.txt", "tokenizer.json"):
        shutil.copy(os.path.join(STARTER, name), folder)
    shutil.copy(os.path.join(STARTER, "text_config.json"), os.path.join(folder, "config.json"))
    cfg = json.load(open(os.path.join(STARTER, "open_clip_config.json")))
    model_cfg = copy.deepcopy(cfg["model_cfg"])
    model_cfg["text_cfg"].update(hf_model_name=folder, hf_tokenizer_name=folder)
    model_cfg.pop("custom_text")
    model = CustomTextCLIP(**model_cfg, cast_dtype=None).eval()
    state = {k: v.float() for k, v in load_file(os.path.join(STARTER, "open_clip_model.safetensors")).items()}
    result = model.load_state_dict(state, strict=False)
    assert not result.unexpected_keys and not [k for k in result.missing_keys if "num_batches" not in k], result
    prep = PreprocessCfg(size=model_cfg["vision_cfg"]["image_size"], **cfg["preprocess_cfg"])
    tokenizer = open_clip.tokenizer.HFTokenizer(folder, context_length=model_cfg["text_cfg"]["context_length"])
    return model, image_transform_v2(prep, is_train=False), tokenizer


def encode_images(model, transform, images):
    out, batch = [], []
    with torch.inference_mode():
        for image in images:
            batch.append(transform(image))
            if len(batch) == 50:
                out.append(model.encode_image(torch.stack(batch), normalize=True).numpy())
                batch = []
        if batch:
            out.append(model.encode_image(torch.stack(batch), normalize=True).numpy())
    return np.concatenate(out)


def encode_texts(model, tokenizer, texts):
    """Short ones together and without the padding they do not need, which the mean pooling leaves out anyway."""
    ids = tokenizer(texts)
    lengths = (ids != 0).sum(1)
    order = torch.argsort(lengths)
    out = np.zeros((len(texts), 384), np.float32)
    with torch.inference_mode():
        for i in range(0, len(texts), 100):
            some = order[i:i + 100]
            out[some.numpy()] = model.encode_text(ids[some, : lengths[some].max()], normalize=True).numpy()
    return out


def encode_all(photos, ffiles, pfiles, view_files, texts):
    """Embeddings by open_clip of both photo sets, the views and the texts."""
    with tempfile.TemporaryDirectory() as folder:
        model, transform, tokenizer = load_model(folder)
        flickr = encode_images(model, transform, (Image.open(os.path.join(photos, "flickr8k-test", f)) for f in ffiles))
        product = encode_images(model, transform, (Image.open(os.path.join(photos, "fashion-test", f)) for f in pfiles))
        views = encode_images(model, transform, (Image.open(f) for f in view_files))
        return flickr, product, views, encode_texts(model, tokenizer, texts)


def embed_all(program, photos, ffiles, pfiles, view_files, texts):
    """The same by eyeshine."""
    lines = ["image\t" + os.path.join(photos, "flickr8k-test", f) for f in ffiles]
    lines += ["image\t" + os.path.join(photos, "fashion-test", f) for f in pfiles]
    lines += ["image\t" + f for f in view_files] + ["text\t" + t for t in texts]
    with tempfile.TemporaryDirectory() as folder:
        todo, done = os.path.join(folder, "list"), os.path.join(folder, "out")
        with open(todo, "w") as f:
            f.write("\n".join(lines) + "\n")
        subprocess.run([program, STARTER, "1", todo, done], check=True, stdout=sys.stderr)
        out = np.fromfile(done, np.float32).reshape(len(lines), -1)
    ends = np.cumsum([len(ffiles), len(pfiles), len(view_files)])
    return np.split(out, ends)


def captions(photos, name):
    rows = [line.rstrip("\n").split("\t", 1) for line in open(os.path.join(photos, name + ".captions.tsv"))]
    files = sorted({f for f, _ in rows})
    return files, rows


def write_view(path, name, rnd):
    """Another picture of the same thing: crop, mirror, JPEG."""
    image = Image.open(path).convert("RGB")
    side = rnd.uniform(0.5, 0.9) ** 0.5
    w, h = int(image.width * side), int(image.height * side)
    x, y = rnd.randint(0, image.width - w), rnd.randint(0, image.height - h)
    image = image.crop((x, y, x + w, y + h))
    if rnd.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image.save(name, "JPEG", quality=rnd.randint(40, 90))


NOUNS = ("dog man woman boy girl child baby beach water snow grass street mountain bike bicycle skateboard ball football "
         "soccer basketball tennis swimming pool ocean wave surfer rock climber car motorcycle horse tree field park building "
         "crowd people children camera hat shirt dress jacket guitar bench bridge fountain playground swing slide sand river lake").split()
KINDS = "watch watches bag handbag handbags clutch shoes shoe sandals sandal heels flats shirt t-shirt t-shirts tshirt tee top jeans belt sunglasses wallet wallets socks cap dress kurta shorts trousers tie earrings backpack flip flops".split()


def kind_of(name):
    """The last word of a product's name that is a kind, in the singular; None without one."""
    for word in reversed(re.findall(r"[a-z-]+", name.lower())):
        if word in KINDS:
            return {"watches": "watch", "handbags": "handbag", "t-shirts": "t-shirt", "tshirt": "t-shirt", "tee": "t-shirt"}.get(word, word.rstrip("s"))
    return None


def fit(sets):
    """Logistic regression on (cosine, relevant) by Newton's method; each set and class weighs the same."""
    x = np.concatenate([np.concatenate([p, n]) for p, n in sets])
    y = np.concatenate([np.concatenate([np.ones(len(p)), np.zeros(len(n))]) for p, n in sets])
    w = np.concatenate([np.concatenate([np.full(len(p), 1 / len(p)), np.full(len(n), 1 / len(n))]) for p, n in sets])
    a = np.zeros(2)
    design = np.stack([x, np.ones_like(x)], 1)
    for _ in range(50):
        q = 1 / (1 + np.exp(-design @ a))
        gradient = design.T @ (w * (y - q))
        hessian = (design * (w * q * (1 - q))[:, None]).T @ design
        a = a + np.linalg.solve(hessian, gradient)
    return -a[1] / a[0], 1 / a[0]


def summary(sets, names):
    midpoint, scale = fit(sets)
    floor = float(midpoint)
    rows = {}
    for name, (p, n) in zip(names, sets):
        rows[name] = {"relevant": len(p), "other": len(n), "relevant_10_50_90": np.quantile(p, [.1, .5, .9]).round(3).tolist(),
                      "other_50_95_99": np.quantile(n, [.5, .95, .99]).round(3).tolist(),
                      "relevant_above_floor": round(float((p >= floor).mean()), 3), "other_above_floor": round(float((n >= floor).mean()), 3)}
    return {"midpoint": round(float(midpoint), 4), "scale": round(float(scale), 4), "floor": round(floor, 3), "sets": rows}


def main():
    photos = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "..", "shared", "photos")
    program = sys.argv[3] if len(sys.argv) > 3 and sys.argv[2] == "--embed" else None
    rnd, rng = random.Random(1), np.random.default_rng(1)
    ffiles, frows = captions(photos, "flickr8k-test")
    pfiles, prows = captions(photos, "fashion-test")
    texts = [t for _, t in frows] + [t for _, t in prows] + NOUNS
    some = list(range(0, len(ffiles), 2))
    with tempfile.TemporaryDirectory() as folder:
        view_files = [os.path.join(folder, f"{i}.jpg") for i in some]
        for i, name in zip(some, view_files):
            write_view(os.path.join(photos, "flickr8k-test", ffiles[i]), name, rnd)
        job = (photos, ffiles, pfiles, view_files, texts)
        flickr, product, views, words = embed_all(program, *job) if program else encode_all(*job)
    said, named, nouns = np.split(words, [len(frows), len(frows) + len(prows)])

    at = {f: i for i, f in enumerate(ffiles)}
    own = np.array([at[f] for f, _ in frows])
    other = (own + rng.integers(1, len(ffiles), len(own))) % len(ffiles)
    caption_set = ((said * flickr[own]).sum(1), (said * flickr[other]).sum(1))

    mentions = np.zeros((len(NOUNS), len(ffiles)), int)
    for f, text in frows:
        words = set(re.findall(r"[a-z]+", text.lower()))
        for k, noun in enumerate(NOUNS):
            mentions[k, at[f]] += noun in words or noun + "s" in words
    cosines = nouns @ flickr.T
    word_set = (cosines[mentions >= 3], cosines[mentions == 0])

    pat = {f: i for i, f in enumerate(pfiles)}
    pown = np.array([pat[f] for f, _ in prows])
    kinds = [kind_of(t) for _, t in prows]
    pairs = [(i, j) for i, j in rng.integers(0, len(prows), (20000, 2)) if i != j and kinds[i] and kinds[j]]
    differ = [(i, pown[j]) for i, j in pairs if kinds[i] != kinds[j]]
    same = [(pown[i], pown[j]) for i, j in pairs if kinds[i] == kinds[j]]
    product_set = ((named * product[pown]).sum(1), np.array([named[i] @ product[j] for i, j in differ]))

    shift = rng.integers(1, len(ffiles), len(some))
    view_set = ((views * flickr[some]).sum(1), (flickr[some] * flickr[(np.array(some) + shift) % len(ffiles)]).sum(1))
    kind_set = (np.array([product[i] @ product[j] for i, j in same]), np.array([product[pown[i]] @ product[j] for i, j in differ]))
    print(json.dumps({"kinds": collections.Counter(k for k in kinds).most_common(40),
                      "text": summary([caption_set, word_set, product_set], ["captions", "words", "products"]),
                      "image": summary([view_set, kind_set], ["views", "products"])}, indent=1))


main()
