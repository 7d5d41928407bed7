"""A TCP proxy that gets worse when told: for tests of what a bad network does to a store.

Proxy(port) listens on a port of its own and passes bytes on to `port`. `mode` may be changed at any time and holds for what comes after:
pass, delay (seconds before each piece), half (answers are passed for `budget` bytes, then the connection is closed), garbage (answers are noise), stall (answers
are held back), refuse (new connections are closed at once).
"""
import contextlib
import os
import socket
import threading
import time


class Proxy:
    def __init__(self, port):
        self.target, self.mode, self.seconds, self.budget = port, "pass", 0.2, 100
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.links, self.connections, self.closed = [], 0, False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.mode == "refuse":
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            self.links += [client, server]
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source, sink, answers):
        with contextlib.suppress(OSError):
            while True:
                piece = source.recv(65536)
                if not piece:
                    break
                if self.mode == "delay":
                    time.sleep(self.seconds)
                if answers:
                    while self.mode == "stall":
                        time.sleep(0.05)
                    if self.mode == "garbage":
                        piece = os.urandom(len(piece))
                    if self.mode == "half":
                        sink.sendall(piece[:self.budget])
                        break
                sink.sendall(piece)
        for s in (source, sink):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """End all connections, as a cable that is pulled out and put in again."""
        for s in self.links:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        self.links.clear()

    def close(self):
        self.listener.close()
        self.cut()
