# SPDX-License-Identifier: GPL-3.0-or-later
"""A group that starts with its first client (SPEC 6, start_immediate): the master accepts and receives nothing."""

import socket

import pytest

from services import python, reload_master, spawn_groups, state
from harness import HTTP_WORKER, connect_to, eventually, parse_reply, read_all
from test_idle import settle, wakeups

WEB = {"cmd": [HTTP_WORKER, "--ack", "none"], "start_immediate": False, "stop_signal": "TERM"}

UDP_WORKER = """
import socket
peer = socket.socket(fileno=3)
while True:
    data, who = peer.recvfrom(1000)
    peer.sendto(b"echo " + data, who)
"""


def ask(address):
    """A request that is sent before anybody can have accepted the connection."""
    with connect_to(address) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return parse_reply(read_all(peer))


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "unix"])
def test_the_first_client_starts_the_group_and_is_served(master, address):
    if address == "unix":
        address = str(master.dir / "web.sock")
    spawn_groups(master, web=dict(WEB, socket_address=[address], numprocesses=2))
    assert state(master) == "waiting"
    assert master.group()["workers"] == [] and master.group()["waits_for"] == "its first client"
    assert ask(master.address())["body"] == "hello\n"
    master.wait_ready(2)
    assert state(master) == "running" and master.group()["waits_for"] is None
    master.stop()


def test_an_upgrade_of_a_waiting_group_is_refused(master):
    spawn_groups(master, web=dict(WEB, socket_address=["127.0.0.1:0"]),
                 job={"cmd": ["/bin/sleep", "1000"], "warmup_delay": 1000, "stop_signal": "TERM"})
    refused = master.request("upgrade", "web")
    assert not refused["ok"]
    assert refused["message"] == "web is waiting for its first client; 'start' begins at once"
    assert "job is waiting for the end of its warm-up; 'start'" in master.request("upgrade", "job")["message"]
    assert "job: stopping" not in (answer := master.request("restart", "job"))["message"]
    assert answer["message"] == "job: starting 1 worker"
    master.stop()


def test_any_of_several_listeners_counts(master):
    spawn_groups(master, web=dict(WEB, socket_address=["127.0.0.1:0", str(master.dir / "b.sock")]))
    assert ask(str(master.dir / "b.sock"))["body"] == "hello\n"
    assert ask(master.address(0))["body"] == "hello\n"
    master.stop()


def test_the_first_datagram_starts_the_group_and_is_received_by_it(master):
    program = python(master.dir / "udp", UDP_WORKER)
    spawn_groups(master, udp={"cmd": [str(program)], "start_immediate": False, "socket_address": ["udp:127.0.0.1:0"],
                              "stop_signal": "TERM"})
    assert state(master) == "waiting"
    host, _, port = master.address().removeprefix("udp ").rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(20)
        peer.sendto(b"hello", (host, int(port)))
        assert peer.recv(1000) == b"echo hello"
    master.stop()


def test_a_client_that_leaves_before_it_is_served_starts_it_too(master):
    spawn_groups(master, web=dict(WEB, socket_address=["127.0.0.1:0"]))
    connect_to(master.address()).close()
    master.wait_ready(1)
    assert ask(master.address())["body"] == "hello\n"
    master.stop()


def test_other_groups_do_not_wait(master):
    spawn_groups(master, lazy=dict(WEB, socket_address=["127.0.0.1:0"]),
                 web=dict(WEB, socket_address=["127.0.0.1:0"], start_immediate=True))
    eventually(lambda: state(master, 1) == "running" and master.status()["groups"][1]["ready"] == 1)
    assert state(master, 0) == "waiting"
    master.stop()


def test_without_a_listener_it_starts_at_once(master):
    spawn_groups(master, job={"cmd": ["/bin/sleep", "1000"], "start_immediate": False, "stop_signal": "TERM"})
    master.wait_ready(1)
    master.stop()


def test_start_does_not_wait_for_a_client(master):
    spawn_groups(master, web=dict(WEB, socket_address=["127.0.0.1:0"]))
    assert master.request("start", "web")["ok"]
    master.wait_ready(1)
    assert ask(master.address())["body"] == "hello\n"
    master.stop()


def test_a_waiting_group_waits_on_after_a_reload(master):
    spawn_groups(master, web=dict(WEB, socket_address=["127.0.0.1:0"]))
    reload_master(master)
    assert state(master) == "waiting"
    assert ask(master.address())["body"] == "hello\n"
    master.stop()


def test_the_sockets_stay_as_they_are(master):
    """Waiting must not make a socket of the workers' non-blocking."""
    spawn_groups(master, web={"cmd": master.probe(), "start_immediate": False, "socket_address": ["127.0.0.1:0"]})
    connect_to(master.address()).close()
    master.wait_ready(1)
    assert not master.first_report().fd(3)["nonblock"]
    assert [each["fd"] for each in master.first_report().fds if each["fd"] > 2] == [3]
    master.stop()


def test_a_waiting_master_is_idle(master):
    spawn_groups(master, **{f"web{n}": dict(WEB, socket_address=["127.0.0.1:0"]) for n in range(20)})
    settle(master.pid)
    before = wakeups(master.pid)
    settle(master.pid)
    assert wakeups(master.pid) == before
    assert ask(master.status()["groups"][7]["listeners"][0]["address"])["body"] == "hello\n"
    states = [group["state"] for group in master.status()["groups"]]
    assert states.count("waiting") == 19 and states[7] == "running"
    master.stop()
