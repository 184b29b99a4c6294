#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running einhorn of Ruby looks like to the program that it executes: a master with workers on a socket, a
command socket and a connected client, that hands its state over in einhorn's YAML. As Ruby 3 does it: a child writes
the state into a pipe that does not block, while the master tries the new program with --upgrade-check and executes it.

    stand_in_for_einhorn.py OPTIONS DIRECTORY WORKER...

OPTIONS is a JSON object:
    master: the words of --reexec-as
    pipe:   how the state comes: "at once"; "late", when the new program waits for it; "in pieces", a byte each, the next
            when the last was taken; "cut", without its end; "empty"
    blocks: whether the pipe blocks, as under Ruby 2
    edits:  [[OLD, NEW], ...] texts to be replaced in the state
    padding: bytes by which the state is larger
"""

import array
import fcntl
import json
import os
import socket
import sys
import termios
import time

STATE = """---
:state:
  :children:
{children}
    {passer}:
      :type: :state_passer
  :config:
    :number: 2
    :backlog: 100
    :seconds: 1
  :versions: {{}}
  :version: 0
  :bind:
  - - 127.0.0.1
    - {port}
    - - r
  :bind_fds:
  - {listener}
  :bound_ports:
  - {port}
  :cmd:
{command}
  :upgrading: false
  :smooth_upgrade: true
  :reloading_for_upgrade: true
  :cmd_name: moved
  :verbosity: 1
  :generation: 1
  :ack_mode:
    :type: :manual
  :socket_path: "{directory}/c.sock"
  :pidfile: "{directory}/pid"
  :lockfile: "{directory}/lock"
  :nice:
    :master:
    :worker:
  :reexec_commandline:
  - "{master}"
  :drop_environment_variables: []
  :signal_timeout:
:persistent_descriptors:
- :class: Einhorn::Event::CommandServer
  :server: {server}
- :class: Einhorn::Event::Connection
  :socket: {client}
  :read_buffer: '{{"id": "9", "comm'
  :write_buffer: "a reply that was not sent%0A\\n"
  :subscriptions:
    :upgrade: '7'
"""

CHILD = """    {pid}:
      :type: :worker
      :version: 0
      :acked: true
      :signaled: !ruby/object:Set
        hash: {{}}
      :last_signaled_at:
      :index: {index}
      :spinup_time: 2026-11-21 09:00:00.457086540 +00:00"""


def spawn(index, listener, command):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.environ.update(EINHORN_FD_COUNT="1", EINHORN_FD_0=str(listener.fileno()), EINHORN_CHILD_INDEX=str(index),
                          EINHORN_MASTER_PID=str(os.getppid()))
        os.execv(command[0], [*command, "--ack", "none"])
    return pid


def until(condition, master):
    """Returns whether the condition came true while the master lived."""
    while os.getppid() == master:
        if condition():
            return True
        time.sleep(0.001)
    return False


def waits_for_state(master):
    """Whether the new program is there and sleeps."""
    exe = os.path.basename(os.readlink(f"/proc/{master}/exe"))
    with open(f"/proc/{master}/stat") as stat:
        return exe == "einhyrningsins" and stat.read().rpartition(")")[2].split()[0] == "S"


def write_in_pieces(writer, data, master):
    for place in range(len(data)):
        left = array.array("i", [0])

        def taken():
            fcntl.ioctl(writer, termios.FIONREAD, left)
            return left[0] == 0
        if not until(taken, master):
            return
        os.write(writer, data[place:place + 1])


def pass_state(writer, text, how, master):
    """What einhorn's state passer does, a child."""
    data = text.encode()
    os.set_blocking(writer, True)  # Ruby waits in its own way
    if how == "late":
        until(lambda: waits_for_state(master), master)
    if how == "in pieces":
        return write_in_pieces(writer, data, master)
    if how != "empty":
        with open(writer, "wb", closefd=False) as pipe:
            pipe.write(data[:len(data) * 2 // 3] if how == "cut" else data)


def try_out(words):
    pid = os.fork()
    if pid == 0:
        os.execv(words[0], words)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def main():
    options, directory, *command = sys.argv[1:]
    options = json.loads(options)
    master = options["master"]
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    os.set_inheritable(listener.fileno(), True)
    children = [spawn(index, listener, command) for index in range(2)]
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{directory}/c.sock")
    server.listen()
    client, _ = server.accept()
    reader, writer = os.pipe()
    os.set_blocking(reader, options.get("blocks", False))
    os.set_blocking(writer, options.get("blocks", False))
    passer = os.fork()
    text = STATE.format(children="\n".join(CHILD.format(pid=pid, index=n) for n, pid in enumerate(children)),
                        command="\n".join(f'  - "{word}"' for word in command),
                        passer=passer or os.getpid(), port=listener.getsockname()[1], listener=listener.fileno(),
                        directory=directory, master=master[0], server=server.fileno(), client=client.fileno())
    for old, new in options.get("edits", []):
        assert old in text, old
        text = text.replace(old, new)
    text = text.replace(":versions: {}", ":versions:\n    x: " + "x" * options.get("padding", 0))
    if passer == 0:
        os.close(reader)
        pass_state(writer, text, options.get("pipe", "at once"), os.getppid())
        os._exit(0)
    os.close(writer)
    if try_out([*master, "--upgrade-check", "--", *command]) != 0:
        sys.exit("the new program has failed its trial")
    for fd in (reader, server.fileno(), client.fileno()):
        os.set_inheritable(fd, True)
    os.execv(master[0], [*master, "--with-state-fd", str(reader), "--", *command])


main()
