#!/usr/bin/env python3
"""What goes wrong between eyeshine and a Milvus server, end to end: faults.py lite | 2.3.5 (prints ok/not ok lines).

Servers are killed and come back, a proxy delays, cuts, holds back and makes noise, a gRPC injector answers in a server's place, logins are wrong, collections are
dropped or somebody else's. Each must end in a sentence that says what is wrong, the run must go on when all is well again, and in the end nothing
may be missing or twice. Starts its own servers (tools/milvus/servers.py).
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/milvus"))
import servers  # noqa: E402

try:
    import grpc
    from pymilvus.grpc_gen import common_pb2, milvus_pb2
except ImportError:  # not the venv's python yet
    if os.environ.get("EYESHINE_FAULTS_AGAIN"):
        raise
    os.environ["EYESHINE_FAULTS_AGAIN"] = "1"
    python = str(servers.VENV / "bin/python")
    os.execv(python, [python, *sys.argv])

from proxy import Proxy  # noqa: E402

EYE = str(ROOT / "build/release/eyeshine")
failures = 0


def check(good, what, detail=""):
    global failures
    failures += not good
    print(("ok - " if good else "not ok - ") + what, flush=True)
    if not good and detail:
        print("\n".join("#   " + line for line in str(detail).splitlines()[-20:]), flush=True)


# ---- the program ----


class World:
    """A folder of pictures and a home; runs of the program in it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.pictures = self.folder / "pictures"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("EYESHINE_") and k not in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
        self.env["HOME"] = str(self.folder / "home")
        self.count = 0
        os.makedirs(self.env["HOME"])
        os.makedirs(self.pictures)
        self.more(4)

    def more(self, rounds):
        """Each sample again and again, every copy a picture of its own by trailing bytes."""
        samples = sorted((ROOT / "samples").glob("*.jpg"))
        for _ in range(rounds):
            for sample in samples:
                self.count += 1
                target = self.pictures / f"{self.count:04}.jpg"
                shutil.copyfile(sample, target)
                with open(target, "ab") as f:
                    f.write(b"copy %d" % self.count)

    def start(self, url, *args, env=None):
        return subprocess.Popen([EYE, "--store", url, *args], env={**self.env, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, url, *args, env=None, seconds=120):
        p = self.start(url, *args, env=env)
        try:
            out, err = p.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            err += f"\n(killed after {seconds} s)"
        return p.returncode, out, err

    def index(self, url, **more):
        return self.run(url, "index", str(self.pictures), **more)

    def whole(self, url, what):
        """All pictures are there, once, and a second run finds nothing to do."""
        code, out, err = self.run(url, "status", "--json")
        status = json.loads(out) if code == 0 else {}
        check((status.get("pictures"), status.get("files")) == (self.count, self.count), f"{what}: {self.count} pictures in as many files", f"{out}{err}")
        code, out, err = self.run(url, "index", "--json", str(self.pictures))
        events = re.findall(r'"(?:event|outcome)": ?"(\w+)"', out)
        check(code == 0 and "indexed" not in events and "removed" not in events, f"{what}: a second run finds nothing to do", f"{code} {out[-2000:]}{err}")


def one_sentence(err, *patterns):
    lines = [line for line in err.splitlines() if line.startswith("eyeshine:")]
    return bool(lines) and all(re.search(p, lines[-1]) for p in patterns) and "Traceback" not in err


# ---- the server goes away ----


def killed_while_indexing(world, server):
    url = f"{server.url}/killed"
    p = world.start(url, "index", str(world.pictures))
    time.sleep(6 if server.kind != "lite" else 3)
    server.kill()
    early = p.poll()
    time.sleep(3)
    check(early is None and p.poll() is None, "the server is killed: index waits", p.poll())
    server.start()
    try:
        out, err = p.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
    check(p.returncode == 0, "and goes on when it is back", out + err)
    world.whole(url, "killed while indexing")


def killed_before_a_search(world, server):
    url = f"{server.url}/killed"
    code, out, _ = world.run(url, "search", "-n", "5", "a dog")
    check(code == 0 and len(out.splitlines()) >= 5, "a search finds", out)
    server.kill()
    start = time.monotonic()
    code, out, err = world.run(url, "search", "a dog")
    took = time.monotonic() - start
    check(code == 3 and one_sentence(err, server.url, "away"), "without a server it says so", f"{code} {err}")
    check(took < 30, f"after some seconds ({took:.1f})")
    p = world.start(url, "search", "-n", "5", "a dog", env={"EYESHINE_MILVUS_TIMEOUT": "120"})
    server.start()
    out2, err2 = p.communicate(timeout=300)
    code2, out2, err2 = world.run(url, "search", "-n", "5", "a dog")
    check(code2 == 0 and len(out2.splitlines()) >= 5, "and finds again when it is back", err2)


# ---- the network is bad ----


def bad_network(world, server):
    proxy = Proxy(server.port)
    url = f"milvus://127.0.0.1:{proxy.port}/net"
    proxy.mode, proxy.seconds = "delay", 0.05
    code, out, err = world.index(url, seconds=300)
    check(code == 0, "index over a slow line", out + err)
    proxy.mode = "pass"
    world.whole(url, "a slow line")
    for mode, pattern in (("garbage", "Milvus|away"), ("half", "away|Milvus"), ("refuse", "away|Milvus")):
        proxy.cut()
        proxy.mode = mode
        code, out, err = world.run(url, "search", "a dog", seconds=90)
        check(code == 3 and one_sentence(err, pattern), f"a search and a line that gives: {mode}", f"{code} {out[-300:]}{err}")
    proxy.mode = "pass"
    code, out, err = world.run(url, "search", "a dog")
    check(code == 0, "and all is well again", err)
    world.more(2)
    p = world.start(url, "index", str(world.pictures))
    for mode in ("half", "stall", "garbage", "refuse", "pass"):
        time.sleep(0.7)
        proxy.mode = mode
        time.sleep(0.7)
        proxy.mode = "pass"
        proxy.cut()
    try:
        out, err = p.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
    check(p.returncode == 0, "index while the line is cut, half, held back and noisy", f"{p.returncode} {out}{err}")
    proxy.close()
    world.whole(f"{server.url}/net", "a bad line")


# ---- the server answers, and it is bad news ----


class Injector(grpc.GenericRpcHandler):
    """A gRPC server that passes everything on, but answers some calls by itself."""

    def __init__(self, port):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
        self.answers = {}  # method -> (how many calls pass first, how many are answered, the answer's bytes)
        self.lock = threading.Lock()
        from concurrent import futures
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
        self.server.add_generic_rpc_handlers((self,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, details):
        method = details.method

        def handle(request, context):
            with self.lock:
                before, times, answer = self.answers.get(method.split("/")[-1], (0, 0, b""))
                if before > 0:
                    self.answers[method.split("/")[-1]] = (before - 1, times, answer)
                elif times > 0:
                    self.answers[method.split("/")[-1]] = (0, times - 1, answer)
                    return answer
            try:
                return self.channel.unary_unary(method, lambda x: x, lambda x: x)(request, timeout=60)
            except grpc.RpcError as e:
                context.abort(e.code(), e.details())

        return grpc.unary_unary_rpc_method_handler(handle, lambda x: x, lambda x: x)

    def close(self):
        self.server.stop(0)
        self.channel.close()


def mutation(code, error_code, reason, retriable=False):
    return milvus_pb2.MutationResult(status=common_pb2.Status(error_code=error_code, code=code, reason=reason, retriable=retriable)).SerializeToString()


def bad_news(world, server):
    injector = Injector(server.port)
    url = f"milvus://127.0.0.1:{injector.port}/news"
    injector.answers["Upsert"] = (3, 10**6, mutation(9, 54, "quota exceeded[reason=disk quota exhausted]"))
    code, out, err = world.index(url)
    check(code == 3 and one_sentence(err, "disk|quota"), "the server's disk is full: index says so", f"{code} {out}{err}")
    injector.answers["Upsert"] = (1, 3, mutation(8, 49, "rate limit exceeded", True))
    code, out, err = world.index(url)
    check(code == 0, "the server is asked too often: index goes on", f"{code} {out}{err}")
    world.whole(url, "bad news")
    busy = milvus_pb2.SearchResults(status=common_pb2.Status(error_code=1, code=106, reason="collection on recovering", retriable=True)).SerializeToString()
    injector.answers["Search"] = (0, 3, busy)
    code, out, err = world.run(url, "search", "a dog")
    check(code == 0, "a search waits while the collection is recovered", err)
    injector.answers["Search"] = (0, 10**6, b"\x0a\xff\xff\xff\xff\xff")
    code, out, err = world.run(url, "search", "a dog")
    check(code == 3 and one_sentence(err, "answer"), "an answer that is none", f"{code} {err}")
    nan = milvus_pb2.SearchResults()
    nan.results.num_queries, nan.results.top_k = 1, 1
    nan.results.ids.int_id.data.append(5)
    nan.results.scores.append(float("nan"))
    nan.results.topks.append(1)
    injector.answers["Search"] = (0, 10**6, nan.SerializeToString())
    code, out, err = world.run(url, "search", "a dog")
    check(code == 3 and one_sentence(err, "score"), "a score that is no number", f"{code} {err}")
    nan.results.topks[0] = 1000
    injector.answers["Search"] = (0, 10**6, nan.SerializeToString())
    code, out, err = world.run(url, "search", "a dog")
    check(code == 3 and one_sentence(err, "hits"), "more hits promised than sent", f"{code} {err}")
    injector.close()


def pulled_away(world, server):
    """The collection is dropped under a library, and one is there that is not ours."""
    from pymilvus import CollectionSchema, DataType, FieldSchema, MilvusClient
    url = f"{server.url}/gone"
    code, _, err = world.index(url)
    check(code == 0, "a library to be dropped", err)
    client = MilvusClient(uri=server.url.replace("milvus://", "http://"))
    client.drop_collection("gone")
    code, out, err = world.run(url, "search", "a dog")
    check(code == 3 and one_sentence(err, "gone"), "its collection was dropped: a search says so", f"{code} {out}{err}")
    client.drop_collection("gone_files")
    code, out, err = world.index(url)
    check(code == 0, "index makes it again", f"{code} {err}")
    world.whole(url, "dropped and made again")
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True), FieldSchema("price", DataType.INT64), FieldSchema("v", DataType.FLOAT_VECTOR, dim=8)])
    for name in ("stranger", "stranger_files"):
        client.create_collection(name, schema=schema)
    for command in (["index", str(world.pictures)], ["search", "a dog"]):
        code, out, err = world.run(f"{server.url}/stranger", *command)
        check(code in (2, 3) and one_sentence(err, "stranger"), f"somebody else's collection: {command[0]} leaves it alone", f"{code} {out}{err}")
    fields = [f["name"] for f in client.describe_collection("stranger")["fields"]]
    check(fields == ["id", "price", "v"], "and it is as it was", fields)
    client.close()


def wrong_password(world):
    with tempfile.TemporaryDirectory(prefix="eyeshine-auth.") as folder, servers.Server("2.3.5", folder, auth=True) as server:
        url = f"{server.url}/auth"
        env = {"EYESHINE_STORE_USER": "root", "EYESHINE_STORE_PASSWORD": "s3cr3tly"}
        for command in (["index", str(world.pictures)], ["search", "a dog"], ["status"], ["-v", "doctor"]):
            code, out, err = world.run(url, *command, env=env)
            said = err + out
            check("refuses the login" in said and "s3cr3tly" not in said and "czNjcjN0bHk" not in said, f"a wrong password: {command[-1] if command[0] == '-v' else command[0]} says so, and not which", f"{code} {said}")
        code, out, err = world.run(url.replace("://", "://root:s3cr3tly@"), "search", "a dog")
        check(code != 0 and "s3cr3tly" not in out + err, "nor does it when the address has it", f"{code} {err}")
        code, out, err = world.index(url, env={**env, "EYESHINE_STORE_PASSWORD": servers.PASSWORD})
        check(code == 0, "the right one is let in", err)


def main():
    kind = sys.argv[1]
    servers.alone()
    with tempfile.TemporaryDirectory(prefix="eyeshine-faults.") as folder:
        world = World(f"{folder}/world")
        with servers.Server(kind, f"{folder}/server") as server:
            pulled_away(world, server)
            bad_news(world, server)
            bad_network(world, server)
            killed_while_indexing(world, server)
            killed_before_a_search(world, server)
        if kind != "lite":
            wrong_password(world)
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
