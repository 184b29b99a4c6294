# SPDX-License-Identifier: GPL-3.0-or-later
"""A group that is stopped by a command instead of a signal (SPEC 6, exec_stop)."""

import signal

import pytest

from services import reload_master, start_groups, state
from harness import alive, eventually


def web(master, script, **keys):
    return {"web": {"cmd": master.probe(), "exec_stop": f"/bin/sh -c '{script}'", "numprocesses": 2,
                    "ack_timeout": 0, **keys}}


def held(master):
    return f"touch {master.dir}/running; until test -e {master.dir}/go; do sleep 0.02; done"


def wait_running(master):
    eventually((master.dir / "running").exists)


def test_the_command_stops_the_workers_and_they_get_no_signal(master):
    start_groups(master, **web(master, f"echo $EINHYRNINGSINS_PIDS / $MAINPID > {master.dir}/told; "
                                       "kill -TERM $EINHYRNINGSINS_PIDS; echo stopping"))
    pids = master.pids()
    assert master.request("stop", "web")["ok"]
    eventually(lambda: state(master) == "stopped")
    assert [master.signals_of(pid) for pid in pids] == [["TERM"], ["TERM"]]
    numbers, _, first = (master.dir / "told").read_text().strip().partition(" / ")
    assert sorted(map(int, numbers.split())) == sorted(pids)
    assert first == numbers.split()[0]
    master.wait_log("exec_stop: stopping")
    assert master.request("start", "web")["ok"]
    master.wait_ready()
    master.stop()


def test_a_command_that_fails_is_made_up_for_by_the_signal(master):
    start_groups(master, **web(master, "exit 7", stop_signal="INT"))
    pids = master.pids()
    assert master.request("stop", "web")["ok"]
    eventually(lambda: state(master) == "stopped")
    assert all(master.signals_of(pid) == ["INT"] for pid in pids)
    master.wait_log("exec_stop ended with exit code 7")
    master.stop()


def test_a_command_that_is_missing_is_made_up_for_by_the_signal(master):
    start_groups(master, web={"cmd": master.probe(), "exec_stop": "no-such-command", "ack_timeout": 0})
    assert master.request("stop", "web")["ok"]
    eventually(lambda: state(master) == "stopped")
    master.wait_log("exec_stop cannot be run: no-such-command")
    master.stop()


def test_the_master_waits_for_the_command(master):
    start_groups(master, **web(master, f"kill -TERM $EINHYRNINGSINS_PIDS; {held(master)}; touch {master.dir}/cleaned"))
    pids = master.pids()
    master.signal(signal.SIGINT)
    wait_running(master)
    eventually(lambda: not any(map(alive, pids)))
    assert master.answers()
    (master.dir / "go").touch()
    assert master.wait_exit() == 0
    assert (master.dir / "cleaned").exists()


def test_sigterm_to_the_master_signals_the_workers(master):
    """Also where that is what tells them to stop."""
    start_groups(master, **web(master, f"touch {master.dir}/ran", stop_signal="TERM"))
    pids = master.pids()
    master.stop()
    assert [master.signals_of(pid) for pid in pids] == [["TERM"], ["TERM"]]
    assert not (master.dir / "ran").exists()


def test_a_second_signal_does_not_wait(master):
    start_groups(master, **web(master, held(master)))
    master.signal(signal.SIGINT)
    wait_running(master)
    master.signal(signal.SIGINT)
    assert master.wait_exit() == 0
    eventually(lambda: not master.marked())


def test_a_start_kills_the_command_and_signals_those_it_was_to_stop(master):
    start_groups(master, **web(master, held(master), stop_signal="INT"))
    pids = master.pids()
    assert master.request("stop", "web")["ok"]
    wait_running(master)
    assert master.request("start", "web")["ok"]
    for pid in pids:
        master.wait_signal(pid, "INT")
    eventually(lambda: not any(map(alive, pids)))
    (master.dir / "go").touch()
    assert not set(master.pids()) & set(pids)
    master.wait_ready()
    master.stop()


def test_a_command_that_hangs_is_ended_and_made_up_for(master):
    start_groups(master, **web(master, held(master), signal_timeout=0.3))
    assert master.request("stop", "web")["ok"]
    eventually(lambda: state(master) == "stopped")
    eventually(lambda: master.marked() == [master.pid])
    master.stop()


@pytest.mark.parametrize("code", [0, 7])
def test_it_survives_a_reload(master, code):
    start_groups(master, **web(master, f"{held(master)}; test {code} = 0 && kill -TERM $EINHYRNINGSINS_PIDS; exit {code}"))
    pids = master.pids()
    assert master.request("stop", "web")["ok"]
    wait_running(master)
    reload_master(master)
    assert set(master.pids()) == set(pids)
    (master.dir / "go").touch()
    eventually(lambda: state(master) == "stopped")
    assert all(master.signals_of(pid) == (["TERM"] if code == 0 else ["USR2"]) for pid in pids)
    master.stop()
