#!/usr/bin/env python3
"""serve.py [--seconds N] [--uploads N] [--photos DIR] - load on `eyeshine serve`, as rows for docs/PERFORMANCE.md.

A library of up to 1,000 photographs. One client in a row; wrk with 32 connections, every query another one of 200; the same while a folder
of new pictures is indexed; then uploads in a row, after which no file and no descriptor may be left behind.
"""
import argparse
import glob
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote, urlsplit

EYE = "build/eyeshine"
SUBJECTS = "a dog,two children,a man on a bike,a red car,the sea,a crowd,snow,a football player,a girl in pink,a climber".split(",")
PLACES = ["at night", "in the water", "on grass", "in the street", "near a tree", "jumping", "smiling", "from behind", "in black and white", "at sunset"]
QUERIES = [f"{s} {p}" for s in SUBJECTS for p in PLACES] + [f"{p} {s}" for s in SUBJECTS for p in PLACES]


class Server:
    def __init__(self, library, *args):
        self.process = subprocess.Popen([EYE, "--library", library, "serve", "--port", "0", *args], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = re.search(r" at (\S+)/ \(", line).group(1)
        u = urlsplit(self.url)
        self.host, self.port = u.hostname, u.port
        self.client = http.client.HTTPConnection(self.host, self.port, timeout=600)

    def ask(self, method, path, body=None, kind="application/json"):
        self.client.request(method, path, body, {"Content-Type": kind} if body else {})
        r = self.client.getresponse()
        text = r.read()
        if r.status >= 400:
            raise RuntimeError(f"{method} {path}: {r.status} {text[:200]}")
        return text

    def json(self, *args):
        return json.loads(self.ask(*args))

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.ask("GET", "/metrics").decode(), re.M).group(1))

    def rss_mb(self):
        """Of the server's own process."""
        return self.metric("process_resident_memory_bytes") / 1e6

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) * 1024 / 1e6

    def stop(self):
        self.client.close()
        self.process.terminate()
        assert self.process.wait(60) == 0


def one_by_one(s, n=400):
    times = []
    for i in range(n + 20):
        q = quote(QUERIES[i % len(QUERIES)] + (f" {i}" if i >= len(QUERIES) else ""))
        t = time.perf_counter()
        s.ask("GET", f"/api/v1/search?q={q}")
        times.append((time.perf_counter() - t) * 1000)
    times = sorted(times[20:])
    return statistics.median(times), times[int(len(times) * 0.99)]


def wrk(s, scratch, seconds, fresh):
    """p50, p99 in ms, requests a second, errors. fresh: every query is one the server has not seen."""
    script = os.path.join(scratch, "queries.lua")
    with open(script, "w") as f:
        f.write("local q = {" + ",".join(f'"{quote(x)}"' for x in QUERIES) + "}\n"
                "local n, t = 0, 0\nfunction setup(thread) t = t + 1; thread:set('id', t) end\n"
                "function request() n = n + 1; return wrk.format('GET', '/api/v1/search?limit=48&q=' .. q[n % #q + 1]"
                + (" .. '%20' .. id .. '-' .. n" if fresh else "") + ") end\n"
                "function done(s, l, r) io.write(string.format('RESULT %f %f %d %d %d %d\\n', l:percentile(50) / 1000, l:percentile(99) / 1000, s.requests, "
                "s.duration, s.errors.status + s.errors.read + s.errors.connect, s.errors.timeout)) end\n")
    out = subprocess.run(["wrk", "-t", "2", "-c", "32", "-d", f"{seconds}s", "--timeout", "30s", "-s", script, s.url], capture_output=True, text=True, check=True).stdout
    p50, p99, n, us, errors, timeouts = map(float, re.search(r"RESULT (.*)", out).group(1).split())
    return p50, p99, n / (us / 1e6), int(errors + timeouts)


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def make_new_pictures(photos, folder, n):
    """Other bytes, the same pictures: to be decoded and embedded anew."""
    os.makedirs(folder)
    for i in range(n):
        with open(photos[i % len(photos)], "rb") as f:
            data = f.read()
        with open(f"{folder}/{i:05}.jpg", "wb") as f:
            f.write(data + b"x%d" % i)


def load_row(s, name, scratch, seconds, fresh):
    p50, p99, rate, errors = wrk(s, scratch, seconds, fresh)
    row(name, f"{p50:.1f}", f"{p99:.1f}", f"{rate:.0f}", errors, f"{s.rss_mb():.0f}")


def uploads(s, library, n):
    boundary = "bench"
    with open("samples/cat.jpg", "rb") as f:
        data = f.read()
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="cat.jpg"\r\n\r\n'.encode() + data + f"\r\n--{boundary}--\r\n".encode())
    s.ask("POST", "/api/v1/images", body, f"multipart/form-data; boundary={boundary}")
    time.sleep(3)
    fds, rss = s.metric("process_open_fds"), s.rss_mb()
    t = time.perf_counter()
    for _ in range(n):
        job = json.loads(s.ask("POST", "/api/v1/images", body, f"multipart/form-data; boundary={boundary}"))["job"]["id"]
    sent = time.perf_counter() - t
    while s.json("GET", f"/api/v1/jobs/{job}")["state"] not in ("done", "failed"):
        time.sleep(0.2)
    done = time.perf_counter() - t
    time.sleep(3)
    left = len(os.listdir(f"{library}/spool"))
    kept = sum(len(f) for _, _, f in os.walk(f"{library}/uploads"))
    print(f"\n{n} uploads in a row: taken in {sent:.0f} s ({n / sent:.0f}/s), worked off after {done:.0f} s; descriptors {fds:.0f} -> "
          f"{s.metric('process_open_fds'):.0f}, files in the spool {left}, in the uploads folder {kept}, resident {rss:.0f} -> {s.rss_mb():.0f} MB")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=int, default=30)
    p.add_argument("--uploads", type=int, default=10000)
    p.add_argument("--photos", default="../shared/photos/flickr8k-test")
    a = p.parse_args()
    photos = sorted(glob.glob(a.photos + "/**/*.jpg", recursive=True))[:1000] or sorted(glob.glob("samples/*.jpg"))
    scratch = tempfile.mkdtemp(prefix="eyeshine-bench.")
    try:
        library, folder = f"{scratch}/library", f"{scratch}/photos"
        os.makedirs(folder)
        for i, photo in enumerate(photos):
            shutil.copy(photo, f"{folder}/{i:04}.jpg")
        subprocess.run([EYE, "-q", "--library", library, "index", folder], check=True)
        make_new_pictures(photos, f"{scratch}/new", 200 * a.seconds)
        s = Server(library, "--allow-root", scratch)
        time.sleep(3)
        print(f"{len(photos)} pictures; idle after the start: {s.rss_mb():.0f} MB resident\n")
        row("load", "p50 ms", "p99 ms", "requests/s", "errors", "resident MB")
        row(*["---"] * 6)
        p50, p99 = one_by_one(s)
        row("one client, new queries", f"{p50:.1f}", f"{p99:.1f}", f"{1000 / p50:.0f}", 0, f"{s.rss_mb():.0f}")
        load_row(s, "32 connections, 200 queries again and again", scratch, a.seconds, False)
        load_row(s, "32 connections, new queries", scratch, a.seconds, True)
        job = s.json("POST", "/api/v1/roots", json.dumps({"path": f"{scratch}/new"}))["job"]["id"]
        time.sleep(1)
        load_row(s, "32 connections, 200 queries, while a folder is indexed", scratch, a.seconds, False)
        load_row(s, "32 connections, new queries, while a folder is indexed", scratch, a.seconds, True)
        state = s.json("GET", f"/api/v1/jobs/{job}")
        p50, p99 = one_by_one(s)
        row("one client, new queries, while a folder is indexed", f"{p50:.1f}", f"{p99:.1f}", f"{1000 / p50:.0f}", 0, f"{s.rss_mb():.0f}")
        print(f"\nindex job: {state['state']}, {state['done']} of {state['total']} after both; peak {s.peak_mb():.0f} MB resident")
        s.ask("DELETE", f"/api/v1/jobs/{job}")
        uploads(s, library, a.uploads)
        s.stop()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
