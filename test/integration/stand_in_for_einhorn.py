#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running einhorn of Ruby looks like to the program that it executes: a master with workers on a socket, a
command socket and a connected client, that hands its state over in einhorn's YAML.

    stand_in_for_einhorn.py MASTER DIRECTORY WORKER...
"""

import os
import socket
import sys

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


def main():
    master, directory, *command = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    os.set_inheritable(listener.fileno(), True)
    children = [spawn(index, listener, command) for index in range(2)]
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{directory}/c.sock")
    server.listen()
    client, _ = server.accept()
    passer = os.fork()
    if passer == 0:
        os._exit(0)
    text = STATE.format(children="\n".join(CHILD.format(pid=pid, index=n) for n, pid in enumerate(children)),
                        command="\n".join(f'  - "{word}"' for word in command),
                        passer=passer, port=listener.getsockname()[1], listener=listener.fileno(),
                        directory=directory, master=master, server=server.fileno(), client=client.fileno())
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    for fd in (reader, server.fileno(), client.fileno()):
        os.set_inheritable(fd, True)
    os.execv(master, [master, "--with-state-fd", str(reader), "--", *command])


main()
