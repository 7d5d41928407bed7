#!/usr/bin/env python3
"""Index one folder with eyeshine and do the same work with open_clip + PyTorch, alternately in one run.

Same pictures, same model (models/starter), same number of threads. eyeshine's time is the whole command from a cold
process to the committed library; PyTorch's leaves out imports and model loading, which favours it. Two PyTorch loops are timed:
plain (decode and encode in turn) and with a DataLoader of as many worker processes as threads; the better one counts, with
the batch size and memory format that a trial at the start finds fastest.

usage: .venv/bin/python bench/index_beside_torch.py [--threads 2] [--rounds 3] [--photos DIR]
"""
import argparse
import copy
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def eyeshine(photos, threads):
    """One cold index run: (seconds, peak memory in MB of the largest process and of all its processes together)."""
    library = tempfile.mkdtemp(prefix="eyeshine-bench.")
    start = time.monotonic()
    child = subprocess.Popen(["build/eyeshine", "--library", library, "--threads", str(threads), "index", "-q", photos])
    peak = 0
    while child.poll() is None:
        peak = max(peak, tree_pss(child.pid))
        time.sleep(0.05)
    seconds = time.monotonic() - start
    shutil.rmtree(library)
    if child.returncode != 0:
        sys.exit("eyeshine index failed")
    return seconds, peak / 1024


def tree_pss(pid):
    """Proportional memory in KiB of a process and its descendants (shared pages counted once)."""
    total = 0
    todo = [pid]
    while todo:
        p = todo.pop()
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children") as f:
                    todo += [int(c) for c in f.read().split()]
        except (OSError, StopIteration):
            pass
    return total


def torch_model(threads):
    import open_clip
    import torch
    from open_clip.model import CustomTextCLIP
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from safetensors.torch import load_file

    torch.set_num_threads(threads)
    cfg = json.load(open("models/starter/open_clip_config.json"))
    m = copy.deepcopy(cfg["model_cfg"])
    m.pop("custom_text")
    spec = importlib.util.find_spec("transformers")
    assert spec, "pip install transformers"
    bert = tempfile.mkdtemp(prefix="eyeshine-bert.")
    shutil.copy("models/starter/text_config.json", bert + "/config.json")
    shutil.copy("models/starter/tokenizer.json", bert)
    m["text_cfg"]["hf_model_name"] = m["text_cfg"]["hf_tokenizer_name"] = bert
    model = CustomTextCLIP(**m, cast_dtype=None).eval()
    model.load_state_dict({k: v.float() for k, v in load_file("models/starter/open_clip_model.safetensors").items()},
                          strict=False)
    prep = PreprocessCfg(size=m["vision_cfg"]["image_size"], **cfg["preprocess_cfg"])
    return model, image_transform_v2(prep, is_train=False), open_clip.__version__, torch.__version__


class Folder:
    def __init__(self, files, transform):
        self.files, self.transform = files, transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        from PIL import Image
        return self.transform(Image.open(self.files[i]))


def fastest_layout(model):
    """PyTorch's best (batch size, memory format) on this machine, by images a second of the image tower."""
    import torch
    best = (0, None)
    for layout in (torch.contiguous_format, torch.channels_last):
        model.visual.to(memory_format=layout)
        for size in (1, 8, 32):
            x = torch.randn(size, 3, 224, 224).to(memory_format=layout)
            with torch.inference_mode():
                model.visual(x)
                start, n = time.monotonic(), 0
                while time.monotonic() - start < 3:
                    model.visual(x)
                    n += size
            rate = n / (time.monotonic() - start)
            print(f"PyTorch's tower alone, batch {size}, {layout}: {rate:.1f} images/s")
            best = max(best, (rate, (size, layout)), key=lambda b: b[0])
    model.visual.to(memory_format=best[1][1])
    return best[1]


def torch_index(model, transform, files, workers, size, layout):
    import torch
    start = time.monotonic()
    loader = torch.utils.data.DataLoader(Folder(files, transform), batch_size=size, num_workers=workers)
    with torch.inference_mode():
        for batch in loader:
            model.encode_image(batch.to(memory_format=layout), normalize=True).half().numpy()
    return time.monotonic() - start


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--photos", default="../shared/photos/flickr8k-test")
    a = ap.parse_args()
    files = sorted(os.path.join(a.photos, f) for f in os.listdir(a.photos))
    model, transform, oc, tv = torch_model(a.threads)
    size, layout = fastest_layout(model)
    ours, plain, loader, peaks = [], [], [], []
    for _ in range(a.rounds):
        seconds, peak = eyeshine(a.photos, a.threads)
        ours.append(seconds)
        peaks.append(peak)
        plain.append(torch_index(model, transform, files, 0, size, layout))
        loader.append(torch_index(model, transform, files, a.threads, size, layout))
    n = len(files)
    best = min(statistics.median(plain), statistics.median(loader))
    me = statistics.median(ours)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n} pictures, {a.threads} threads, median of {a.rounds} rounds, open_clip {oc}, torch {tv}")
    print("| | seconds | pictures/s | peak memory MB |")
    print("|---|---|---|---|")
    print(f"| eyeshine index (cold process to committed library) | {me:.1f} | {n / me:.1f} | {max(peaks):.0f} |")
    for name, t in (("PyTorch, plain loop", plain), ("PyTorch, DataLoader", loader)):
        print(f"| {name} | {statistics.median(t):.1f} | {n / statistics.median(t):.1f} | {rss:.0f} |")
    print(f"eyeshine is {best / me:.2f} x as fast as the better of the two")


if __name__ == "__main__":
    main()
