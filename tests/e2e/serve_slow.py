#!/usr/bin/env python3
"""serve_slow.py URL - slowloris: sixty clients that send a header's byte a second hold nobody up, and are cut off after 15 seconds."""
import socket
import sys
import time
from urllib.parse import urlsplit

import serve_client
from serve_client import check, request

URL = sys.argv[1]
ADDRESS = (urlsplit(URL).hostname, urlsplit(URL).port)
slow = []
for _ in range(60):
    s = socket.create_connection(ADDRESS, timeout=30)
    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    slow.append(s)
since = time.monotonic()
check(request(URL, "GET", "/healthz")[0] == 200, "sixty slow clients hold nobody up")
while slow and time.monotonic() - since < 25:
    time.sleep(1)
    for s in list(slow):
        try:
            s.sendall(b"a")
        except OSError:
            slow.remove(s)
took = time.monotonic() - since
check(not slow and 13 < took < 24, "they are cut off after fifteen seconds, however busy they are", (len(slow), took))
check(request(URL, "GET", "/healthz")[0] == 200, "the server is well after that")
sys.exit(serve_client.failures > 0)
