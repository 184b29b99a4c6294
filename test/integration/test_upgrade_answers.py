# SPDX-License-Identifier: GPL-3.0-or-later
"""Each request for an upgrade gets exactly one last reply, whatever happens to the group meanwhile (SPEC 8)."""

import os
import signal

import pytest

from groups import group_text, groups  # noqa: F401 (a fixture)
from harness import MASTER, eventually
from services import start_groups


def slow_program(master):
    """What --reexec-as names: its trial run waits until the file "go" is there."""
    path = master.dir / "slow"
    path.write_text(f'#!/bin/sh\necho "$@" >> {master.dir}/runs\ncase " $* " in *" --upgrade-check "*)\n'
                    f'  until test -e {master.dir}/go; do sleep 0.02; done;;\nesac\nexec "{MASTER}" "$@"\n')
    path.chmod(0o755)
    return path


def wait_trial(master):
    eventually(lambda: (master.dir / "runs").exists() and "--upgrade-check" in (master.dir / "runs").read_text())


def last_answer(control, request):
    answer = control.finish(request)
    control.request("ehlo")  # asserts that no second one is on its way
    return answer


def test_a_group_that_is_stopped_during_the_trial_run(master):
    start_groups(master, "--reexec-as", slow_program(master),
                 web={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM"},
                 other={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM"})
    with master.connect() as control:
        request = control.send("upgrade", "web")
        wait_trial(master)
        assert master.request("stop", "web")["ok"]
        (master.dir / "go").touch()
        answer = last_answer(control, request)
    assert not answer["ok"] and "Upgrade refused: the group is stopped" in answer["message"]
    master.stop()


def test_a_client_that_goes_during_the_trial_run_gets_its_upgrade(master):
    master.start("--ack-mode", "0", "--reexec-as", slow_program(master))
    go_on = master.hold_up()
    with master.connect() as control:
        control.send("upgrade")
    go_on()
    wait_trial(master)
    (master.dir / "go").touch()
    eventually(lambda: master.group()["generation"] == 2 and master.group()["upgrade"] is None)
    assert "reloaded" in master.log()
    master.stop()


def test_sighup_says_nothing_of_groups_that_do_not_run(master):
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM"},
                 waits={"cmd": ["/bin/sleep", "1000"], "socket_address": ["127.0.0.1:0"], "start_immediate": False},
                 stopped={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM"})
    assert master.request("stop", "stopped")["ok"]
    eventually(lambda: master.status()["groups"][2]["state"] == "stopped")
    master.signal(signal.SIGHUP)
    master.wait_log("web: Upgrade done")
    assert "error" not in master.log() and "refused" not in master.log()
    master.stop()


def remove_web(groups):
    """From the file and from the master: the other group is left."""
    groups.write(group_text("other", groups.probe()))
    assert groups.request("reload-config")["ok"]
    eventually(lambda: [group["name"] for group in groups.status()["groups"]] == ["other"])


def test_a_group_that_is_removed_during_the_trial_run(groups):
    groups.start(group_text("web", groups.probe()) + group_text("other", groups.probe()),
                 "--reexec-as", slow_program(groups))
    with groups.connect() as control:
        request = control.send("upgrade")
        wait_trial(groups)
        remove_web(groups)
        (groups.dir / "go").touch()
        answer = last_answer(control, request)
    assert not answer["ok"]
    assert "web: not upgraded: the group no longer exists" in answer["message"]
    assert "other: Upgrade done" in answer["message"]
    groups.stop()


def test_all_groups_that_were_meant_are_removed_during_the_trial_run(groups):
    groups.start(group_text("web", groups.probe()) + group_text("other", groups.probe()),
                 "--reexec-as", slow_program(groups))
    with groups.connect() as control:
        request = control.send("upgrade", "web")
        wait_trial(groups)
        remove_web(groups)
        (groups.dir / "go").touch()
        answer = last_answer(control, request)
    assert not answer["ok"] and answer["message"] == "not upgraded: the group no longer exists"
    groups.stop()


def test_a_group_that_ends_while_its_upgrader_runs(master):
    wait = f"touch {master.dir}/runs; until test -e {master.dir}/go; do sleep 0.02; done"
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM",
                              "restart": "none", "upgrader": ["/bin/sh", "-c", wait]},
                 other={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM"})
    [pid] = master.pids()
    with master.connect() as control:
        request = control.send("upgrade", "web")
        eventually(lambda: (master.dir / "runs").exists())
        os.kill(pid, signal.SIGKILL)
        master.wait_log("web: all workers have ended")
        (master.dir / "go").touch()
        answer = last_answer(control, request)
    assert not answer["ok"] and "Upgrade refused: the group is stopped" in answer["message"]
    master.stop()


@pytest.mark.parametrize("how", ["stop", "remove"])
def test_a_group_that_goes_while_its_upgrader_runs(groups, how):
    wait = f"touch {groups.dir}/runs; until test -e {groups.dir}/go; do sleep 0.02; done"
    other = group_text("other", groups.probe())
    groups.start(group_text("web", groups.probe(), upgrader=["/bin/sh", "-c", wait]) + other)
    with groups.connect() as control:
        request = control.send("upgrade", "web")
        eventually(lambda: (groups.dir / "runs").exists())
        if how == "stop":
            assert groups.request("stop", "web")["ok"]
        else:
            groups.write(other)
            assert groups.request("reload-config")["ok"]
        answer = last_answer(control, request)
    assert not answer["ok"] and "told to stop" in answer["message"]
    groups.stop()


def begin_restart(master, during=None):
    """Of a worker that stays until it is killed: returns it."""
    start_groups(master, web={"cmd": master.probe("--ignore", "USR2"), "ack_timeout": 0, **(during or {})})
    [old] = master.pids()
    return old


def end_restart(master, old):
    os.kill(old, signal.SIGKILL)
    master.wait_ready()
    assert master.group()["generation"] == 2 and old not in master.pids()


def test_an_upgrade_that_is_asked_for_during_a_restart_is_done_by_it(master):
    old = begin_restart(master)
    assert master.request("restart", "web")["ok"]
    with master.connect() as control:
        request = control.send("upgrade", "web")
        begun = control.reply()
        assert begun["message"] == "web: upgrading 1 worker, with the restart that goes on"
        assert "is being restarted; the upgrade begins when its workers have gone" in control.reply()["message"]
        end_restart(master, old)
        answer = last_answer(control, request)
    assert answer["ok"] and answer["message"] == "Upgrade done"
    master.stop()


def test_an_upgrader_runs_during_a_restart(master):
    old = begin_restart(master, {"upgrader": ["/bin/sh", "-c", "exit 3"]})
    assert master.request("restart", "web")["ok"]
    answer = master.request("upgrade", "web")
    assert not answer["ok"] and "upgrader ended with exit code 3" in answer["message"]
    end_restart(master, old)
    master.stop()


def test_a_restart_does_not_cancel_the_upgrade_whose_upgrader_runs(master):
    wait = f"touch {master.dir}/runs; until test -e {master.dir}/go; do sleep 0.02; done"
    old = begin_restart(master, {"upgrader": ["/bin/sh", "-c", wait]})
    with master.connect() as control:
        request = control.send("upgrade", "web")
        eventually(lambda: (master.dir / "runs").exists())
        assert master.request("restart", "web")["ok"]
        (master.dir / "go").touch()
        master.wait_log("the upgrade begins when")
        end_restart(master, old)
        assert last_answer(control, request)["ok"]
    master.stop()


def test_sighup_during_a_restart(master):
    old = begin_restart(master)
    assert master.request("restart", "web")["ok"]
    master.signal(signal.SIGHUP)
    master.wait_log("the upgrade begins when")
    end_restart(master, old)
    master.wait_log("web: Upgrade done")
    master.stop()
