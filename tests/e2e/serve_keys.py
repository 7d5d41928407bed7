#!/usr/bin/env python3
"""serve_keys.py URL STAGE EYESHINE LIBRARY ADMIN WRITE READ - what API keys may do, stage by stage; one line each.

keys: scopes, sessions, pages of other origins, guessing, removal (server with --require-key --cors https://app.example).
rate: more requests than allowed (--rate 12). open: a server without keys, and a proxy before it."""
import json
import subprocess
import sys
import time

import serve_client
from serve_client import check, form, request

URL, STAGE, EYESHINE, LIBRARY, ADMIN, WRITE, READ = sys.argv[1:8]
JSON = ("Content-Type", "application/json")


def bearer(key):
    return ("Authorization", "Bearer " + key)


def says(wanted, name, method, path, *headers, body=None):
    """(headers, JSON) of a request that has to have this status."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers = (JSON, *headers)
    status, got, text = request(URL, method, path, headers, body)
    check(status == wanted, name, (status, wanted, text[:200]))
    try:
        return got, json.loads(text)
    except ValueError:
        return got, {}


def scopes():
    got, _ = says(401, "no key", "GET", "/api/v1/status")
    check(got.get("www-authenticate", "").startswith("Bearer"), "says what is wanted", got)
    says(401, "a wrong key", "GET", "/api/v1/status", bearer("eye_" + "0" * 43))
    says(401, "a long key", "GET", "/api/v1/status", bearer(READ * 3))
    says(401, "another scheme", "GET", "/api/v1/status", ("Authorization", "Basic " + READ))
    says(401, "no key for metrics", "GET", "/metrics")
    says(200, "healthz needs none", "GET", "/healthz")
    says(200, "nor does the page", "GET", "/", ("Accept", "text/html"))
    _, session = says(200, "nor the session", "GET", "/api/v1/session")
    check(session == {"scope": None, "key_required": True, "loopback": True}, "which says so", session)
    says(200, "read may read", "GET", "/api/v1/status", bearer(READ))
    says(200, "and search", "POST", "/api/v1/search", bearer(READ), body={"terms": [{"words": "a cat"}]})
    kind, files = form([("cat.jpg", open("samples/cat.jpg", "rb").read())], [])
    says(403, "but not upload", "POST", "/api/v1/images", bearer(READ), ("Content-Type", kind), body=files)
    says(403, "nor open a job", "POST", "/api/v1/jobs", bearer(READ), body={"kind": "upload"})
    says(403, "nor delete", "DELETE", "/api/v1/images/1", bearer(READ))
    says(201, "write may open a job", "POST", "/api/v1/jobs", bearer(WRITE), body={"kind": "upload"})
    says(403, "but not see keys", "GET", "/api/v1/keys", bearer(WRITE))
    says(403, "nor add folders", "POST", "/api/v1/roots", bearer(WRITE), body={"path": "/etc"})


def keys():
    _, listed = says(200, "admin sees keys", "GET", "/api/v1/keys", bearer(ADMIN))
    check(len(listed["keys"]) == 3 and "eye_" not in json.dumps(listed), "but no secrets", listed)
    says(400, "a key without a scope", "POST", "/api/v1/keys", bearer(ADMIN), body={"name": "x"})
    _, new = says(201, "and makes one", "POST", "/api/v1/keys", bearer(ADMIN), body={"name": "new", "scope": "read"})
    says(200, "which works", "GET", "/api/v1/status", bearer(new["secret"]))
    says(204, "and is removed", "DELETE", f"/api/v1/keys/{new['id']}", bearer(ADMIN))
    says(401, "and works no more, at once", "GET", "/api/v1/status", bearer(new["secret"]))
    says(404, "a key that is none", "DELETE", "/api/v1/keys/99", bearer(ADMIN))


def sessions():
    got, session = says(200, "a session", "POST", "/api/v1/session", body={"key": READ})
    cookie = got.get("set-cookie", "")
    check(cookie.startswith(f"eyeshine_key={READ}; Path=/;") and "HttpOnly; SameSite=Strict" in cookie, "is a careful cookie", cookie)
    check(session["scope"] == "read", "and says the scope", session)
    says(200, "the cookie counts", "GET", "/api/v1/status", ("Cookie", f"a=b; eyeshine_key={READ}"))
    says(401, "a session with a wrong key", "POST", "/api/v1/session", body={"key": "eye_nonsense"})
    got, _ = says(204, "the end of a session", "DELETE", "/api/v1/session")
    check(got.get("set-cookie", "").startswith("eyeshine_key=; ") and "Max-Age=0" in got["set-cookie"], "clears it", got)


def origins():
    ours, evil = ("Origin", "https://app.example"), ("Origin", "https://evil.example")
    ask = ("Access-Control-Request-Method", "POST")
    got, _ = says(204, "preflight of a known origin", "OPTIONS", "/api/v1/images", ours, ask)
    check(got.get("access-control-allow-origin") == "https://app.example", "is let in by name", got)
    got, _ = says(403, "preflight of another", "OPTIONS", "/api/v1/images", evil, ask)
    check(not any(k.startswith("access-control") for k in got), "is not let in", got)
    job = {"kind": "upload"}
    cross = ("Sec-Fetch-Site", "cross-site")
    says(201, "a known origin with a key", "POST", "/api/v1/jobs", ours, cross, bearer(WRITE), body=job)
    says(403, "a known origin with a cookie only", "POST", "/api/v1/jobs", ours, ("Cookie", f"eyeshine_key={WRITE}"), body=job)
    says(403, "another origin with a key", "POST", "/api/v1/jobs", evil, cross, bearer(WRITE), body=job)


def removal():
    """Before guessing: that would slow down the answer here."""
    listed = subprocess.run([EYESHINE, "--library", LIBRARY, "key", "list", "--json"], check=True, capture_output=True, text=True).stdout
    of_read = next(k["id"] for k in map(json.loads, listed.splitlines()) if k["scope"] == "read")
    subprocess.run([EYESHINE, "-q", "--library", LIBRARY, "key", "remove", str(of_read)], check=True)
    since = time.monotonic()
    while request(URL, "GET", "/api/v1/status", [bearer(READ)])[0] == 200 and time.monotonic() - since < 15:
        time.sleep(0.2)
    check(time.monotonic() - since < 12, "a key removed by the command line is none within ten seconds", time.monotonic() - since)
    says(401, "and stays so", "GET", "/api/v1/status", bearer(READ))


def guessing():
    answers = [request(URL, "GET", "/api/v1/status", [bearer(f"eye_guess{i}")])[:2] for i in range(40)]
    check(answers[0][0] == 401 and answers[-1][0] == 429, "guessing is slowed down", [a[0] for a in answers])
    check(answers[-1][1].get("retry-after", "").isdigit(), "and says how long", answers[-1])
    says(200, "who has a key is not", "GET", "/api/v1/status", bearer(WRITE))


def rate():
    answers = [request(URL, "GET", "/api/v1/status", [bearer(ADMIN)])[:2] for _ in range(20)]
    check(answers[0][0] == 200 and answers[-1][0] == 429, "too many requests", [a[0] for a in answers])
    check(answers[-1][1].get("retry-after", "").isdigit(), "say when to come back", answers[-1])
    says(200, "another key is not held up", "GET", "/api/v1/status", bearer(WRITE))


def no_keys():
    proxy = ("X-Forwarded-For", "203.0.113.9")
    says(200, "no key is needed here", "GET", "/api/v1/status")
    says(401, "but through a proxy", "GET", "/api/v1/status", proxy)
    says(200, "or with one", "GET", "/api/v1/status", proxy, bearer(WRITE))
    says(403, "a key that is given counts", "GET", "/api/v1/keys", bearer(WRITE))


for step in {"keys": [scopes, keys, sessions, origins, removal, guessing], "rate": [rate], "open": [no_keys]}[STAGE]:
    step()
sys.exit(serve_client.failures > 0)
