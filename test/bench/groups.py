# SPDX-License-Identifier: GPL-3.0-or-later
"""Many groups in one master."""

import shutil
import signal
import statistics
import time

from bench import neighbours
from bench.processes import memory_of, run_time, system_calls
from bench.subjects import Floor, Ours
from bench.tables import Table, medians, milliseconds, ratio_table, verdict
from bench.tools import CTL, MASTER, WORKER
from bench.waiting import PATIENCE

GROUPS = 500


class Groups(Ours):
    """Many groups from one file, each with a listener of its own."""
    name = "einhyrningsins --config"

    def prepare(self):
        self.file = self.bench.dir / "groups.toml"
        self.file.write_text("".join(
            f'[group{n}]\ncmd = ["{WORKER}"]\nnumprocesses = {self.count // GROUPS}\nstart_immediate = true\n'
            f'restart = "always"\nack_timeout = 0\nsocket_address = ["127.0.0.1:0"]\n'
            for n in range(GROUPS)))

    def command(self):
        return [MASTER, "-q", "-d", self.bench.socket, "--config", self.file]


def measure(bench, options):
    neighbours.measure(bench, options)
    count = 2 * GROUPS

    def run(kind):
        with kind(bench, count) as subject:
            return subject.took()
    results = medians([Floor, Groups], 3 if options.quick else 11, run)
    ratio_table(f"Start of {GROUPS} groups of 2 workers, to the last main()", results, 1.3, "start of groups")
    table = Table(f"A master with {GROUPS} groups of 2 workers, each with a listener", "", "measured", "target", "")
    with Groups(bench, count) as subject:
        subject.started()
        subject.settle()
        add_rest(table, subject, options)
        add_status(table, subject, options)
        add_upgrades(table, subject)
        add_stop(table, subject)
    table.show()


def add_rest(table, subject, options):
    """What it takes to do nothing."""
    pss, dirty = memory_of([subject.process.pid])
    table.add("PSS", f"{pss} KB", "<= 6144 KB", verdict(f"PSS with {GROUPS} groups", pss, 6144, " KB"))
    table.add("private dirty", f"{dirty} KB", "", "")
    if shutil.which("strace"):
        seconds = 5 if options.quick else 60
        calls = system_calls(subject.process.pid, seconds, subject.bench.dir)
        table.add(f"system calls in {seconds} s", calls, "0", verdict(f"idle, {GROUPS} groups", calls, 0))


def add_status(table, subject, options):
    words = [str(CTL), "-d", str(subject.bench.socket), "status"]
    rounds = 10 if options.quick else 50
    value = statistics.median(run_time(words) for _ in range(rounds))
    table.add("einhyrningsinsctl status, from exec to exit", milliseconds(value), "<= 20 ms",
              verdict(f"status of {GROUPS} groups", value * 1000, 20, " ms"))
    value = statistics.median(run_time([*words, f"group{GROUPS // 2}"]) for _ in range(rounds))
    table.add("status of one of them", milliseconds(value), "", "")


def add_upgrades(table, subject):
    began = time.monotonic()
    for number in range(GROUPS):
        subject.final("upgrade", group=f"group{number}")
    table.add("upgrades of all, one after the other", milliseconds(time.monotonic() - began), "", "")
    subject.settle()
    pss, _ = memory_of([subject.process.pid])
    table.add("PSS after them", f"{pss} KB", "", "")


def add_stop(table, subject):
    began = time.monotonic()
    subject.process.send_signal(signal.SIGTERM)
    subject.process.wait(PATIENCE)
    table.add("stop of all", milliseconds(time.monotonic() - began), "", "")
