# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to replace workers that die."""

import contextlib
import os
import signal
import statistics
import time

from bench.peers import S6, Runit, ServerStarter, Supervisor, existing
from bench.processes import descendants
from bench.subjects import Floor, Ours
from bench.tables import medians, ratio_table


def measure(bench, options):
    one_death(bench, options)
    many_deaths(bench, options)


def replacement_time(bench, victims):
    """Seconds from the kill of the victims to the main() of the last replacement."""
    before = bench.record.count()
    began = time.monotonic_ns()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    return (max(ns for ns, _ in bench.record.wait(before, len(victims))) - began) / 1e9


def one_death(bench, options):
    # All of them live at the same time; the kills are interleaved.
    kinds = [Floor, Ours]
    found = {kind: [] for kind in kinds}
    with contextlib.ExitStack() as stack:
        running = {kind: stack.enter_context(kind(bench, 4)) for kind in kinds[:1]}
        running[Floor].started()
        running[Ours] = stack.enter_context(Ours(bench, 4))
        running[Ours].started()
        running[Ours].settle()
        for _ in range(30 if options.quick else 200):
            for kind in kinds:
                found[kind].append(replacement_time(bench, descendants(running[kind].process.pid)[:1]))
                time.sleep(0.002)  # a ready worker is asked for, and the machine becomes quiet again
    results = {kind: statistics.median(values) for kind, values in found.items()}

    def run(kind):
        with kind(bench, 1) as subject:
            [(_, victim)] = subject.started()
            time.sleep(1.5)  # runit and others treat a death in the first second as a failure
            return replacement_time(bench, [victim])
    results.update(medians(existing(options, Runit, S6, Supervisor, ServerStarter), 1 if options.quick else 5, run))
    ratio_table("A ready worker is killed: its replacement's main()", results, 1.3, "replacement")


def many_deaths(bench, options):
    count = 200

    def run(kind):
        with kind(bench, count) as subject:
            victims = [pid for _, pid in subject.started()]
            if issubclass(kind, Ours):
                subject.settle()
            return replacement_time(bench, victims)
    results = medians([Floor, Ours], 3 if options.quick else 15, run)
    ratio_table(f"{count} ready workers are killed at once: the last replacement's main()", results, 1.3,
                f"{count} replacements")
