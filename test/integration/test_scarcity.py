# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 9: without processes, descriptors, memory or disk space the master says so, keeps running, and retries."""

import fcntl
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness import MASTER, SANITIZED, can_unshare, eventually, is_root, leave_descriptors
from services import open_to_others, python, spawn_groups

UNUSED_USER = 61234  # nobody's, so that its number of processes is ours alone


@pytest.mark.skipif(not is_root(), reason="RLIMIT_NPROC needs another user")
def test_too_many_processes(master):
    master.dir.chmod(0o777)
    master.reports.chmod(0o777)
    user = UNUSED_USER + int(master.mark[:3], 16)

    def limit(soft):
        # As that user, because root may lack the capability for limits of others.
        code = "import resource,sys; resource.prlimit(int(sys.argv[1]), resource.RLIMIT_NPROC, (int(sys.argv[2]), 1000))"
        subprocess.run(["/usr/bin/python3", "-c", code, str(master.pid), str(soft)], check=True, timeout=20, user=user,
                       group=user, extra_groups=[])
    master.start("--ack-mode", "0", "-n", "8", "-r", "0", "-s", "0.05", user=user, group=user, extra_groups=[],
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000)))
    limit(9)
    before = master.pids()
    assert master.request("set_workers", 12)["ok"]
    master.wait_log("Resource temporarily unavailable")
    assert set(before) <= set(master.pids("ready")), "what runs is kept"
    assert master.process.poll() is None, "scarcity is no failure of the program: it does not give up"
    limit(1000)
    master.wait_ready(12, timeout=60)
    assert set(before) <= set(master.pids())
    assert len(master.log().splitlines()) < 60, "no loop of noise"
    master.stop()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_clone_fails_for_a_while(master):
    strace = ["strace", "-D", "-qq", "-e", "trace=clone3,clone,vfork,fork", "-e", "signal=none", "-o", master.dir / "trace",
              "-e", "inject=clone3,clone,vfork,fork:error=EAGAIN:when=1..3"]
    master.spawn("--ack-mode", "0", "-n", "2", "-r", "0", "-s", "0.05", wrapper=strace)
    master.wait_ready(2, timeout=60)
    assert "Resource temporarily unavailable" in master.log()
    assert master.group()["deaths_before_ack"] == 0
    master.stop()


def test_too_many_descriptors(master):
    master.start("--ack-mode", "0", "-n", "2")
    pids = master.pids()
    leave_descriptors(master.pid, 20)
    # More connections than descriptors: some wait in the queue, nobody is hurt.
    controls = [master.connect() for _ in range(60)]
    for control in controls:
        control.send("ehlo")
    served = [control for control in controls[:10]]
    for control in served:
        assert control.reply()["ok"]
    master.wait_log("Too many open files|descriptors")
    os.kill(pids[0], signal.SIGKILL)
    master.wait_log(f"worker {pids[0]} .*SIGKILL")
    for control in controls:
        control.close()
    master.wait_ready(2)
    assert pids[1] in master.pids()
    assert len(master.log().splitlines()) < 60, "no loop of noise"
    master.stop()


def test_connections_that_had_to_wait_are_served(master):
    master.start("--ack-mode", "0")
    leave_descriptors(master.pid, 10)
    controls = [master.connect() for _ in range(40)]
    for control in controls:
        control.send("ehlo")
    for control in controls:  # each that is served and closed makes room for one that waits
        assert control.reply()["ok"]
        control.close()
    master.stop()


@pytest.mark.parametrize("limit", [6, 20])
def test_too_few_descriptors_at_the_start(master, limit):
    options = ["--ack-mode", "0", "-b", "127.0.0.1:0", "-b", "127.0.0.1:0", "-b", "127.0.0.1:0"]
    result = subprocess.run(master.command(*options), env=master.environment(), capture_output=True, text=True, timeout=20,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    needed = re.search(rf"open files: at least (\d+) are needed for 1 worker.* hard limit is {limit}; .*LimitNOFILE", line)
    assert needed, line
    assert not master.socket_path.exists()
    # With as many an operator gets through, and those who have got there do not keep him out.
    enough = (int(needed[1]),) * 2
    master.start(*options, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, enough))
    idle = [master.connect() for _ in range(30)]
    assert master.answers()
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_ready()
    for control in idle:
        control.close()
    master.stop()


# Connects, hesitates, acks, and stays.
HESITATES = """
import os, socket, time
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect(os.environ["EINHORN_SOCK_PATH"])
    time.sleep(0.2)
    peer.sendall(b'{"command":"worker:ack"}\\n')
    peer.recv(100)
time.sleep(1000)
"""


@pytest.mark.skipif(not is_root(), reason="needs another user")
@pytest.mark.skipif(SANITIZED, reason="the sanitizers need descriptors themselves")
def test_no_worker_is_judged_by_an_ack_that_could_not_be_heard(master):
    open_to_others(master)
    spawn_groups(master, web={"cmd": [str(python(master.dir / "hesitates", HESITATES))], "numprocesses": 24, "uid": "nobody",
                              "ack": "manual", "ack_timeout": 5, "restart": "always", "stop_signal": "TERM",
                              "stdout_log": f"size:1000000:1:{master.dir}/out"}, wrapper=["prlimit", "--nofile=56:56"])
    master.wait_ready(24, timeout=60)
    assert "clients have to wait" in master.status()["master"]["trouble"]
    log = master.log()
    assert "has not acked" not in log and "refused" not in log and log.count("have to wait") == 1
    master.stop()


def test_workers_get_the_limit_that_the_master_was_given(master):
    master.start("--ack-mode", "0", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4000)))
    assert master.first_report().nofile == 300
    master.stop()


@pytest.mark.skipif(not can_unshare(), reason="needs private mount namespaces")
def test_full_file_system_for_the_pidfile(master):
    disk = master.dir / "disk"
    disk.mkdir()
    shell = ('mount -t tmpfs -o size=4k,nr_inodes=50 none "$1" && { head -c 8192 /dev/zero > "$1/fill"; true; }; '
             'd="$1"; shift; "$@"; code=$?; ls -A "$d"; exit $code')
    result = subprocess.run(["unshare", "-m", "sh", "-c", shell, "sh", disk,
                             *master.command("-e", disk / "pid", "-b", master.dir / "a.sock")],
                            env=master.environment(), capture_output=True, text=True, timeout=30)
    assert result.returncode == 1
    line = [text for text in result.stderr.splitlines() if "einhyrningsins" in text]
    assert len(line) == 1 and "No space left" in line[0] and str(disk / "pid") in line[0], result.stderr
    assert result.stdout.split() == ["fill"], "no torn pid file is left"
    assert not (master.dir / "a.sock").exists() and not master.socket_path.exists()


def test_full_file_system_for_the_log(master):
    with open("/dev/full", "w") as full:
        master.start("--ack-mode", "0", "-n", "2", "-v", stderr=full)
    assert master.request("upgrade")["ok"]
    master.wait_ready()
    os.kill(master.pids()[0], signal.SIGKILL)
    eventually(lambda: master.group()["last_death"])
    master.wait_ready()
    master.stop()


def test_log_that_nobody_reads_never_stops_the_master(master):
    read_end, write_end = os.pipe()
    fcntl.fcntl(read_end, 1031, 4096)  # F_SETPIPE_SZ
    master.start("--ack-mode", "0", "-v", "-n", "20", stderr=write_end)
    flags = fcntl.fcntl(write_end, fcntl.F_GETFL)
    os.close(write_end)
    assert not flags & os.O_NONBLOCK, "workers share that description: it must stay blocking"
    for _ in range(60):
        assert master.request("restart")["ok"]
        eventually(lambda: (g := master.group())["state"] == "running" and g["ready"] == 20)
    # It moves again: the number of dropped lines is told.
    os.set_blocking(read_end, False)
    text = ""

    def told():
        nonlocal text
        try:
            text += os.read(read_end, 65536).decode()
        except BlockingIOError:
            pass
        return re.search(r"\d+ .*dropped|dropped \d+", text)
    eventually(told)
    assert all(len(line) < 1000 for line in text.splitlines())
    master.stop()
    os.close(read_end)


def test_log_whose_reader_has_gone(master):
    read_end, write_end = os.pipe()
    master.start("--ack-mode", "0", "-v", stderr=write_end)
    os.close(write_end)
    os.close(read_end)
    for _ in range(3):
        assert master.request("upgrade")["ok"]
    master.wait_ready()
    master.stop()


def resting_descriptors(pid):
    """How many there are when nothing is under way: the master may not have seen yet that a client has gone."""
    counts = []

    def settled():
        counts.append(len(os.listdir(f"/proc/{pid}/fd")))
        return len(counts) > 10 and len(set(counts[-10:])) == 1
    eventually(settled)
    return counts[-1]


def test_memory_does_not_grow_with_deaths(master):
    master.start("--ack-mode", "0", "-q", "-n", "20")

    def kill_all(times):
        for round in range(times):
            if round % 5 == 0:  # not the quick deaths in a row that are slowed down
                eventually(lambda: min(worker["age_s"] for worker in master.workers()) >= 1)
            old = master.pids()
            assert master.request("killall")["ok"]
            eventually(lambda: not set(old) & set(master.pids()) and len(master.pids("ready")) == 20)

    def private():
        text = open(f"/proc/{master.pid}/smaps_rollup").read()
        return sum(map(int, re.findall(r"Private_Dirty: +(\d+) kB", text)))
    kill_all(10)
    before, fds = private(), resting_descriptors(master.pid)
    kill_all(30)
    assert private() - before < 64, "kB"
    eventually(lambda: len(os.listdir(f"/proc/{master.pid}/fd")) <= fds, what="no descriptor is left over")
    master.stop()


# What a master copies for each generation, in pieces so large that each needs a mapping of its own.
LARGE = {f"LARGE_{n}": "x" * 131_050 for n in range(8)}


def without_memory(master):
    """The master is refused every new mapping, until its limit is lifted."""
    size = int(re.search(r"VmSize:\s+(\d+) kB", open(f"/proc/{master.pid}/status").read())[1]) * 1024
    resource.prlimit(master.pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
    return lambda: resource.prlimit(master.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.skipif(SANITIZED, reason="the sanitizers need the address space")
def test_an_upgrade_out_of_memory_goes_on_when_there_is_some(master):
    master.start("--ack-mode", "0", "-n", "2", "-s", "0.05", env=LARGE)
    old = master.pids()
    lift = without_memory(master)
    with master.connect() as control:
        asked = control.send("upgrade")
        master.wait_log("bad_alloc")
        assert set(old) <= set(master.pids("ready"))
        lift()
        assert control.finish(asked)["ok"]
    master.wait_ready()
    assert not set(old) & set(master.pids())
    assert len(master.log().splitlines()) < 100, "no loop of noise"
    master.stop()


@pytest.mark.skipif(SANITIZED, reason="the sanitizers need the address space")
def test_a_signal_that_fails_does_not_make_the_master_deaf(master):
    master.start("--ack-mode", "0", "-s", "0.05", "--reexec-as", MASTER, env=LARGE)
    lift = without_memory(master)
    master.signal(signal.SIGHUP)
    master.wait_log("bad_alloc")
    lift()
    [pid] = master.pids()
    os.kill(pid, signal.SIGKILL)
    master.wait_log(f"worker {pid} .*SIGKILL")
    master.wait_ready()
    master.signal(signal.SIGHUP)
    master.wait_log(", reloaded")
    eventually(lambda: master.answers() and master.group()["generation"] == 2)
    master.wait_ready()
    master.stop()


@pytest.mark.skipif(SANITIZED, reason="the sanitizers need the address space")
def test_without_any_memory_the_master_stays_and_recovers(master):
    """Clients that send half a line each take what there is, down to what a log line needs."""
    master.start("--ack-mode", "0", "-n", "4", "-s", "0.05")
    pids = master.pids()
    half = b'{"command":"status","id":"' + b"x" * 60_000
    lift = without_memory(master)
    clients = []
    for _ in range(300):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        clients.append(client)
        try:
            client.connect(str(master.socket_path))
            client.send(half)
        except (BlockingIOError, ConnectionError):
            pass
    os.kill(pids[0], signal.SIGKILL)
    end = time.monotonic() + 2  # it has to do with nothing for a while
    eventually(lambda: time.monotonic() > end)
    lift()
    for client in clients:
        client.close()
    assert master.process.poll() is None
    eventually(lambda: master.answers())
    eventually(lambda: pids[0] not in master.pids())
    master.wait_ready(4)
    assert set(pids[1:]) <= set(master.pids())
    master.stop()
