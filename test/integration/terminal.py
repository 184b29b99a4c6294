# SPDX-License-Identifier: GPL-3.0-or-later
"""A real terminal: tmux."""

import re
import subprocess

from harness import eventually


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, directory, environment):
        self.socket = directory / "tmux"
        self.environment = environment

    def call(self, *words):
        return subprocess.run(["tmux", "-S", str(self.socket), "-f", "/dev/null", *words], capture_output=True, text=True, timeout=20,
                              env=self.environment).stdout

    def start(self, *command):
        quoted = " ".join("'" + str(word) + "'" for word in command)
        # The trap: Ctrl-C is for the command, not for the shell around it.
        self.call("new-session", "-d", "-x", "100", "-y", "40", f"trap : INT; {quoted}; echo exit=$?; sleep 1000")

    def type(self, text, *keys):
        if text:
            self.call("send-keys", "-l", text)
        for key in keys:
            self.call("send-keys", key)

    def screen(self):
        return self.call("capture-pane", "-p")

    def wait(self, pattern, timeout=20):
        def seen():
            return re.search(pattern, self.screen(), re.MULTILINE)
        try:
            return eventually(seen, timeout)
        except AssertionError:
            raise AssertionError(f"/{pattern}/ is not on the screen:\n{self.screen()}") from None

    def close(self):
        self.call("kill-server")
        self.socket = self.socket.with_name(self.socket.name + "x")  # the old server may take its time to end
