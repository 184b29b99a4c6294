# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 3 --ack-mode and SPEC 8 worker:ack: how a worker proves that it is up."""

import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from harness import PROBE, eventually, is_root, process_state
from services import open_to_others, spawn_groups

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

LINES = ['{"command":"worker:ack", "pid":PID}', '{"command":"worker:ack","pid":PID}',
         '{"command": "worker:ack", "pid": PID}', '{ "pid" : PID , "command" : "worker:ack" }',
         '{"command":"worker:ack"}', '{"command":"worker:ack", "pid":0}', '{"command":"worker:ack","pid":PID}\r',
         '{"command":"worker:ack","pid":PID,"something":"else"}']


def answer_of(master, pid):
    path = master.reports / f"{pid}.answer"
    # The file is there before its contents are.
    return eventually(lambda: path.exists() and path.read_text().endswith("\n") and path.read_text(),
                      what="an answer to the ack")


@pytest.mark.parametrize("line", LINES)
def test_manual(master, line):
    master.start("-m", program=master.probe("--ack", "manual", "--ack-line", line))
    assert answer_of(master, master.pids()[0]) == '"Acknowledged!"\n'
    master.stop()


def test_manual_with_id(master):
    line = '{"command":"worker:ack","pid":PID,"id":"x7"}'
    master.start("--ack-mode", "manual", program=master.probe("--ack", "manual", "--ack-line", line))
    reply = json.loads(answer_of(master, master.pids()[0]))
    assert reply["request_id"] == "x7" and reply["message"] == "Acknowledged!" and reply["ok"] is True
    master.stop()


def test_connection_is_closed_after_an_ack(master):
    master.start("-m", program=master.probe("--ack", "manual"))
    with master.connect() as control:
        assert control.bare("worker:ack", pid=master.pids()[0]) == "Acknowledged!"
        assert control.line() is None
    master.stop()


def test_a_child_of_the_worker_may_ack_for_it(master):
    master.start("-m", program=master.probe("--ack", "manual", "--ack-by-child"))
    master.stop()


def test_nobody_is_ready_before_the_ack(master):
    master.spawn("-m", "-n", "2", program=master.probe())
    master.wait_answering()
    eventually(lambda: len(master.pids("starting")) == 2)
    first, second = master.pids()
    assert master.request("worker:ack", pid=first)["ok"]
    assert [w["state"] for w in master.workers()] == ["ready", "starting"]
    assert master.group()["ready"] == 1
    assert master.request("worker:ack", pid=second)["ok"]
    assert master.group()["ready"] == 2
    # Once more does no harm.
    assert master.request("worker:ack", pid=first)["message"]
    assert master.group()["ready"] == 2
    master.stop()


def test_ack_for_a_pid_that_is_no_worker(master):
    master.start("--ack-mode", "0")
    reply = master.request("worker:ack", pid=1)
    assert not reply["ok"] and "1" in reply["message"]
    master.stop()


def test_timer_of_zero_is_given_at_once(master):
    master.start("--ack-mode", "0")
    assert re.search(r"is ready after 0 ms|is ready after \d ms", master.log()) or master.group()["ready"] == 1
    master.stop()


def test_timer(master):
    master.spawn("--ack-mode", "0.4")
    master.wait_answering()
    master.wait_ready()
    assert master.workers()[0]["age_s"] >= 0.4
    master.stop()


def test_ack_under_a_timer_is_ignored_without_fuss(master):
    master.start("--ack-mode", "1", program=master.probe("--ack", "manual"))
    [worker] = master.workers()
    assert worker["age_s"] >= 1
    assert "Acknowledged" in answer_of(master, worker["pid"])
    assert not re.search("warn|error|refused", master.log(), re.IGNORECASE)
    master.stop()


def test_notify(master):
    master.start("--ack-mode", "notify", "-n", "3", program=master.probe("--ack", "notify"))
    assert "NOTIFY_SOCKET" in master.first_report().variables
    assert master.request("upgrade")["ok"]
    master.stop()


def test_notify_of_somebody_else_does_not_count(master):
    master.spawn("--ack-mode", "notify", "--ack-timeout", "1.5", "-r", "0", program=master.probe())
    master.wait_answering()
    [report] = eventually(master.all_reports)
    address = report.variables["NOTIFY_SOCKET"].replace("@", "\0", 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for message in (b"READY=1\n", b"READY=1", b"", b"\0\xff" * 2000, b"READY=1\nMAINPID=%d\n" % report.pid):
            stranger.sendto(message, address)
    assert master.wait_exit() == 1
    assert "has not acked within" in master.log() and "is ready" not in master.log()


def first_never_acks(master, ack="manual"):
    """A program whose first worker never acks; those after it do."""
    flag = master.dir / "flag"
    words = " ".join(master.probe())
    path = master.dir / "first-never"
    path.write_text(f"#!/bin/sh\nif mkdir {flag} 2>/dev/null; then exec {words}; else exec {words} --ack {ack}; fi\n")
    path.chmod(0o755)
    return [str(path)]


HAS_A_CHILD_OF_NOBODY = """
import os, pathlib, socket, sys, time
def tell():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
if os.fork() == 0:
    os.setgid(65534)
    os.setuid(65534)
    tell()
else:
    while not pathlib.Path(sys.argv[1]).exists():
        time.sleep(0.02)
    tell()
time.sleep(1000)
"""


@pytest.mark.skipif(not is_root(), reason="only root starts processes of another user")
def test_notify_of_a_workers_child_that_is_another_user_does_not_count(master):
    master.spawn("--ack-mode", "notify", "--ack-timeout", "0",
                 program=[sys.executable, "-c", HAS_A_CHILD_OF_NOBODY, master.dir / "go"])
    master.wait_log("ignored READY=1 of process .*, user 65534, which is no worker")
    assert not master.pids("ready")
    (master.dir / "go").touch()
    eventually(lambda: master.pids("ready"))
    master.stop()


@pytest.mark.parametrize("mode", ["manual", "notify"])
def test_worker_that_does_not_ack_in_time_is_replaced(master, mode):
    master.spawn("--ack-mode", mode, "--ack-timeout", "0.4", "-s", "0.1", program=first_never_acks(master, mode))
    master.wait_log("has not acked within 4[0-9][0-9] ms")
    master.wait_ready()
    late, = [r.pid for r in master.all_reports() if r.pid not in master.pids()]
    assert master.signals_of(late) == ["TERM"]
    master.stop()


def test_worker_that_ignores_term_after_its_ack_deadline_is_killed(master):
    master.spawn("-m", "--ack-timeout", "0.2", "-r", "0", program=master.probe("--ignore", "TERM"))
    assert master.wait_exit(40) == 1
    assert "SIGKILL" in master.log()


def test_ack_timeout_of_zero_waits_until_that_is_changed(master):
    master.spawn("-m", "--ack-timeout", "0", "-r", "0", program=master.probe())
    master.wait_answering()
    eventually(master.all_reports)
    assert master.request("config", json.dumps({"ack-timeout": 0.1}))["ok"]
    assert master.wait_exit() == 1
    assert "has not acked within" in master.log()


def test_manual_and_ack_timeout_in_any_order(master):
    for words in (["--ack-timeout", "0.2", "-m"], ["-m", "--ack-timeout", "0.2"]):
        master.spawn(*words, "-r", "0")
        assert master.wait_exit() == 1
    assert len(re.findall(r"has not acked within 2\d\d ms", master.log())) == 2


@pytest.mark.skipif(not is_root(), reason="needs another user")
def test_ack_of_an_unrelated_process_is_refused_and_logged(master):
    master.dir.chmod(0o711)
    master.spawn("-m", "--socket-mode", "0666", program=master.probe())
    master.wait_answering()
    [pid] = eventually(lambda: master.pids("starting"))
    code = ("import contextlib,socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "with contextlib.suppress(BrokenPipeError): s.sendall(sys.argv[2].encode()+b'\\n')\n"
            "print(s.makefile().readline(),end='')")
    for line in ('{"command":"worker:ack","pid":%d}' % pid, '{"command":"worker:ack"}', '{"command":"die"}',
                 '{"command":"worker:ping","pid":%d,"request_id":"x"}' % pid, '{"command":"status"}'):
        result = subprocess.run([sys.executable, "-c", code, str(master.socket_path), line], user=NOBODY,
                                group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=20)
        assert result.returncode == 0, result.stderr
        assert "Acknowledged" not in result.stdout and "permission denied" in result.stdout
    assert master.pids("starting") == [pid]
    master.wait_log("refused", count=5)
    assert str(NOBODY) in master.log() or "nobody" in master.log()
    master.stop()


@pytest.mark.skipif(not is_root(), reason="needs another user")
def test_worker_that_became_another_user_may_ack_and_nothing_else(master):
    open_to_others(master)
    master.start("-m", "--socket-mode", "0666", program=[*AS_NOBODY, *master.probe("--ack", "manual")])
    report = master.first_report()
    assert report.uid == NOBODY and answer_of(master, report.pid) == '"Acknowledged!"\n'
    assert report.argv[0] == PROBE
    master.stop()


@pytest.mark.skipif(not is_root(), reason="needs another user")
@pytest.mark.parametrize("command", ["die", "upgrade", "inc", "status"])
def test_worker_of_another_user_is_refused_everything_else(master, command):
    open_to_others(master)
    master.start("--ack-mode", "0.1", "--socket-mode", "0666", program=[
        *AS_NOBODY, *master.probe("--ack", "manual", "--ack-line", '{"command":"%s"}' % command)])
    assert "permission denied" in answer_of(master, master.pids()[0])
    assert len(master.pids()) == 1 and master.group()["generation"] == 1
    master.stop()


@pytest.mark.skipif(not is_root(), reason="needs another user")
def test_worker_of_another_user_may_not_ack_for_its_sibling(master):
    open_to_others(master)
    program = [*AS_NOBODY, *master.probe("--ack", "manual", "--ack-line", '{"command":"worker:ack","pid":1}')]
    master.spawn("-m", "--socket-mode", "0666", program=program)
    master.wait_answering()
    [pid] = eventually(lambda: master.pids("starting"))
    assert "Acknowledged" not in answer_of(master, pid)
    assert master.pids("starting") == [pid]
    master.stop()


def test_ping_is_shown(master):
    master.start("--ack-mode", "0")
    [pid] = master.pids()
    assert master.request("worker:ping", pid=pid, request_id="req-42")["ok"]
    assert "req-42" in json.dumps(master.status()) + json.dumps(master.request("state"))
    master.stop()


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.skipif(not shutil.which("systemd-notify"), reason="needs systemd-notify")
@pytest.mark.parametrize("held_up", [True, False], ids=["all at once", "one by one"])
def test_systemd_notify_in_shell_workers(master, held_up):
    """It waits until its message was taken, and then ends: the master has to find out whose it is before that."""
    number = 40
    open_to_others(master)
    worker = master.dir / "worker"
    worker.write_text(f"#!/bin/sh\nuntil test -e {master.dir}/go; do sleep 0.05; done\n"
                      f"systemd-notify --ready && echo told >> {master.dir}/told\nexec sleep 1000\n")
    worker.chmod(0o755)
    (master.dir / "told").touch(0o666)
    (master.dir / "told").chmod(0o666)
    keys = {"uid": "nobody"} if is_root() else {}
    spawn_groups(master, web={"cmd": [str(worker)], "numprocesses": number, "ack": "notify", "ack_timeout": 0,
                              "stop_signal": "TERM", **keys})
    eventually(lambda: len(master.pids("starting")) == number)
    if held_up:
        master.signal(signal.SIGSTOP)
    (master.dir / "go").touch()
    if held_up:
        def waiting():
            notifiers = [pid for pid in master.marked() if name_of(pid) == "systemd-notify"]
            return len(notifiers) == number and all(process_state(pid) == "S" for pid in notifiers)
        eventually(waiting, what="all wait for the master")
        master.signal(signal.SIGCONT)
    eventually(lambda: (master.dir / "told").read_text().count("told") == number)
    eventually(lambda: len(master.pids("ready")) == number)
    assert "ignored" not in master.log()
    master.stop()


def test_strangers_at_the_notify_socket_fill_no_log(master):
    master.start("--ack-mode", "notify", "-n", "2", program=master.probe("--ack", "notify"))
    address = master.first_report().variables["NOTIFY_SOCKET"].replace("@", "\0", 1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for _ in range(2000):
            stranger.sendto(b"READY=1", address)
    master.wait_log("ignored READY=1 of process")
    assert master.request("upgrade")["ok"], "workers are heard in spite of it"
    assert len(master.log().splitlines()) < 60
    master.stop()
