# SPDX-License-Identifier: GPL-3.0-or-later
"""What forking workers from a template that has loaded their data saves."""

import statistics

from bench.death import replacement_time
from bench.processes import descendants, memory_of
from bench.subjects import OursExecuted, OursPreloaded
from bench.tables import Table, milliseconds, verdict


def measure(bench, options):
    count = 8
    table = Table(f"{count} workers that need the same 100 MB", "", "PSS a worker", "private dirty a worker",
                  "PSS of all, template included", "start, to the last main()", "replacement", "target", "")
    for kind in (OursExecuted, OursPreloaded):
        with kind(bench, count) as subject:
            workers = [pid for _, pid in subject.started()]
            took = subject.took()
            subject.settle()
            pss, dirty = (number / count for number in memory_of(workers))
            everything, _ = memory_of(descendants(subject.process.pid))
            replaced = []
            for _ in range(3 if options.quick else 15):
                victim = descendants(subject.process.pid)[-1]
                replaced.append(replacement_time(bench, [victim]))
                subject.settle()
        cells = ["", ""]
        if kind is OursPreloaded:
            cells = ["<= 15000 KB", verdict("PSS of a preloaded worker", pss, 15_000, " KB")]
        table.add(kind.name, f"{pss:.0f} KB", f"{dirty:.0f} KB", f"{everything} KB", milliseconds(took),
                  milliseconds(statistics.median(replaced)), *cells)
    table.show()
