# SPDX-License-Identifier: GPL-3.0-or-later
"""einhornsh, as a client of our master and of einhorn itself."""

import socket
import subprocess
import threading

import pytest

from harness import EINHORN, EINHORNSH
from test_einhorn import ready, start


@pytest.fixture
def running(master):
    master.executable = EINHORN
    start(master, "-m", "0.02", "-n", "2", "-c", "web", "-d", master.dir / "einhorn-web.sock", workers=2)
    master.socket_path = master.dir / "einhorn-web.sock"
    return master


def shell(master, *words, stdin=subprocess.DEVNULL, **popen):
    return subprocess.run([EINHORNSH, *map(str, words)], capture_output=True, text=True, timeout=20,
                          env={**master.environment(), "TMPDIR": str(master.dir)},
                          **({"stdin": stdin} if "input" not in popen else {}), **popen)


@pytest.mark.parametrize("words", [["web"], ["-c", "web"], ["--command=web"], ["-c", "web", "other"],
                                   ["-d", "{}/einhorn-web.sock"], ["-d{}/einhorn-web.sock", "other"]])
def test_where_the_master_is(running, words):
    result = shell(running, *(word.format(running.dir) for word in words), "-e", "louder")
    assert (result.returncode, result.stdout, result.stderr) == (0, "Verbosity set to 0\n", "")
    running.stop()


def test_several_commands(running):
    result = shell(running, "-e", "inc; signal 'USR1' ;;quieter; quit; inc", "web")
    assert result.returncode == 0 and result.stderr == ""
    first, second, third = result.stdout.splitlines()
    assert first == "Incrementing number of workers from 2 -> 3" and "USR1" in second
    assert third == "Verbosity set to 2", "nothing after quit"
    running.stop()


def test_commands_from_a_pipe(running):
    result = shell(running, "web", input="inc\n\nset_workers 4; louder\nexit\ninc\n")
    assert result.returncode == 0 and result.stderr == "", "no greeting and no prompt"
    assert len(result.stdout.splitlines()) == 3 and result.stdout.endswith("Verbosity set to 0\n")
    running.stop()


def test_unknown_command_is_for_the_master_to_explain(running):
    result = shell(running, "-e", "upgarde now", "web")
    assert "upgarde" in result.stdout and "set_workers" in result.stdout
    running.stop()


def test_upgrade_tells_its_progress(running):
    result = shell(running, "-e", "upgrade; louder", "web")
    lines = result.stdout.splitlines()
    assert result.returncode == 0 and lines[0] == "Upgrading smoothly, as commanded"
    assert lines[-2:] == ["Upgrade done", "Verbosity set to 0"] and len(lines) > 4
    running.stop()


@pytest.mark.parametrize("command", ["upgrade", "reload"])
def test_failed_upgrade_is_told_in_the_exit_code(master, command):
    master.executable = EINHORN
    start(master, "-m", "0.02", "-c", "web", "-d", master.dir / "einhorn-web.sock", "--reexec-as", "/bin/false", workers=1)
    master.socket_path = master.dir / "einhorn-web.sock"
    result = shell(master, "-e", command, "web")
    assert result.returncode == 1 and result.stdout.splitlines()[-1].startswith("ERROR: Reload failed: the trial run")
    master.stop()


def test_die_needs_no_argument(running):
    result = shell(running, "-e", "die", "web")
    assert result.stdout.startswith("Einhorn is going down!")
    assert running.wait_exit() == 0


def test_replies_come_as_they_are_written(running):
    pids = ready(running, 2)
    result = shell(running, "-e", "state", "web")
    assert result.stdout.startswith("---\n:state:\n") and not result.stdout.endswith("\n\n")
    assert all(f"    {pid}:\n" in result.stdout for pid in pids)
    running.stop()


@pytest.mark.parametrize("words", [["--nosuch"], ["-e"], ["a", "b"], ["-d", ""], ["-h=1"]])
def test_wrong_command_line(master, words):
    result = shell(master, *words)
    assert result.returncode == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("einhornsh: ")


def test_help(master):
    for words in (["-h"], ["--help"], ["web", "-h"]):
        result = shell(master, *words)
        assert result.returncode == 0 and "--command-name" in result.stdout


def test_no_master(master):
    result = shell(master, "-e", "help; help", "gone")
    assert result.returncode == 3 and result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("einhornsh: ") and f"{master.dir}/einhorn-gone.sock" in line and "-c" in line


class RubyEinhorn:
    """Answers each line with the next of some replies, as Ruby's einhorn writes them."""

    def __init__(self, path, replies):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.requests = []
        self.thread = threading.Thread(target=self.serve, args=(replies,), daemon=True)
        self.thread.start()

    def serve(self, replies):
        with self.server.accept()[0] as peer, peer.makefile("r") as lines:
            for each in replies:
                self.requests.append(lines.readline())
                peer.sendall(each.encode())


def test_a_master_of_ruby(master):
    ruby = RubyEinhorn(master.dir / "einhorn.sock", [
        "---%0Amessage: Upgrading smoothly, as commanded%0Arequest_id: 1%0Await: true%0A\n"
        "---%0Amessage: '===> Launched 4711 (index: 0)'%0Arequest_id: 1%0Await: true%0A\n"
        "---%0Amessage: Upgrade done%0Arequest_id: 1%0A\n",
        "---%0Amessage: |%0A  100%25%0A  two%0Arequest_id: 2%0A\n"])
    result = shell(master, "-e", "upgrade; signal 100%0A")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["Upgrading smoothly, as commanded", "===> Launched 4711 (index: 0)",
                                          "Upgrade done", "100%", "two"]
    assert len(ruby.requests) == 2
    # Ruby's side of it: percent-decoding, then YAML.
    program = ("require 'yaml'; $stdin.each_line { |line| puts YAML.load(line.gsub(/%(25|0A)/, "
               "'%25' => '%', '%0A' => \"\\n\")).inspect }")
    seen = subprocess.run(["ruby", "-e", program], input="".join(ruby.requests), capture_output=True, text=True, timeout=20)
    assert seen.stdout.splitlines() == ['{"id"=>1, "command"=>"upgrade", "args"=>[]}',
                                        '{"id"=>2, "command"=>"signal", "args"=>["100%0A"]}'], seen.stderr


def test_a_master_that_leaves(master):
    RubyEinhorn(master.dir / "einhorn.sock", ["---%0Amessage: one%0Arequest_id: 1%0Await: true%0A\n"])
    result = shell(master, "-e", "reload")
    assert result.returncode == 1 and result.stdout == "one\n" and "closed" in result.stderr


# ---- In a terminal ----

def test_shell_in_a_terminal(running, terminal):
    terminal.environment.update(TMPDIR=str(running.dir), USER="gdb")
    terminal.start(EINHORNSH, "web")
    terminal.wait(rf"Welcome, gdb! .*Process {running.pid} \(web\)")
    terminal.wait(r"^> ?$")
    terminal.type("inc", "Enter")
    terminal.wait("Incrementing number of workers from 2 -> 3")
    terminal.type("", "Up", "Enter")
    terminal.wait("Incrementing number of workers from 3 -> 4")
    terminal.type("set_w", "Tab")
    terminal.wait("^> set_workers")
    terminal.type("", "C-c")
    terminal.type("upgrade", "Enter")
    terminal.wait("^Upgrade done")
    terminal.type("louder; quit; quieter", "Enter")
    terminal.wait("exit=0")
    assert "Verbosity set to 0" in terminal.screen() and "set to 1" not in terminal.screen()
    running.stop()


def test_shell_without_master_in_a_terminal(master, terminal):
    terminal.environment.update(TMPDIR=str(master.dir))
    terminal.start(EINHORNSH)
    terminal.wait("einhornsh: no master answers at")
    terminal.wait("exit=3")


def test_no_greeting_where_there_is_no_terminal(running, terminal):
    terminal.environment.update(TMPDIR=str(running.dir))
    terminal.start(EINHORNSH, "-e", "louder", "web")
    terminal.wait("exit=0")
    assert "Verbosity" in terminal.screen() and "Welcome" not in terminal.screen()
    running.stop()
