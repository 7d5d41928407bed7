"""unit.py UNIT COMMAND... - run a command, not as root, under the system call rules of a systemd unit, where no systemd runs.

SystemCallFilter= is expanded by systemd-analyze and loaded as systemd loads it (what is not on the list kills the process); MemoryDenyWriteExecute=,
RestrictNamespaces=, RestrictAddressFamilies= and NoNewPrivileges= likewise. ProtectSystem= and its kind, which need mounts, are box.py's part.
"""
import ctypes
import os
import socket
import subprocess
import sys

ALLOW, KILL, EPERM, EAFNOSUPPORT = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050000 | 97
EQ, NE, MASKED_EQ = 4, 1, 7
WRITE, EXEC, SHM_EXEC = 2, 4, 0o100000
NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)

seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    def __init__(self, otherwise):
        self.context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(otherwise)))

    def add(self, action, name, *compare):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            array = (Compare * max(1, len(compare)))(*compare)
            rc = seccomp.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, len(compare), array)
            if rc not in (0, -17):  # there already
                raise OSError(-rc, name)

    def load(self):
        rc = seccomp.seccomp_load(self.context)
        if rc:
            raise OSError(-rc, "seccomp_load")


def expand(word):
    if not word.startswith("@"):
        return {word}
    text = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
    names = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(expand(n) for n in names))


def settings(path):
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if "=" in line and not line.startswith("#"):
                key, value = line.strip().split("=", 1)
                found.setdefault(key, []).append(value)
    return found


def allowed(lines):
    names = set()
    for line in lines:
        for word in line.lstrip("~").split():
            names = names - expand(word) if line.startswith("~") else names | expand(word)
    return names


def main():
    unit, command = settings(sys.argv[1]), sys.argv[2:]
    filters = []
    if unit.get("MemoryDenyWriteExecute") == ["yes"]:
        f = Filter(ALLOW)
        f.add(EPERM, "mmap", Compare(2, MASKED_EQ, WRITE | EXEC, WRITE | EXEC))
        f.add(EPERM, "mprotect", Compare(2, MASKED_EQ, EXEC, EXEC))
        f.add(EPERM, "pkey_mprotect", Compare(2, MASKED_EQ, EXEC, EXEC))
        f.add(EPERM, "shmat", Compare(2, MASKED_EQ, SHM_EXEC, SHM_EXEC))
        filters.append(f)
    if unit.get("RestrictNamespaces") == ["yes"]:
        f = Filter(ALLOW)
        for flag in NAMESPACES:
            f.add(EPERM, "clone", Compare(0, MASKED_EQ, flag, flag))
            f.add(EPERM, "unshare", Compare(0, MASKED_EQ, flag, flag))
        f.add(0x00050000 | 38, "clone3")
        f.add(EPERM, "setns")
        filters.append(f)
    if "RestrictAddressFamilies" in unit:
        f = Filter(ALLOW)
        families = {getattr(socket, n) for n in unit["RestrictAddressFamilies"][0].split()}
        for family in set(range(46)) - {int(x) for x in families}:
            f.add(EAFNOSUPPORT, "socket", Compare(0, EQ, family, 0))
        filters.append(f)
    f = Filter(KILL)
    for name in allowed(unit["SystemCallFilter"]):
        f.add(ALLOW, name)
    filters.append(f)
    if os.geteuid() == 0:  # SQLite, as root, gives files to who owns their neighbours
        os.setgroups([])
        os.setresgid(65532, 65532, 65532)
        os.setresuid(65532, 65532, 65532)
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # no_new_privs
    for f in filters:
        f.load()
    os.execv(command[0], command)


main()
