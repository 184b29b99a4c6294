# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over a running einhorn in Ruby in place (SPEC section 4, "Moving a live service over").

The tests use a stand-in that behaves like einhorn towards the program that it executes, and einhorn itself if
EINHORN_SOURCE names a checkout of it and Ruby is installed.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from harness import BIN, HTTP_WORKER, MASTER, alive, eventually, load_result

STAND_IN = str(pathlib.Path(__file__).parent / "stand_in_for_einhorn.py")


class Client:
    """One of einhorn's: requests of YAML, replies of YAML or JSON, a line each."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        eventually(lambda: self.socket.connect_ex(str(path)) == 0)
        self.lines = self.socket.makefile()

    def reply(self):
        line = self.lines.readline()
        assert line, "the connection was closed"
        return json.loads(line)


def start(master, *words, environment=None):
    """What is to become a master of ours."""
    with open(master.stderr_path, "ab") as log:
        master.process = subprocess.Popen(
            [str(word) for word in words], env=environment or master.environment(), cwd=master.dir,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    master.others.append(master.process)


def start_stand_in(master, reexec_as=(MASTER,), **options):
    """A running einhorn, which moves over as soon as a client has come."""
    options = {"master": [str(word) for word in reexec_as], **options}
    start(master, STAND_IN, json.dumps(options), master.dir, HTTP_WORKER)
    return Client(master.socket_path)


def workers_of(master):
    found = []
    for pid in master.marked():
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if os.readlink(f"/proc/{pid}/exe") == HTTP_WORKER:
                found.append(pid)
    return found


def messages_until_done(client):
    """What the client, which waits for the upgrade, is told."""
    assert client.lines.readline() == "a reply that was not sent%0A\n"
    messages = []
    while True:
        reply = client.reply()
        assert reply["request_id"] == "7"
        messages.append(reply["message"])
        if not reply.get("wait"):
            return messages


def check_moved_over(master, client):
    messages = messages_until_done(client)
    assert messages[0].startswith("Starting smooth upgrade from version 0") and messages[-1] == "Upgrade done"
    client.socket.sendall(b'and": "ehlo", "user": "me"}\n')
    reply = client.reply()
    assert reply["request_id"] == "9" and f"Einhorn Master Process {master.pid}" in reply["message"]
    assert os.readlink(f"/proc/{master.pid}/exe") == MASTER
    eventually(lambda: master.log().count("has gone: exit code 0") == 2, what="both old workers have gone in peace")


def test_workers_listeners_and_clients_are_taken_over(master):
    client = start_stand_in(master)
    check_moved_over(master, client)
    assert (master.dir / "pid").read_text().strip() == str(master.pid)
    client.socket.sendall(b'{"id": 1, "command": "die"}\n')
    assert "Einhorn is going down" in client.reply()["message"]
    assert master.wait_exit() == 0
    for name in ("c.sock", "pid", "lock"):
        assert not (master.dir / name).exists(), name


@pytest.mark.parametrize("how", [
    {"blocks": True}, {"pipe": "late"}, {"pipe": "late", "blocks": True}, {"pipe": "in pieces"}, {"padding": 1_000_000},
    {"pipe": "late", "padding": 1_000_000}], ids=str)
def test_the_state_may_come_in_any_way(master, how):
    check_moved_over(master, start_stand_in(master, **how))
    master.stop()


@pytest.mark.parametrize("before", [["-v"], ["-l", "200"], ["-vl200", "--number", "7"], ["--quiet", "--backlog=9"]], ids=str)
def test_options_of_the_new_program_stand_in_front(master, before):
    check_moved_over(master, start_stand_in(master, reexec_as=[MASTER, *before]))
    assert len(workers_of(master)) == 2
    master.stop()


def test_a_wrapper_puts_options_in_front(master):
    wrapper = master.dir / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nexec {MASTER} -l 200 "$@"\n')
    wrapper.chmod(0o755)
    check_moved_over(master, start_stand_in(master, reexec_as=[wrapper]))
    with master.connect() as control:
        control.request("upgrade")  # by the same wrapper, as it is --reexec-as
    assert master.log().count(", reloaded") == 2
    master.stop()


@pytest.mark.parametrize("old, new, remark", [
    ("    - - r\n", "    - - r\n      - xyz\n", ":bind: 127.0.0.1:"),
    ("    :backlog: 100\n", "    :backlog: 100\n    :max_unacked: -1\n", ":max_unacked is '-1'"),
    ("    :type: :manual\n", "    :type: :timer\n    :timeout: -1\n", ":timeout is '-1'"),
    ("    :number: 2\n", "    :number: many\n", ":number is 'many'"),
    ("  - - 127.0.0.1\n", "  - - systemd\n", "is not a valid address here"),
    ("    :seconds: 1\n", "    :seconds: .nan\n", ":seconds is '.nan'"),
    ("  :verbosity: 1\n", "  :verbosity: {}\n", ":verbosity is of the wrong kind")], ids=lambda value: value.strip())
def test_what_has_no_meaning_here_takes_its_default(master, old, new, remark):
    client = start_stand_in(master, edits=[[old, new]])
    check_moved_over(master, client)
    assert any("taking over: " in line and remark in line for line in master.log().splitlines())
    assert len(workers_of(master)) == 2
    master.stop()


@pytest.mark.parametrize("how, why", [("cut", "einhorn's state ends too early: within a line"), ("empty", "einhorn's state is empty")])
def test_a_state_without_its_end_leaves_the_workers_alone(master, how, why):
    client = start_stand_in(master, pipe=how)
    assert master.wait_exit() == 1
    assert re.search(rf"^einhyrningsins: --with-state-fd \d+: {why}", master.log(), re.MULTILINE)
    assert client.lines.readline() == ""
    assert len(workers_of(master)) == 2


@pytest.mark.bounded(120)
def test_einhorn_itself_under_load(master):
    source = os.environ.get("EINHORN_SOURCE")
    if not source or not shutil.which("ruby"):
        pytest.skip("needs EINHORN_SOURCE, a checkout of Ruby's einhorn, and ruby")
    # einhorn's own dialect, spoken with einhorn's own client.
    (master.dir / "einhorn").symlink_to(BIN / "einhyrningsins")
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    environment = {**master.environment(), "RUBYLIB": f"{source}/lib"}
    start(master, "ruby", f"{source}/bin/einhorn", "-n", "3", "-m", "manual", "-c", "moved",
          "-b", f"127.0.0.1:{number},r,n,odd", "-d", master.socket_path, "-e", master.dir / "pid",
          "-f", master.dir / "lock", HTTP_WORKER, environment=environment)
    master.wait_log("Up to 3 / 3 manual ACKs")
    (master.dir / "move.rb").write_text(f"""
require 'einhorn'
require 'einhorn/client'
client = Einhorn::Client.for_path('{master.socket_path}')
client.send_command('id' => '1', 'command' => 'config', 'args' => [':reexec_commandline: [{master.dir}/einhorn]'])
puts client.receive_message['message']
client.send_command('id' => '2', 'command' => 'upgrade')
loop do
  reply = client.receive_message
  puts reply['message']
  break unless reply['wait']
end
""")
    target = f"127.0.0.1:{number}"
    done = master.dir / "done"
    load = master.load("--clients", 16, "--requests", 10_000, "--seconds", 60, "--until-file", done, target=target)
    try:
        moved = subprocess.run(["ruby", master.dir / "move.rb"], env=environment, capture_output=True, text=True, timeout=60)
        done.touch()
        result = load_result(load)
    finally:
        load.kill()
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.splitlines()[-1] == "Upgrade done", moved.stdout
    assert result["lost"] == 0 and result["generations"] == 2, result
    assert os.readlink(f"/proc/{master.pid}/exe") == MASTER
    assert alive(master.pid)
    master.stop()
