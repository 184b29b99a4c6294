# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to start many workers as another user, beside a C loop of fork, setresuid and exec."""

import os
import pwd
import shutil
import sys

from bench.subjects import Floor, Ours
from bench.tables import medians, ratio_table
from bench.tools import FLOOR, MASTER, WORKER

USER = "nobody"


def open_to_others(bench):
    """Lets workers of others reach the record, and their program: the sources may be in a private directory."""
    bench.dir.chmod(0o755)
    bench.record.path.chmod(0o666)
    shutil.copy(WORKER, bench.dir / "worker")


class FloorAsUser(Floor):
    name = "floor (fork, setresuid and exec)"

    def command(self):
        user = pwd.getpwnam(USER)
        return [FLOOR, "-u", f"{user.pw_uid}:{user.pw_gid}", self.count, self.bench.dir / "worker"]


class OursAsUser(Ours):
    name = "einhyrningsins, uid"

    def prepare(self):
        self.file = self.bench.dir / "users.toml"
        self.file.write_text(f'[w]\ncmd = ["{self.bench.dir}/worker"]\nnumprocesses = {self.count}\nuid = "{USER}"\n'
                             f'start_immediate = true\nrestart = "always"\nack_timeout = 0\n')

    def command(self):
        return [MASTER, "-q", "-d", self.bench.socket, "--config", self.file]


def measure(bench, options):
    if os.geteuid() != 0:
        print("bench: users: only root can start workers as another user", file=sys.stderr)
        return
    open_to_others(bench)
    count = 100 if options.quick else 1000

    def run(kind):
        with kind(bench, count) as subject:
            return subject.took()
    results = medians([FloorAsUser, OursAsUser], 5 if options.quick else 11, run)
    ratio_table(f"Start of {count} workers as another user, to the last main()", results, None, "start as another user")
