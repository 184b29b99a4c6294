# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 8: what clients with few or no permissions at the control socket can do to a master."""

import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

import pytest

from harness import CTL, MASTER, PROBE, SANITIZED, SLOWNESS, can_unshare, eventually, is_root, leave_descriptors, open_files
from services import NOBODY, open_to_others, python, spawn_groups, start_groups, write_groups

pytestmark = pytest.mark.skipif(not is_root(), reason="needs other users")

STRANGER, ANOTHER = 12345, 12346  # whom nothing here belongs to


@pytest.fixture(autouse=True)
def public(master):
    open_to_others(master)


def web(master, *options, **keys):
    """A group of another user's workers, so that everybody may connect."""
    return {"web": {"cmd": master.probe(*options), "ack_timeout": 0, "uid": "nobody", **keys}}


def running_as(user, program, *args, **popen):
    """Starts a Python program of that user."""
    return subprocess.Popen([sys.executable, "-c", program, *map(str, args)], user=user, group=user, extra_groups=[],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **popen)


@contextlib.contextmanager
def holding(master, user, program, *args):
    """Runs a program that says "held" when it has done its worst, and stays until the end of the block."""
    process = running_as(user, program, master.socket_path, *args)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


HALF_CLOSE = """
import contextlib, socket, sys
held = []
for _ in range(int(sys.argv[2])):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(20)
    peer.connect(sys.argv[1])
    peer.setblocking(False)
    with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        while True: peer.send(b'{"command":"help"}\\n' * 1000)
    with contextlib.suppress(OSError): peer.shutdown(socket.SHUT_WR)
    held.append(peer)
print("held", flush=True)
sys.stdin.read()
"""


def kill_and_await(master, pid, place=0):
    """Kills a worker, and returns after how many seconds there is another."""
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    eventually(lambda: {w["pid"] for w in master.status()["groups"][place]["workers"] if w["state"] == "ready"} - {pid})
    return time.monotonic() - began


def test_half_closed_connections_of_a_stranger_take_no_descriptors(master):
    start_groups(master, **web(master, restart="always"), wrapper=["prlimit", "--nofile=256:256"])
    before = len(open_files(master.pid))
    with holding(master, STRANGER, HALF_CLOSE, 243):
        eventually(lambda: len(open_files(master.pid)) <= before + 2)
        kill_and_await(master, master.pids()[0])
        assert master.answers()
    assert "have to wait" not in master.log()
    master.stop()


HOARD = """
import os, socket, time
held = []
for _ in range(200):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(os.environ["EINHORN_SOCK_PATH"])
    held.append(peer)
open(os.environ["HELD"], "w").close()
time.sleep(1000)
"""


def test_a_worker_of_another_user_holds_so_many_connections_and_no_more(master):
    """And neither the operator nor another user's worker is kept out."""
    held = master.reports / "held"
    hoarder = python(master.dir / "hoarder", HOARD)
    other = {"cmd": master.probe("--ack", "manual"), "uid": STRANGER, "gid": STRANGER, "ack": "manual", "ack_timeout": 20,
             "restart": "always"}
    spawn_groups(master, web={"cmd": ["/usr/bin/env", f"HELD={held}", str(hoarder)], "uid": "nobody",
                              "ack_timeout": 0, "stop_signal": "TERM"}, other=other, wrapper=["prlimit", "--nofile=256:256"])
    eventually(held.exists)
    master.wait_log(f"refused process .* of user {NOBODY.pw_uid}: too many connections of this user: there are 68 already")
    assert 68 <= sum(1 for path in open_files(master.pid).values() if path.startswith("socket:")) <= 80
    [worker] = eventually(lambda: [w["pid"] for w in master.status()["groups"][1]["workers"] if w["state"] == "ready"])
    kill_and_await(master, worker, place=1)
    master.stop()


@pytest.mark.parametrize("limit", [40, 50, 64])
def test_clients_that_connect_and_go_keep_nobody_out_where_descriptors_are_few(master, limit):
    master.start("--ack-mode", "0", wrapper=["prlimit", f"--nofile={limit}:{limit}"])
    for _ in range(3):
        gone = [socket.socket(socket.AF_UNIX) for _ in range(80)]
        for peer in gone:
            peer.connect(str(master.socket_path))
        for peer in gone:
            peer.close()
        began = time.monotonic()
        assert master.answers()
        assert time.monotonic() - began < 2
    kill_and_await(master, master.pids()[0])
    master.stop()


@pytest.mark.skipif(SANITIZED, reason="the sanitizers need descriptors themselves")
def test_out_of_descriptors_is_logged_when_it_begins_and_when_it_ends(master):
    master.start("--ack-mode", "0")
    restore = leave_descriptors(master.pid, 0)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for peer in waiting:
        peer.connect(str(master.socket_path))
    master.wait_log("clients have to wait: (accept: Too many open files|so few descriptors are left)")
    time.sleep(1)  # nothing more is said meanwhile
    restore()
    assert master.answers()
    master.wait_log(r"no client has to wait any more; it happened \d+ times")
    assert len(re.findall("control socket: ", master.log())) == 2
    for peer in waiting:
        peer.close()
    master.stop()


@pytest.mark.bounded(120)
def test_a_client_that_has_ended_and_does_not_read_is_dropped(master):
    master.start("--ack-mode", "0")
    with master.connect() as control:
        control.send_raw(b'{"command":"help"}\n' * 300)
        control.socket.shutdown(socket.SHUT_WR)
        master.wait_log("dropped process .*: it has not read its last answer for 30 s", timeout=60)
    assert master.answers()
    master.stop()


@pytest.mark.bounded(180)
def test_a_client_that_has_ended_and_reads_on_gets_its_last_answer(master):
    master.script("app", *master.probe("--ack", "manual"))
    master.start("-m", "--ack-timeout", "0", program=[master.dir / "app"])
    master.script("app", *master.probe())
    with master.connect(timeout=150) as control:
        control.send_raw(b'{"command":"help"}\n' * 300 + b'{"command":"upgrade","id":1}\n')
        control.socket.shutdown(socket.SHUT_WR)
        [new] = eventually(lambda: master.pids("starting"))  # meanwhile answers wait in the master
        for _ in range(300):
            control.line()
        began = master.status()["master"]["uptime_s"]
        eventually(lambda: master.status()["master"]["uptime_s"] > began + 32, 120)
        assert master.request("worker:ack", pid=new)["ok"]
        assert control.finish(1)["ok"]
    master.stop()


@pytest.mark.skipif(SANITIZED, reason="the sanitizers do not work under strace")
def test_acks_of_many_groups_look_up_no_process(master):
    trace = master.dir / "trace"
    groups = {f"g{n}": {"cmd": master.probe("--ack", "manual"), "uid": "nobody", "ack": "manual", "ack_timeout": 60}
              for n in range(100)}
    spawn_groups(master, **groups, wrapper=["strace", "-D", "-e", "trace=openat", "-o", trace])
    eventually(lambda: all(group["ready"] == 1 for group in master.status()["groups"]), 60)
    master.stop()
    assert not re.findall(r'"/proc/\d+/stat"', trace.read_text())


FLOOD = """
import socket, sys
print("held", flush=True)
while True:
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(sys.argv[1])
        peer.send(b'{"command":"worker:ack"}\\n' * 100)
    except OSError: pass
    peer.close()
"""


@pytest.mark.bounded(180)
def test_a_flood_of_strangers_delays_no_replacement(master):
    start_groups(master, **web(master, numprocesses=4, restart="always"),
                 **{f"g{n}": {"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM"} for n in range(200)})

    # Connected before: the flood leaves no place in the backlog to those who do not wait for one.
    operator = master.connect()

    def ready():
        workers = operator.request("status", "web")["data"]["groups"][0]["workers"]
        return [w["pid"] for w in workers if w["state"] == "ready"]

    def delay():
        seen = set(master.reports.glob("*.json"))
        os.kill(eventually(lambda: len(ready()) == 4 and ready()[0]), signal.SIGKILL)
        began = time.monotonic()
        eventually(lambda: set(master.reports.glob("*.json")) - seen)
        return time.monotonic() - began
    with operator:
        calm = statistics.median(delay() for _ in range(9))
        with holding(master, STRANGER, FLOOD):
            for _ in range(5):  # the machine may be busy
                delays = [delay() for _ in range(9)]
                if statistics.median(delays) < 0.05 * SLOWNESS + 3 * calm:
                    break
            else:
                pytest.fail(f"{delays}, without the flood {calm}")
    master.stop()


ONCE = """
import contextlib, socket, sys
for _ in range(int(sys.argv[2])):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(sys.argv[1])
    with contextlib.suppress(OSError): peer.send(b'{"command":"die"}\\n')
    with contextlib.suppress(OSError):
        while peer.recv(4096): pass
print("held", flush=True)
"""


def test_one_stranger_does_not_hide_another_in_the_log(master):
    start_groups(master, **web(master))
    with holding(master, STRANGER, ONCE, 100), holding(master, ANOTHER, ONCE, 1):
        master.wait_log(f"refused process .* of user {ANOTHER}: permission denied")
    assert len(re.findall(f"refused process .* of user {STRANGER}", master.log())) <= 20
    assert f"further refusals of user {STRANGER} are not logged" in master.log()
    master.stop()


def test_the_client_of_a_stranger_says_that_he_may_not(master):
    start_groups(master, **web(master))
    for _ in range(10):
        result = subprocess.run([CTL, "-d", str(master.socket_path), "upgrade"], user=STRANGER, group=STRANGER,
                                extra_groups=[], capture_output=True, text=True, timeout=20)
        assert (result.returncode, result.stdout) == (1, "")
        assert "permission denied" in result.stderr
    master.stop()


def test_a_child_of_a_worker_acks_for_it_and_another_process_of_that_user_does_not(master):
    answer = master.reports / "answer"
    ask = ("import os,socket; s=socket.socket(socket.AF_UNIX); s.connect(os.environ['EINHORN_SOCK_PATH']); "
           "s.send(b'{\"command\":\"worker:ack\"}\\n'); print(s.makefile().readline(), end='')")
    worker = python(master.dir / "worker", f"""
import os, subprocess, sys, time
if os.fork() == 0:
    said = subprocess.run([sys.executable, "-c", {ask!r}], capture_output=True, text=True).stdout
    with open("{answer}.new", "w") as out: out.write(said)
    os.rename("{answer}.new", "{answer}")
    os._exit(0)
time.sleep(1000)
""")
    spawn_groups(master, web={"cmd": [str(worker)], "uid": "nobody", "ack": "manual", "ack_timeout": 20, "stop_signal": "TERM"})
    assert eventually(lambda: answer.exists() and answer.read_text()) == '"Acknowledged!"\n'
    assert master.group()["ready"] == 1
    other = subprocess.run([sys.executable, "-c", ask.replace("s.send(b", "s.send(b'' or b")], user=NOBODY.pw_uid,
                           group=NOBODY.pw_gid, extra_groups=[], capture_output=True, text=True, timeout=20,
                           env={"EINHORN_SOCK_PATH": str(master.socket_path)})
    assert "permission denied" in other.stdout or "BrokenPipe" in other.stderr
    master.wait_log(f"refused process .* of user {NOBODY.pw_uid}: permission denied")
    master.stop()


# In a pid namespace of its own: there the next pid can be chosen.
REUSE = """
import json, os, signal, socket, subprocess, sys, time
master_program, path, config = sys.argv[1:4]
master = subprocess.Popen([master_program, "-d", path, "--config", config], stdin=subprocess.DEVNULL)
def ask(command):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(json.dumps({"id": 1, "command": command}).encode() + b"\\n")
        return json.loads(peer.makefile().readline())["data"]
def workers():
    try: return ask("status")["groups"][0]["workers"]
    except OSError: return []
def eventually(deed):
    for _ in range(2000):
        value = deed()
        if value: return value
        time.sleep(0.01)
    sys.exit("too late")
[old] = eventually(workers)
operator = socket.socket(socket.AF_UNIX)
operator.connect(path)
operator.sendall(b'{"command":"ehlo"}\\n')
operator.recv(4096)
master.send_signal(signal.SIGSTOP)
operator.sendall(b'{"command":"inc"}\\n')
crowd = [socket.socket(socket.AF_UNIX) for _ in range(100)]
for peer in crowd: peer.connect(path)
reader, writer = os.pipe()
thief = os.fork()
if thief == 0:
    os.setresgid(12345, 12345, 12345)
    os.setresuid(12345, 12345, 12345)
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(path)
    peer.send(b'{"command":"worker:ack"}\\n')
    if os.fork(): os._exit(0)
    os.write(writer, peer.recv(4096) or b"closed")
    os._exit(0)
os.waitpid(thief, 0)
with open("/proc/sys/kernel/ns_last_pid", "w") as last: last.write(str(thief - 1))
master.send_signal(signal.SIGCONT)
operator.recv(4096) # not before that: a helper thread for the answer might take the pid
[fresh] = eventually(lambda: [w for w in workers() if w["pid"] != old["pid"]])
print(json.dumps({"same": fresh["pid"] == thief, "state": fresh["state"], "answer": os.read(reader, 4096).decode()}))
master.send_signal(signal.SIGTERM)
master.wait()
"""


@pytest.mark.skipif(not can_unshare(), reason="needs namespaces")
def test_a_process_that_had_the_pid_of_a_worker_does_not_ack_for_it(master):
    config = write_groups(master, {"web": {"cmd": ["/bin/sleep", "1000"], "uid": "nobody", "ack": "manual", "ack_timeout": 60,
                                           "start_immediate": True, "stop_signal": "TERM"}})
    def attempt():
        result = subprocess.run(["unshare", "-m", "-p", "-f", "--mount-proc", sys.executable, "-c", REUSE, MASTER,
                                 str(master.socket_path), str(config)], env=master.environment(), capture_output=True,
                                text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)
    # Something else in the master may take the pid that the worker is to have.
    said = next((one for one in (attempt() for _ in range(30)) if one["same"]), None)
    assert said, "no worker has got the pid"
    assert said["state"] == "starting" and "permission denied" in said["answer"], said
