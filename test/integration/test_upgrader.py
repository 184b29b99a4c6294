# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that runs before an upgrade and can prevent it (SPEC 6, upgrader)."""

import os
import signal

import pytest

from services import generation, python, reload_master, spawn_groups, start_groups, state, wait_generation
from harness import alive, eventually

WORKER = {"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "ack_timeout": 0}


def shell(script):
    return ["/bin/sh", "-c", script]


def web(script, **keys):
    return {"web": dict(WORKER, upgrader=shell(script), **keys)}


def held(master):
    """An upgrader that runs until the file "go" is there; its pid is in the file "pid"."""
    return (f"echo $$ > {master.dir}/pid.new; mv {master.dir}/pid.new {master.dir}/pid; "
            f"until test -e {master.dir}/go; do sleep 0.02; done")


def wait_running(master):
    path = master.dir / "pid"
    return int(eventually(lambda: path.exists() and path.read_text()))


def test_it_runs_before_each_upgrade_and_its_output_is_logged(master):
    start_groups(master, **web(f"echo x >> {master.dir}/ran; echo to out; echo to err >&2"))
    assert not (master.dir / "ran").exists()
    with master.connect() as control:
        control.send("upgrade")
        replies = [control.reply()]
        while replies[-1].get("wait"):
            replies.append(control.reply())
    assert replies[-1]["ok"] and "done" in replies[-1]["message"].lower()
    said = [reply["message"] for reply in replies]
    assert any("running the upgrader" in line for line in said), said
    assert generation(master) == 2
    assert (master.dir / "ran").read_text() == "x\n"
    master.wait_log(r"web: upgrader: to out")
    master.wait_log(r"web: upgrader: to err")
    master.stop()


@pytest.mark.parametrize("source", ["command", "fleet", "HUP"])
def test_a_failure_cancels_the_upgrade_whoever_asked(master, source):
    start_groups(master, **web("echo no >&2; exit 3"))
    before = master.pids()
    if source == "HUP":
        master.signal(signal.SIGHUP)
        master.wait_log("Upgrade cancelled: upgrader ended with exit code 3")
    else:
        reply = master.request("upgrade" if source == "command" else "upgrade_fleet")
        assert not reply["ok"]
        assert "upgrader ended with exit code 3" in reply["message"]
    assert master.pids() == before and generation(master) == 1
    master.stop()


def test_the_client_fails_with_the_reason(master):
    start_groups(master, **web("exit 3"))
    result = master.ctl("upgrade")
    assert result.returncode == 1
    assert "exit code 3" in result.stdout + result.stderr
    master.stop()


def test_a_program_that_cannot_be_run_cancels_it(master):
    start_groups(master, web=dict(WORKER, upgrader=["no-such-upgrader"]))
    reply = master.request("upgrade")
    assert not reply["ok"] and "no-such-upgrader" in reply["message"]
    assert generation(master) == 1
    master.stop()


def test_a_timeout_ends_it_with_all_its_children(master):
    start_groups(master, **web(f"sleep 1000 & echo $! > {master.dir}/pid; wait", upgrader_timeout=0.3))
    reply = master.request("upgrade")
    assert not reply["ok"] and "took too long" in reply["message"]
    child = wait_running(master)
    eventually(lambda: not alive(child))
    assert generation(master) == 1
    master.stop()


def test_requests_during_a_run_join_it(master):
    start_groups(master, **web(f"echo x >> {master.dir}/ran; " + held(master)))
    with master.connect() as first, master.connect() as second:
        one = first.send("upgrade")
        pid = wait_running(master)
        assert master.group()["helpers"] == [{"name": "upgrader", "pid": pid}]
        two = second.send("upgrade")
        assert second.reply()["wait"]
        (master.dir / "go").touch()
        assert first.finish(one)["ok"]
        assert second.finish(two)["ok"]
    assert generation(master) == 2
    assert (master.dir / "ran").read_text() == "x\n"
    master.stop()


def test_it_survives_a_reload_and_who_waits_hears_the_end(master):
    start_groups(master, **web("echo before; " + held(master) + "; echo after; exit 4"))
    with master.connect() as control:
        request = control.send("upgrade")
        pid = wait_running(master)
        reload_master(master)
        assert alive(pid)
        (master.dir / "go").touch()
        last = control.finish(request)
    assert not last["ok"] and "exit code 4" in last["message"]
    master.wait_log("upgrader: after")
    assert master.log().count("upgrader: before") == 1
    assert generation(master) == 1
    master.stop()


def test_its_deadline_survives_a_reload(master):
    start_groups(master, **web(held(master), upgrader_timeout=1))
    with master.connect() as control:
        request = control.send("upgrade")
        wait_running(master)
        reload_master(master)
        last = control.finish(request)
    assert not last["ok"] and "took too long" in last["message"]
    master.stop()


def test_a_stop_of_the_group_ends_it(master):
    start_groups(master, **web(held(master)))
    with master.connect() as control:
        request = control.send("upgrade")
        pid = wait_running(master)
        assert master.request("stop", "web")["ok"]
        last = control.finish(request)
    assert not last["ok"] and "told to stop" in last["message"]
    eventually(lambda: not alive(pid))
    eventually(lambda: state(master) == "stopped")
    # What is asked for afterwards begins anew.
    (master.dir / "go").touch()
    assert master.request("start", "web")["ok"]
    master.wait_ready()
    assert master.request("upgrade")["ok"]
    master.stop()


def test_who_waits_is_told_when_the_group_has_ended_meanwhile(master):
    """Its last worker ends while the upgrader runs, which then has nothing against the upgrade."""
    start_groups(master, web=dict(WORKER, restart="none", upgrader=shell(held(master))))
    with master.connect() as control:
        request = control.send("upgrade")
        wait_running(master)
        os.kill(master.pids()[0], signal.SIGKILL)
        eventually(lambda: state(master) == "stopped")
        (master.dir / "go").touch()
        last = control.finish(request)
    assert not last["ok"] and last["message"].startswith("Upgrade refused: the group is ")
    master.stop()


def test_a_stop_of_the_master_ends_it(master):
    start_groups(master, **web(held(master)))
    with master.connect() as control:
        control.send("upgrade")
        pid = wait_running(master)
        master.stop()
    assert not alive(pid)


def test_it_has_a_workers_surroundings_without_its_sockets(master):
    report = master.dir / "report"
    start_groups(master, web=dict(
        WORKER, upgrader=shell(f"env > {report}.new; pwd >> {report}.new; ls /proc/self/fd >> {report}.new; "
                               f"mv {report}.new {report}"),
        socket_address=["127.0.0.1:0"], environments=["COLOUR=red"], working_directory="/usr"))
    assert master.request("upgrade")["ok"]
    lines = report.read_text().splitlines()
    assert "COLOUR=red" in lines and "/usr" in lines
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert not {name for name in names if "FD" in name or name.startswith("LISTEN_") or "CHILD_INDEX" in name}, names
    assert "EINHORN_SOCK_PATH" in names
    numbers = [int(line) for line in lines if line.isdigit()]
    assert max(numbers) <= 3, numbers  # 3: the directory that is listed
    master.stop()


def test_every_so_often_it_runs_by_itself(master):
    """It succeeds each second time."""
    start_groups(master, **web(f"echo x >> {master.dir}/ran; test $(($(wc -l < {master.dir}/ran) % 2)) = 0",
                               upgrader_active_sec=0.2))
    wait_generation(master, 3)
    assert len((master.dir / "ran").read_text().split()) >= 4
    assert "cancelled" not in master.log()
    reload_master(master)
    now = generation(master)
    eventually(lambda: generation(master) > now, what="it goes on after a reload")
    master.stop()


def test_long_lines_are_cut_and_floods_limited(master):
    program = python(master.dir / "upgrader", "print('x' + 'é' * 50000)\nfor n in range(20000): print('line', n)\n"
                                              "print('end', end='')\n")
    start_groups(master, web=dict(WORKER, upgrader=[str(program)]))
    assert master.request("upgrade")["ok"]
    log = master.log()
    assert max(map(len, log.splitlines())) < 2000
    assert "é ... (cut)" in log, "between two characters"
    assert "upgrader: line 5" in log
    assert log.count("upgrader: line") < 1001
    master.wait_log(r"upgrader: 190\d\d more lines were dropped")
    master.stop()


def test_another_upgrade_under_way_is_not_taken_for_the_one_that_waits(master):
    """The first upgrade ends while the upgrader of the second runs, which then fails: each hears its own outcome."""
    gate, ran = master.dir / "gate", master.dir / "ran"
    worker = python(master.dir / "worker", f"""
import os, socket, time
if os.environ["SERVER_STARTER_GENERATION"] != "1":
    while not os.path.exists("{gate}"): time.sleep(0.01)
with socket.socket(socket.AF_UNIX) as control:
    control.connect(os.environ["EINHORN_SOCK_PATH"])
    control.sendall(b'{{"command": "worker:ack", "pid": %d}}\\n' % os.getpid())
    control.recv(100)
time.sleep(1000)
""")
    script = f"if test -e {ran}; then {held(master)}; exit 5; else touch {ran}; fi"
    start_groups(master, web=dict(WORKER, cmd=[str(worker)], ack="manual", ack_timeout=30, upgrader=shell(script)))
    with master.connect() as first, master.connect() as second:
        one = first.send("upgrade")
        eventually(lambda: state(master) == "upgrading")
        two = second.send("upgrade")
        wait_running(master)
        gate.touch()
        assert first.finish(one)["ok"]
        (master.dir / "go").touch()
        last = second.finish(two)
        assert not last["ok"] and "exit code 5" in last["message"]
    assert generation(master) == 2
    os.unlink(gate)
    master.stop()


def test_a_group_that_is_stopped_runs_none(master):
    spawn_groups(master, **web(f"echo x >> {master.dir}/ran", upgrader_active_sec=0.1))
    eventually(lambda: (master.dir / "ran").exists())
    assert master.request("stop")["ok"]
    eventually(lambda: state(master) == "stopped" and not [p for p in master.marked() if p != master.pid])
    before = (master.dir / "ran").read_text()
    assert master.request("start")["ok"]
    eventually(lambda: (master.dir / "ran").read_text() != before)
    master.stop()
