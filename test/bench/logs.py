# SPDX-License-Identifier: GPL-3.0-or-later
"""Log capture: workers that write as fast as they can, into a file through ours, cat, svlogd, s6-log and supervisord.

The seconds are those from the moment when the workers may begin until all that they wrote is in the file;
CPU is that of the capturing process alone. All others than ours and supervisord get their workers' output through one
shared pipe, and none of them rotates.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from bench.tables import Table, verdict
from bench.tools import MASTER, WRITER
from bench.waiting import GaveUp

PATIENCE = 120
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds that a living process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Run:
    """`count` writers of together `total` bytes, `piece` at a time. A context that leaves nothing behind."""
    name, needs = "?", ()

    def __init__(self, parent, count, piece, total):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="logs-", dir=parent))
        self.count, self.gate = count, self.dir / "gate"
        self.each = total // count // 100 * 100
        self.total = self.each * count
        self.writer = [str(WRITER), str(self.each), str(piece), str(self.gate)]
        self.writers = []

    @classmethod
    def there(cls):
        return all(shutil.which(program) for program in cls.needs)

    def start(self):
        """Starts the capturing process with a shared pipe, and the writers."""
        reading, writing = os.pipe()
        with open(self.output(), "wb") as file:
            self.process = subprocess.Popen(self.command(), stdin=reading, stdout=file)
        self.writers = [subprocess.Popen(self.writer, stdout=writing) for _ in range(self.count)]
        os.close(reading)
        os.close(writing)

    def output(self):
        return self.dir / "log"

    def files(self):
        return [self.output()]

    def written(self):
        return sum(file.stat().st_size for file in self.files() if file.exists())

    def cpu(self):
        """Seconds, of a process that ends with its input."""
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return used.ru_utime + used.ru_stime

    def measure(self):
        """Bytes a second, CPU seconds per GB."""
        self.start()
        time.sleep(0.3 if self.needs != ("supervisord",) else 1.5)  # all are waiting at the gate
        self.gate.touch()
        began = time.monotonic()
        while self.written() < self.total:
            if time.monotonic() > began + PATIENCE:
                raise GaveUp(f"{self.name}: {self.written()} of {self.total} bytes came")
            time.sleep(0.002)
        seconds = time.monotonic() - began
        return self.total / seconds, self.cpu() / (self.total / 1e9)

    def close(self):
        for process in [*self.writers, self.process]:
            if process.poll() is None:
                process.terminate()
            with contextlib.suppress(ChildProcessError):
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Ours(Run):
    name, needs = "einhyrningsins", (str(MASTER),)

    def start(self):
        """The master with a group that has a log; the writers are its own children."""
        groups, self.socket = self.dir / "groups.toml", self.dir / "s"
        words = ", ".join(f'"{word}"' for word in self.writer)
        groups.write_text(f'[w]\ncmd = [{words}]\nnumprocesses = {self.count}\nack = "timer"\nack_timeout = 0\n'
                          f'restart = "none"\nstdout_log = "size:{1 << 40}:1:{self.output()}"\n')
        self.process = subprocess.Popen([str(MASTER), "-q", "-d", str(self.socket), "--config", str(groups)],
                                        stdout=subprocess.DEVNULL, start_new_session=True)

    def cpu(self):
        used = cpu_of(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        return used


class Cat(Run):
    name, needs = "cat > file", ("cat",)

    def command(self):
        return ["cat"]


class Svlogd(Run):
    name, needs = "svlogd", ("svlogd",)

    def command(self):
        (self.dir / "config").write_text("s2000000000\nn2\n")
        return ["svlogd", str(self.dir)]

    def output(self):
        return self.dir / "stdout"

    def files(self):
        return [self.dir / "current", *self.dir.glob("@*")]


class S6Log(Svlogd):
    name, needs = "s6-log", ("s6-log",)

    def command(self):
        return ["s6-log", "n20", "s268435455", str(self.dir)]


class Supervisor(Run):
    name, needs = "supervisord", ("supervisord",)

    def start(self):
        configuration = self.dir / "supervisord.conf"
        configuration.write_text(
            f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={self.dir}/pid\n"
            f"childlogdir={self.dir}\n[program:w]\ncommand={' '.join(self.writer)}\nnumprocs={self.count}\n"
            f"process_name=w%(process_num)d\nautorestart=false\nstartsecs=0\nstdout_logfile_maxbytes=0\n"
            f"stdout_logfile={self.dir}/log%(process_num)d\n")
        self.process = subprocess.Popen(["supervisord", "-c", str(configuration)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def files(self):
        return [self.dir / f"log{n}" for n in range(self.count)]

    def cpu(self):
        used = cpu_of(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        return used


def measure_once(kind, *arguments):
    run = kind(*arguments)
    try:
        return run.measure()
    finally:
        run.close()


def medians(kinds, rounds, *arguments):
    """kind -> bytes a second, and kind -> CPU seconds per GB; the rounds of all are interleaved."""
    found = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            found[kind].append(measure_once(kind, *arguments))
    return ({kind: statistics.median(rate for rate, _ in runs) for kind, runs in found.items()},
            {kind: statistics.median(used for _, used in runs) for kind, runs in found.items()})


def compare(kinds, directory, count, piece, total, rounds):
    """One table: `count` writers of together `total` bytes, `piece` at a time."""
    speed, cpu = medians(kinds, rounds, directory, count, piece, total)
    table = Table(f"{count} writer{'s' if count > 1 else ''}, {piece} bytes at a time", "", "MB/s", "x cat", "CPU s/GB")
    for kind in kinds:
        table.add(kind.name, f"{speed[kind] / 1e6:.0f}", f"{speed[kind] / speed[Cat]:.2f}", f"{cpu[kind]:.2f}")
    table.show()
    peers = [kind for kind in kinds if kind is not Ours]
    what = f"logs, {count} x {piece} bytes: "
    verdict(what + "x cat", speed[Ours] / speed[Cat], 0.8, at_least=True)
    verdict(what + "x the fastest", speed[Ours] / max(speed[peer] for peer in peers), 1, at_least=True)
    verdict(what + "CPU x the thriftiest", cpu[Ours] / min(cpu[peer] for peer in peers), 0.5)


def measure(bench, options):
    peers = [kind for kind in (Svlogd, S6Log, Supervisor) if options.peers and kind.there()]
    for piece, total in ((100, 200_000_000), (4000, 500_000_000), (65_500, 500_000_000)):
        for count in (1, 4):
            compare([Ours, Cat, *peers], bench.dir, count, piece, total // (2 if options.quick else 1),
                    3 if options.quick else 5)
