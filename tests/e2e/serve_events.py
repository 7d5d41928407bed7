#!/usr/bin/env python3
"""serve_events.py URL PICTURES - follows /events: prints "NAME DATA" of each until a finished job and PICTURES pictures
were told of; then breaks off, comes back with the first event's id and checks that nothing was lost."""
import json
import signal
import sys

from serve_client import connect


def events(url, last=None):
    c, base = connect(url)
    c.request("GET", base + "/api/v1/events", headers={"Last-Event-ID": last} if last else {})
    r = c.getresponse()
    assert r.status == 200 and r.headers["Content-Type"].startswith("text/event-stream"), r.status
    event = {}
    while True:
        line = r.readline().decode().rstrip("\n")
        if line.startswith(":"):
            continue
        if line:
            key, _, value = line.partition(": ")
            event[key] = value
        elif event.get("event"):
            yield event
            event = {}


def follow(url, pictures, last=None):
    seen, finished, counted = [], False, False
    for e in events(url, last):
        data = json.loads(e["data"])
        seen.append(e)
        if last is None:
            print(e["event"], e["data"], flush=True)
        finished = finished or (e["event"] == "job" and data["state"] in ("done", "failed"))
        counted = counted or (e["event"] == "library" and data["pictures"] == pictures)
        if finished and counted:
            return seen


url, pictures = sys.argv[1], int(sys.argv[2])
signal.alarm(60)  # keep-alives would let it wait for ever
first = follow(url, pictures)
again = follow(url, pictures, first[0]["id"])
names = [(e["id"], e["data"]) for e in again if e["event"] in ("job", "library")]
assert names == [(e["id"], e["data"]) for e in first if e["event"] in ("job", "library")], names
print("resumed without reset" if all(e["event"] != "reset" for e in again) else "reset")
stale = next(e for e in events(url, "0123456789abcdef-1") if e["event"] != "hello")
assert stale["event"] == "reset", stale
