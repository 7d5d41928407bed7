#!/usr/bin/env python3
"""Compare eyeshine's embeddings with open_clip's in one run; print the table of docs/PARITY.md.

    make parity                                   all of it
    make parity PARITY="--only starter"           one model (repeatable)

Full-size models get open_clip's own random initialisation with a fixed seed, are saved as model folders in a temporary
folder, read by both sides, and deleted. Pictures go from file to vector on both sides (decoding, resizing, tower), texts from words to
vector. The starter model runs over the photographs of ../shared/photos where they are. Exit code 1: a bound is broken.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.model import CustomTextCLIP
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = next((p for p in (ROOT / "../shared/photos", Path("/work/shared/photos")) if p.is_dir()), None)
COSINE = 0.99999
RECALL = 0.1  # points
SIZES = {"ViT-B-32": 24, "ViT-B-32-quickgelu": 8, "ViT-B-16": 8, "ViT-B-16-quickgelu": 4, "ViT-L-14": 4,
         "ViT-L-14-quickgelu": 2}
TEXTS = ["a photo of a cat", "two dogs running through the snow", "", "a YSL monogram on a bag", "crème brûlée à la carte",
         "a man in a red shirt &amp; a blue hat climbs a rock face", "一只狗在雪地里奔跑", "emoji \U0001F436\U0001F3FD in the text",
         "COMING SOON", "x" * 40, "a very long caption " * 30, "it's the dog's ball", "12345 67,890.12", "\t tabs  and\u00a0spaces ",
         "a watch with IWC on its dial", "dark stairwell", "pink clutch bag", "brown purse", "<start_of_text>", "naïve café"]


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def run_embed(embed, model, threads, lines, folder):
    listing, out = folder / "list.txt", folder / "out.f32"
    listing.write_text("".join(line + "\n" for line in lines))
    done = subprocess.run([embed, str(model), str(threads), str(listing), str(out)], check=True, capture_output=True,
                          text=True)
    facts = json.loads(done.stdout)
    return torch.from_numpy(np.fromfile(out, dtype="<f4").reshape(len(lines), facts["dim"]).copy()), facts


def open_pictures(folder, n):
    """Pictures that we made or may read: photographs if they are there, else noise saved as PNG."""
    if PHOTOS:
        names = sorted((PHOTOS / "flickr8k-test").glob("*.jpg"))[:: 1000 // n][: n // 2]
        names += sorted((PHOTOS / "fashion-test").glob("*.jpg"))[:: 900 // n][: n - len(names)]
        return names
    rng = np.random.default_rng(7)
    names = []
    for i in range(n):
        small = rng.integers(0, 256, (5 + i % 7, 6 + i % 5, 3), dtype=np.uint8)
        path = folder / f"picture{i}.png"
        Image.fromarray(small).resize((300 + 37 * i % 200, 240 + 53 * i % 300), Image.BICUBIC).save(path)
        names.append(path)
    return names


def encode_all(model, transform, tokenizer, pictures, texts):
    images, words = [], []
    with torch.inference_mode():
        for i in range(0, len(pictures), 25):
            batch = torch.stack([transform(Image.open(p)) for p in pictures[i:i + 25]])
            images.append(model.encode_image(batch, normalize=True))
        for i in range(0, len(texts), 200):
            words.append(model.encode_text(tokenizer(texts[i:i + 200]), normalize=True))
    return torch.cat(images), torch.cat(words)


def lines_of(pictures, texts):
    return [f"image\t{p}" for p in pictures] + ["text\t" + t.replace("\n", " ") for t in texts]


def cosines(a, b):
    return torch.nn.functional.cosine_similarity(a.double(), b.double()).min().item()


def spread(rows):
    """How alike the two most different inputs are: small, or a constant answer would pass."""
    return (rows @ rows.T).min().item()


def random_model(name, args):
    torch.manual_seed(20240607)
    model = open_clip.create_model(name).eval()
    transform = image_transform_v2(PreprocessCfg(size=model.visual.image_size), is_train=False)
    folder = Path(tempfile.mkdtemp(prefix="eyeshine-parity-"))
    try:
        cfg = dict(model_cfg=open_clip.get_model_config(name), preprocess_cfg={})
        (folder / "open_clip_config.json").write_text(json.dumps(cfg))
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
        pictures = open_pictures(folder, SIZES[name])
        images, words = encode_all(model, transform, open_clip.get_tokenizer(name), pictures, TEXTS)
        ours, facts = run_embed(args.embed, folder, args.threads, lines_of(pictures, TEXTS), folder)
    finally:
        shutil.rmtree(folder)
    n = len(pictures)
    return [dict(model=name, inputs=f"{n} pictures", cosine=cosines(images, ours[:n]), spread=spread(images),
                 peak=facts["peak_mib"]),
            dict(model=name, inputs=f"{len(TEXTS)} texts", cosine=cosines(words, ours[n:]), spread=spread(words),
                 peak=facts["peak_mib"])]


def load_starter(folder):
    cfg = json.loads((folder / "open_clip_config.json").read_text())
    m = cfg["model_cfg"]
    hf = Path(tempfile.mkdtemp(prefix="eyeshine-parity-"))
    for a, b in (("text_config.json", "config.json"), ("vocab.txt", "vocab.txt"), ("tokenizer.json", "tokenizer.json")):
        shutil.copy(folder / a, hf / b)
    try:
        m["text_cfg"].update(hf_model_name=str(hf), hf_tokenizer_name=str(hf))
        m.pop("custom_text")
        model = CustomTextCLIP(**m).eval()
        state = {k: v.float() for k, v in load_file(folder / "open_clip_model.safetensors").items()}
        missing = model.load_state_dict(state, strict=False)
        assert not missing.unexpected_keys and all("num_batches" in k for k in missing.missing_keys), missing
        tokenizer = open_clip.tokenizer.HFTokenizer(str(hf), context_length=m["text_cfg"]["context_length"])
    finally:
        shutil.rmtree(hf)
    transform = image_transform_v2(PreprocessCfg(size=m["vision_cfg"]["image_size"], **cfg["preprocess_cfg"]), is_train=False)
    return model, transform, tokenizer


def recall(images, words, gold):
    s = words @ images.T
    rank = (s >= s.gather(1, gold[:, None])).sum(1)
    return [100 * (rank <= k).double().mean().item() for k in (1, 5, 10)]


def starter_set(args, parts, folder, name):
    rows = [line.split("\t", 1) for line in (PHOTOS / f"{name}.captions.tsv").read_text().splitlines()]
    files = sorted({f for f, _ in rows})
    gold = torch.tensor([files.index(f) for f, _ in rows])
    pictures, texts = [PHOTOS / name / f for f in files], [t for _, t in rows]
    images, words = encode_all(*parts, pictures, texts)
    with tempfile.TemporaryDirectory() as tmp:
        ours, facts = run_embed(args.embed, folder, args.threads, lines_of(pictures, texts), Path(tmp))
    n = len(pictures)
    common = dict(model="starter", peak=facts["peak_mib"])
    return [dict(common, inputs=f"{name}: {n} pictures", cosine=cosines(images, ours[:n]), spread=spread(images)),
            dict(common, inputs=f"{name}: {len(texts)} texts", cosine=cosines(words, ours[n:]), spread=spread(words),
                 recall=(recall(ours[:n], ours[n:], gold), recall(images, words, gold)))]


def starter(args):
    folder = next((p for p in (ROOT / "models/starter", ROOT / "../shared/starter")
                   if (p / "open_clip_model.safetensors").is_file()), None)
    if not folder:
        say("starter: no model, skipped")
        return []
    parts = load_starter(folder)
    if PHOTOS:
        out = []
        for name in ("flickr8k-test", "fashion-test"):
            say(f"starter on {name} ...")
            out += starter_set(args, parts, folder, name)
        return out
    say("starter: ../shared/photos missing, recall skipped")
    with tempfile.TemporaryDirectory() as tmp:
        pictures = open_pictures(Path(tmp), 24)
        images, words = encode_all(*parts, pictures, TEXTS)
        ours, facts = run_embed(args.embed, folder, args.threads, lines_of(pictures, TEXTS), Path(tmp))
    return [dict(model="starter", inputs="24 pictures", cosine=cosines(images, ours[:24]), spread=spread(images),
                 peak=facts["peak_mib"]),
            dict(model="starter", inputs=f"{len(TEXTS)} texts", cosine=cosines(words, ours[24:]), spread=spread(words),
                 peak=facts["peak_mib"])]


def table(rows):
    print("| model | inputs | smallest cosine with open_clip | most different pair | R@1 / R@5 / R@10 eyeshine | open_clip | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for r in rows:
        both = [" / ".join(f"{x:.2f}" for x in side) for side in r["recall"]] if "recall" in r else ["", ""]
        print(f"| {r['model']} | {r['inputs']} | {r['cosine']:.8f} | {r['spread']:.3f} | {both[0]} | {both[1]} | {r['peak']} |")


def broken(r):
    if not r["cosine"] >= COSINE:
        return f"cosine {r['cosine']:.8f} is below {COSINE}"
    if "recall" in r and max(abs(a - b) for a, b in zip(*r["recall"])) > RECALL:
        return f"recall differs by more than {RECALL} points"
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--embed", required=True)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--only", action="append", default=[])
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    rows = []
    for name in ["starter", *SIZES]:
        if not args.only or name in args.only:
            say(name, "...")
            rows += starter(args) if name == "starter" else random_model(name, args)
    table(rows)
    print(f"\nopen_clip {open_clip.__version__}, torch {torch.__version__}, {args.threads} threads each; bounds: cosine >= {COSINE}, "
          f"recall within {RECALL} points")
    failures = [f"{r['model']}, {r['inputs']}: {b}" for r in rows if (b := broken(r))]
    for f in failures:
        print("BROKEN:", f)
    sys.exit(1 if failures or not rows else 0)


if __name__ == "__main__":
    main()
