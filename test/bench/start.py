# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to start many workers, to the last one's main()."""

from bench.peers import S6, Runit, Supervisor, existing
from bench.subjects import Floor, Ours
from bench.tables import medians, ratio_table


def measure(bench, options):
    count = 100 if options.quick else 1000

    def run(kind):
        with kind(bench, count) as subject:
            return subject.took()
    results = medians([Floor, Ours], 5 if options.quick else 11, run)
    results.update(medians(existing(options, Runit, S6, Supervisor), 1, run))
    ratio_table(f"Start of {count} workers, to the last main()", results, 1.1, "start")
