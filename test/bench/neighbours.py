# SPDX-License-Identifier: GPL-3.0-or-later
"""What a group suffers from the troubles of others in the same master."""

import contextlib
import json
import statistics

from bench.death import replacement_time
from bench.place import Bench
from bench.subjects import Ours
from bench.tables import Table, milliseconds, verdict
from bench.tools import MASTER, WORKER
from bench.waiting import until

CALM = dict(cmd=["/bin/sleep", "1000"], restart="always", ack_timeout=0)
WELL, TROUBLED = "that are well", "that crash, hang, cannot be started, or are stopped"
KINDS = {
    WELL: [CALM],
    TROUBLED: [
        dict(cmd=["/bin/false"], restart="always", seconds=0.01, ack_timeout=1),
        dict(cmd=["/bin/sleep", "1000"], restart="always", ack="manual", ack_timeout=0.05, seconds=0.01),
        dict(cmd=["/nowhere/program"]), CALM],
}
OTHERS = 20


class Neighbours(Ours):
    """One group of probes, among others of one kind."""
    name = "einhyrningsins --config"

    def __init__(self, bench, count, kind, **environment):
        super().__init__(bench, count, **environment)
        self.kind = kind

    def prepare(self):
        groups = {"good": dict(cmd=[str(WORKER)], numprocesses=self.count, restart="always", ack_timeout=0)}
        for number in range(OTHERS):
            groups[f"other{number}"] = KINDS[self.kind][number % len(KINDS[self.kind])]
        self.file = self.bench.dir / "neighbours.toml"
        self.file.write_text("".join(
            f"[{name}]\nstart_immediate = true\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
            for name, keys in groups.items()))

    def command(self):
        return [MASTER, "-q", "-d", self.bench.socket, "--config", self.file]

    def stop_some(self):
        if self.kind == TROUBLED:
            for number in range(3, OTHERS, 4):
                self.final("stop", group=f"other{number}")

    def victim(self):
        """A worker of the good group, once all of them are ready."""
        def ready():
            workers = [w["pid"] for w in self.groups()[0]["workers"] if w["state"] == "ready"]
            return workers if len(workers) == self.count else None
        return until(ready, "ready workers")[0]


def measure(bench, options):
    del bench  # both masters run at the same time, so that each has its own
    found = {kind: [] for kind in KINDS}
    with contextlib.ExitStack() as stack:
        running = {}
        for kind in KINDS:
            own = Bench()
            stack.callback(own.close)
            running[kind] = stack.enter_context(Neighbours(own, 4, kind))
            running[kind].started()
            running[kind].stop_some()
        for _ in range(30 if options.quick else 200):
            for kind, subject in running.items():
                found[kind].append(replacement_time(subject.bench, [subject.victim()]))
    well, troubled = (statistics.median(found[kind]) for kind in (WELL, TROUBLED))
    table = Table(f"A ready worker is killed, among {OTHERS} other groups: its replacement's main()", "others", "median",
                  "target", "")
    table.add(WELL, milliseconds(well), "", "")
    more = max(0, troubled - well) * 1000
    table.add(TROUBLED, milliseconds(troubled), "<= 1 ms more", verdict("delay by other groups' troubles", more, 1, " ms"))
    table.show()
