# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 7.5: after an exec nothing ends the master. Each call of a take-over is made to fail, one at a time and several
together: the master lives, its workers serve, it is heard, and it hears."""

import collections
import errno
import os
import signal

import pytest

from harness import (HTTP_WORKER, PRELOAD_HTTP, SANITIZED, WORKERS, Control, alive, connect_to, eventually, parse_reply,
                     read_all)
from services import spawn_groups

pytestmark = pytest.mark.skipif(SANITIZED, reason="the sanitizers make calls of their own")

# What can go wrong, by the manual pages: of scarcity, and of anything else.
ERRORS = {
    "accept": ["EMFILE"], "accept4": ["EMFILE", "ECONNABORTED"], "access": ["EACCES"], "bind": ["EADDRINUSE", "EACCES"],
    "chmod": ["EPERM"], "close_range": ["ENOMEM"], "connect": ["EAGAIN", "ECONNREFUSED"], "dup3": ["EMFILE"],
    "epoll_create": ["ENOMEM"], "epoll_create1": ["EMFILE", "ENOMEM"], "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "eventfd": ["ENFILE"], "faccessat": ["EACCES"], "fchmod": ["EPERM"], "fchown": ["EPERM"], "fchownat": ["EPERM"],
    "fcntl": ["EMFILE"], "fdopendir": ["ENOMEM"], "flock": ["ENOLCK", "EWOULDBLOCK"], "fstat": ["ENOMEM"],
    "fstatat": ["ENOMEM"], "getcwd": ["ENOENT"], "getentropy": ["EIO"], "getsockname": ["ENOBUFS"],
    "getsockopt": ["ENOMEM"], "inotify_add_watch": ["ENOSPC", "ENOMEM"], "inotify_init1": ["EMFILE"],
    "listen": ["EADDRINUSE"], "lseek": ["EINVAL"], "lstat": ["ENOMEM", "EACCES"], "memfd_create": ["ENOMEM"],
    "mkdir": ["ENOSPC"], "mkdtemp": ["ENOSPC"], "mkostemp": ["ENOSPC"], "open": ["ENFILE", "EACCES"],
    "openat": ["EMFILE", "EACCES"], "opendir": ["EMFILE"], "pipe2": ["EMFILE"], "pread": ["EIO"],
    "pthread_create": ["EAGAIN"], "pwrite": ["ENOSPC"], "read": ["ENOMEM"], "readlink": ["ENOMEM"],
    "readlinkat": ["ENOMEM"], "recvmsg": ["ENOMEM"], "rename": ["ENOSPC"], "renameat": ["ENOSPC"], "send": ["EAGAIN"],
    "sendmsg": ["ENOBUFS"], "setrlimit": ["EPERM"], "setsockopt": ["ENOMEM"], "signalfd": ["EMFILE", "ENOMEM"],
    "socket": ["EMFILE", "ENOBUFS"], "socketpair": ["EMFILE"], "splice": ["ENOMEM"], "stat": ["EACCES", "ENOMEM"],
    "timerfd_create": ["EMFILE"], "unlink": ["EACCES"], "unlinkat": ["EACCES"], "write": ["ENOSPC"],
}


class Failing:
    """A master whose take-overs can be made to fail, with most of what a master can have."""

    def __init__(self, master, **groups):
        self.master = master
        groups = groups or {
            "web": {"cmd": [HTTP_WORKER, "--ack", "notify"], "ack": "notify", "restart": "always", "numprocesses": 2,
                    "bind": ["127.0.0.1:0", str(master.dir / "web.sock")], "auto_upgrade": True,
                    "control_socket": str(master.dir / "web.control"),
                    "preload": PRELOAD_HTTP,
                    "stdout_log": f"size:100000:2:{master.dir}/web.log"},
            "job": {"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "restart": "always", "ack": "timer",
                    "ack_timeout": 0, "live_check_timeout": 1000, "upgrader": ["/bin/true"]}}
        spawn_groups(master, "-e", master.dir / "pid", "--lockfile", master.dir / "lock", **groups,
                     env={"LD_PRELOAD": str(WORKERS / "libfailing_calls.so"), "FAILING_CALLS": str(master.dir)})
        self.settle()

    def groups(self):
        return self.master.status()["groups"]

    def workers(self):
        """The pids of those that are ready; None: something is under way still."""
        pids = []
        for group in self.groups():
            states = [worker["state"] for worker in group["workers"]]
            if states != ["ready"] * group["target"] or group["upgrade"]:
                return None
            pids += [worker["pid"] for worker in group["workers"]]
        return pids

    def settle(self):
        self.master.wait_answering()
        try:
            return eventually(self.workers)
        except AssertionError:
            raise AssertionError(f"{self.groups()}\n{self.master.log()}") from None

    def reload(self, *rules):
        """Replaces the master's program; in the new one calls fail as the rules say: (name, first, last, error)."""
        master = self.master
        (master.dir / "plan").write_text("".join(" ".join(map(str, rule)) + "\n" for rule in rules))
        (master.dir / "calls").unlink(missing_ok=True)
        with Control(self.master.socket_path) as client:
            client.send("reload")
            eventually(lambda: self.calls()[-1:] == ["waiting"] or master.process.poll() is not None,
                       what="the loop of the new master runs")
        assert master.process.poll() is None, f"the master ended ({master.process.returncode})"

    def calls(self):
        path = self.master.dir / "calls"
        return path.read_text().split() if path.exists() else []

    def try_reload(self, *rules):
        """The same, and checks that nothing is the matter."""
        before, log = self.workers(), self.master.log()
        try:
            self.reload(*rules)
            self.check(before)
        except (AssertionError, OSError) as why:
            raise AssertionError(f"after {rules}: {why}\n{self.master.log()[len(log):]}") from why

    def check(self, before):
        master = self.master
        master.wait_answering()
        assert self.workers() == before and all(map(alive, before)), "the workers are as they were"
        for listener in self.groups()[0]["listeners"]:
            with connect_to(listener["address"]) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                parse_reply(read_all(peer))
        os.kill(before[0], signal.SIGKILL)  # SIGCHLD is heard
        eventually(lambda: (now := self.workers()) and before[0] not in now, what="a death is answered by a worker")
        now = self.workers()
        master.signal(signal.SIGHUP)
        eventually(lambda: (new := self.workers()) and not set(now) & set(new), what="HUP is answered by an upgrade")


def numbers(errors):
    return [getattr(errno, name) for name in errors]


def each_call(calls):
    """Rules that make one of the calls fail, each in turn."""
    counts = collections.Counter()
    for name in calls:
        counts[name] += 1
        if name in ERRORS:
            for error in numbers(ERRORS[name]):
                yield name, counts[name], counts[name], error


def of_a_take_over(failing):
    failing.reload()
    calls = failing.calls()[:-1]
    failing.check(failing.workers())
    unknown = set(calls) - set(ERRORS) - {"lost"}
    assert len(calls) > 50 and not unknown, (len(calls), unknown)
    return calls


PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_any_call_may_fail(master, part):
    failing = Failing(master)
    for rule in list(each_call(of_a_take_over(failing)))[part::PARTS]:
        failing.try_reload(rule)
    master.stop()  # TERM is heard


@pytest.mark.parametrize("width", [2, 3, 10])
def test_several_calls_in_a_row_may_fail(master, width):
    failing = Failing(master)
    rules = list(each_call(of_a_take_over(failing)))
    for begin in range(0, len(rules), max(width, 5)):
        failing.try_reload(*rules[begin:begin + width])
    master.stop()


def test_calls_may_fail_for_a_while(master):
    failing = Failing(master)
    calls = of_a_take_over(failing)
    for name, count in sorted(collections.Counter(calls).items()):
        if name != "lost":
            failing.try_reload((name, 1, min(count, 50), numbers(ERRORS[name])[0]))
    master.stop()


@pytest.mark.parametrize("name, first", [("signalfd", 1), ("epoll_create1", 1), ("epoll_ctl", 1)])
def test_what_no_master_can_do_without_is_tried_until_it_works(master, name, first):
    failing = Failing(master)
    failing.try_reload((name, first, 5, errno.ENOMEM, "always"))
    assert master.log().count("trying again until it works") == 1
    master.stop()


def test_any_descriptor_may_be_lost(master):
    """A wrapper may have closed it. A listener that is in use by workers cannot be bound again."""
    failing = Failing(master, job={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "restart": "always", "ack": "timer",
                                   "ack_timeout": 0, "control_socket": str(master.dir / "job.control"),
                                   "stdout_log": f"size:100000:2:{master.dir}/job.log"})
    failing.reload()
    lost = failing.calls().count("lost")
    assert lost > 5
    for place in range(1, lost + 1):
        failing.try_reload(("lost", place, place, errno.EBADF))
    master.stop()


@pytest.mark.parametrize("name", ["socket", "bind", "chmod", "listen"])
def test_a_control_socket_that_cannot_be_made_is_tried_again(master, name):
    failing = Failing(master, job={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "restart": "always", "ack": "timer",
                                   "ack_timeout": 0})
    before = failing.workers()
    failing.reload()
    lost = failing.calls().count("lost")
    # All are lost, the control socket with them.
    failing.reload(("lost", 1, lost, errno.EBADF), (name, 1, 2, errno.ENOMEM, "always"))
    failing.check(before)
    assert master.log().count("control socket has vanished and cannot be made again") == 1
    assert "it is there again" in master.log()
    master.stop()


@pytest.mark.parametrize("name", ["epoll_create1", "epoll_ctl", "signalfd", "fcntl"])
def test_what_a_trial_run_is_refused_is_not_tried_for_real(master, name):
    failing = Failing(master, job={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "restart": "always", "ack": "timer",
                                   "ack_timeout": 0})
    before = failing.workers()
    (master.dir / "trial").write_text(f"{name} 1 9 {errno.ENOMEM}\n")
    reply = master.request("reload")
    assert not reply["ok"] and "the trial run" in reply["message"]
    assert "Cannot allocate memory" in master.log() and ", reloaded" not in master.log()
    assert failing.workers() == before
    (master.dir / "trial").unlink()
    failing.try_reload()
    master.stop()
