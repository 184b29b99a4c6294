# SPDX-License-Identifier: GPL-3.0-or-later
"""A log file whose disk takes seconds for each write delays nothing but itself (strace stands in for the disk)."""

import os
import shutil
import signal

import pytest

from groups import group_text, groups  # noqa: F401 (a fixture)
from harness import TALKER, eventually

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")

SLEEP = ["/bin/sleep", "1000"]
SECONDS = 20


def on_slow_disk(path):
    """Each write to the file takes so long."""
    calls = "write,pwrite64,splice"
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", f"trace={calls}", "-e", "signal=none",
            "-e", f"inject={calls}:delay_enter={SECONDS * 1_000_000}"]


def replaced(groups, name):
    [old] = groups.pids(name, "ready")
    os.kill(old, signal.SIGKILL)
    eventually(lambda: groups.pids(name, "ready") not in ([], [old]))


def test_a_slow_disk_delays_only_its_own_log(groups):
    slow, quick = groups.dir / "slow", groups.dir / "quick"
    talk = [TALKER, "--say", "a line\\n"]
    groups.start(group_text("slow", talk, stdout_log=f"size:1000000:1:{slow}") +
                 group_text("quick", talk, stdout_log=f"size:1000000:1:{quick}") +
                 group_text("acks", groups.probe("--ack", "manual"), ack="manual", ack_timeout=SECONDS),
                 wrapper=on_slow_disk(slow))
    eventually(slow.exists)
    for name in ("acks", "quick", "slow"):
        replaced(groups, name)
    eventually(lambda: quick.exists() and quick.read_text() == "a line\n" * 2)
    assert groups.request("version")["ok"]
    assert slow.read_text() == "", "the first write is still under way"
    eventually(lambda: slow.read_text() == "a line\n" * 2, timeout=10 * SECONDS)
    groups.stop()
