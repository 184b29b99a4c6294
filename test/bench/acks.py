# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to count many acks that come at once."""

import os
import statistics
import time

from bench.subjects import OursManual
from bench.tables import Table, milliseconds, verdict


def measure(bench, options):
    count = 100 if options.quick else 1000
    gate = bench.dir / "gate"
    values = []
    for _ in range(1 if options.quick else 3):
        gate.unlink(missing_ok=True)
        os.mkfifo(gate)
        with OursManual(bench, count, BENCH_GATE=str(gate)) as subject:
            subject.started()
            time.sleep(0.2)  # the last ones reach the gate
            began = time.monotonic()
            opened = os.open(gate, os.O_WRONLY)
            subject.settle()
            values.append(time.monotonic() - began)
            os.close(opened)
    value = statistics.median(values)
    table = Table(f"{count} workers ack at once", "", "median", "target", "")
    table.add("all are counted", milliseconds(value), "<= 1 s", verdict(f"{count} acks at once", value, 1, " s"))
    table.show()
