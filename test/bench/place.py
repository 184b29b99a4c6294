# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a measurement takes place: a private directory, and the record of the workers' beginnings."""

import mmap
import pathlib
import shutil
import struct
import subprocess
import tempfile

from bench.waiting import until

SLOTS = 65536  # as in record.h


class Record:
    """The file in which every worker notes its main() (test/bench/record.h)."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(8 + 16 * SLOTS)
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)

    def count(self):
        return struct.unpack_from("Q", self.map, 0)[0]

    def entries(self, begin, end):
        """(ns, pid) of the entries from begin to end, once they are all written."""
        def written():
            found = [struct.unpack_from("QQ", self.map, 8 + 16 * (n % SLOTS)) for n in range(begin, end)]
            return found if all(ns for ns, _ in found) else None
        return until(written, "a worker's note")

    def wait(self, begin, number):
        """The entries of the next `number` workers since count() was `begin`."""
        until(lambda: self.count() >= begin + number, f"main() of {number} workers, {self.count() - begin} came")
        return self.entries(begin, begin + number)


class Bench:
    """A private directory, the record, and the environment of what runs in it."""

    def __init__(self, parent="/tmp"):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ein-b-", dir=parent))
        self.record = Record(self.dir / "record")
        self.socket = self.dir / "c.sock"

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def environment(self, **more):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "BENCH_RECORD": str(self.record.path), **more}

    def popen(self, *command, **environment):
        return subprocess.Popen([str(word) for word in command], env=self.environment(**environment), cwd=self.dir,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)
