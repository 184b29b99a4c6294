# SPDX-License-Identifier: GPL-3.0-or-later
"""An idle master makes no system call."""

import shutil
import sys
import time

from bench.peers import S6, Runit, ServerStarter, Supervisor, existing
from bench.processes import system_calls
from bench.subjects import Ours
from bench.tables import Table, verdict


def measure(bench, options):
    if not shutil.which("strace"):
        print("bench: idle: strace is not installed", file=sys.stderr)
        return
    seconds = 5 if options.quick else 60
    table = Table(f"System calls of an idle master in {seconds} s", "", "calls", "target", "")
    for count in (4, 500):
        with Ours(bench, count) as subject:
            subject.started()
            subject.settle()
            calls = system_calls(subject.process.pid, seconds, bench.dir)
        table.add(f"einhyrningsins, {count} workers", calls, "0", verdict(f"idle, {count} workers", calls, 0))
    for kind in existing(options, Runit, S6, Supervisor, ServerStarter):
        with kind(bench, 1 if kind is ServerStarter else 4) as subject:
            subject.started()
            time.sleep(1)
            calls = sum(system_calls(pid, 5, bench.dir) for pid in subject.supervisors()[:1])
        table.add(f"{kind.name} (its first process, in 5 s)", calls, "", "")
    table.show()
