"""The two Milvus servers that tests use, from PyPI: the real one ("2.3.5", standalone, the newest with a Linux wheel) and milvus-lite ("lite").

A Server is a process with a data folder and a port on loopback: start, stop (TERM, then KILL), kill (KILL, as a crash does). The wheel of 2.3.5 has a launcher of its own, which loses
its server when it is ended and does not notice when that dies; so its configuration class writes the configuration and the binary is started directly. Its binaries
(250 MB unpacked) are kept beside the venv and linked to. A fresh data folder starts in 3 s; a used one takes 50 to 60 s. 2.3.5 listens on all interfaces on a
dozen ports that cannot be chosen, so `alone()` puts the caller into a network of its own where the system lets it.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = Path(os.environ.get("EYESHINE_MILVUS_VENV") or ROOT / "build/venv-milvus").absolute()
PACKAGES = ["milvus==2.3.5", "milvus-lite==3.2.2", "pymilvus==3.0.2"]
KINDS = ("lite", "2.3.5")
PASSWORD = "Milvus"  # of root, on a fresh 2.3.5 with authorization

CONFIGURE = """
import sys, milvus
folder, port, *more = sys.argv[1:]
c = milvus.MilvusServerConfig(data_dir=folder, proxy_port=int(port))
c.set('log.level', 'warn')
c.set('log.stdout', 'false')
for pair in more:
    key, value = pair.split('=', 1)
    kind = c.configurable_items.get(key, [str])[0]
    c.set(key, value == 'true' if kind is bool else kind(value))
c.resolve()
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def certificate(folder):
    """A certificate for 127.0.0.1 that signs itself: FOLDER/server.pem, server.key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.pem"], check=True, capture_output=True)
    return f"{folder}/server.pem"


def alone():
    """Run this program again in a network namespace with nothing but loopback, if that can be had; else go on here."""
    if os.environ.get("EYESHINE_ALONE") or not shutil.which("unshare") or not shutil.which("ip"):
        return
    for flags in (["-n"], ["-rn"]):
        if subprocess.run(["unshare", *flags, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0:
            os.environ["EYESHINE_ALONE"] = "1"
            os.execvp("unshare", ["unshare", *flags, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])


def install():
    """Make the venv and unpack the binaries, once."""
    done = VENV / "done"
    if done.exists() and done.read_text() == "\n".join(PACKAGES):
        return
    print(f"installing {', '.join(PACKAGES)} into {VENV}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    subprocess.run([str(VENV / "bin/pip"), "install", "-q", *PACKAGES], check=True)
    unpack = "import sys, milvus; milvus._initialize_data_files(sys.argv[1])"
    subprocess.run([str(VENV / "bin/python"), "-c", unpack, str(VENV / "milvus")], check=True)
    done.write_text("\n".join(PACKAGES))


def _die_with_parent():
    """In the child: a server whose test was killed goes, too."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Server:
    def __init__(self, kind, folder, port=None, auth=False, tls=False, settings=()):
        self.kind, self.folder, self.auth, self.tls = kind, Path(folder).absolute(), auth, tls
        self.port = port or free_port()
        self.settings = list(settings)
        self.process = None
        if (auth or tls) and kind == "lite":
            raise ValueError("milvus-lite knows no logins and no TLS")

    @property
    def url(self):
        return f"milvus{'+tls' if self.tls else ''}://127.0.0.1:{self.port}"

    def start(self, seconds=180):
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder / "server.log", "ab")
        if self.kind == "lite":
            command = [str(VENV / "bin/milvus-lite"), "server", "--data-dir", str(self.folder / "data"), "--host", "127.0.0.1", "--port", str(self.port)]
            env = dict(os.environ)
        else:
            settings = list(self.settings) + (["authorization_enabled=true"] if self.auth else [])
            if self.tls:
                pem = certificate(self.folder)
                settings += ["tls_mode=1", f"server_pem_path={pem}", f"server_key_path={self.folder}/server.key"]
            if not (self.folder / "bin").exists():  # else it was configured before
                subprocess.run([str(VENV / "bin/python"), "-c", CONFIGURE, str(self.folder), str(self.port), *settings], check=True)
                (self.folder / "bin").symlink_to(VENV / "milvus/bin")
            self.metrics = free_port()
            command = [str(self.folder / "bin/milvus"), "run", "standalone"]
            env = dict(os.environ, DEPLOY_MODE="STANDALONE", METRICS_PORT=str(self.metrics), MILVUS_RUN_DIR=str(self.folder / "run"),
                       LD_LIBRARY_PATH=str(self.folder / "bin"))
        with log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=_die_with_parent)
        deadline = time.monotonic() + seconds
        while not self.ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the {self.kind} server ended at once (log: {self.folder}/server.log)")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the {self.kind} server is not ready after {seconds} s (log: {self.folder}/server.log)")
            time.sleep(0.1)
        return self

    def ready(self):
        try:
            if self.kind == "lite":
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{self.metrics}/healthz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _end(self, sig, seconds):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def stop(self):
        if self.process and self.process.poll() is None:
            self._end(signal.SIGTERM, 10)
        self.kill()

    def kill(self):
        if self.process and self.process.poll() is None:
            self._end(signal.SIGKILL, 10)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
