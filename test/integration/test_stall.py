# SPDX-License-Identifier: GPL-3.0-or-later
"""A master that was stalled for longer than its deadlines (SPEC 7.7): what arrived in time counts."""

import os
import re
import signal
import sys
import time

import pytest

from harness import MASTER, alive, eventually, process_state
from services import python, start_groups


def trial_run(master):
    """The pid of the trial run that was logged last; None: there was none."""
    lines = [line for line in master.log().splitlines() if "trial run of" in line]
    return int(lines[-1].split()[-1]) if lines else None


def test_a_trial_run_that_ended_in_time_counts(master):
    # Slow enough for the master to be stopped before it has heard of the end.
    slow = master.dir / "slow"
    slow.write_text(f'#!/bin/sh\nsleep 1\nexec "{MASTER}" "$@"\n')
    slow.chmod(0o755)
    master.start("--ack-mode", "0", "--reexec-as", slow)
    with master.connect() as control:
        asked = control.send("reload")
        trial = eventually(lambda: trial_run(master))
        began = time.monotonic()
        go_on = master.hold_up()
        eventually(lambda: process_state(trial) == "Z", what="the trial run ends")
        eventually(lambda: time.monotonic() > began + 10.5, what="its limit, 10 s, is over")
        go_on()
        assert control.finish(asked)["ok"]
    assert os.getpgid(master.pid) == master.pid and master.process.poll() is None
    master.wait_ready()
    master.stop()


# Acks as its first argument says when the file "go" is there, says so by the file "acked.PID", and then ends or not.
ACKS = """
import os, pathlib, socket, sys, time
way, ending, where = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
while not (where / "go").exists():
    time.sleep(0.01)
line = b'{"command":"worker:ack","pid":%d}\\n' % os.getpid()
if way == "notify":
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
elif way == "descriptor":
    os.write(int(os.environ["EINHORN_SOCK_FD"]), line)
else:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(os.environ["EINHORN_SOCK_PATH"])
        peer.sendall(line)
(where / f"acked.{os.getpid()}").touch()
if ending == "stays":
    time.sleep(1000)
"""


def start_acking(master, way, ending, *options):
    """Starts a master whose one worker waits for its file; returns the worker's pid."""
    program = python(master.dir / "acks", ACKS)
    mode = ["--ack-mode", "notify"] if way == "notify" else ["-m"]
    more = ["-g"] if way == "descriptor" else []
    master.spawn(*mode, *more, *options, program=[program, way, ending, master.dir])
    master.wait_answering()
    [pid] = eventually(lambda: master.pids("starting"))
    return pid


def has_acked(master, pid):
    return (master.dir / f"acked.{pid}").exists()


def wait_for(seconds):
    """The deadline that is tested has to pass."""
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > end)


@pytest.mark.parametrize("way", ["connection", "descriptor", "notify"])
def test_an_ack_that_came_in_time_counts(master, way):
    pid = start_acking(master, way, "stays", "--ack-timeout", "2", "-r", "0")
    go_on = master.hold_up()
    (master.dir / "go").touch()
    eventually(lambda: has_acked(master, pid))
    wait_for(2.5)
    go_on()
    eventually(lambda: master.pids("ready") == [pid])
    assert "has not acked" not in master.log()
    master.stop()


@pytest.mark.parametrize("way", ["connection", "descriptor", "notify"])
def test_an_ack_is_heard_before_the_death_of_its_worker(master, way):
    pid = start_acking(master, way, "ends", "-r", "0")
    go_on = master.hold_up()
    (master.dir / "go").touch()
    eventually(lambda: has_acked(master, pid) and not alive(pid))
    (master.dir / "go").unlink()
    go_on()
    master.wait_log(f"worker {pid} .* died: exit code 0")
    assert re.search(f"worker {pid} .* is ready(.|\n)*worker {pid} .* died", master.log())
    eventually(lambda: master.pids("starting"), what="it has not given up")
    master.stop()


def living(master, pause):
    """A program that shows a sign of life every `pause` seconds."""
    return python(master.dir / "lives", f"""
import os, time
while True:
    os.utime(os.environ["FIRESTARTER_WATCH_FILE"])
    time.sleep({pause})
""")


def nobody_was_judged(master, pids, seconds):
    """Even `seconds` later."""
    age = master.workers()[0]["age_s"] + seconds
    eventually(lambda: master.workers()[0]["age_s"] > age)
    return master.pids() == pids and "sign of life" not in master.log()


def test_signs_of_life_that_came_in_time_count(master):
    program = living(master, 0.05)
    busy = python(master.dir / "busy", """
import os
path = os.environ["FIRESTARTER_WATCH_FILE"]
while True:
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    os.utime(path)
""")
    keys = {"ack_timeout": 0, "stop_signal": "TERM", "restart": "always", "live_check_timeout": 1.5}
    start_groups(master, calm={"cmd": [str(program)], "numprocesses": 5, **keys},
                 busy={"cmd": [str(busy)], "numprocesses": 2, **keys})
    pids = master.pids()
    go_on = master.hold_up()
    wait_for(4)
    go_on()
    assert nobody_was_judged(master, pids, 2)
    master.stop()


def test_workers_that_were_held_up_with_the_master_have_time_anew(master):
    """As in a virtual machine that is frozen."""
    program = living(master, 1)
    start_groups(master, web={"cmd": [str(program)], "numprocesses": 3, "ack_timeout": 0, "stop_signal": "TERM",
                              "restart": "always", "live_check_timeout": 2})
    pids = master.pids()
    for pid in [master.pid, *pids]:
        os.kill(pid, signal.SIGSTOP)
    wait_for(4)
    master.signal(signal.SIGCONT)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    assert nobody_was_judged(master, pids, 3)
    master.stop()


def test_a_worker_that_went_in_time_is_not_killed(master):
    go = master.dir / "go"  # the worker goes when we like
    code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: setattr(signal, "told", True))
open({str(master.dir / "up")!r}, "w").close()
while not (hasattr(signal, "told") and os.path.exists({str(go)!r})):
    time.sleep(0.02)
"""
    master.start("--ack-mode", "0", "-t", "2", "--stop-signal", "TERM", program=[sys.executable, "-c", code])
    eventually((master.dir / "up").exists)
    [pid] = master.pids()
    with master.connect() as control:
        assert control.request("restart")["ok"]
        eventually(lambda: master.workers()[0]["state"] == "stopping")
        go_on = master.hold_up()
        go.touch()
        eventually(lambda: not alive(pid))
        wait_for(2.5)
        go_on()
    eventually(lambda: master.pids("ready") and pid not in master.pids())
    assert "SIGKILL" not in master.log()
    master.stop()


def test_an_upgrader_that_ended_in_time_counts(master):
    script = f"echo $$ > {master.dir}/pid; until test -e {master.dir}/go; do sleep 0.02; done"
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "ack_timeout": 0,
                              "upgrader": ["/bin/sh", "-c", script], "upgrader_timeout": 2})
    with master.connect() as control:
        asked = control.send("upgrade")
        pid = int(eventually(lambda: (master.dir / "pid").exists() and (master.dir / "pid").read_text()))
        go_on = master.hold_up()
        (master.dir / "go").touch()
        eventually(lambda: not alive(pid))
        wait_for(2.5)
        go_on()
        assert control.finish(asked)["ok"]
    assert "too long" not in master.log()
    master.stop()


def test_a_back_off_ends_in_time_and_costs_nothing(master):
    flag = master.dir / "fails"
    flag.touch()
    master.spawn("--ack-mode", "0.2", "-s", "1", "-r", "1", program=master.probe("--fail-while", flag))
    master.wait_log("trying again in")
    flag.unlink()
    go_on = master.hold_up()
    wait_for(2.5)
    go_on()
    master.wait_ready()
    master.stop()


def test_a_hung_worker_is_judged_after_the_time_that_was_really_lost(master):
    """The master waits for most of the limit, and does not run for 1.5 s around its end."""
    master.spawn("-m", "--ack-timeout", "6", program=["/bin/sleep", "1000"])
    master.wait_answering()
    began = time.monotonic()
    [pid] = eventually(lambda: master.pids("starting"))
    eventually(lambda: time.monotonic() > began + 5.5)
    go_on = master.hold_up()
    wait_for(1.5)
    go_on()
    master.wait_log("extended by")
    [number, unit] = re.search(r"extended by ([\d.]+) (m?s)", master.log()).groups()
    assert float(number) / (1000 if unit == "ms" else 1) < 5, "and not by the 7 s since it was started"
    master.wait_log(f"worker {pid} .*has not acked")
    eventually(lambda: pid not in master.pids())
    master.stop()
