# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers with processes of their own: who gets which signal, and what is left behind (SPEC 3, 7.3, 7.6)."""

import os
import re
import shutil
import signal
import socket
import time

import pytest

from harness import EINHORN, MASTER, alive, eventually, free_port, is_root, kill_quietly, process_state
from services import open_to_others, python, reload_master, start_groups, write_groups

# Starts a child in its process group, says who they are, and does not exec: what many start scripts do.
WRAPPER = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", {child!r}, {folder!r}], pass_fds=range(3, 3 + {listeners}))
while not os.path.exists({folder!r} + "/signals-%d" % child.pid):
    time.sleep(0.01)
path = {folder!r} + "/%d" % os.getpid()
with open(path + ".new", "w") as out:
    out.write(str(child.pid))
os.rename(path + ".new", path)
{leader}
time.sleep(1000)
"""

# Writes which signals it gets, and goes by none of the `ignored`.
CHILD = """
import os, signal, sys, time
path = sys.argv[1] + "/signals-%d" % os.getpid()
out = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def hear(number, _):
    os.write(out, (signal.Signals(number).name[3:] + "\\n").encode())
    if number not in {ignored}: os._exit(0)
for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGQUIT): signal.signal(number, hear)
os.rename(path + ".new", path)
while True: time.sleep(1000)
"""

STUBBORN = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGUSR2)]"


@pytest.fixture
def family(master):
    """Starts workers with a child each. `ignored`: signals that the child survives."""
    class Family:
        def write(self, ignored=(), leader="", listeners=0):
            child = CHILD.format(ignored=[int(number) for number in ignored])
            return python(master.dir / "wrapper", WRAPPER.format(
                child=child, folder=str(master.reports), leader=leader, listeners=listeners))

        def start(self, *options, ignored=(), leader="", executable=MASTER, listeners=0):
            master.executable = executable
            master.spawn(*options, program=[self.write(ignored, leader, listeners)])
            master.wait_answering()
            eventually(lambda: master.pids("ready"))
            return self.pair()

        def pair(self):
            """The worker that is ready, and its child."""
            worker = eventually(lambda: master.pids("ready"))[-1]
            return worker, self.child_of(worker)

        def child_of(self, worker):
            path = master.reports / str(worker)
            return int(eventually(lambda: path.exists() and path.read_text()))

        def signals(self, child):
            return (master.reports / f"signals-{child}").read_text().split()

    return Family()


def gone(*pids):
    eventually(lambda: not any(map(alive, pids)), what=f"{pids} have gone")


def insist(master):
    """A stop, and the order that ends whoever stays."""
    master.signal(signal.SIGTERM)
    master.wait_log("stopping; again")
    master.signal(signal.SIGINT)


def left(master, worker):
    return re.findall(rf"worker {worker} .* has left (\d+) process(?:es)? behind", master.log())


def test_what_a_worker_leaves_behind_is_told_to_go(master, family):
    address = f"127.0.0.1:{free_port()}"
    worker, child = family.start("-b", f"{address},r", "--stop-signal", "TERM", listeners=1)
    assert master.request("upgrade")["ok"]
    gone(worker, child)
    assert left(master, worker) == ["1"]
    assert family.signals(child) == ["TERM"]
    for end in (lambda pid: os.kill(pid, signal.SIGKILL), lambda pid: master.request("dec")):
        worker, child = family.pair()
        end(worker)
        if alive(worker):  # one is never too many
            os.kill(worker, signal.SIGTERM)
        gone(worker, child)
        assert left(master, worker) == ["1"]
    worker, child = family.pair()
    master.stop()
    assert not alive(child)
    with socket.socket() as again:  # nobody has the port any more
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        again.listen()


def test_and_ended_when_it_stays_also_by_the_next_master(master, family):
    worker, child = family.start("--stop-signal", "TERM", ignored=[signal.SIGTERM])
    master.signal(signal.SIGTERM)
    gone(worker)
    master.wait_log(rf"worker {worker} .* has left 1 process behind in its process group; sending SIGTERM")
    eventually(lambda: family.signals(child) == ["TERM"])
    assert master.process.poll() is None and alive(child)
    assert master.wait_exit(30) == 0
    gone(child)
    assert f"worker {worker} (index 0, generation 1) has left 1 process behind that are still there" in master.log()


def test_a_reload_goes_on_with_what_is_left(master, family):
    worker, child = family.start("--stop-signal", "TERM", ignored=[signal.SIGTERM])
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: family.signals(child) == ["TERM"])
    reload_master(master)
    reload_master(master)
    master.wait_log(rf"worker {worker} .* still there; sending SIGKILL", 30)
    gone(child)
    assert family.signals(child) == ["TERM"]
    master.stop()


def test_a_second_order_ends_it_at_once(master, family):
    worker, child = family.start("--stop-signal", "TERM", ignored=[signal.SIGTERM])
    master.signal(signal.SIGTERM)
    gone(worker)
    eventually(lambda: family.signals(child) == ["TERM"])
    master.signal(signal.SIGINT)
    assert master.wait_exit() == 0
    gone(child)
    assert "still there" not in master.log(), "nobody has waited for the time that SIGTERM leaves"


def test_who_leaves_the_group_is_not_waited_for(master):
    """A process that makes itself a daemon when it is told to go: nobody tells of that."""
    daemon = f"""
import os, signal, time
def leave(*_):
    os.setsid()
    open("{master.dir}/left", "w").close()
signal.signal(signal.SIGTERM, leave)
open("{master.dir}/listens", "w").close()
while True: time.sleep(1000)
"""
    worker = python(master.dir / "worker", f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", {daemon!r}])
while not os.path.exists("{master.dir}/listens"): time.sleep(0.01)
with open("{master.dir}/child.new", "w") as out: out.write(str(child.pid))
os.rename("{master.dir}/child.new", "{master.dir}/child")
time.sleep(1000)
""")
    master.spawn("--stop-signal", "TERM", program=[worker])
    child = int(eventually(lambda: (master.dir / "child").exists() and (master.dir / "child").read_text()))
    try:
        master.signal(signal.SIGTERM)
        eventually(lambda: (master.dir / "left").exists())
        left = (master.dir / "left").stat().st_mtime
        assert master.wait_exit(30) == 0
        assert time.time() - left < 8, "it has had 10 s to end"
        assert alive(child) and "sending SIGTERM" in master.log()
    finally:
        kill_quietly(child)


def workers_of(master):
    """Those that have said so, as far as they live."""
    return [int(path.name) for path in master.reports.iterdir() if path.name.isdigit() and alive(int(path.name))]


@pytest.mark.parametrize("how", ["option", "key", "einhorn"])
def test_it_is_kept_where_that_is_asked_for(master, family, how):
    program = family.write()
    if how == "key":
        path = write_groups(master, {"web": {"cmd": [str(program)], "restart": "always", "start_immediate": True,
                                             "leftovers": "keep"}})
        master.spawn("--config", path, program=[])
    else:
        master.executable = EINHORN if how == "einhorn" else MASTER
        master.spawn(*([] if how == "einhorn" else ["--leftovers", "keep"]), program=[program])
    worker = eventually(lambda: workers_of(master))[0]
    child = family.child_of(worker)
    os.kill(worker, signal.SIGTERM)
    gone(worker)
    eventually(lambda: left(master, worker))
    assert "(--leftovers keep)" in master.log()
    other = family.child_of(eventually(lambda: workers_of(master))[0])
    master.signal(signal.SIGTERM)
    assert master.wait_exit() == 0
    assert alive(child) and alive(other) and family.signals(child) == family.signals(other) == []
    kill_quietly(child)
    kill_quietly(other)


def test_what_is_done_with_it_can_be_changed(master, family):
    worker, child = family.start("--leftovers", "keep", "--stop-signal", "TERM")
    assert (answer := master.request("config", '{"leftovers": "stop"}'))["ok"], answer
    os.kill(worker, signal.SIGTERM)
    gone(worker, child)
    master.stop()


def test_who_has_left_the_group_is_not_touched(master, family):
    leader = "subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)"
    worker, child = family.start("--stop-signal", "TERM", leader=leader)
    daemon = eventually(lambda: [pid for pid in master.marked() if "sleep" in open(f"/proc/{pid}/comm").read()])[0]
    os.kill(worker, signal.SIGKILL)
    gone(worker, child)
    assert left(master, worker) == ["1"] and alive(daemon)
    kill_quietly(daemon)
    gone(daemon)


# Hands the state on as a master does that did not know as whom its workers run.
EARLIER = f"""#!/usr/bin/python3
import json, os, sys
place = sys.argv.index("--with-state-fd") + 1
with open(int(sys.argv[place])) as given: state = json.load(given)
for group in state["groups"]: del group["users"]
memory = os.memfd_create("state", 0)
os.write(memory, json.dumps(state).encode())
os.lseek(memory, 0, 0)
sys.argv[place] = str(memory)
os.execv("{MASTER}", ["{MASTER}", *sys.argv[1:]])
"""


@pytest.mark.skipif(not is_root(), reason="needs root")
@pytest.mark.parametrize("meanwhile", ["nothing", "upgrade", "upgrade, reload", "upgrade, earlier version"])
def test_processes_of_others_are_left_alone_in_the_group_of_a_worker_of_another_user(master, meanwhile):
    """As which user a worker was started is known to its end."""
    open_to_others(master)
    others = master.dir / "others"  # runs as root, whoever executes it
    shutil.copy("/bin/sleep", others)
    others.chmod(0o4755)
    program = master.dir / "worker"
    program.write_text(f"#!/bin/sh\ntrap '' USR2\n{others} 1000 &\nexec /bin/sleep 1000\n")
    program.chmod(0o755)
    (earlier := master.dir / "earlier").write_text(EARLIER)
    earlier.chmod(0o755)
    start_groups(master, *(["--reexec-as", earlier] if "earlier" in meanwhile else []),
                 web={"cmd": [str(program)], "uid": "nobody", "stop_signal": "USR2", "ack_timeout": 0})
    [worker] = master.pids()
    theirs = lambda: [pid for pid in master.marked() if alive(pid) and os.stat(f"/proc/{pid}").st_uid == 0
                      and pid != master.pid]
    [child] = eventually(theirs)
    if "upgrade" in meanwhile:
        assert master.request("upgrade")["ok"]
    if "," in meanwhile:
        reload_master(master)
    os.kill(worker, signal.SIGKILL)
    master.wait_log(rf"worker {worker} .* has left processes of another user behind .*, which are left alone")
    assert alive(child)
    master.signal(signal.SIGTERM)
    assert master.wait_exit() == 0
    for pid in theirs():
        kill_quietly(pid)


@pytest.mark.parametrize("scope, expected", [("leader", []), ("group", ["USR2"])])
def test_who_gets_the_stop_signal(master, family, scope, expected):
    """The worker itself does not go by it."""
    worker, child = family.start("--signal-scope", scope, "--signal-timeout", "0", leader=STUBBORN,
                                 ignored=[signal.SIGUSR2])
    assert master.request("upgrade")["ok"]
    eventually(lambda: master.workers("stopping"))
    eventually(lambda: family.signals(child) == expected)
    assert alive(worker)
    os.kill(worker, signal.SIGKILL)
    gone(worker, child)
    assert family.signals(child) == [*expected, "TERM"]
    insist(master)
    assert master.wait_exit() == 0


def test_a_signal_of_the_operator_is_for_the_worker_alone(master, family):
    worker, child = family.start("--signal-scope", "group", "--stop-signal", "TERM", leader=STUBBORN,
                                 ignored=[signal.SIGUSR2])
    assert master.request("signal", "USR2")["ok"]
    os.kill(worker, signal.SIGKILL)
    gone(worker, child)
    assert family.signals(child) == ["TERM"]
    insist(master)
    assert master.wait_exit() == 0


@pytest.mark.parametrize("kill", ["timeout", "killall", "twice"])
def test_sigkill_is_for_the_whole_group(master, family, kill):
    worker, child = family.start("--stop-signal", "TERM", "--signal-timeout", "0.3" if kill == "timeout" else "0",
                                 leader=STUBBORN, ignored=[signal.SIGTERM, signal.SIGUSR2])
    if kill == "killall":
        assert master.request("killall")["ok"]
    else:
        master.signal(signal.SIGTERM)
    if kill == "twice":
        eventually(lambda: master.workers("stopping"))
        master.signal(signal.SIGTERM)
    gone(worker, child)
    assert family.signals(child) == []
    if kill == "killall":
        eventually(lambda: master.pids("ready") not in ([], [worker]))
        assert master.request("killall")["ok"]
        insist(master)
    assert master.wait_exit() == 0
    assert left(master, worker) == []


CLEAN = """
import os, signal, sys, time
def leave(*_):
    open({path!r}, "w").close()
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGUSR2, leave)
open({path!r} + "-up-%d" % os.getpid(), "w").close()
while True: time.sleep(1000)
"""


@pytest.mark.parametrize("scope", ["leader", "group"])
@pytest.mark.parametrize("how", ["TERM", "INT", "dec", "upgrade"])
def test_a_stopped_worker_obeys(master, how, scope):
    path = master.reports / "left"
    program = python(master.dir / "worker", CLEAN.format(path=str(path)))
    master.spawn("-n", "2", "--signal-timeout", "600", "--signal-scope", scope, program=[program])
    eventually(lambda: master.answers() and len(master.pids("ready")) == 2)
    pids = master.pids()
    for pid in pids:
        eventually(lambda: (master.reports / f"left-up-{pid}").exists())
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: process_state(pid) == "T")
    if how in ("dec", "upgrade"):
        assert (answer := master.request(how))["ok"], answer
    else:
        master.signal(getattr(signal, f"SIG{how}"))
    gone(pids[-1])
    assert path.exists()
    if how == "dec":
        os.kill(pids[0], signal.SIGCONT)
    if master.process.poll() is None and how in ("dec", "upgrade"):
        master.stop()
    else:
        assert master.wait_exit() == 0


def test_an_upgrader_that_is_stopped_obeys(master):
    up = master.reports / "up"
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "ack": "none", "stop_signal": "TERM",
                              "upgrader": ["/bin/sh", "-c", f"touch {up}; kill -STOP $$; sleep 1000"]})
    with master.connect() as control:
        control.send("upgrade")
        eventually(up.exists)
        eventually(lambda: any(process_state(pid) == "T" for pid in master.marked()))
        master.stop()
        assert "still there" not in master.log(), "SIGTERM was enough"


def test_orphans_are_reaped(master, family):
    """Not only as process 1."""
    worker, child = family.start("--leftovers", "keep")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: left(master, worker))
    os.kill(child, signal.SIGKILL)
    eventually(lambda: not os.path.exists(f"/proc/{child}"))
    for pid in (family.pair()[1],):
        master.signal(signal.SIGTERM)
        assert master.wait_exit() == 0
        kill_quietly(pid)
