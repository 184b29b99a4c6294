# SPDX-License-Identifier: GPL-3.0-or-later
"""A running einhorn of Ruby is taken over in place (SPEC section 4, "Moving a live service over").

With a stand-in that looks like einhorn to the program that it executes; and with einhorn itself where EINHORN_SOURCE
names a checkout of it (and Ruby is there).
"""

import json
import os
import pathlib
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


def test_workers_listeners_and_clients_are_taken_over(master):
    start(master, STAND_IN, MASTER, master.dir, HTTP_WORKER)
    client = Client(master.socket_path)
    assert client.lines.readline() == "a reply that was not sent%0A\n"
    messages = []
    while True:
        reply = client.reply()
        assert reply["request_id"] == "7"
        messages.append(reply["message"])
        if not reply.get("wait"):
            break
    assert messages[0].startswith("Starting smooth upgrade from version 0") and messages[-1] == "Upgrade done"
    client.socket.sendall(b'and": "ehlo", "user": "me"}\n')
    reply = client.reply()
    assert reply["request_id"] == "9" and f"Einhorn Master Process {master.pid}" in reply["message"]
    assert os.readlink(f"/proc/{master.pid}/exe") == MASTER
    assert (master.dir / "pid").read_text().strip() == str(master.pid)
    eventually(lambda: master.log().count("has gone: exit code 0") == 2, what="both old workers have gone in peace")
    client.socket.sendall(b'{"id": 1, "command": "die"}\n')
    assert "Einhorn is going down" in client.reply()["message"]
    assert master.wait_exit() == 0
    for name in ("c.sock", "pid", "lock"):
        assert not (master.dir / name).exists(), name


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
          "-b", f"127.0.0.1:{number},r,n", "-d", master.socket_path, "-e", master.dir / "pid",
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
