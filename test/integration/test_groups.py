# SPDX-License-Identifier: GPL-3.0-or-later
"""Several groups in one master (SPEC section 6): independence, and commands to one or all of them."""

import signal
import socket
import time

import pytest

from groups import Groups, group_text, groups  # noqa: F401 (a fixture)
from harness import HTTP_WORKER, connect_to, eventually, free_port


def test_each_group_has_its_own_workers(groups):
    groups.start(group_text("web1", groups.probe(), numprocesses=2) + group_text("web2", groups.probe(), numprocesses=3))
    assert [g["name"] for g in groups.status()["groups"]] == ["web1", "web2"]
    assert len(groups.pids("web1")) == 2 and len(groups.pids("web2")) == 3
    assert not set(groups.pids("web1")) & set(groups.pids("web2"))
    groups.stop()


def test_commands_take_a_group(groups):
    groups.start(group_text("web1", groups.probe()) + group_text("web2", groups.probe()))
    [other] = groups.pids("web2")
    assert groups.ctl("inc", "web1").returncode == 0
    groups.wait_ready()
    assert len(groups.pids("web1")) == 2
    before = groups.pids("web1")
    assert groups.ctl("upgrade", "web1").returncode == 0
    groups.wait_ready()
    assert not set(before) & set(groups.pids("web1"))
    assert groups.request("stop", "web1")["ok"]
    eventually(lambda: groups.of("web1")["state"] == "stopped")
    assert groups.pids("web2") == [other]
    table = groups.ctl("status", "web2").stdout
    assert "web2: running" in table and "web1" not in table
    wrong = groups.ctl("upgrade", "web3")
    assert wrong.returncode == 1 and "no group is called 'web3' (did you mean 'web1'?)" in wrong.stdout + wrong.stderr
    groups.stop()


def test_upgrade_of_all_leaves_stopped_groups_alone(groups):
    groups.start(group_text("web1", groups.probe()) + group_text("web2", groups.probe()))
    [before] = groups.pids("web1")
    assert groups.request("stop", "web2")["ok"]
    eventually(lambda: groups.of("web2")["state"] == "stopped")
    done = groups.request("upgrade")
    assert done["ok"], done
    assert "web2: left alone: stopped" in done["progress"][0]["message"]
    assert groups.pids("web1") != [before] and groups.pids("web2") == []
    refused = groups.request("upgrade", "web2")
    assert not refused["ok"] and "'start' begins it again" in refused["message"]
    assert groups.request("start", "web2")["ok"]
    groups.wait_ready()
    groups.stop()


def test_a_group_that_cannot_start_does_not_stop_the_others(groups):
    program = groups.dir / "late"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        groups.start(group_text("good", groups.probe())
                     + group_text("missing", [str(program)])
                     + group_text("taken", groups.probe(), socket_address=[f"127.0.0.1:{port}"]), only=["good"])
        assert "no such" in groups.of("missing")["trouble"].lower()
        assert str(port) in groups.of("taken")["trouble"]
        assert "missing" in groups.log() and f"127.0.0.1:{port}" in groups.log()
        table = groups.ctl("status").stdout
        assert table.count("cannot be started") == 2
        again = groups.request("start", "taken")
        assert not again["ok"] and str(port) in again["message"]
        [pid] = groups.pids("good")
        assert groups.request("reload")["ok"]
        assert groups.pids("good") == [pid] and str(port) in groups.of("taken")["trouble"]
    program.symlink_to(HTTP_WORKER)
    answer = groups.request("start")
    assert answer["ok"], answer
    eventually(lambda: groups.of("missing")["ready"] == 1 and groups.of("taken")["ready"] == 1)
    assert groups.of("taken")["trouble"] is None
    groups.stop()


def test_a_path_that_is_taken_is_named_once(groups):
    path = groups.dir / "taken"
    path.write_text("precious")
    groups.write(group_text("one", groups.probe(), socket_address=[str(path)]))
    result = groups.run("--config", groups.file, program=[])
    assert result.returncode == 1
    assert f"one: {path} exists and is not a socket" in result.stderr and result.stderr.count(str(path)) == 1
    assert path.read_text() == "precious"


def test_no_group_can_start(groups):
    groups.write(group_text("one", ["/nowhere/a"]) + group_text("two", ["/nowhere/b"]))
    result = groups.run("--config", groups.file, program=[])
    assert result.returncode == 1
    assert "/nowhere/a" in result.stderr and "/nowhere/b" in result.stderr
    assert "no group can be started" in result.stderr
    assert not groups.socket_path.exists()


def test_troubles_of_one_group_are_not_those_of_another(groups):
    """One crashes at once, one hangs before its ack, one is upgraded without end; the fourth serves as if it were alone."""
    port = free_port()
    groups.start(
        group_text("good", [HTTP_WORKER], ack="manual", numprocesses=2, socket_address=[f"127.0.0.1:{port}"])
        + group_text("crashes", ["/bin/false"], seconds=0)
        + group_text("hangs", ["/bin/sleep", "1000"], ack="manual", ack_timeout=1)
        + group_text("busy", ["/bin/sleep", "1001"], ack_timeout=0, numprocesses=4), only=["good", "busy"])
    before = groups.pids("good")
    load = groups.load("--clients", "4", "--requests", "3000", target=f"127.0.0.1:{port}")
    while load.poll() is None:
        assert groups.request("upgrade", "busy")["ok"]
    assert groups.load_result(load)["lost"] == 0
    assert groups.pids("good") == before
    assert groups.of("good")["last_death"] is None and groups.of("crashes")["last_death"]
    groups.stop()


@pytest.mark.bounded(180)
def test_five_hundred_groups(groups):
    text = "".join(group_text(f"g{n}", ["/bin/sleep", "1000"], ack_timeout=0, numprocesses=2) for n in range(500))
    groups.start(text)
    assert sum(len(g["workers"]) for g in groups.status()["groups"]) == 1000
    old = {w["pid"] for g in groups.status()["groups"] for w in g["workers"]}
    with groups.connect() as control:
        for n in range(500):
            assert control.request("upgrade", f"g{n}")["ok"]
    eventually(lambda: not any(w["pid"] in old for g in groups.status()["groups"] for w in g["workers"]))
    [first, *_] = groups.status()["groups"]
    assert first["generation"] == 2
    groups.stop()


def test_upgrade_of_one_group_does_not_wait_for_another(groups):
    groups.start(group_text("slow", groups.probe("--no-ack"), ack="manual", ack_timeout=0)
                 + group_text("quick", groups.probe(), ack_timeout=0), only=["quick"])
    with groups.connect() as waiting:
        waiting.send("upgrade", group="slow")
        assert waiting.reply()["wait"]
        began = time.monotonic()
        assert groups.request("upgrade", "quick")["ok"]
        assert time.monotonic() - began < 5
    groups.signal(signal.SIGKILL)


def test_signals_and_killall_of_one_group(groups):
    groups.start(group_text("web1", groups.probe()) + group_text("web2", groups.probe()))
    [one], [two] = groups.pids("web1"), groups.pids("web2")
    assert groups.request("signal", "USR1", group="web2")["ok"]
    groups.wait_signal(two, "USR1")
    assert "USR1" not in groups.signals_of(one)
    assert groups.request("killall", "web1")["ok"]
    eventually(lambda: groups.of("web1")["ready"] == 1 and groups.pids("web1") != [one])
    assert groups.pids("web2") == [two]
    groups.stop()


def test_reload_with_many_groups(groups):
    ports = [free_port() for _ in range(20)]
    groups.start("".join(group_text(f"g{n}", [HTTP_WORKER], ack="manual", socket_address=[f"127.0.0.1:{port}"])
                         for n, port in enumerate(ports)))
    before = [groups.pids(f"g{n}") for n in range(20)]
    for _ in range(3):
        assert groups.request("reload")["ok"]
    assert [groups.pids(f"g{n}") for n in range(20)] == before
    for port in ports:
        connect_to(f"127.0.0.1:{port}").close()
    groups.stop()
