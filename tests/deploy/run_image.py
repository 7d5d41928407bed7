"""run_image.py ROOT VOLUME PICTURES CONFIG - the image's root at work in a box (box.py): what it may and may not do, and a library from nothing to a search.

Prints `ok - ...` and `not ok - ...` lines. Everything needed is imported before the box is entered: inside there is no Python."""
import encodings.idna  # noqa: F401  needed by http.client, and found too late inside
import http.client
import json
import os
import select
import sys
import time

import box as boxes

EYESHINE = "/usr/bin/eyeshine"
failed = 0


def say(good, name, why=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} - {name}", flush=True)
    if not good:
        print("\n".join("#   " + line for line in str(why).splitlines()[-12:]), flush=True)
    return good


def request(method, path, key=None, body=None, kind=None, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=30)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if host:
        headers["Host"] = host
    if kind:
        headers["Content-Type"] = kind
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def children_of(pid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and name != str(pid) and status_of(name)["PPid"].strip() == str(pid):
            found += [name] + children_of(name)
    return found


def no_rights(b, env):
    code, out, err = b.run(EYESHINE, "--version", env=env)
    say(code == 0 and out.startswith("eyeshine "), "the program runs in the image's root", err)
    for where in ("/new", "/tmp/new", "/usr/share/eyeshine/new", "/pictures/new"):
        code, out, err = b.run(EYESHINE, "--library", where, "index", "/pictures", env=env)
        say(code != 0 and ("ead-only" in err or "ermission denied" in err), f"nothing can be written to {os.path.dirname(where)}", out + err)
    code, out, err = b.run(EYESHINE, "serve", env=env)
    say(code != 0 and "EYESHINE_KEYS" in err, "without a key it does not serve, and says what to do", out + err)


def index(b, env, pictures):
    code, out, err = b.run(EYESHINE, "doctor", env=env)
    say("works, in its sandbox" in out, "the decoders' sandbox works inside", out + err)
    code, out, err = b.run(EYESHINE, "index", "--json", "/pictures", env=env)
    say(code == 0, "pictures are indexed from a read-only folder", out + err)
    code, out, err = b.run(EYESHINE, "status", "--json", env=env)
    say(code == 0 and json.loads(out)["pictures"] == pictures, f"all {pictures} of them", out + err)


def wait_until_up(b, env):
    for _ in range(100):
        code, out, err = b.run(EYESHINE, "health", env=env)
        if code == 0:
            break
        time.sleep(0.1)
    say(code == 0, "the health check answers 0", out + err)


def upload(key, picture):
    edge = "edge0"
    body = (f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="new.jpg"\r\n\r\n').encode() + picture + f"\r\n--{edge}--\r\n".encode()
    status, data = request("POST", "/api/v1/images", key, body, f"multipart/form-data; boundary={edge}")
    say(status in (200, 201, 202), "a picture is taken (the volume is all it needs to write)", data)


def serve(b, env, key, picture):
    server = b.start(EYESHINE, "serve", env=env)
    wait_until_up(b, env)
    mine = status_of(server.pid)
    say(mine["Uid"].split()[0] == str(boxes.UID), "it runs as a user without rights", mine["Uid"])
    say(mine["NoNewPrivs"] == "1" and all(int(mine[c], 16) == 0 for c in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")), "with no capability in any set", mine)
    status, data = request("GET", "/healthz", host="10.11.12.13:8000")
    say(status == 200, "a probe that calls it by the address of a pod is answered", data)
    status, data = request("GET", "/api/v1/search?q=pink+clutch")
    say(status == 401, "a search without the key is refused", data)
    status, data = request("GET", "/api/v1/search?q=pink+clutch", key)
    first = json.loads(data).get("hits", [{}])[0] if status == 200 else {}
    say("pink-clutch" in json.dumps(first), "'pink clutch' finds the pink clutch first", data[:400])
    status, data = request("GET", "/")
    say(status == 200 and b"<html" in data, "the page is there", data[:200])
    upload(key, picture)
    decoders = [status_of(p) for p in children_of(server.pid)]
    say(any(d["Seccomp"].strip() == "2" and int(d.get("Seccomp_filters", "0")) >= 2 for d in decoders), "decoders have a filter of their own on top of the container's", decoders)
    server.terminate()
    started = time.monotonic()
    code = server.wait(20)
    say(code == 0 and time.monotonic() - started < 12, "it ends well when it is told to", server.stdout.read() if select.select([server.stdout], [], [], 0)[0] else code)
    code, _, err = b.run(EYESHINE, "health", env=env)
    say(code == 1 and "cannot connect" in err, "and the health check says so", err)


def main():
    root, volume, pictures, config = sys.argv[1:5]
    with open(config, encoding="utf-8") as f:
        env = dict(e.split("=", 1) for e in json.load(f)["config"]["Env"])
    key = "eye_" + "aB3-_" * 8 + "xyz"
    count = sum(n.endswith((".jpg", ".png", ".webp", ".gif", ".avif", ".heic", ".tif", ".bmp")) for n in os.listdir(pictures))
    with open(f"{root}/usr/share/eyeshine/samples/cat.jpg", "rb") as f:
        picture = f.read()
    b = boxes.Box(root, volume, [(pictures, "/pictures")])
    try:
        b.enter()
    except PermissionError as why:
        print(f"ok - skipped: this machine lets nobody make namespaces here ({why})", flush=True)
        return
    no_rights(b, env)
    index(b, env, count)
    serve(b, env | {"EYESHINE_KEYS": f"test:admin:{key}"}, key, picture)
    sys.stdout.flush()
    os._exit(1 if failed else 0)


main()
