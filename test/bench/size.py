# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a master needs."""

from bench.peers import S6, Runit, ServerStarter, Supervisor, existing
from bench.processes import memory_of
from bench.subjects import Ours
from bench.tables import Table, verdict


def size_with(bench, count):
    with Ours(bench, count) as subject:
        subject.started()
        subject.settle()
        return memory_of([subject.process.pid])


def add_ours(bench, table):
    pss, few = size_with(bench, 4)
    words = {verdict("PSS with 4 workers", pss, 2560, " KB"), verdict("private dirty with 4 workers", few, 500, " KB")}
    table.add("einhyrningsins, 4 workers", f"{pss} KB", f"{few} KB", "<= 2560 KB, <= 500 KB",
              "PASS" if words == {"PASS"} else "over")
    pss, many = size_with(bench, 1000)
    table.add("einhyrningsins, 1000 workers", f"{pss} KB", f"{many} KB", "", "")
    each = max(0, many - few) / 996
    table.add("each further worker", "", f"{each:.2f} KB", "<= 1 KB", verdict("each further worker", each, 1, " KB"))


def measure(bench, options):
    table = Table("Size of the master (of others: of all supervising processes)", "", "PSS", "private dirty", "target", "")
    add_ours(bench, table)
    for kind in existing(options, Runit, S6, Supervisor, ServerStarter):
        count = 1 if kind is ServerStarter else 4
        with kind(bench, count) as subject:
            subject.started()
            pss, dirty = memory_of(subject.supervisors())
            table.add(f"{kind.name}, {count} worker{'s' * (count > 1)}", f"{pss} KB", f"{dirty} KB", "", "")
    table.show()
