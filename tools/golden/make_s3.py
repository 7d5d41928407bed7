#!/usr/bin/env python3
"""Writes tests/golden/s3/requests.json: requests signed by botocore, AWS's own client library, so that the fake server of our tests
(tests/s3/fake_s3.py), which checks our client's signatures, is itself held against somebody else's.

  python3 -m venv /tmp/v && /tmp/v/bin/pip install botocore==1.40.0 && /tmp/v/bin/python tools/golden/make_s3.py
"""
import datetime
import json

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-central-1"

CASES = [
    ("GET", "/bkt/?encoding-type=url&list-type=2&max-keys=1000&prefix=photos%2F", None, b""),
    ("GET", "/bkt/?continuation-token=a%2Bb%2Fc%3D%3D&encoding-type=url&list-type=2&max-keys=1000&prefix=photos%2F%C3%A4%20b", None, b""),
    ("GET", "/bkt/?prefix=a&list-type=2&max-keys=1", None, b""),
    ("GET", "/bkt/photos/plain.jpg", None, b""),
    ("HEAD", "/bkt/photos/with%20space%2Bplus%25percent.jpg", None, b""),
    ("GET", "/bkt/%C3%BCml%C3%A4ut/%E6%97%A5%E6%9C%AC.jpg", "a/session+token==", b""),
    ("GET", "/bkt/quote%27%22%28%29%5B%5D%21%2A%26%3D%3B%2C%40%24.jpg", None, b""),
    ("PUT", "/bkt/thumbs/new~tilde-_.webp", None, b"the body"),
    ("DELETE", "/bkt/gone", "token", b""),
]


def main():
    out = []
    for method, target, token, body in CASES:
        request = AWSRequest(method, "http://127.0.0.1:9000" + target, data=body)
        auth = botocore.auth.S3SigV4Auth(Credentials(KEY, SECRET, token), "s3", REGION)
        auth.add_auth(request)
        headers = {k: str(v) for k, v in request.headers.items()}
        headers["host"] = "127.0.0.1:9000"
        one = {"method": method, "target": target, "headers": headers}
        if token:
            one["token"] = token
        out.append(one)
    stamp = datetime.datetime.strptime(out[0]["headers"]["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    golden = {"key": KEY, "secret": SECRET, "region": REGION, "now": stamp.timestamp(), "requests": out}
    with open("tests/golden/s3/requests.json", "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")
    print(len(out), "requests", out[0]["headers"].get("X-Amz-Date"))


if __name__ == "__main__":
    main()
