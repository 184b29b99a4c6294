# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 9: no connection is lost, whether accepted or queued, under load and during all kinds of changes.

The load generator opens a connection for every request, and a request that was refused, reset or closed before
its reply counts as lost.
"""

import ctypes
import os
import shutil
import signal
import socket
import sys

import pytest

from harness import HTTP_WORKER, PATIENCE, connect_to, eventually, load_result, parse_reply, read_all

GUNICORN = "/usr/bin/gunicorn"


def under_load(master, change, times, requests, target=None, clients=32):
    """Calls change(n) for n = 0, 1, ... for as long as the load lasts: until `requests` were made and `times` changes
    as well. Checks that nothing was lost and returns what the load generator tells.
    """
    done = master.dir / "done"
    load = master.load("--clients", clients, "--requests", requests, "--seconds", 280, "--until-file", done,
                       target=target or master.address())
    try:
        count = 0
        while load.poll() is None:
            change(count)
            count += 1
            if count == times:
                done.touch()
        result = load_result(load)
    finally:
        load.kill()
    assert result["lost"] == 0, result
    assert result["ok"] >= requests and count >= times, (count, result)
    return result


def upgraded(master, command="upgrade"):
    reply = master.request(command)
    assert reply["ok"], reply["message"]


@pytest.mark.bounded(300)
def test_fifty_upgrades_and_resizes_lose_nothing(master):
    master.start("-m", "-n", "4", "-b", "127.0.0.1:0", program=[HTTP_WORKER])

    def change(n):
        upgraded(master, "upgrade_fleet" if n % 5 == 4 else "upgrade")
        if n % 3 == 0:
            assert master.request("inc")["ok"]
        if n % 3 == 1:
            assert master.request("dec")["ok"]
        if n % 10 == 9:
            assert master.request("set_workers", 2 + n % 7)["ok"]
    result = under_load(master, change, times=50, requests=100_000)
    assert result["generations"] > 40, "the generations have served one after the other"
    eventually(lambda: not master.pids("stopping", "starting"))
    master.stop()


@pytest.mark.bounded(200)
@pytest.mark.parametrize("bind, target", [("127.0.0.1:0,r,n", None), ("[::1]:0", None), ("{dir}/a.sock", None),
                                          ("unix:@{mark}", "@{mark}")])
def test_every_kind_of_stream_socket(master, bind, target):
    fill = {"dir": master.dir, "mark": master.mark}
    master.start("-m", "-n", "2", "-b", bind.format(**fill), program=[HTTP_WORKER])

    under_load(master, lambda n: upgraded(master, ["upgrade", "upgrade_fleet"][n % 2]), times=10, requests=10_000,
               target=target and target.format(**fill))
    master.stop()


@pytest.mark.bounded(200)
def test_slow_replies_are_waited_for(master):
    master.start("-m", "-n", "2", "-b", "127.0.0.1:0", program=[HTTP_WORKER, "--slow", "0.05"])

    under_load(master, lambda _: upgraded(master), times=10, requests=3_000)
    master.stop()


@pytest.mark.bounded(200)
def test_broken_upgrades_lose_nothing(master):
    master.script("app", HTTP_WORKER)
    master.start("-m", "-n", "2", "-s", "0.01", "-b", "127.0.0.1:0", program=[master.dir / "app"])
    old = master.pids()

    def change(n):
        assert not master.request(["upgrade", "upgrade_fleet"][n % 2])["ok"]
    master.script("app", HTTP_WORKER, "--crash-before-ack", "3")
    under_load(master, change, times=2, requests=10_000)
    eventually(lambda: master.pids() == old) # what the abort has stopped may still be going
    master.stop()


def test_kill_of_idle_workers_loses_nothing_that_is_queued(master):
    # Stopped, the workers accept nothing: what connects now waits in the socket when they are killed.
    master.start("-m", "-n", "3", "-b", "127.0.0.1:0", program=[HTTP_WORKER])
    address, old = master.address(), master.pids()
    for pid in old:
        os.kill(pid, signal.SIGSTOP)
    peers = [connect_to(address) for _ in range(50)]
    for peer in peers:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    for peer in peers:
        assert int(parse_reply(read_all(peer))["X-Worker-Pid"]) not in old
        peer.close()
    master.stop()


@pytest.mark.bounded(200)
def test_kill_of_an_idle_worker_under_load_of_the_others(master):
    # The victim serves only the second listener, where nobody asks, so it is idle under load.
    code = ("import os,sys\nif os.environ['EINHORN_CHILD_INDEX'] == '0':\n"
            "    os.environ['LISTEN_PID'] = '0'; os.environ['EINHORN_FD_COUNT'] = '0'\n"
            "os.execv(sys.argv[1], sys.argv[1:])\n")
    master.start("-m", "-n", "3", "-b", "127.0.0.1:0", program=[sys.executable, "-c", code, HTTP_WORKER])

    def change(_):
        [victim] = [w for w in master.workers("ready") if w["index"] == 0]
        os.kill(victim["pid"], signal.SIGKILL)
        eventually(lambda: any(w["index"] == 0 and w["pid"] != victim["pid"] for w in master.workers("ready")))
    under_load(master, change, times=10, requests=10_000)
    master.stop()


# A timer would say only that a gunicorn is old enough: one that gets its TERM while it forks a worker loses what that
# worker accepts. It acks when both of its workers have installed their handlers.
GUNICORN_CONFIG = '''
import json, os, socket

def post_worker_init(worker):
    booted = os.open(f"booted.{worker.ppid}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.write(booted, b"x")
    if os.fstat(booted).st_size == worker.cfg.workers:
        with socket.socket(socket.AF_UNIX) as master:
            master.connect(os.environ["EINHORN_SOCK_PATH"])
            master.sendall(json.dumps({"command": "worker:ack", "pid": worker.ppid}).encode() + b"\\n")
            master.recv(100)
    os.close(booted)
'''


@pytest.mark.bounded(400)
@pytest.mark.skipif(not shutil.which(GUNICORN), reason="needs gunicorn from Debian")
def test_gunicorn_unmodified(master):
    (master.dir / "app.py").write_text(
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '3')])\n"
        "    return [b'hi\\n']\n")
    (master.dir / "gunicorn.conf.py").write_text(GUNICORN_CONFIG)
    master.start("-m", "-n", "2", "--stop-signal", "TERM", "-b", "127.0.0.1:0",
                 program=[GUNICORN, "--workers", "2", "--log-level", "warning", "app:app"])

    def change(n):
        upgraded(master, ["upgrade", "upgrade_fleet"][n % 2])
        assert master.request(["inc", "dec"][n % 2])["ok"]
    under_load(master, change, times=50, requests=100_000)
    # One that gets its TERM while it boots, after the last change, ends only after its own --graceful-timeout.
    master.signal(signal.SIGTERM)
    assert master.wait_exit(100) == 0


STDLIB_SERVER = '''
import http.server, json, os, signal, socket

class handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hi\\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Worker-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

stop = False
def on_usr2(*_):
    global stop
    stop = True
signal.signal(signal.SIGUSR2, on_usr2)

server = http.server.HTTPServer(("", 0), handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(os.environ["EINHORN_FD_0"]))
server.timeout = 0.1

control = socket.socket(socket.AF_UNIX)
control.connect(os.environ["EINHORN_SOCK_PATH"])
control.sendall(b'{"command":"worker:ack", "pid":%d}\\n' % os.getpid())
control.close()

while not stop:
    server.handle_request()
'''


@pytest.mark.bounded(400)
def test_python_standard_library_server(master):
    path = master.dir / "server.py"
    path.write_text(STDLIB_SERVER)
    master.start("-m", "-n", "3", "-b", "127.0.0.1:0,r,n", program=["/usr/bin/python3", path])

    def change(n):
        upgraded(master, ["upgrade", "upgrade_fleet"][n % 2])
        assert master.request(["inc", "dec"][n % 2])["ok"]
    result = under_load(master, change, times=50, requests=100_000)
    assert result["workers"] > 20
    master.stop()


def test_new_connections_meet_the_new_generation_after_upgrade_done(master):
    master.start("-m", "-n", "3", "-b", "127.0.0.1:0", program=[HTTP_WORKER])
    address = master.address()
    for generation in range(2, 6):
        upgraded(master)
        eventually(lambda: not master.pids("stopping"))
        for _ in range(10):
            assert master.get(address)["X-Worker-Generation"] == str(generation)
    master.stop()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_accepted_connection_is_served_by_the_old_worker(master):
    master.start("-m", "-b", "127.0.0.1:0", program=[HTTP_WORKER, "--slow", "0.5"])
    [old] = master.pids()
    eventually(lambda: descriptors(old) == 4, what="the connection of the ack is closed")
    with connect_to(master.address()) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: descriptors(old) == 5, what="the old worker has accepted")
        upgraded(master)
        assert int(parse_reply(read_all(peer))["X-Worker-Pid"]) == old
    master.wait_ready()
    master.stop()


def test_long_connection_outlives_upgrades(master):
    master.start("-m", "-b", "127.0.0.1:0", program=[HTTP_WORKER])
    [old] = master.pids()
    eventually(lambda: descriptors(old) == 4, what="the connection of the ack is closed")
    with connect_to(master.address()) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")  # half a request
        eventually(lambda: descriptors(old) == 5, what="the old worker has accepted")
        for _ in range(3):
            upgraded(master)
        assert old in master.pids("stopping")
        peer.sendall(b"\r\n")
        assert int(parse_reply(read_all(peer))["X-Worker-Pid"]) == old
    master.wait_ready()
    master.stop()


def test_udp_datagrams_stay_in_the_queue(master):
    # A worker that reads nothing: the datagrams are in the socket, whoever holds it.
    master.start("--ack-mode", "0", "-b", "udp:127.0.0.1:0")
    host, _, port = master.first_report().fd(3)["address"].partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for n in range(20):
            sender.sendto(b"%d" % n, (host, int(port)))
    upgraded(master)
    pid = master.pids("ready")[0]
    pidfd = os.pidfd_open(pid)
    copy = ctypes.CDLL(None, use_errno=True).syscall(438, pidfd, 3, 0)  # pidfd_getfd
    os.close(pidfd)
    if copy < 0:
        pytest.skip("pidfd_getfd is not allowed here")
    with socket.socket(fileno=copy) as queue:
        queue.settimeout(PATIENCE)
        assert [queue.recv(99) for _ in range(20)] == [b"%d" % n for n in range(20)]
    master.stop()
