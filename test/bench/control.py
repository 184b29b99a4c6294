# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a second the control socket answers, compared with a C program that only echoes (echo.c).

One request at a time, the two processes do little but wake each other, which costs several times as much from one
CPU to another as on one. So the placement is part of each case: wherever the kernel puts them, both on one
CPU, or one on each of two.
"""

import os
import statistics
import subprocess
from dataclasses import dataclass

from bench.processes import end_by_force
from bench.subjects import Ours
from bench.tables import Table, verdict
from bench.tools import CONTROL, ECHO
from bench.waiting import PATIENCE, GaveUp, until


@dataclass(frozen=True)
class Case:
    name: str
    count: int  # requests
    window: int  # how many are sent without waiting for a reply
    server: int | None = None  # its CPU
    client: int | None = None
    target: int | None = None  # requests a second


def cases(cpus):
    kinds = {"sequential": (30_000, 1), "pipelined": (200_000, 1000)}
    targets = {"sequential": 30_000, "pipelined": 100_000}
    for name, (count, window) in kinds.items():
        yield Case(name, count, window, target=targets[name])
        yield Case(f"{name}, on one CPU", count, window, cpus[0], cpus[0])
        if len(cpus) > 1:
            yield Case(f"{name}, on two CPUs", count, window, cpus[0], cpus[1])


def requests_a_second(path, count, window, cpu):
    """Of a client that runs on that CPU; None: wherever the kernel puts it."""
    pinned = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
    result = subprocess.run([CONTROL, path, str(count), str(window)], capture_output=True, text=True,
                            timeout=PATIENCE, preexec_fn=pinned)
    if result.returncode:
        raise GaveUp(f"replies: {result.stderr.strip()}")
    return float(result.stdout)


def run(case, server, path, divisor, cpus):
    os.sched_setaffinity(server, cpus if case.server is None else {case.server})
    return requests_a_second(path, case.count // divisor, case.window, case.client)


def interleaved(bench, options, every):
    """case -> results of ours, and case -> results of the echo."""
    cpus = sorted(os.sched_getaffinity(0))
    ours, floor = {case: [] for case in every}, {case: [] for case in every}
    path = bench.dir / "echo"
    divisor = 10 if options.quick else 1
    echo = bench.popen(ECHO, path)
    try:
        with Ours(bench, 4) as subject:
            subject.started()
            subject.settle()
            until(path.exists, "the echo server")
            for _ in range(2 if options.quick else 7):
                for case in every:
                    floor[case].append(run(case, echo.pid, path, divisor, cpus))
                    ours[case].append(run(case, subject.process.pid, bench.socket, divisor, cpus))
    finally:
        end_by_force(echo)
    return ours, floor


def measure(bench, options):
    every = list(cases(sorted(os.sched_getaffinity(0))))
    ours, floor = interleaved(bench, options, every)
    table = Table("Control socket, requests a second on one connection", "", "median", "lowest to highest", "echo in C",
                  "x echo", "target", "")
    for case in every:
        value, echo = statistics.median(ours[case]), statistics.median(floor[case])
        cells = ["", ""]
        if case.target:
            cells = [f">= {case.target}", verdict(f"control, {case.name}", value, case.target, "/s", at_least=True)]
        table.add(case.name, f"{value:.0f}", f"{min(ours[case]):.0f} to {max(ours[case]):.0f}", f"{echo:.0f}",
                  f"{value / echo:.2f}", *cells)
    table.show()
