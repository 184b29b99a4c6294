# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 3, signals to the master; the master as process 1; killing the master."""

import os
import pathlib
import re
import signal

import pytest

from harness import HTTP_WORKER, alive, can_unshare, eventually, process_state


@pytest.mark.parametrize("number, told", [(signal.SIGINT, "USR2"), (signal.SIGUSR2, "USR2"),
                                          (signal.SIGTERM, "TERM")])
def test_graceful_stop(master, number, told):
    pidfile = master.dir / "pid"
    master.start("--ack-mode", "0", "-n", "3", "-e", pidfile, "-b", master.dir / "a.sock")
    pids = master.pids()
    master.signal(number)
    assert master.wait_exit() == 0
    assert all(master.signals_of(pid) == [told] for pid in pids)
    assert sorted(p.name for p in master.dir.iterdir()) == ["r", "stderr", "stdout"]


@pytest.mark.parametrize("number, told", [(signal.SIGINT, "QUIT"), (signal.SIGUSR2, "QUIT"),
                                          (signal.SIGTERM, "TERM")])
def test_stop_signal_option_and_stops_of_the_master(master, number, told):
    master.start("--ack-mode", "0", "--stop-signal", "QUIT")
    [pid] = master.pids()
    master.signal(number)
    assert master.wait_exit() == 0
    assert master.signals_of(pid)[0] in (told, "USR2"), "--stop-signal tells workers in graceful stops"
    if number != signal.SIGTERM:
        assert master.signals_of(pid)[0] == told


def test_waits_for_the_last_worker(master):
    master.start("--ack-mode", "0", "-n", "2", program=master.probe("--ignore", "TERM"))
    pids = master.pids()
    master.signal(signal.SIGTERM)
    for pid in pids:
        master.wait_signal(pid, "TERM")
    assert master.group()["state"] == "stopping"
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: master.pids() == [pids[1]])
    assert master.process.poll() is None
    os.kill(pids[1], signal.SIGKILL)
    assert master.wait_exit() == 0


def test_no_worker_is_started_again_while_stopping(master):
    master.start("--ack-mode", "0", "-n", "2", program=master.probe("--ignore", "TERM"))
    pids = master.pids()
    master.signal(signal.SIGTERM)
    master.wait_signal(pids[0], "TERM")
    for command in ("start", "upgrade"):
        assert not master.request(command)["ok"]
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: master.pids() == [pids[1]])
    os.kill(pids[1], signal.SIGKILL)
    assert master.wait_exit() == 0
    assert len(master.all_reports()) == 2


def test_quit_leaves_at_once(master):
    master.start("--ack-mode", "0", "-n", "2", program=master.probe("--ignore", "QUIT"))
    pids = master.pids()
    master.signal(signal.SIGQUIT)
    assert master.wait_exit() == 1
    for pid in pids:
        master.wait_signal(pid, "QUIT")
        assert alive(pid)
    assert not master.socket_path.exists()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2, "die"])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_second_int_or_term_kills(master, first, second):
    master.start("--ack-mode", "0", "-n", "2",
                 program=master.probe("--ignore", "TERM", "--ignore", "USR2"))
    pids = master.pids()
    if first == "die":
        master.request("die")
    else:
        master.signal(first)
    told = "TERM" if first == signal.SIGTERM else "USR2"
    for pid in pids:
        master.wait_signal(pid, told)
    master.signal(second)
    assert master.wait_exit() == 0
    assert not any(map(alive, pids))


@pytest.mark.parametrize("name", ["TTIN", "TTOU", "USR1", "CONT"])
def test_passed_on(master, name):
    master.start("--ack-mode", "0", "-n", "2")
    pids = master.pids()
    master.signal(getattr(signal, "SIG" + name))
    for pid in pids:
        master.wait_signal(pid, name)
    assert master.pids() == pids
    master.stop()


def test_signal_while_starting(master):
    # Every moment of the start is a moment at which it can be stopped.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        master.spawn("--ack-mode", "0", "-n", "20")
        master.wait_answering()
        master.signal(number)
        if number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
            master.wait_ready()
            master.signal(signal.SIGTERM)
        assert master.wait_exit() == 0
        eventually(lambda: not master.marked())


def test_terminal_s_ctrl_c_reaches_only_the_master(master):
    # Workers lead process groups of their own.
    master.start("--ack-mode", "0", "-n", "2")
    pids = master.pids()
    os.killpg(os.getpgid(master.pid), signal.SIGINT)
    assert master.wait_exit() == 0
    assert all(master.signals_of(pid) == ["USR2"] for pid in pids)


# ---- kill -9 of the master ----

def test_workers_serve_on_after_kill_and_a_new_master_takes_the_socket(master, other_master):
    pidfile = master.dir / "pid"
    master.start("-m", "-n", "2", "-b", "127.0.0.1:0", "-e", pidfile, program=[HTTP_WORKER])
    pids, address = master.pids(), master.address()
    master.process.kill()
    master.process.wait()
    assert int(master.get(address)["X-Worker-Pid"]) in pids
    # At once: the stale socket, lock and pid file are recognised.
    other_master.socket_path = master.socket_path
    other_master.start("-m", "-b", "127.0.0.1:0", "-e", pidfile, program=[HTTP_WORKER])
    assert pidfile.read_text() == f"{other_master.pid}\n"
    assert int(master.get(address)["X-Worker-Pid"]) in pids
    assert all(map(alive, pids))
    other_master.stop()


def test_k_tells_workers_when_the_master_is_killed(master):
    master.start("--ack-mode", "0", "-n", "2", "-k")
    pids = master.pids()
    assert master.report(pids[0]).pdeathsig == signal.SIGUSR2
    master.process.kill()
    master.process.wait()
    for pid in pids:
        master.wait_signal(pid, "USR2")
    eventually(lambda: not any(map(alive, pids)))


def test_k_with_a_graceful_stop_tells_once(master):
    master.start("--ack-mode", "0", "-k")
    [pid] = master.pids()
    master.stop()
    assert master.signals_of(pid) == ["TERM"]


# ---- Process 1 ----

def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


@pytest.mark.skipif(not can_unshare(), reason="needs pid namespaces")
def test_process_1_reaps_orphans(master):
    master.start("--ack-mode", "0.1", "-n", "2", program=master.probe("--orphan"),
                 wrapper=["unshare", "-p", "-f", "--mount-proc"])
    assert master.status()["master"]["pid"] == 1
    eventually((master.reports / "orphan").exists, what="process 1 has adopted an orphan")
    [inner] = children(master.pid)
    eventually(lambda: len(children(inner)) == 2, what="no zombie is left")
    assert all(process_state(pid) != "Z" for pid in children(inner))
    assert not re.search("unknown|unexpected", master.log()), "an orphan is no worker and no news"
    # As process 1 it takes its signals too.
    os.kill(inner, signal.SIGHUP)
    eventually(lambda: master.group()["generation"] == 2 and not master.group()["upgrade"])
    os.kill(inner, signal.SIGTERM)
    assert master.wait_exit() == 0


@pytest.mark.skipif(not can_unshare(), reason="needs pid namespaces")
def test_process_1_and_a_worker_that_is_killed(master):
    master.start("--ack-mode", "0", wrapper=["unshare", "-p", "-f", "--mount-proc"])
    [inner] = children(master.pid)
    [worker] = children(inner)
    os.kill(worker, signal.SIGKILL)
    master.wait_log("died: SIGKILL")
    master.wait_ready()
    os.kill(inner, signal.SIGINT)
    assert master.wait_exit() == 0
