#!/usr/bin/env python3
"""An S3 server for tests, on loopback only: one bucket in memory, every signature checked, and faults on demand.

The check of signatures is written from AWS's documentation ("Create a signed AWS API request") and shares nothing with the
client: it takes the request line as it came, decodes it, and builds the canonical request from the decoded parts, as real servers do.
`--check-golden FILE` holds this very check against requests that botocore signed (tests/golden/s3/requests.json).

Options: --bucket B --key ID --secret S [--token T] [--region R] [--load DIR --prefix P] [--port N] [--page N]
Prints "port N" when it listens; ends when its standard input does.

Control (unsigned, for tests): POST /_fake with a form:
  fault=NAME  times=N  match=TEXT   the next N requests whose method and decoded path with query contain TEXT misbehave (times=0: ends)
  put=KEY  text=...                 an object appears or changes; file=PATH instead of text
  delete=KEY, copy=KEY from=KEY, bucket=gone|back
GET /_fake: what was asked: a line a request, `METHOD path?query status`.
Faults: 500 502 503 429 400 reset truncate slow garbage badxml hugexml foreign loop notlist redirect longer change noetag
"""
import argparse
import datetime
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.parse
import xml.sax.saxutils
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
UNRESERVED = "-._~"


def encode(text, keep=""):
    """What AWS calls UriEncode."""
    return urllib.parse.quote(text, safe=UNRESERVED + keep)


# ---- signatures ----

def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical(method, target, headers, signed, payload):
    """headers: {lower name: value}; target: the request line's, undecoded."""
    path, _, query = target.partition("?")
    path = encode(urllib.parse.unquote(path, errors="surrogateescape").encode("utf-8", "surrogateescape"), "/")
    pairs = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        raw = [urllib.parse.unquote_plus(x, errors="surrogateescape").encode("utf-8", "surrogateescape") for x in (name, value)]
        pairs.append((encode(raw[0]), encode(raw[1])))
    lines = [method, path, "&".join("%s=%s" % p for p in sorted(pairs))]
    lines += ["%s:%s" % (h, " ".join(headers.get(h, "").split())) for h in signed]
    return "\n".join(lines + ["", ";".join(signed), payload])


def signature(secret, stamp, region, text):
    scope = "%s/%s/s3/aws4_request" % (stamp[:8], region)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(text.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for step in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac256(key, step)
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def refuse(conf, method, target, headers, body, now=None):
    """None, or (status, code, message)."""
    auth = headers.get("authorization", "")
    if not conf.key:
        return (403, "AccessDenied", "this bucket takes unsigned requests only") if auth else None
    if not auth.startswith("AWS4-HMAC-SHA256 "):
        return 403, "AccessDenied", "no signature"
    fields = dict(f.strip().split("=", 1) for f in auth[len("AWS4-HMAC-SHA256 "):].split(","))
    scope = fields["Credential"].split("/")
    signed = fields["SignedHeaders"].split(";")
    stamp = headers.get("x-amz-date", "")
    payload = headers.get("x-amz-content-sha256", "")
    if scope[0] != conf.key:
        return 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
    if scope[1:] != [stamp[:8], conf.region, "s3", "aws4_request"]:
        return 400, "AuthorizationHeaderMalformed", "the region is wrong; expecting '%s'" % conf.region
    must = {"host"} | {h for h in headers if h.startswith("x-amz-")}
    if not set(signed) <= set(headers):
        return 403, "AccessDenied", "headers that were signed and not sent: %s" % sorted(set(signed) - set(headers))
    if signed != sorted(signed) or not must <= set(signed):
        return 403, "AccessDenied", "headers that were not signed: %s" % sorted(must - set(signed))
    when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
    if abs(when - (time.time() if now is None else now)) > 900:
        return 403, "RequestTimeTooSkewed", "the clock is wrong"
    if not payload or (payload != "UNSIGNED-PAYLOAD" and body is not None and payload != hashlib.sha256(body).hexdigest()):
        return 400, "XAmzContentSHA256Mismatch", "the body is not what its hash says"
    if conf.token and headers.get("x-amz-security-token") != conf.token:
        return 403, "InvalidToken", "The provided token is malformed or otherwise invalid."
    text = canonical(method, target, headers, signed, payload)
    wanted = signature(conf.secret, stamp, conf.region, text)
    if not hmac.compare_digest(wanted, fields["Signature"]):
        if getattr(conf, "verbose", False):
            print("canonical request:\n" + text, file=sys.stderr)
        return 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    return None


# ---- the bucket ----

class Bucket:
    def __init__(self):
        self.lock = threading.Lock()
        self.objects = {}   # key (str, surrogateescape) -> (bytes, seconds, etag)
        self.gone = False
        self.faults = []    # [name, times, match]
        self.log = []

    def put(self, key, data, when=None):
        with self.lock:
            self.objects[key] = (data, time.time() if when is None else when, '"%s"' % hashlib.md5(data).hexdigest())

    def load(self, folder, prefix):
        for at, dirs, files in os.walk(folder):
            dirs.sort()
            for name in files:
                path = os.path.join(at, name)
                rel = os.path.relpath(path, folder)
                with open(path, "rb") as f:
                    self.put(prefix + rel, f.read(), os.stat(path).st_mtime)

    def fault(self, line):
        with self.lock:
            for f in self.faults:
                if f[2] in line and f[1] > 0:
                    f[1] -= 1
                    return f[0]
        return None


def order(key):
    return key.encode("utf-8", "surrogateescape")


def iso(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (int(t * 1000) % 1000)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up are what is tested here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "FakeS3"
    conf = bucket = None

    def log_message(self, *args):
        pass

    def told(self, status):
        self.entry[1] = status

    def reply(self, status, body=b"", headers=(), length=None, kind="application/xml"):
        self.told(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, message=""):
        text = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>' % (
            code, xml.sax.saxutils.escape(message))
        self.reply(status, text.encode())

    # ---- faults: True when the request has been dealt with ----

    def misbehave(self, fault):
        if fault is None or fault in ("foreign", "loop", "longer", "change", "noetag", "truncate"):
            return False
        if fault.isdigit():
            code = {"503": "SlowDown", "429": "TooManyRequests", "400": "InvalidRequest"}.get(fault, "InternalError")
            self.error(int(fault), code, "a fault that was asked for")
        elif fault == "slow":
            time.sleep(self.conf.slow)
            return False
        elif fault == "redirect":
            self.reply(301, b"<Error><Code>PermanentRedirect</Code></Error>",
                       [("Location", "http://127.0.0.1:9/elsewhere"), ("x-amz-bucket-region", "eu-west-7")])
        elif fault == "garbage":
            self.wfile.write(b"\x00\x01\x02 not http at all \xff\xfe\r\n\r\n")
            self.close_connection = True
        elif fault == "reset":
            self.close_connection = True
        elif fault == "badxml":
            self.reply(200, b"<ListBucketResult><Contents><Key>a</Key><Size>1</Contents>")
        elif fault == "notlist":
            self.reply(200, b"<html><body>Welcome to the hotel's network</body></html>")
        elif fault == "hugexml":
            self.reply(200, b"<ListBucketResult>" + b"<a>" * 3000000)
        return True

    # ---- requests ----

    def key_of(self, path):
        """The key, or None when the path names no bucket of ours."""
        path = urllib.parse.unquote(path, errors="surrogateescape")
        host = self.headers.get("Host", "")
        if host.startswith(self.conf.bucket + "."):
            return path[1:]
        head = "/" + self.conf.bucket
        if path != head and not path.startswith(head + "/"):
            return None
        return path[len(head) + 1:]

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.path.startswith("/_fake"):
            return self.control(body)
        line = "%s %s" % (self.command, urllib.parse.unquote(self.path, errors="replace"))
        self.entry = [line, 0]
        with self.bucket.lock:
            self.bucket.log.append(self.entry)
        self.serve(line, body)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = handle_any

    def serve(self, line, body):
        self.fault = self.bucket.fault(line)
        if self.misbehave(self.fault):
            return None
        headers = {k.lower(): v for k, v in self.headers.items()}
        no = refuse(self.conf, self.command, self.path, headers, body)
        if no:
            return self.error(*no)
        path, _, query = self.path.partition("?")
        key = self.key_of(path)
        if key is None or self.bucket.gone:
            return self.error(404, "NoSuchBucket", "The specified bucket does not exist")
        if key == "" and self.command == "GET":
            return self.list(dict(urllib.parse.parse_qsl(query, keep_blank_values=True, errors="surrogateescape")))
        return self.object(key, body)

    def object(self, key, body):
        if self.command == "PUT":
            self.bucket.put(key, body)
            return self.reply(200, b"", [("ETag", self.bucket.objects[key][2])])
        if self.command == "DELETE":
            self.bucket.objects.pop(key, None)
            self.told(204)
            self.send_response(204)
            return self.end_headers()
        if self.fault == "change":
            self.bucket.put(key, self.bucket.objects[key][0] + b"\0changed", time.time() + 5)
        found = self.bucket.objects.get(key)
        if not found:
            return self.error(404, "NoSuchKey", "The specified key does not exist.")
        data, when, etag = found
        headers = [("Last-Modified", self.date_time_string(int(when))), ("ETag", etag), ("Accept-Ranges", "bytes")]
        if self.fault == "noetag":
            headers.pop(1)
        status = 200
        wanted = self.headers.get("Range")
        if wanted:
            first, _, last = wanted[len("bytes="):].partition("-")
            first, last = int(first), min(int(last or len(data)), len(data) - 1)
            if first >= len(data):
                return self.error(416, "InvalidRange")
            headers.append(("Content-Range", "bytes %d-%d/%d" % (first, last, len(data))))
            data, status = data[first:last + 1], 206
        if self.fault == "longer":
            data += b"and more than was told"
        if self.fault == "truncate":
            self.close_connection = True
            return self.reply(status, data[:len(data) // 2], headers, len(data), "image/jpeg")
        return self.reply(status, data, headers, None, "image/jpeg")

    def list(self, q):
        if q.get("list-type") != "2":
            return self.error(400, "InvalidArgument", "list-type")
        prefix, after = q.get("prefix", ""), q.get("continuation-token") or q.get("start-after") or ""
        most = min(int(q.get("max-keys", 1000)), self.conf.page)
        with self.bucket.lock:
            keys = sorted((k for k in self.bucket.objects if k.startswith(prefix) and order(k) > order(after)), key=order)
            objects = {k: self.bucket.objects[k] for k in keys[:most]}
        more, keys = len(keys) > most, keys[:most]
        url = q.get("encoding-type") == "url"
        show = (lambda k: encode(k.encode("utf-8", "surrogateescape"), "/").replace("%20", "+")) if url else xml.sax.saxutils.escape
        if self.fault == "foreign":
            keys = ["elsewhere/secret.jpg", "../../up.jpg"] + keys
            objects.update({k: (b"x", 1, '"e"') for k in keys[:2]})
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult %s><Name>%s</Name>' % (NS, self.conf.bucket)]
        out.append("<Prefix>%s</Prefix><KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys>" % (show(prefix), len(keys), most))
        if url:
            out.append("<EncodingType>url</EncodingType>")
        out.append("<IsTruncated>%s</IsTruncated>" % ("true" if more or self.fault == "loop" else "false"))
        if self.fault == "loop":
            out.append("<NextContinuationToken>a</NextContinuationToken>")
        elif more:
            out.append("<NextContinuationToken>%s</NextContinuationToken>" % xml.sax.saxutils.escape(keys[-1]))
        for k in keys:
            data, when, etag = objects[k]
            out.append("<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>%s</ETag><Size>%d</Size>"
                       "<StorageClass>STANDARD</StorageClass></Contents>" % (
                           show(k), iso(when), xml.sax.saxutils.escape(etag, {'"': "&quot;"}), len(data)))
        out.append("</ListBucketResult>")
        return self.reply(200, "".join(out).encode("utf-8", "surrogateescape"))

    # ---- control ----

    def control(self, body):
        b = self.bucket
        self.entry = ["", 0]
        if self.command == "GET":
            with b.lock:
                text = "".join("%s %d\n" % tuple(e) for e in b.log)
                b.log = []
            return self.reply(200, text.encode("utf-8", "replace"), kind="text/plain")
        q = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, errors="surrogateescape"))
        if "fault" in q:
            with b.lock:
                b.faults = [f for f in b.faults if f[0] != q["fault"]]
                b.faults.append([q["fault"], int(q.get("times", 1)), q.get("match", "")])
        if "put" in q:
            data = q.get("text", "").encode()
            if "file" in q:
                with open(q["file"], "rb") as f:
                    data = f.read()
            b.put(q["put"], data, float(q["when"]) if "when" in q else None)
        if "copy" in q:
            b.put(q["copy"], b.objects[q["from"]][0])
        if "delete" in q:
            b.objects.pop(q["delete"], None)
        if "bucket" in q:
            b.gone = q["bucket"] == "gone"
        return self.reply(200, b"done\n", kind="text/plain")


def check_golden(path):
    with open(path) as f:
        golden = json.load(f)
    bad = 0
    for r in golden["requests"]:
        conf = argparse.Namespace(key=golden["key"], secret=golden["secret"], region=golden["region"], token=r.get("token"))
        headers = {k.lower(): v for k, v in r["headers"].items()}
        no = refuse(conf, r["method"], r["target"], headers, None, golden["now"])
        if no:
            bad += 1
            print("%s %s: %s" % (r["method"], r["target"], no), file=sys.stderr)
    print("%d requests signed by botocore, %d refused" % (len(golden["requests"]), bad))
    return 1 if bad or not golden["requests"] else 0


def main():
    p = argparse.ArgumentParser()
    for name in ("bucket", "key", "secret", "token", "load", "check-golden"):
        p.add_argument("--" + name, default=None)
    p.add_argument("--region", default="us-east-1")
    p.add_argument("--prefix", default="")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--page", type=int, default=1000)
    p.add_argument("--slow", type=float, default=2)
    p.add_argument("--verbose", action="store_true")
    conf = p.parse_args()
    if conf.check_golden:
        return check_golden(conf.check_golden)
    Handler.conf, Handler.bucket = conf, Bucket()
    if conf.load:
        Handler.bucket.load(conf.load, conf.prefix)
    server = Server(("127.0.0.1", conf.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("port %d" % server.server_address[1], flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
