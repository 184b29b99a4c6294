# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 8, the einhorn dialect: YAML requests, replies for einhorn's clients in Ruby, Go, PHP and Python, in einhorn's wording."""

import json
import os
import re
import subprocess

import pytest

from harness import MASTER, Control, eventually
from services import start_groups

WELCOME = r"Welcome, {user}! You are speaking to Einhorn Master Process {pid}{name}\.\nThis is Einhorn 0\.8\.2\b.*\n"

# What einhorn's own client does with a line, in both directions. One request a line on standard input, as JSON; the
# replies to it, to the last one, on standard output.
RUBY_CLIENT = r"""
require 'json'; require 'set'; require 'socket'; require 'yaml'
socket = UNIXSocket.new(ARGV[0])
$stdout.sync = true
$stdin.each_line do |line|
  text = YAML.dump(JSON.parse(line))
  socket.write(text.gsub(/%|\n/, '%' => '%25', "\n" => '%0A') + "\n")
  replies = []
  loop do
    replies << YAML.load(socket.readline.gsub(/%(25|0A)/, '%25' => '%', '%0A' => "\n"))
    break unless replies.last['wait']
  end
  puts JSON.dump(replies)
end
"""

# `state` as a program of Ruby sees it: what is wrong with its shape, line by line, and then the whole as JSON.
RUBY_STATE = r"""
require 'json'; require 'set'; require 'time'; require 'yaml'
text = $stdin.read
state = (YAML.respond_to?(:unsafe_load) ? YAML.unsafe_load(text) : YAML.load(text))[:state]
puts state.inspect
%i[children config version upgrading bind bind_fds cmd orig_cmd cmd_name socket_path pidfile verbosity ack_mode].each do |key|
  puts "WRONG: no #{key}" unless state.key?(key)
end
state[:children].each do |pid, child|
  puts "WRONG: pid #{pid.inspect}" unless pid.is_a?(Integer)
  expected = %i[type version acked signaled last_signaled_at index spinup_time pinged_at pinged_request_id]
  puts "WRONG: keys #{child.keys}" unless child.keys == expected
  puts "WRONG: type #{child[:type].inspect}" unless child[:type] == :worker
  puts "WRONG: signaled #{child[:signaled].inspect}" unless child[:signaled].is_a?(Set)
  puts "WRONG: spinup_time #{child[:spinup_time].inspect}" unless child[:spinup_time].is_a?(Time)
  puts "WRONG: age #{Time.now - child[:spinup_time]}" unless (0..60).cover?(Time.now - child[:spinup_time])
end
puts JSON.dump(state)
"""


class RubyClient:
    def __init__(self, path):
        self.process = subprocess.Popen(["ruby", "-W0", "-e", RUBY_CLIENT, str(path)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()

    def replies(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask(self, command, *args, **keys):
        """The only message that answers a request."""
        [reply] = self.replies(id=7, command=command, args=[str(arg) for arg in args], **keys)
        assert set(reply) == {"message", "request_id"} and reply["request_id"] == 7
        return reply["message"]


def yaml_request(*lines):
    return "".join(line + "%0A" for line in ("---", *lines)).encode() + b"\n"


def as_go_reads(line):
    """Like a URL: a plus is a blank. What a parser of YAML makes of that, one of JSON does as well."""
    text = line.replace("+", " ")
    return json.loads(re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), text))


@pytest.fixture
def running(master):
    """A master with two workers that are ready at once."""
    return master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0,r")


@pytest.fixture
def ruby(running):
    with RubyClient(running.socket_path) as client:
        yield client


# ---- Requests and replies ----

ACKS = ["---%0Acommand: worker:ack%0Apid: PID%0A", "command: worker:ack%0Apid: PID%0A",
        "--- %0Acommand: worker:ack%0Apid: PID%0A", "{command: worker:ack, pid: PID}",
        "command: 'worker:ack'%0Apid: 0", "command: worker:ack%0A"]


@pytest.mark.parametrize("line", ACKS)
def test_ack_is_heard_and_not_answered(master, line):
    master.start("-m", program=master.probe("--ack", "manual", "--ack-line", line))
    pid = master.pids("ready")[0]
    assert eventually(lambda: (master.reports / f"{pid}.answer").exists()) is True
    assert (master.reports / f"{pid}.answer").read_text().strip() == "", "closed without a word"
    master.stop()


@pytest.mark.parametrize("line", ACKS)
def test_ack_over_the_own_descriptor(master, line):
    master.start("-m", "-g", program=master.probe("--ack", "fd", "--ack-line", line))
    master.stop()


def test_json_ack_is_still_answered(running):
    pid = running.pids()[0]
    with running.connect() as control:
        control.send_raw(b'{"command": "worker:ack", "pid": %d}\n' % pid)
        assert control.line() == '"Acknowledged!"' and control.line() is None
    running.stop()


def test_ping_is_noted_and_not_answered(running):
    pid = running.pids()[0]
    with running.connect() as control:
        control.send_raw(yaml_request("command: worker:ping", f"pid: {pid}", "request_id: req-1%25"))
        assert control.line() is None
    worker = next(worker for worker in running.workers() if worker["pid"] == pid)
    assert worker["ping_request_id"] == "req-1%"
    running.stop()


@pytest.mark.parametrize("wrong", ["pid: 1", "pid: x", "pid: -1", "pid: []", "args: [more]", "group: []"])
@pytest.mark.parametrize("command", ["worker:ack", "worker:ping"])
def test_wrong_ack_is_logged_and_not_answered(running, command, wrong):
    with running.connect() as control:
        control.send_raw(yaml_request(f"command: {command}", wrong))
        assert control.line() is None
    running.wait_log(f"ignored {command}")
    running.stop()


@pytest.mark.parametrize("command", ["list", "status", "reload-config", "start", "restart", "killall", "version", "help"])
def test_commands_that_einhorn_does_not_have_are_answered_too(running, command):
    with running.connect() as control:
        control.send_raw(yaml_request("id: 1", f"command: {command}"))
        reply = control.reply()
    assert reply["request_id"] == 1 and reply["message"]
    assert running.process.poll() is None
    running.stop()


def test_a_group_is_meant_at_its_own_socket(master):
    own = master.dir / "own"
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "control_socket": str(own), "stop_signal": "TERM"},
                 other={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM"})
    with Control(own) as control:
        control.send_raw(yaml_request("command: inc"))
        assert control.reply()["message"] == "Incrementing number of workers from 1 -> 2"
    assert [group["target"] for group in master.status()["groups"]] == [2, 1]
    master.stop()


def test_the_welcome(running):
    for user, line in (("", "---%0Acommand: ehlo%0Auser:%0A"), ("me", "command: ehlo%0Auser: me%0A"),
                       ("", "{command: ehlo}"), ("a\nb", 'command: ehlo%0Auser: |-%0A  a%0A  b%0A')):
        with running.connect() as control:
            control.send_raw(line.encode() + b"\n")
            reply = control.reply()
        assert set(reply) == {"message"}
        assert re.fullmatch(WELCOME.format(user=user, pid=running.pid, name=""), reply["message"])
    running.stop()


def test_the_welcome_names_the_command(master):
    master.start("-c", "web", "-d", master.socket_path, "--ack-mode", "0")
    with master.connect() as control:
        control.send_raw(b"command: ehlo%0Auser: me%0A\n")
        assert re.fullmatch(WELCOME.format(user="me", pid=master.pid, name=r" \(web\)"), control.reply()["message"])
    master.stop()


@pytest.mark.parametrize("written, expected", [("2", 2), ("'2'", "2"), ("a b", "a b"), ("1.5", 1.5), ("50%25", "50%"),
                                               ("'+%25 \"'", '+% "'), ("ünïcödé", "ünïcödé")])
def test_id_is_echoed_as_it_was(running, written, expected):
    with running.connect() as control:
        control.send_raw(yaml_request(f"id: {written}", "command: quieter"))
        line = control.line()
    assert json.loads(line) == {"message": "Verbosity set to 2", "request_id": expected}
    assert as_go_reads(line) == json.loads(line)
    assert "%" not in line and "+" not in line
    running.stop()


def test_reply_without_an_id_has_only_a_message(running):
    with running.connect() as control:
        control.send_raw(b"---%0Acommand: set_workers%0Aargs:%0A- '3'%0A\n")
        assert control.line() == '{"message": "Altering worker count, 2 -> 3. Will spin up additional workers."}'
    running.wait_ready(3)
    running.stop()


def test_dialects_can_be_mixed_on_a_connection(running):
    with running.connect() as control:
        control.send_raw(b'{"id": 1, "command": "ehlo"}\nid: 2%0Acommand: louder\n{"command": "version"}\n')
        assert control.reply() == {"request_id": 1, "message": "Hi there!", "ok": True}
        assert control.reply() == {"message": "Verbosity set to 0", "request_id": 2}
        assert isinstance(control.reply(), str)
    running.stop()


@pytest.mark.parametrize("line, answer", [
    ("---", "Could not parse command"), ("---%0A- 1%0A", "Could not parse command"),
    ("---%0Acommand: [", "Could not parse command"), ("---%0Aa: &x ehlo%0Acommand: *x%0A", "Could not parse command"),
    ("---%0Acommand: !ruby/object:Set {}", "Could not parse command"), ("--- !x%0Acommand: ehlo", "Could not parse command"),
    ("---%0Acommand: ehlo%0A---%0Acommand: die%0A", "Could not parse command"),
    ("command: " + "[" * 60000 + "%0A", "Could not parse command"),
    ("user: me", 'No "command" parameter provided; not sure what you want me to do.'),
    ("command: ~", 'No "command" parameter provided; not sure what you want me to do.'),
    ("command: foo", 'Unrecognized command: "foo"\n\nconfig: '),
    ("command: set_workers", "No args provided"), ("command: signal", "No args provided"),
    ("command: set_workers%0Aargs: []", "Invalid count: ''. Must be an integer in [1,1000)."),
    ("command: config%0Aargs: []", "Must pass in a YAML-encoded hash"),
    ("command: inc%0Agroup: nobody", "no group is called 'nobody'")])
def test_what_is_wrong_is_said_and_the_connection_stays_usable(running, line, answer):
    with running.connect() as control:
        control.send_raw(line.encode() + b"\nid: after%0Acommand: quieter\n")
        reply = control.reply()
        assert set(reply) == {"message"} and reply["message"].startswith(answer)
        assert control.reply()["request_id"] == "after"
    assert running.group()["ready"] == 2
    running.stop()


# ---- Commands, asked as Ruby's client does ----

def test_help(running, ruby):
    text = ruby.ask("help")
    assert text.startswith("You are speaking to the Einhorn command socket. You can run the following commands:\n\n")
    names = re.findall(r"^([a-z_]+): ", text, re.MULTILINE)
    assert names == sorted(names)
    assert {"config", "dec", "die", "help", "inc", "louder", "quieter", "reload", "set_workers", "signal", "state",
            "upgrade", "upgrade_fleet", "status", "list", "start", "stop"} <= set(names)
    running.stop()


def test_number_of_workers(running, ruby):
    assert ruby.ask("inc") == "Incrementing number of workers from 2 -> 3"
    assert ruby.ask("dec") == "Decrementing number of workers from 3 -> 2"
    assert ruby.ask("set_workers", 1) == "Altering worker count, 2 -> 1. Will gracefully terminate workers."
    assert ruby.ask("set_workers", 1) == ""
    refused = ruby.ask("dec")
    assert refused == f"Can't decrease number of workers (already at 1).  " \
                      f"Run kill {running.pid} if you really want to kill einhorn."
    for wrong in ("0", "1001", "-1", "x", ""):
        assert ruby.ask("set_workers", wrong) == f"Invalid count: '{wrong}'. Must be an integer in [1,1000)."
    running.wait_ready(1)
    running.stop()


def test_verbosity(running, ruby):
    levels = [ruby.ask(command) for command in ("louder", "louder", "quieter", "quieter", "quieter", "louder")]
    assert levels == [f"Verbosity set to {level}" for level in (0, 0, 1, 2, 2, 1)]
    running.stop()


def test_signal(running, ruby):
    pids = running.pids()
    assert ruby.ask("signal", "sigusr1", "CONT") == f"Successfully sent USR1s to 2 processes: {pids}\n" \
                                                    f"Successfully sent CONTs to 2 processes: {pids}"
    for pid in pids:
        running.wait_signal(pid, "USR1")
    assert ruby.ask("signal", "NOSUCH") == 'Invalid signal: "NOSUCH"'
    running.stop()


def test_config(running, ruby):
    assert ruby.ask("config", "{signal-timeout:", "20}") == 'Successfully merged in config: {"signal-timeout"=>20}'
    assert ruby.ask("config", "seconds: 0.5\nmax_unacked: 3") == \
        'Successfully merged in config: {"seconds"=>0.5, "max_unacked"=>3}'
    assert ruby.ask("config", '{"retries": 4}') == 'Successfully merged in config: {"retries"=>4}'
    config = running.request("state")["data"]["groups"][0]["config"]
    assert (config["signal_timeout"], config["seconds"], config["max_unacked"], config["retries"]) == (20, 0.5, 3, 4)
    assert "nonsense" in ruby.ask("config", "nonsense: 1")
    assert ruby.ask("config", "[1]") == "Parsed argument is a Array, not a hash"
    assert ruby.ask("config", "{") == "Could not parse argument. Must be a YAML-encoded hash"
    running.stop()


def test_json_requests_may_have_a_yaml_config(running):
    assert running.request("config", ":signal_timeout: 21")["ok"]
    assert running.request("state")["data"]["groups"][0]["config"]["signal_timeout"] == 21
    running.stop()


@pytest.mark.parametrize("command, first, begins", [
    ("upgrade", "Upgrading smoothly, as commanded", "Starting smooth upgrade from version 0..."),
    ("upgrade_fleet", "Upgrading fleet, as commanded", "Starting fleet upgrade from version 0...")])
def test_upgrade(running, ruby, command, first, begins):
    old = running.pids()
    replies = ruby.replies(id=9, command=command, args=[])
    messages = [reply["message"] for reply in replies]
    assert messages[:2] == [first, begins]
    assert messages[-2:] == ["Upgraded successfully to version 1 (Einhorn 0.8.2).", "Upgrade done"]
    assert "Up to 2 / 2 ACKs" in messages
    assert all(reply["request_id"] == 9 for reply in replies)
    assert [reply.get("wait") for reply in replies] == [True] * (len(replies) - 1) + [None]
    running.wait_ready()
    new = running.pids()
    assert not set(old) & set(new)
    for pid in new:
        assert any(re.fullmatch(rf"===> Launched {pid} \(index: \d+\)", message) for message in messages)
    running.stop()


def test_upgrade_without_an_id_is_answered_once(running):
    with running.connect() as control:
        control.send_raw(b"command: upgrade%0A\n")
        assert control.reply() == {"message": "Upgrading smoothly, as commanded"}
        running.wait_log("Upgrade done")
        control.send_raw(b"command: quieter%0A\n")
        assert "Verbosity" in control.reply()["message"]
    running.stop()


def test_failed_upgrade_ends_with_the_reason(master):
    flag = master.dir / "broken"
    master.start("--ack-mode", "0.2", "-r", "1", "-s", "0", program=master.probe("--fail-while", flag))
    flag.touch()
    with RubyClient(master.socket_path) as client:
        replies = client.replies(id=1, command="upgrade", args=[])
    assert "wait" not in replies[-1]
    assert replies[-1]["message"].startswith("ERROR: Upgrade to generation 2 aborted")
    assert any("before it was ACKed" in reply["message"] for reply in replies)
    master.stop()


def test_reload(running, ruby):
    replies = ruby.replies(id="r", command="reload", args=[])
    assert replies[0] == {"message": "Reloading, as commanded", "request_id": "r", "wait": True}
    assert len(replies) == 2 and "reloaded" in replies[1]["message"] and replies[1]["request_id"] == "r"
    assert ruby.ask("louder").startswith("Verbosity set to"), "the connection goes on"
    running.stop()


def test_upgrade_that_reloads_first(master):
    master.start("--reexec-as", MASTER, "--ack-mode", "0", "-n", "2")
    with RubyClient(master.socket_path) as client:
        messages = [reply["message"] for reply in client.replies(id=3, command="upgrade", args=[])]
    assert messages[0] == "Upgrading smoothly, as commanded" and messages[-1] == "Upgrade done"
    assert "Starting smooth upgrade from version 0..." in messages
    master.stop()


def test_die(running, ruby):
    pids = running.pids()
    assert ruby.ask("die", "TERM") == f"Einhorn is going down! Successfully sent TERMs to 2 processes: {pids}"
    assert running.wait_exit() == 0


def test_our_own_commands(running, ruby):
    assert "probe_worker" in ruby.ask("list")
    assert str(running.pids()[0]) in ruby.ask("status")
    assert "stopping 2 workers" in ruby.ask("stop")
    eventually(lambda: running.group()["state"] == "stopped")
    assert "starting 2 workers" in ruby.ask("start", "probe_worker")
    running.wait_ready(2)
    running.stop()


# ---- State ----

def load_state(text):
    """The `:state` as Ruby loads it, with strings for symbols and lists for sets."""
    result = subprocess.run(["ruby", "-W0", "-e", RUBY_STATE], input=text, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0 and "WRONG" not in result.stdout, result
    return json.loads(result.stdout.splitlines()[-1])


def test_state(master):
    master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0,r,n", "-b", f"unix:{master.dir}/a.sock", "-s", "2.5",
                 "-e", master.dir / "pid file%+", "-l", "77")
    with RubyClient(master.socket_path) as client:
        client.replies(id=1, command="upgrade", args=[])
        master.wait_ready(2)
        with Control(master.socket_path) as control:
            control.send_raw(yaml_request("command: worker:ping", f"pid: {master.pids()[0]}", "request_id: abc"))
            assert control.line() is None
        state = load_state(client.ask("state"))
    assert sorted(map(int, state["children"])) == sorted(master.pids())
    first = state["children"][str(master.pids()[0])]
    assert (first["version"], first["acked"], first["last_signaled_at"], first["pinged_request_id"]) == \
        (1, True, None, "abc")
    assert first["pinged_at"] is not None
    assert {child["index"] for child in state["children"].values()} == {worker["index"] for worker in master.workers()}
    assert (state["config"]["number"], state["config"]["backlog"], state["config"]["seconds"]) == (2, 77, 2.5)
    assert (state["version"], state["upgrading"], state["respawn"], state["verbosity"]) == (1, False, True, 1)
    assert state["bind"][0] == ["127.0.0.1", "0", ["r", "n"]] and state["bind_fds"] == [3, 4]
    assert state["bound_ports"] == [int(master.address().rpartition(":")[2]), 0]
    assert state["cmd"] == state["orig_cmd"] == master.probe()
    assert state["socket_path"] == str(master.socket_path) and state["pidfile"] == str(master.dir / "pid file%+")
    assert state["ack_mode"] == {"type": "timer", "timeout": 0} and state["cmd_name"] is None
    master.stop()


def test_state_of_a_worker_that_was_told_to_go(master):
    master.start("-m", "-n", "2", "-c", "web", "-d", master.socket_path,
                 program=master.probe("--ack", "manual", "--ignore", "USR2"))
    master.request("set_workers", 1)
    gone = eventually(lambda: master.pids("stopping"))[0]
    with RubyClient(master.socket_path) as client:
        text = client.ask("state")
    state = load_state(text)
    assert f"{gone}:" in text and '"USR2": true' in text
    assert state["children"][str(gone)]["last_signaled_at"] is not None
    assert state["ack_mode"]["type"] == "manual" and state["cmd_name"] == "web"
    for pid in master.pids():
        os.kill(pid, 9)
    eventually(lambda: gone not in master.pids())
    master.signal(15)
    master.wait_exit()


def test_state_before_the_ack(master):
    master.spawn("-m", "--ack-timeout", "0", program=master.probe())
    master.wait_answering()
    [pid] = eventually(lambda: master.pids("starting"))
    with RubyClient(master.socket_path) as client:
        child = load_state(client.ask("state"))["children"][str(pid)]
    assert (child["acked"], child["version"], child["last_signaled_at"]) == (False, 0, None)
    assert child["pinged_at"] is None and child["pinged_request_id"] is None
    master.stop()


# ---- Bounds ----

def test_long_yaml_leaves_no_memory_behind(running):
    def memory():
        return int(open(f"/proc/{running.pid}/statm", encoding="ascii").read().split()[1]) * os.sysconf("SC_PAGESIZE")
    with running.connect() as control:
        control.send_raw(b"command: quieter\n")
        control.line()
        before = memory()
        for nasty in (b"[" * 65000, b"{" * 65000, b"[" + b"a," * 32000, b"[a: " * 16000, b"- " * 32000):
            control.send_raw(nasty + b"\n")
            assert control.line()
    assert memory() - before < 2_000_000
    running.stop()


def test_longest_yaml(running):
    head, tail = b"command: quieter%0Apad: ", b"\n"
    with running.connect() as control:
        control.send_raw(head + b"x" * (65536 - len(head) - len(tail)) + tail)
        assert control.reply()["message"] == "Verbosity set to 2"
        control.send_raw(head + b"x" * (65537 - len(head) - len(tail)) + tail)
        assert "65536" in control.line() and control.line() is None
    running.stop()
