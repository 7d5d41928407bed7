#!/usr/bin/env python3
"""Our subset of Milvus's messages (src/store/milvus.proto) beside those that pymilvus ships: number, type and label of every field, and the paths of our calls.

Runs with the python of the venv that has pymilvus (tools/milvus); prints ok/not ok lines. An enum may be an int32 here (the same on the wire), a map an entry message.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    from google.protobuf import descriptor_pb2
except ImportError:  # not that python yet
    if os.environ.get("EYESHINE_PROTO_AGAIN"):
        raise
    os.environ["EYESHINE_PROTO_AGAIN"] = "1"
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/milvus"))
    import servers
    python = str(servers.VENV / "bin/python")
    os.execv(python, [python, *sys.argv])
from pymilvus.grpc_gen import common_pb2, milvus_pb2, schema_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
F = descriptor_pb2.FieldDescriptorProto
# Ours stands for several of theirs, or has another name.
NAMES = {
    "EmptyRequest": ["GetVersionRequest", "CheckHealthRequest"],
    "CollectionRequest": ["HasCollectionRequest", "DescribeCollectionRequest", "GetCollectionStatisticsRequest", "DropCollectionRequest", "ReleaseCollectionRequest"],
    "InsertRequest": ["InsertRequest", "UpsertRequest"],
    "DescribeIndexRequest": ["DescribeIndexRequest", "DropIndexRequest"],
    "SegmentsEntry": ["FlushResponse.CollSegIDsEntry"],
    "FlushTimeEntry": ["FlushResponse.CollFlushTsEntry"],
}
failures = 0


def check(good, what):
    global failures
    failures += not good
    print(("ok - " if good else "not ok - ") + what)


def theirs(name):
    for module in (milvus_pb2, schema_pb2, common_pb2):
        d, parts = module.DESCRIPTOR.message_types_by_name.get(name.split(".")[0]), name.split(".")[1:]
        for part in parts:
            d = d and d.nested_types_by_name.get(part)
        if d:
            return d
    return None


def wrong(ours, their):
    """What is not the same in one field."""
    if their is None:
        return "they have none of that name"
    if ours.number != their.number:
        return f"number {ours.number}, theirs {their.number}"
    kind = F.TYPE_INT32 if their.type == F.TYPE_ENUM else their.type
    if ours.type != kind:
        return f"type {ours.type}, theirs {kind}"
    repeated = getattr(their, "is_repeated", None)
    if repeated is None:
        repeated = their.label == F.LABEL_REPEATED
    if (ours.label == F.LABEL_REPEATED) != repeated:
        return "one is repeated, the other is not"
    if ours.type == F.TYPE_MESSAGE:
        name = ours.type_name.split(".")[-1]
        wanted = NAMES.get(name, [name])
        if their.message_type.name not in [w.split(".")[-1] for w in wanted]:
            return f"message {name}, theirs {their.message_type.name}"
    return None


def main():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "set"
        subprocess.run(["protoc-c", f"--descriptor_set_out={out}", f"-I{ROOT}/src/store", f"{ROOT}/src/store/milvus.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    fields = 0
    for message in files.file[0].message_type:
        for name in NAMES.get(message.name, [message.name]):
            d = theirs(name)
            bad = [] if d else ["there is no such message"]
            for field in message.field if d else ():
                fields += 1
                why = wrong(field, d.fields_by_name.get(field.name))
                if why:
                    bad.append(f"{field.name}: {why}")
            check(not bad, f"{name}{': ' + '; '.join(bad) if bad else ''}")
    check(fields > 180, f"{fields} fields were compared")
    calls = set()
    for source in (ROOT / "src/store").glob("milvus_*.c"):
        calls |= set(re.findall(r'_call(?:_loaded)?\([^"]*"([A-Z][A-Za-z]+)"', source.read_text()))
    service = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"]
    check(service.full_name == "milvus.proto.milvus.MilvusService", "the service's name")
    missing = sorted(c for c in calls if c not in service.methods_by_name)
    check(len(calls) >= 6 and not missing, f"{len(calls)} calls are known to it {missing or ''}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
