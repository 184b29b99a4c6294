# SPDX-License-Identifier: GPL-3.0-or-later
"""einhyrningsinsctl: one-shot, -e, --json, exit codes, the shell and the progress bar in a real terminal."""

import json
import os
import re
import socket
import subprocess
import threading

import pytest

from harness import CTL, eventually


@pytest.fixture
def running(master):
    return master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0")


def test_one_shot(running):
    result = running.ctl("ehlo")
    assert (result.returncode, result.stdout, result.stderr) == (0, "Hi there!\n", "")
    running.stop()


def test_status_is_a_table(running):
    result = running.ctl("status")
    assert result.returncode == 0 and result.stderr == ""
    assert "\x1b" not in result.stdout
    for heading in ("pid", "index", "generation", "state", "age", "restarts", "memory"):
        assert re.search(heading, result.stdout, re.IGNORECASE), heading
    rows = [line for line in result.stdout.splitlines() if any(str(pid) in line for pid in running.pids())]
    assert len(rows) == 2 and all("ready" in row and "B" in row for row in rows)
    assert running.address() in result.stdout and "probe_worker" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    running.stop()


def test_status_shows_the_upgrade(master):
    master.script("app", *master.probe("--ack", "manual"))
    master.start("-m", "-n", "2", program=[master.dir / "app"])
    master.script("app", *master.probe())
    with master.connect() as control:
        control.send("upgrade")
        [first, _] = eventually(lambda: (p := master.pids("starting")) and len(p) == 2 and p)
        master.request("worker:ack", pid=first)
        eventually(lambda: master.group()["upgrade"]["acked"] == 1)
        text = master.ctl("status").stdout
        assert "upgrad" in text and re.search(r"1\s*(of|/)\s*2", text)
    master.stop()


def test_json(running):
    result = running.ctl("--json", "status")
    assert result.returncode == 0
    reply = json.loads(result.stdout)
    assert reply["ok"] is True and reply["data"]["master"]["pid"] == running.pid
    result = running.ctl("--json", "upgrade")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0 and lines[-1]["ok"] and all(line.get("wait") for line in lines[:-1])
    result = running.ctl("--json", "set_workers", "0")
    assert result.returncode == 1 and json.loads(result.stdout)["ok"] is False
    running.stop()


def test_several_commands(running):
    result = running.ctl("-e", "inc; ehlo ;set_workers 4;")
    assert result.returncode == 0 and "Hi there!" in result.stdout
    running.wait_ready(4)
    running.stop()


def test_several_commands_of_which_one_fails(running):
    result = running.ctl("-e", "set_workers 0; ehlo")
    assert result.returncode == 1
    running.stop()


def test_config_on_the_command_line(running):
    assert running.ctl("config", '{"number": 3}').returncode == 0
    running.wait_ready(3)
    assert running.ctl("-e", 'config {"number": 1}').returncode == 0
    running.wait_ready(1)
    running.stop()


def test_refused(running):
    result = running.ctl("set_workers", "0")
    assert result.returncode == 1 and result.stderr + result.stdout
    running.stop()


@pytest.mark.parametrize("words", [["--nosuch"], ["-d"], ["--timeout", "x", "ehlo"], ["--jsno", "ehlo"]])
def test_wrong_command_line(words):
    result = subprocess.run([CTL, *words], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("einhyrningsinsctl: ")


@pytest.mark.parametrize("words", [["upgarde"], ["-e", "version; upgarde"]])
def test_unknown_command(running, words):
    """A wrong command line, whether or not there is a master: nothing is sent."""
    for _ in range(2):
        result = running.ctl(*words)
        assert result.returncode == 2 and result.stdout == ""
        assert "unknown command 'upgarde' (did you mean 'upgrade'?)" in result.stderr
        if running.answers():
            running.stop()


def test_help_and_version():
    result = subprocess.run([CTL, "--help"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0 and "--json" in result.stdout
    result = subprocess.run([CTL, "--version"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0 and re.fullmatch(r"einhyrningsinsctl \d+\.\d+\S*\n", result.stdout)


def test_no_master(master):
    result = master.ctl("ehlo")
    assert result.returncode == 3 and result.stdout == ""
    assert str(master.socket_path) in result.stderr


def test_other_masters_are_named(master):
    """But none of a name that could do harm in a terminal."""
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for one, name in zip(sockets, ("einhorn-web.sock", "einhorn-jobs.sock", "einhorn-\033.sock", "other.sock")):
        one.bind(str(master.dir / name))
    (master.dir / "einhorn-file.sock").touch()
    for name in ("einhorn.sock", "einhorn-web2.sock"):
        result = subprocess.run([CTL, "-d", str(master.dir / name), "ehlo"], capture_output=True, text=True, timeout=20)
        assert result.returncode == 3
        assert result.stderr.endswith(": No such file or directory; other masters here: -c jobs, -c web\n")
    for one in sockets:
        one.close()


def test_dead_socket(master):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(master.socket_path))
    result = master.ctl("ehlo")
    assert result.returncode == 3 and str(master.socket_path) in result.stderr


def test_socket_that_may_not_be_opened(running):
    if os.geteuid() != 0:
        pytest.skip("needs another user")
    running.dir.chmod(0o711)
    result = running.ctl("ehlo", user=65534, group=65534, extra_groups=[])
    assert result.returncode == 3 and "ermission" in result.stderr
    running.stop()


@pytest.fixture
def fake_master(master):
    """A socket that answers what the test says."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(master.socket_path))
    server.listen()
    yield server
    server.close()


def serve(server, *answers, close=True):
    def run():
        peer, _ = server.accept()
        peer.recv(65536)
        for answer in answers:
            peer.sendall(answer)
        if close:
            peer.close()
        else:
            peer.recv(1)
            peer.close()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_timeout(master, fake_master):
    serve(fake_master, close=False)
    result = master.ctl("--timeout", "0.3", "ehlo")
    assert result.returncode == 1 and "0.3" in result.stderr


def test_connection_that_is_closed_before_the_reply(master, fake_master):
    serve(fake_master)
    result = master.ctl("ehlo")
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("answer", [b"rubbish\n", b"\xff\xfe\0\n", b"[]\n", b'{"request_id":[]}\n', b"{\n",
                                    b'{"request_id":1,"ok":true,"message":"","data":{"groups":[1,{"workers":3}]}}\n'])
def test_rubbish_from_the_master(master, fake_master, answer):
    serve(fake_master, answer)
    result = master.ctl("status")
    assert result.returncode in (0, 1), result


@pytest.mark.parametrize("options", [["upgrade"], ["--json", "upgrade"]])
def test_a_master_cannot_tell_the_terminal_what_to_do(master, fake_master, options):
    """Another user's may be asked: whoever does that wants to see what it says, and no more."""
    evil = "a\x1b]0;owned\x07\x9b2J\rb\nc\x7f"
    replies = [{"request_id": 1, "message": evil, "ok": ok, "wait": not ok} for ok in (False, True)]
    serve(fake_master, *[json.dumps(reply, ensure_ascii=False).encode() + b"\n" for reply in replies])
    result = master.ctl(*options)
    assert result.returncode == 0, result
    assert all(c == "\n" or 0x20 <= ord(c) < 0x7f or ord(c) >= 0xa0 for c in result.stdout), result
    if "--json" in options:
        assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == [evil] * 2
    else:
        assert result.stdout == "a?]0;owned??2J?b\nc?\n" * 2


def test_upgrade_in_a_pipe_is_plain_lines(running):
    result = running.ctl("upgrade")
    assert result.returncode == 0 and result.stdout.splitlines()[-1].startswith("Upgrade done")
    assert "\r" not in result.stdout and "\x1b" not in result.stdout
    running.stop()


def test_upgrade_waits_longer_than_the_timeout_while_progress_comes(master):
    master.start("-m", "-n", "3", "--max-unacked", "1", program=master.probe("--ack", "manual", "--ack-delay", "0.5"))
    result = master.ctl("--timeout", "1", "upgrade")
    assert result.returncode == 0, result
    master.stop()


def test_commands_from_standard_input(running):
    result = subprocess.run([CTL, "-d", str(running.socket_path)], input="ehlo\ninc\n", capture_output=True,
                            text=True, timeout=20, env=running.environment())
    assert result.returncode == 0 and "Hi there!" in result.stdout
    running.wait_ready(3)
    running.stop()


def test_closed_standard_output(running):
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run([CTL, "-d", str(running.socket_path), "status"], stdout=write_end,
                             stderr=subprocess.PIPE, timeout=20, env=running.environment())
    os.close(write_end)
    assert process.returncode != 3
    running.stop()


# ---- In a terminal ----

def test_shell(running, terminal):
    terminal.start(CTL, "-d", running.socket_path)
    terminal.wait(r"> ?$")
    terminal.type("ehlo", "Enter")
    terminal.wait("Hi there!")
    terminal.type("set_w", "Tab")
    terminal.wait("set_workers")
    terminal.type("3", "Enter")
    running.wait_ready(3)
    terminal.type("", "Up", "Up", "Enter")
    eventually(lambda: terminal.screen().count("Hi there!") == 2)
    terminal.type("inc pr", "Tab")
    terminal.wait("inc probe_worker")
    terminal.type("", "C-c")
    terminal.type("status", "Enter")
    terminal.wait(str(running.pids()[0]))
    terminal.type("quit", "Enter")
    terminal.wait("exit=0")
    running.stop()


def test_shell_keeps_its_history(running, terminal):
    for expected in (1, 2):
        terminal.start(CTL, "-d", running.socket_path)
        terminal.wait(r"> ?$")
        terminal.type("ehlo", "Enter") if expected == 1 else terminal.type("", "Up", "Enter")
        terminal.wait("Hi there!")
        terminal.type("", "C-d")
        terminal.wait("exit=0")
        terminal.close()
    files = [p for p in running.dir.rglob("*hist*") if p.is_file()]
    assert files and all(p.stat().st_mode & 0o077 == 0 for p in files)
    running.stop()


def test_shell_survives_the_loss_of_the_master(running, other_master, terminal):
    terminal.start(CTL, "-d", running.socket_path)
    terminal.wait(r"> ?$")
    running.stop()
    terminal.type("ehlo", "Enter")
    terminal.wait("no master|not answer|No such file")
    other_master.socket_path = running.socket_path
    other_master.start("--ack-mode", "0")
    terminal.type("ehlo", "Enter")
    terminal.wait("Hi there!")
    other_master.stop()


def test_progress_bar(master, terminal):
    master.start("-m", "-n", "4", "--max-unacked", "1", program=master.probe("--ack", "manual", "--ack-delay", "0.4"))
    terminal.start(CTL, "-d", master.socket_path, "upgrade")
    terminal.wait(r"[1-3]\s*(/|of)\s*4")
    bar = [line for line in terminal.screen().splitlines() if re.search(r"\d\s*(/|of)\s*4", line)]
    assert len(bar) == 1, "one line that is redrawn"
    terminal.wait("Upgrade done")
    terminal.wait("exit=0")
    master.stop()


def test_failed_upgrade_in_a_terminal(master, terminal):
    master.script("app", *master.probe("--ack", "manual"))
    master.start("-m", "-n", "2", "-s", "0.02", program=[master.dir / "app"])
    master.script("app", *master.probe("--exit-before-ack", "3"))
    terminal.start(CTL, "-d", master.socket_path, "upgrade")
    terminal.wait("exit=1")
    assert "exit code 3" in re.sub(r"\s+", " ", terminal.screen())
    master.stop()
