# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 8 and 9: what `status` and `state` show, that it is valid whatever names there are, and what it costs the master."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from harness import Control, eventually


@pytest.fixture
def running(master):
    """A master with two workers that are ready at once."""
    return master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0")


def test_answers_keep_their_order(running):
    with running.connect() as control:
        commands = ["status", "version", "state", "ehlo", "status", "list"] * 20
        control.send_raw(b"".join(json.dumps({"id": number, "command": command}).encode() + b"\n"
                                  for number, command in enumerate(commands)))
        replies = [control.reply() for _ in commands]
    assert [reply["request_id"] for reply in replies] == list(range(len(commands)))
    assert all(reply["ok"] and reply["message"] for reply in replies)
    running.stop()


def test_a_client_that_has_ended_is_still_answered(running):
    with running.connect() as control:
        control.send_raw(b'{"command": "status"}\n{"command": "ehlo"}\n')
        control.socket.shutdown(socket.SHUT_WR)
        assert running.socket_path.name in control.reply() and control.reply() == "Hi there!"
    running.stop()


def test_nothing_is_lost_in_a_reload(running):
    count = 100
    with running.connect() as control, running.connect() as other:
        control.send_raw(b"".join(json.dumps({"id": number, "command": "status"}).encode() + b"\n" for number in range(count)))
        reloaded = other.request("reload")
        replies = [control.reply() for _ in range(count)]
    assert reloaded["ok"], reloaded
    assert [reply["request_id"] for reply in replies] == list(range(count)) and all(reply["data"]["groups"] for reply in replies)
    running.stop()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_the_loop_does_not_read_proc(master):
    master.start("--ack-mode", "0", "-n", "20")
    master.wait_ready(20)
    trace = master.dir / "trace"
    strace = subprocess.Popen(["strace", "-f", "-e", "trace=open,openat", "-o", trace, "-p", str(master.pid)],
                              stderr=subprocess.PIPE)
    try:
        assert b"attached" in strace.stderr.readline()
        assert all(worker["memory_bytes"] > 0 for worker in master.workers())
    finally:
        strace.terminate()
        strace.wait()
    opened = [line.split(None, 1) for line in trace.read_text().splitlines()]
    statm = {int(thread) for thread, call in opened if re.search(r'"/proc/\d+/statm"', call)}
    assert statm and master.pid not in statm
    assert not any("/proc/" in call for thread, call in opened if int(thread) == master.pid)
    master.stop()


def latin_1_program(master):
    path = os.fsdecode(os.fsencode(master.dir) + b"/caf\xe9")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexec sleep 1000\n")
    os.chmod(path, 0o755)
    return path


def test_names_that_are_no_utf_8_make_valid_json(master):
    master.spawn("--log-format", "json", "--stop-signal", "TERM", program=[latin_1_program(master)])
    master.wait_answering()
    eventually(lambda: master.group()["ready"] == 1)
    for command in ("status", "state", "list"):
        with Control(master.socket_path) as control:
            control.send_raw(json.dumps({"id": 1, "command": command}).encode() + b"\n")
            data = control.reply()["data"]  # reply() refuses bytes that are no UTF-8
        assert (data if command == "list" else [data["groups"][0]["name"]]) == ["caf\ufffd"]
    master.signal(15)
    assert master.wait_exit() == 0
    for line in master.stderr_path.read_bytes().splitlines():
        json.loads(line.decode("utf-8"))


def test_numbers_are_plain_decimals(running):
    with running.connect() as control:
        control.send_raw(b'{"id": 1, "command": "state"}\n')
        text = control.line()
    numbers = re.findall(r'"[a-z_]+_s":([^,}]+)', text)
    assert numbers and all(re.fullmatch(r"\d+\.\d+|null", number) for number in numbers), numbers
    running.stop()
