# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that run as another user, who may stop them before they execute their program (SPEC 9)."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from harness import MASTER, PRELOAD_PROBE, PROBE, alive, eventually, is_root, process_state
from services import NOBODY, open_to_others, reload_master, spawn_groups, start_groups

pytestmark = pytest.mark.skipif(not is_root(), reason="needs root")

FOR_EVER = 600  # seconds
OTHER = {"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "ack": "none", "restart": "always"}


class Program:
    """A program that nobody can execute while it is held, by a lease, see fcntl(2): whoever tries waits in execve(2),
    where a signal finds him before his exec."""

    def __init__(self, path):
        self.path = path
        shutil.copy("/bin/sleep", path)
        path.chmod(0o755)
        self.holder = None

    def hold(self):
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # which tells that somebody waits
        self.holder = open(self.path, "rb+")
        fcntl.fcntl(self.holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def let_go(self):
        if self.holder:
            self.holder.close()


@pytest.fixture
def program(master):
    open_to_others(master)
    made = Program(master.dir / "program")
    yield made
    made.let_go()


def victim(program, **keys):
    return {"cmd": [str(program.path), "1000"], "uid": "nobody", "ack": "manual", "ack_timeout": FOR_EVER,
            "stop_signal": "TERM", "restart": "always", **keys}


def children(pid):
    return list(map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def half_born(master):
    """The children that are another user's and still the master's program."""
    found = []
    for pid in children(master.pid):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(MASTER) and \
                    f"\nUid:\t{NOBODY.pw_uid}\t" in pathlib.Path(f"/proc/{pid}/status").read_text():
                found.append(pid)
    return found


def stop_by_its_user(pid):
    subprocess.run(["kill", "-STOP", str(pid)], user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[], check=True)
    eventually(lambda: process_state(pid) == "T")


def stopped_newborn(master):
    """Waits for one before its exec and has it stopped by its own user."""
    pid = eventually(lambda: half_born(master))[0]
    stop_by_its_user(pid)
    assert pid in half_born(master)
    return pid


def group(master, name):
    return next(one for one in master.status()["groups"] if one["name"] == name)


def pids(master, name):
    return [worker["pid"] for worker in group(master, name)["workers"] if worker["pid"]]


def test_one_that_is_stopped_delays_nobody_else(master, program):
    program.hold()
    spawn_groups(master, victim=victim(program), other=OTHER)
    pid = stopped_newborn(master)
    for _ in range(20):
        old = eventually(lambda: pids(master, "other"))
        os.kill(old[0], signal.SIGKILL)
        eventually(lambda: pids(master, "other") not in ([], old))
    assert group(master, "victim")["ready"] == 0 and pids(master, "victim") == []
    program.let_go()
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: pids(master, "victim") == [pid])
    master.stop()


def test_it_is_killed_and_replaced_when_it_should_have_come_up(master, program):
    program.hold()
    spawn_groups(master, victim=victim(program, ack_timeout=1, seconds=0.1))
    pid = stopped_newborn(master)
    eventually(lambda: not alive(pid))
    master.wait_log(r"victim: cannot start a worker of generation 1: its program was not executed in time")
    other = eventually(lambda: half_born(master))
    program.let_go()
    eventually(lambda: pids(master, "victim"))
    assert pid not in other
    master.stop()


def test_a_stop_does_not_wait_for_it(master, program):
    program.hold()
    spawn_groups(master, victim=victim(program, numprocesses=3), other=OTHER)
    stopped_newborn(master)
    master.stop()


def test_who_leaves_at_once_leaves_none(master, program):
    program.hold()
    spawn_groups(master, victim=victim(program), other=OTHER)
    newborn = stopped_newborn(master)
    others = pids(master, "other")
    master.signal(signal.SIGQUIT)
    master.wait_exit()
    eventually(lambda: not any(map(alive, [newborn, *others])))


def test_a_reload_ends_it_and_makes_another(master, program):
    """The next master may be an older program, which would not know of it."""
    program.hold()
    spawn_groups(master, victim=victim(program, command_socket_as_fd=True), other=OTHER)
    born = []
    for _ in range(3):
        born.append(stopped_newborn(master))
        reload_master(master)
    [last] = eventually(lambda: half_born(master))
    assert last not in born and not any(map(alive, born))
    program.let_go()
    eventually(lambda: pids(master, "victim") == [last])
    assert children(master.pid).count(last) == 1 and len(children(master.pid)) == 2
    os.kill(last, signal.SIGKILL)
    eventually(lambda: pids(master, "victim") not in ([], [last]))
    assert "cannot start" not in master.log()
    master.stop()


def test_a_reload_kills_none_that_has_executed_its_program(master):
    """It may have acked, and serve. Tried many times, as the moment lasts about a millisecond."""
    open_to_others(master)
    started, told = master.reports / "started", master.reports / "told"
    script = f"trap 'echo $$ >> {told}; kill $!; exit' USR2; sleep 1000 & echo $$ >> {started}; wait"
    start_groups(master, victim={"cmd": ["/bin/sh", "-c", script], "uid": "nobody", "numprocesses": 4,
                                 "ack_timeout": 0, "restart": "always"}, other=OTHER)
    for number in range(60):
        with master.connect() as one, master.connect() as other:
            first = one.send("reload" if number % 2 else "upgrade")
            second = other.send("upgrade" if number % 2 else "reload")
            assert one.finish(first)["ok"] and other.finish(second)["ok"]

    def vanished():
        lines = (set(file.read_text().split()) for file in (started, told))
        return next(lines) - next(lines) - set(map(str, pids(master, "victim")))
    master.wait_ready()
    eventually(lambda: not vanished(), what="each that has started serves or was told to go")
    master.stop()


def test_nor_is_it_lost_in_a_reload_that_fails(master, program):
    """The trial run succeeds, the exec does not: then there is no new master."""
    program.hold()
    shell, wrapper = master.dir / "shell", master.dir / "wrapper"
    shutil.copy("/bin/sh", shell)
    wrapper.write_text(f'#!{shell}\nrm {shell}\nexec {MASTER} "$@"\n')
    wrapper.chmod(0o755)
    spawn_groups(master, "--reexec-as", wrapper, victim=victim(program), other=OTHER)
    pid = stopped_newborn(master)
    reply = master.request("reload")
    assert not reply["ok"] and "exec " in reply["message"], reply
    [other] = eventually(lambda: half_born(master) if not alive(pid) else None)
    program.let_go()
    eventually(lambda: pids(master, "victim") == [other])
    assert len(children(master.pid)) == 2
    master.stop()


def test_one_that_dies_on_its_way_is_replaced(master, program):
    program.hold()
    spawn_groups(master, victim=victim(program, seconds=0.1))
    pid = stopped_newborn(master)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: half_born(master) not in ([], [pid]))
    program.let_go()
    eventually(lambda: pids(master, "victim"))
    master.stop()


def test_a_program_that_the_user_may_not_execute_is_named(master, program):
    program.path.chmod(0o700)
    spawn_groups(master, victim=victim(program, retries=1, seconds=0.1), other=OTHER)
    master.wait_log(rf"victim: cannot start a worker of generation 1: exec {program.path}: Permission denied")
    eventually(lambda: group(master, "victim")["state"] == "given_up")
    master.stop()


def test_an_upgrader_that_the_user_may_not_execute_is_named(master, program):
    program.path.chmod(0o700)
    start_groups(master, victim={**OTHER, "uid": "nobody", "upgrader": [str(program.path)]})
    answer = master.request("upgrade")
    assert not answer["ok"]
    assert f"upgrader cannot be run: exec {program.path}: Permission denied" in answer["message"]
    master.stop()


def test_a_template_that_the_user_may_not_execute_is_named(master):
    """The template process executes the master's own program."""
    open_to_others(master)
    own = master.dir / "einhyrningsins"
    shutil.copy(MASTER, own)
    own.chmod(0o700)
    master.executable = str(own)
    spawn_groups(master, web={"cmd": [PROBE, "--dir", str(master.reports)], "uid": "nobody", "preload": PRELOAD_PROBE,
                              "ack": "none"})
    master.wait_log(r"--preload .*: exec /proc/self/exe: Permission denied; going on without preloading")
    eventually(lambda: pids(master, "web"))
    master.stop()
