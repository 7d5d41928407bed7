"""box.py - a container without an engine: run programs in an assembled root as Docker or Kubernetes would.

Namespaces of its own (mounts, processes, network with loopback only, IPC), the root read-only, a volume and folders bound in, a small /dev, /proc, no
capability in any set, no_new_privs, uid 65532, and no system call of those that Docker's default profile takes away. As root the user is changed; anybody else gets
a user namespace in which he is 65532. The process that calls enter() becomes the box's first process and keeps its rights, so that
it can start programs (run, start) with all that taken away, and ask them over the network.
"""
import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import subprocess

UID = 65532
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
SCMP_ALLOW, SCMP_EPERM, SCMP_ENOSYS = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CMP_NE, CMP_EQ, CMP_MASKED_EQ = 1, 4, 7
NAMESPACE_FLAGS = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)  # of clone
# "Significant syscalls blocked by the default profile", docs.docker.com/engine/security/seccomp, and what came later (io_uring, mount's new calls).
DENIED = """acct add_key bpf clock_adjtime clock_settime create_module delete_module finit_module get_kernel_syms get_mempolicy init_module ioperm iopl
kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind mount move_pages nfsservctl open_by_handle_at perf_event_open pivot_root query_module
quotactl reboot request_key set_mempolicy setns settimeofday swapon swapoff sysfs _sysctl umount2 unshare uselib userfaultfd ustat vhangup chroot
io_uring_setup io_uring_enter io_uring_register fsopen fsconfig fsmount move_mount open_tree pidfd_getfd process_madvise syslog""".split()

libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL("libseccomp.so.2")


def check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source, target, kind, flags, data=None):
    args = [a.encode() if a else None for a in (source, target, kind)]
    check(libc.mount(*args, ctypes.c_ulong(flags), data.encode() if data else None), f"mount {target}")


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def docker_filter():
    """A seccomp context with what Docker refuses; loaded in the child. clone3 is ENOSYS, so that clone, whose flags can be seen, is taken."""
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(SCMP_ALLOW))

    def add(action, name, *compare):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # not known on this machine
            return
        array = (Compare * max(1, len(compare)))(*compare)
        rc = seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(compare), array)
        if rc != 0:
            raise OSError(-rc, f"seccomp rule for {name}")

    for name in DENIED:
        add(SCMP_EPERM, name)
    for flag in NAMESPACE_FLAGS:
        add(SCMP_EPERM, "clone", Compare(0, CMP_MASKED_EQ, flag, flag))
    add(SCMP_EPERM, "socket", Compare(0, CMP_EQ, 38, 0))  # AF_ALG
    add(SCMP_EPERM, "personality", Compare(0, CMP_NE, 0, 0))
    add(SCMP_ENOSYS, "clone3")
    return context


class Box:
    def __init__(self, root, volume, binds):
        self.root, self.volume, self.binds = root, volume, binds
        self.as_root = os.geteuid() == 0
        self.filter = docker_filter()

    # ---- becoming the first process of the box ----

    def enter(self):
        """Returns in the box's first process; the process that called waits for it and exits with its code."""
        outer = (os.geteuid(), os.getegid())
        flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
        check(libc.unshare(flags if self.as_root else flags | CLONE_NEWUSER), "unshare")
        if not self.as_root:
            for name, text in (("setgroups", "deny"), ("uid_map", f"{UID} {outer[0]} 1"), ("gid_map", f"{UID} {outer[1]} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                    f.write(text)
        child = os.fork()
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # not to outlive it
        self._mounts()
        self._loopback()
        os.chdir(self.root)
        check(libc.pivot_root(b".", b"."), "pivot_root")
        check(libc.umount2(b".", MNT_DETACH), "umount of the old root")
        os.chdir("/")

    def _mounts(self):
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        mount(self.root, self.root, None, MS_BIND)
        for source, target, writable in [(self.volume, "/var/lib/eyeshine", True)] + [(s, t, False) for s, t in self.binds]:
            mount(source, self.root + target, None, MS_BIND)
            if not writable:
                self._read_only(self.root + target)
        dev = self.root + "/dev"
        mount("tmpfs", dev, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k")
        for name in ("null", "zero", "full", "random", "urandom"):
            with open(f"{dev}/{name}", "w", encoding="ascii"):
                pass
            mount(f"/dev/{name}", f"{dev}/{name}", None, MS_BIND)
        mount("proc", self.root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        self._read_only(self.root)

    @staticmethod
    def _read_only(target):
        mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)

    @staticmethod
    def _loopback():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP

    # ---- programs in it ----

    def _drop(self):
        for capability in range(64):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        if self.as_root:
            os.setgroups([])
            os.setresgid(UID, UID, UID)
            os.setresuid(UID, UID, UID)
        else:  # the same user without his rights in the namespace
            header = struct.pack("Ii", 0x20080522, 0)
            check(libc.capset(header, bytes(24)), "capset")
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        rc = seccomp.seccomp_load(self.filter)
        if rc != 0:
            raise OSError(-rc, "seccomp")

    def _arguments(self, env):
        return {"env": env, "cwd": "/", "preexec_fn": self._drop, "stdin": subprocess.DEVNULL, "close_fds": True}

    def run(self, *command, env):
        done = subprocess.run(command, capture_output=True, timeout=120, check=False, **self._arguments(env))
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def start(self, *command, env):
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self._arguments(env))
