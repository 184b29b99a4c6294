# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a rolling upgrade takes."""

import os
import time

from bench.peers import ServerStarter, existing
from bench.subjects import Floor, Ours, OursManual
from bench.tables import medians, ratio_table, verdict
from bench.waiting import wait_gone


def measure(bench, options):
    count = 8

    def run(kind):
        number = 1 if kind is ServerStarter else count
        with kind(bench, number) as subject:
            old = [os.pidfd_open(pid) for _, pid in subject.started()]
            if issubclass(kind, Ours):
                subject.settle()
            else:
                time.sleep(0.05)  # it waits in waitpid
            began = time.monotonic_ns()
            subject.upgrade()
            return wait_gone(old, began)
    results = medians([Floor, Ours, OursManual], 5 if options.quick else 21, run)
    peers = existing(options, ServerStarter)
    results.update(medians(peers, 1 if options.quick else 3, run))
    ratio_table(f"Rolling upgrade of {count} workers, to the end of the last old one (Server::Starter: of 1)",
                results, 3, "upgrade")
    for kind in (Ours, OursManual):
        if results[kind] is not None:
            verdict(f"upgrade ({kind.name})", results[kind] * 1000, 100, " ms")
