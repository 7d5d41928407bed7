#!/usr/bin/env python3
"""serve_hostile.py URL LIBRARY SCRATCH - sends a server what it must refuse; one line "ok - ..." or "not ok - ..." each.

SCRATCH/root is indexed: inside.jpg, and links that lead out of it; SCRATCH/outside holds what must not come out.
"""
import io
import json
import os
import socket
import sys
import time
import zipfile
from urllib.parse import urlsplit

import serve_client
from serve_client import check, form, request

URL, LIBRARY, SCRATCH = sys.argv[1:4]
ADDRESS = (urlsplit(URL).hostname, urlsplit(URL).port)


def raw(text, seconds=10):
    """Status of what is sent as it is; 0: closed without an answer."""
    with socket.create_connection(ADDRESS, timeout=seconds) as s:
        try:
            s.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        except OSError:
            pass  # refused before all was sent
        got = b""
        try:
            while b"\r\n" not in got:
                piece = s.recv(4096)
                if not piece:
                    break
                got += piece
        except ConnectionResetError:
            pass
    return int(got.split()[1]) if got.startswith(b"HTTP/1.") else 0


def get(path, *headers):
    return raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + "".join(h + "\r\n" for h in headers) + "\r\n")


def post(path, body, kind="application/json", headers=()):
    status, _, answer = request(URL, "POST", path, [("Content-Type", kind), *headers], body)
    try:
        return status, json.loads(answer)
    except ValueError:
        return status, {}


def upload(files, **fields):
    """The items of a finished upload job."""
    kind, body = form(files, list(fields.items()))
    status, answer = post("/api/v1/images", body, kind)
    if status != 202:
        return status, []
    job = answer["job"]["id"]
    for _ in range(150):
        _, _, text = request(URL, "GET", f"/api/v1/jobs/{job}")
        if json.loads(text)["state"] in ("done", "failed", "cancelled"):
            break
        time.sleep(0.1)
    _, _, text = request(URL, "GET", f"/api/v1/jobs/{job}/items?limit=1000")
    return status, json.loads(text)["items"]


def search_url(url):
    return post("/api/v1/search", json.dumps({"terms": [{"url": url}]}).encode())[0]


# ---- paths ----
for path in ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e%2fetc%2fpasswd",
             "/api/v1/images/../../../etc/passwd", "/a/./b", "//etc/passwd", "/%00", "/etc/passwd%00.jpg", "/%zz", "/%c0%ae%c0%ae/x",
             "/assets/..%2f..%2f..%2fetc%2fpasswd"]:
    status = get(path)
    check(status in (400, 404), f"path {path}", status)
for path in ["/%252e%252e%252fetc%252fpasswd", "/..%255c..%255cetc", "/etc/passwd", "/C:%5Cwindows%5Cwin.ini", "/assets/%5c..%5cx",
             "/api/v1/images/%2fetc%2fpasswd/original", "/api/v1/images/1%2f..%2f2/original", "/api/v1/images/..%5c1/original"]:
    status = get(path)
    check(status in (400, 404), f"path {path}", status)
check(get("/api/v1/images/-1/original") in (400, 404), "a picture with a negative id")
check(get("/api/v1/images/99999999999999999999/original") in (400, 404), "a picture with too large an id")
_, _, text = request(URL, "GET", "/api/v1/images?limit=100")
IMAGES = json.loads(text)["images"]
INSIDE = next(i["id"] for i in IMAGES if i["name"] == "inside.jpg")
check(get(f"/api/v1/images/{INSIDE}/original") == 200, "a picture of the root comes out")
for image in IMAGES:
    if image["name"] != "inside.jpg":
        status, _, bytes_ = request(URL, "GET", f"/api/v1/images/{image['id']}/original")
        check(status == 404 and b"root:" not in bytes_, f"a link that leads out of its root: {image['name']}", status)
        status, _, bytes_ = request(URL, "POST", "/api/v1/images/zip", [("Content-Type", "application/json")],
                                    json.dumps({"ids": [image["id"]]}).encode())
        names = zipfile.ZipFile(io.BytesIO(bytes_)).namelist()
        check(names == ["MISSING.txt"], "nor does it come in a zip", names)

# ---- requests that are too much, or none ----
check(raw("POST /api/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
          "Content-Length: 10737418240\r\n\r\n") == 413, "ten gigabytes announced")
check(raw("POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
          "10000\r\n" + "x" * 65536 + "\r\n" + ("10000\r\n" + "x" * 65536 + "\r\n") * 1200 + "0\r\n\r\n") == 413, "a body without end")
check(get("/healthz", "X-Flood: " + "a" * 40000) == 431, "a header of 40 kB")
status = get("/healthz", *[f"X-{i}: " + "a" * 90 for i in range(200)])
check(status == 431, "two hundred headers", status)
status = get("/healthz", *[f"X-{i}: " + "a" * 90 for i in range(4000)])
check(status in (431, 0), "so many that there is no room left for an answer", status)
check(get("/" + "a" * 60000) in (414, 431), "a path of 60 kB")
check(raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") in (400, 413, 0),
      "two lengths of one body")
check(raw("nonsense\r\n\r\n") in (400, 0), "no HTTP at all")
check(raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc") == 413, "a body where none belongs")
for name, body, kind in [
        ("no boundary", b"--x\r\n\r\n", "multipart/form-data"),
        ("another boundary", b"--y\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n--y--\r\n", "multipart/form-data; boundary=x"),
        ("no end", b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\nabc", "multipart/form-data; boundary=x"),
        ("no name", b"--x\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        ("headers without end", b"--x\r\n" + b"A: b\r\n" * 20000, "multipart/form-data; boundary=x"),
        ("an endless boundary", b"--x--\r\n", "multipart/form-data; boundary=" + "x" * 500)]:
    status, _ = post("/api/v1/images", body, kind)
    check(status in (400, 413), f"a form with {name}", status)
for name, body in [("no JSON", b"{"), ("deep JSON", b"[" * 100000), ("another type", b"[]"), ("unknown members", b'{"x":1}'),
                   ("a NUL", b'{"terms":[{"words":"a\\u0000b"}]}'), ("bad UTF-8", b'{"terms":[{"words":"\xff"}]}')]:
    status, _ = post("/api/v1/search", body)
    check(status == 400, f"a search with {name}", status)

# ---- files ----
before = sorted(os.listdir(SCRATCH)), sorted(os.listdir(os.path.dirname(LIBRARY)))
cat = open("samples/cat.jpg", "rb").read()
rose = open("samples/rose.jpg", "rb").read()
bad_names = ["../evil.jpg", "../../evil.jpg", "/tmp/evil.jpg", "a/../../../evil.jpg", "..\\..\\evil.jpg", ".hidden.jpg", "a/.git/evil.jpg",
             "x" * 300 + ".jpg"]
status, items = upload([(n.replace("\\", "\\\\"), rose) for n in bad_names])
check(status == 202 and [i["state"] for i in items] == ["failed"] * len(bad_names), "names that lead elsewhere",
      [(i["name"][:20], i["state"]) for i in items])
svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
html = b"<!DOCTYPE html><script>alert(1)</script>"
status, items = upload([("a.jpg", svg), ("b.png", html), ("c.svg", svg), ("d.gif", b"GIF89a" + html), ("e.jpg", b"\xff\xd8\xff" + html),
                        ("f.jpg", b"")])
check(status == 202 and all(i["state"] == "failed" and i["reason"] for i in items) and len(items) == 6, "SVG and HTML that call themselves pictures",
      [(i["name"], i["state"]) for i in items])
kind, body = form([("q.jpg", svg)], [("query", '{"terms":[{"upload":"file0"}]}')])
check(post("/api/v1/search", body, kind)[0] == 422, "nor can one search by them")


def zipped(entries, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in entries:
            z.writestr(name, data)
    return out.getvalue()


status, items = upload([("slip.zip", zipped([("../../evil.jpg", rose), ("/etc/evil.jpg", rose), ("good.jpg", rose)]))])
states = {i["name"].rsplit("/", 1)[-1]: i["state"] for i in items}
check(states.get("good.jpg") in ("indexed", "duplicate") and states.get("evil.jpg") == "failed", "a zip that would write elsewhere", states)
bomb = zipped([(f"{i}.jpg", b"\0" * (64 << 20)) for i in range(8)], zipfile.ZIP_DEFLATED)
start = time.monotonic()
status, items = upload([("bomb.zip", bomb)])
check(status == 202 and all(i["state"] == "failed" for i in items) and items, "a zip bomb", [(i["name"], i["state"]) for i in items])
check(time.monotonic() - start < 10, "which costs little time", time.monotonic() - start)
nested = zipped([("inner.zip", zipped([("x.jpg", rose)]))])
status, items = upload([("nested.zip", nested)])
check(status == 202 and all(i["state"] == "failed" for i in items), "a zip in a zip", [(i["name"], i["state"]) for i in items])
check((sorted(os.listdir(SCRATCH)), sorted(os.listdir(os.path.dirname(LIBRARY)))) == before, "nothing is written elsewhere")
time.sleep(0.3)
check(not os.listdir(os.path.join(LIBRARY, "spool")), "and nothing is left in the spool folder", os.listdir(os.path.join(LIBRARY, "spool")))
evil = [os.path.join(d, f) for d, _, fs in os.walk(LIBRARY) for f in fs if "evil" in f]
check(not evil, "nor in the library", evil)

# ---- addresses that a server must not be sent to ----
port = ADDRESS[1]
for url in [f"http://127.0.0.1:{port}/healthz", f"http://localhost:{port}/healthz", f"http://[::1]:{port}/", f"http://0.0.0.0:{port}/",
            f"http://2130706433:{port}/", f"http://0177.0.0.1:{port}/", f"http://0x7f000001:{port}/", f"http://127.1:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/", f"http://[::ffff:7f00:1]:{port}/", "http://10.0.0.1/", "http://192.168.1.1/",
            "http://172.16.0.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://[fe80::1]/", "http://[fc00::1]/",
            "http://[64:ff9b::7f00:1]/", f"http://localhost.localdomain:{port}/", f"http://127.0.0.1:{port}@127.0.0.1:{port}/", "http://224.0.0.1/",
            "http://255.255.255.255/", "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "http://", "http:///x", "http://\t/",
            "javascript:alert(1)"]:
    status = search_url(url)
    unresolved = url in (f"http://localhost.localdomain:{port}/", "http:///x") and status == 422  # names that nobody may know
    check(status == 400 or unresolved, f"fetch {url}", status)

# ---- other sites' pages ----
job = b'{"kind":"upload"}'
for name, headers in [("its Origin", [("Origin", "https://evil.example")]), ("Origin null", [("Origin", "null")]),
                      ("another port", [("Origin", f"http://{ADDRESS[0]}:1")]), ("Sec-Fetch-Site cross-site", [("Sec-Fetch-Site", "cross-site")]),
                      ("Sec-Fetch-Site same-site", [("Sec-Fetch-Site", "same-site")])]:
    check(post("/api/v1/jobs", job, headers=headers)[0] == 403, f"a foreign page's POST: {name}")
    check(request(URL, "DELETE", "/api/v1/images/1", headers)[0] == 403, f"a foreign page's DELETE: {name}")
kind, body = form([("a.jpg", cat)], [])
check(post("/api/v1/images", body, kind, [("Origin", "https://evil.example")])[0] == 403, "a foreign form with files")
check(post("/api/v1/images/zip", b"ids=1", "application/x-www-form-urlencoded", [("Origin", "https://evil.example")])[0] == 403, "a foreign plain form")
foreign = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")]
check(request(URL, "GET", f"/api/v1/images/{INSIDE}/original", foreign)[0] == 403, "a foreign page that shows our picture")
check(request(URL, "GET", "/api/v1/search?url=http://x.example/", foreign)[0] == 403, "a foreign page that makes us fetch")
check(request(URL, "GET", "/", [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Accept", "text/html")])[0] == 200,
      "a link on a foreign page")
own = [("Origin", f"http://{ADDRESS[0]}:{port}"), ("Sec-Fetch-Site", "same-origin")]
check(post("/api/v1/search", b'{"terms":[]}', headers=own)[0] == 200, "our own page")
for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"]:
    check(request(URL, "GET", "/api/v1/status", [("Host", host)])[0] == 403, f"a name made to point here: {host}")
    check(request(URL, "GET", "/", [("Host", host), ("Accept", "text/html")])[0] == 403, f"not even the page for {host}")
status, headers, _ = request(URL, "GET", "/api/v1/nothing")
check(headers.get("x-content-type-options") == "nosniff" and "default-src 'none'" in headers.get("content-security-policy", "")
      and headers.get("cross-origin-resource-policy") == "same-origin" and "access-control-allow-origin" not in headers, "headers of a refusal", headers)
_, headers, _ = request(URL, "GET", f"/api/v1/images/{INSIDE}/original")
check("sandbox" in headers.get("content-security-policy", ""), "an original runs nothing", headers)
check(get("/healthz") == 200, "the server is well")
sys.exit(serve_client.failures > 0)
