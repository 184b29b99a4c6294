# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reload of the master costs its clients, and what many of them leave behind."""

import json
import os
import statistics
import subprocess
import time

from bench.death import replacement_time
from bench.processes import descendants, end_by_force, memory_of, open_sockets
from bench.subjects import Ours
from bench.tables import Table, verdict
from bench.tools import MASTER, WORKERS
from bench.waiting import until


def measure(bench, options):
    reload_under_load(bench, options)
    size_after_reloads_and_deaths(bench, options)


def reload_under_load(bench, options):
    table = Table("40,000 requests of 16 clients while the master reloads itself", "", "reloads", "lost", "longest wait",
                  "target", "")
    found = {0: [], 50: []}
    for _ in range(1 if options.quick else 3):
        for reloads, results in found.items():
            results.append(waits_of_requests(bench, reloads))
    longest = {reloads: statistics.median(result["max_ms"] for result in results) for reloads, results in found.items()}
    lost = {reloads: sum(result["lost"] for result in results) for reloads, results in found.items()}
    extra = max(0, longest[50] - longest[0])
    table.add("without", 0, lost[0], f"{longest[0]:.1f} ms", "", "")
    table.add("with", found[50][0]["reloads"], lost[50], f"{longest[50]:.1f} ms", "<= 50 ms more, 0 lost",
              verdict("longest wait in a reload", extra, 50, " ms more"))
    verdict("requests lost in reloads", lost[50], 0)
    table.show()


def size_after_reloads_and_deaths(bench, options):
    reloads, deaths, count = (100, 1000, 50) if options.quick else (1000, 10000, 50)
    table = Table("Size of the master", "", "PSS", "private dirty", "descriptors", "target", "")

    def size(subject, what, *cells):
        pid = subject.process.pid
        until(lambda: open_sockets(pid) == 1, "the last client's end")
        pss, dirty = memory_of([pid])
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        table.add(what, f"{pss} KB", f"{dirty} KB", descriptors, *(cells or ("", "")))
        return pss, dirty, descriptors
    with Ours(bench, count) as subject:
        victims = [pid for _, pid in subject.started()]
        subject.settle()
        replacement_time(bench, victims[:1])
        subject.settle()
        subject.final("reload")
        before = size(subject, "after the first reload and death")
        for _ in range(reloads - 1):
            subject.final("reload")
        for _ in range(deaths // count):
            replacement_time(bench, descendants(subject.process.pid))
            subject.settle()
        subject.final("reload")
        after = size(subject, f"after {reloads} reloads and {deaths} deaths", "the same", "")
    table.show()
    verdict("growth in reloads and deaths", max(0, after[1] - before[1]), 100, " KB")
    verdict("descriptors more", after[2] - before[2], 0)


def waits_of_requests(bench, reloads):
    """What the load generator measures of HTTP requests, while the master reloads itself so many times."""
    command = [MASTER, "-q", "-m", "-d", bench.socket, "-n", 4, "-b", "127.0.0.1:0", WORKERS / "http_worker"]
    master = bench.popen(*command)
    try:
        subject = Ours(bench, 4)
        subject.settle()
        address = subject.ask("status")["data"]["groups"][0]["listeners"][0]["address"]
        load = subprocess.Popen([WORKERS / "load", "--clients", "16", "--requests", "40000", "--seconds", "60", address],
                                stdout=subprocess.PIPE, text=True)
        done = 0
        while load.poll() is None:
            if done < reloads:
                done += subject.final("reload")["ok"]
            time.sleep(0.01)
        return {**json.loads(load.stdout.read()), "reloads": done}
    finally:
        end_by_force(master)
