#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures log capture: workers that write as fast as they can, into a file through ours, cat, svlogd, s6-log and
supervisord. Prints Markdown tables with medians of interleaved runs.

    test/bench/logs.py [--quick] [--directory DIR]

Needs `b2`. Peers that are not installed are left out. The seconds are those from the moment when the
workers may begin until all they wrote is in the file; CPU is that of the capturing process alone. All others than ours
and supervisord get their workers' output through one shared pipe, and none of them rotates.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/bench"
MASTER, WRITER = ROOT / "build/bin/einhyrningsins", TOOLS / "writer"
PATIENCE = 120
TICK = os.sysconf("SC_CLK_TCK")


def build_writer():
    TOOLS.mkdir(parents=True, exist_ok=True)
    source = ROOT / "test/bench/writer.c"
    if not WRITER.exists() or WRITER.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-O2", "-static", "-D_GNU_SOURCE", "-o", WRITER, source], check=True)


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
                raise TimeoutError(f"{self.name}: {self.written()} of {self.total} bytes came")
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


def one(subject, *arguments):
    run = subject(*arguments)
    try:
        return run.measure()
    finally:
        run.close()


def table(parent, count, piece, total, rounds):
    """Prints the table; what is compared, the value, the target, whether a larger value is better."""
    subjects = [subject for subject in (Ours, Cat, Svlogd, S6Log, Supervisor) if subject.there()]
    found = {subject: [] for subject in subjects}
    for _ in range(rounds):
        for subject in subjects:
            found[subject].append(one(subject, parent, count, piece, total))
    speed = {subject: statistics.median(rate for rate, _ in runs) for subject, runs in found.items()}
    cpu = {subject: statistics.median(used for _, used in runs) for subject, runs in found.items()}
    print(f"### {count} writer{'s' if count > 1 else ''}, {piece} bytes at a time\n")
    print("| | MB/s | x cat | CPU s/GB |\n|---|---:|---:|---:|")
    for subject in subjects:
        print(f"| {subject.name} | {speed[subject] / 1e6:.0f} | {speed[subject] / speed[Cat]:.2f} | {cpu[subject]:.2f} |")
    print(flush=True)
    fastest = max(speed[peer] for peer in subjects if peer is not Ours)
    thriftiest = min(cpu[peer] for peer in subjects if peer is not Ours)
    return [("x cat", speed[Ours] / speed[Cat], 0.8, True), ("x the fastest", speed[Ours] / fastest, 1, True),
            ("CPU x the thriftiest", cpu[Ours] / thriftiest, 0.5, False)]


def tables(directory, quick):
    """Prints all tables; yields what table() returns, with the case in words."""
    build_writer()
    for piece, total in ((100, 200_000_000), (4000, 500_000_000), (65_500, 500_000_000)):
        for count in (1, 4):
            for what, *rest in table(directory, count, piece, total // (2 if quick else 1), 3 if quick else 5):
                yield f"logs, {count} x {piece} bytes: {what}", *rest


def main():
    parser = argparse.ArgumentParser(description="Measure log capture beside its peers.")
    parser.add_argument("--quick", action="store_true", help="less text and fewer rounds")
    parser.add_argument("--directory", default="/tmp", help="where the logs are written (default: /tmp)")
    options = parser.parse_args()
    if not MASTER.exists():
        sys.exit(f"logs: {MASTER} is missing: build it with b2")
    good = True
    for what, value, target, larger in list(tables(options.directory, options.quick)):
        met = value >= target if larger else value <= target
        good &= met
        print(f"- {what}: {value:.2f} ({'>=' if larger else '<='} {target}) {'PASS' if met else 'missed'}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
