#!/usr/bin/env python3
"""serve_client.py URL HEADERS METHOD PATH [-H 'Name: value'] [-d TEXT] [-j JSON] [-F FILE[=NAME]] [-f FIELD=TEXT] [-t SECONDS]

One request with nothing added: prints the status, a newline, the body; the reply's headers go to the file HEADERS. The
path is sent as it is, after the URL's own. Written on http.client, because curl cleans up what hostile tests want to send.
"""
import argparse
import http.client
import os
import socket
import ssl
import sys
from urllib.parse import urlsplit


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connect(url, timeout=20):
    """(connection, base path)"""
    if url.startswith("unix:"):
        return UnixConnection(url[5:], timeout), ""
    u = urlsplit(url)
    if u.scheme == "https":
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection(u.hostname, u.port, timeout=timeout, context=context), u.path
    return http.client.HTTPConnection(u.hostname, u.port, timeout=timeout), u.path


def form(files, fields, boundary="eyeshine-test-boundary"):
    """multipart/form-data of [(name, bytes)] and [(field, text)]: (content type, body)"""
    out = []
    for field, text in fields:
        out.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'.encode())
    for i, (name, data) in enumerate(files):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file{i}"; filename="{name}"\r\n'
        out.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    out.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(out)


def request(url, method, path, headers=(), body=None, timeout=20):
    """(status, {header: value}, body)"""
    c, base = connect(url, timeout)
    try:
        names = {h[0].lower() for h in headers}
        c.putrequest(method, base + path, skip_host="host" in names, skip_accept_encoding=True)
        for name, value in headers:
            c.putheader(name, value)
        if body is not None and "content-length" not in names:
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        r = c.getresponse()
        return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
    finally:
        c.close()


failures = 0


def check(ok, name, detail=""):
    """One line of a test."""
    global failures
    failures += not ok
    print(("ok - " if ok else "not ok - ") + name + ("" if ok else f"  # {detail}"), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("url"), p.add_argument("headers"), p.add_argument("method"), p.add_argument("path")
    p.add_argument("-H", dest="header", action="append", default=[])
    p.add_argument("-d", dest="data")
    p.add_argument("-j", dest="json")
    p.add_argument("-F", dest="file", action="append", default=[])
    p.add_argument("-f", dest="field", action="append", default=[])
    p.add_argument("-t", dest="timeout", type=float, default=20)
    a = p.parse_args()
    headers = [tuple(h.split(": ", 1)) for h in a.header]
    body = None
    if a.json is not None:
        headers.append(("Content-Type", "application/json"))
        body = a.json.encode()
    elif a.data is not None:
        body = a.data.encode()
    elif a.file or a.field:
        files = []
        for f in a.file:
            path, _, name = f.partition("=")
            with open(path, "rb") as fp:
                files.append((name or os.path.basename(path), fp.read()))
        kind, body = form(files, [tuple(f.split("=", 1)) for f in a.field])
        headers.append(("Content-Type", kind))
    status, got, answer = request(a.url, a.method, a.path, headers, body, a.timeout)
    with open(a.headers, "w") as fp:
        fp.writelines(f"{k}: {v}\n" for k, v in got.items())
    sys.stdout.write(f"{status}\n")
    sys.stdout.flush()
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
