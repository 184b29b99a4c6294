# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 9: an idle master makes no system call. scripts/bench measures this for a minute, this test for a few seconds."""

import pathlib
import re
import shutil
import subprocess
import time

import pytest

from harness import eventually

SPELL = 5  # seconds; the only wait for a time in these tests: that nothing happens in it is what is tested


def wakeups(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(map(int, re.findall(r"ctxt_switches:\s*(\d+)", status)))


def settle(pid):
    """Waits until the process sleeps and has been asleep for a moment."""
    last = [wakeups(pid)]

    def quiet():
        time.sleep(0.2)
        before, last[0] = last[0], wakeups(pid)
        return before == last[0]
    eventually(quiet)


@pytest.mark.parametrize("options", [["--ack-mode", "0"], ["-m"], ["--ack-mode", "0.1", "-t", "30", "-k", "-g"]],
                         ids=["timer", "manual", "options"])
@pytest.mark.parametrize("number", [1, 50])
def test_idle_master_does_not_wake_up(master, options, number):
    master.start(*options, "-n", number, "-b", "127.0.0.1:0", "-e", master.dir / "pid",
                 program=master.probe("--ack", "manual"))
    master.request("upgrade")
    master.wait_ready()
    idle = master.connect()  # an open shell is no reason to wake up
    idle.request("ehlo")
    settle(master.pid)
    before = wakeups(master.pid)
    time.sleep(SPELL)
    assert wakeups(master.pid) == before
    idle.close()
    master.stop()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_idle_master_makes_no_system_call(master):
    master.start("--ack-mode", "0", "-n", "4", "-b", "127.0.0.1:0")
    settle(master.pid)
    trace = master.dir / "trace"
    strace = subprocess.Popen(["strace", "-f", "-o", trace, "-p", str(master.pid)], stderr=subprocess.PIPE)
    try:
        assert b"attached" in strace.stderr.readline()
        # Attaching itself interrupts the wait once, which then begins anew.
        settle(master.pid)
        before = trace.read_text().count("\n")
        time.sleep(SPELL)
        assert trace.read_text().count("\n") == before, trace.read_text()
    finally:
        strace.terminate()
        strace.wait()
    assert master.answers()
    master.stop()


def test_other_files_in_the_directory_of_the_socket_do_not_wake_it(master):
    master.start("--ack-mode", "0")
    settle(master.pid)
    before = wakeups(master.pid)
    for n in range(500):
        path = master.dir / f"file{n}"
        path.write_text("x")
        path.unlink()
    assert wakeups(master.pid) == before
    master.stop()
