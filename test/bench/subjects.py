# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is measured: the floor in C, and einhyrningsins with different options."""

import contextlib
import json
import shutil
import signal
import socket
import time

from bench.processes import end_by_force
from bench.tools import EXECUTED, FLOOR, MASTER, PRELOADED, WORKER
from bench.waiting import PATIENCE, GaveUp, until


class Subject:
    """Starts `count` workers. A context manager; `process` is the first process of the supervisor."""
    name = "?"
    needs = ()

    def __init__(self, bench, count, **environment):
        self.bench, self.count, self.environment = bench, count, environment

    @classmethod
    def there(cls):
        return all(shutil.which(str(program)) for program in cls.needs)

    def prepare(self):
        """Preparations that are not measured."""

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.prepare()
        self.first = self.bench.record.count()
        self.began = time.monotonic_ns()
        self.process = self.bench.popen(*self.command(), **self.environment)
        return self

    def __exit__(self, *_):
        end_by_force(self.process)

    def started(self):
        """The notes of all workers of the start."""
        return self.bench.record.wait(self.first, self.count)

    def upgrade(self):
        self.process.send_signal(signal.SIGHUP)

    def took(self):
        """Seconds from the start of the supervisor to the main() of the last worker."""
        return (max(ns for ns, _ in self.started()) - self.began) / 1e9

    def supervisors(self):
        """The pids of all processes that supervise."""
        return [self.process.pid]


class Floor(Subject):
    name = "floor (vfork and exec)"
    needs = (FLOOR,)

    def command(self):
        return [FLOOR, self.count, WORKER]


class Ours(Subject):
    name = "einhyrningsins"
    needs = (MASTER,)
    options = ("--ack-mode", "0")

    def command(self):
        return [MASTER, "-q", "-d", self.bench.socket, *self.options, "-n", self.count, WORKER]

    def settle(self):
        """Waits until every worker is ready and nothing is going on."""
        def settled():
            with contextlib.suppress(OSError, ValueError):
                groups = self.groups()
                workers = sum(len(group["workers"]) for group in groups)
                ready = sum(group["ready"] for group in groups)
                return ready == workers == self.count and not any(group["upgrade"] for group in groups)
        until(settled, "readiness", pause=0.005)

    def replies(self, command, **keys):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(PATIENCE)
            peer.connect(str(self.bench.socket))
            peer.sendall(json.dumps({"id": 1, "command": command, **keys}).encode() + b"\n")
            yield from map(json.loads, peer.makefile())

    def ask(self, command):
        """The first reply."""
        for reply in self.replies(command):
            return reply
        raise GaveUp(f"a reply to {command}")

    def final(self, command, **keys):
        """The last reply; progress may come before it."""
        for reply in self.replies(command, **keys):
            if not reply.get("wait"):
                return reply
        raise GaveUp(f"the end of {command}")

    def groups(self):
        return self.ask("status")["data"]["groups"]


class OursManual(Ours):
    name = "einhyrningsins, manual acks"
    options = ("-m",)

    def __init__(self, bench, count, **environment):
        super().__init__(bench, count, BENCH_ACK="1", **environment)


class OursExecuted(Ours):
    """A program that has 100 MB to load."""
    name = "einhyrningsins"

    def __init__(self, bench, count, **environment):
        super().__init__(bench, count, BENCH_MB="100", **environment)

    def command(self):
        return [*super().command()[:-1], EXECUTED]


class OursPreloaded(OursExecuted):
    name = "einhyrningsins --preload"
    options = (*Ours.options, "-p", PRELOADED)
