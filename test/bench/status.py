# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the client takes to show the status, from exec to exit."""

import contextlib
import shutil
import statistics

from bench.peers import Runit, Supervisor, existing
from bench.processes import run_time
from bench.subjects import Ours
from bench.tables import Table, milliseconds, verdict
from bench.tools import CTL
from bench.waiting import until

OURS = "einhyrningsinsctl status"


def start_all(bench, options, stack):
    """Starts ours and the peers: name -> the words of the command that shows its status, and its rounds."""
    rounds = 50 if options.quick else 500
    commands = {"/bin/true": (["/bin/true"], rounds)}
    ours = stack.enter_context(Ours(bench, 4))
    ours.started()
    ours.settle()
    commands[OURS] = ([str(CTL), "-d", str(bench.socket), "status"], rounds)
    for kind in existing(options, Runit):
        runit = stack.enter_context(kind(bench, 4))
        runit.started()
        commands["sv status"] = ([shutil.which("sv"), "status", *map(str, sorted(runit.services.iterdir()))], 50)
    for kind in existing(options, Supervisor):
        supervisor = stack.enter_context(kind(bench, 4))
        supervisor.started()
        until((bench.dir / "supervisor.sock").exists, "supervisor's socket")
        words = [shutil.which("supervisorctl"), "-c", str(supervisor.configuration), "status"]
        commands["supervisorctl status"] = (words, 3)
    return commands


def measure(bench, options):
    with contextlib.ExitStack() as stack:
        commands = start_all(bench, options, stack)
        found = {name: [] for name in commands}
        for number in range(max(rounds for _, rounds in commands.values())):
            for name, (words, rounds) in commands.items():
                if number < rounds:
                    found[name].append(run_time(words))
    floor = statistics.median(found["/bin/true"])
    table = Table("Status, from exec to exit", "", "median", "x /bin/true", "target", "")
    for name, values in found.items():
        value = statistics.median(values)
        cells = ["<= 2", verdict("ctl status", value / floor, 2, " x /bin/true")] if name == OURS else ["", ""]
        table.add(name, milliseconds(value), f"{value / floor:.2f}", *cells)
    table.show()
