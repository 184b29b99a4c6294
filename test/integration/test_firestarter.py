# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC section 5: the daemon and the client under the name firestarter."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from harness import FIRESTARTER, MASTER, PATIENCE, PROBE, Control, alive, eventually, kill_quietly, open_files

# The demo of firestarter acks so, in Python; then it waits for its end.
ACKING_WORKER = """\
import json, os, signal, socket, sys
signal.signal(signal.SIGUSR2, lambda *_: sys.exit(0))
peer = socket.socket(socket.AF_UNIX)
peer.connect(os.environ["FIRESTARTER_SOCK_PATH"])
peer.sendall(json.dumps({"command": "worker:ack", "pid": 0, "signal": None}).encode() + b"\\n")
answer = b""
while piece := peer.recv(4096):
    answer += piece
with open(f"{sys.argv[1]}/{os.getpid()}.ack", "wb") as file:
    file.write(answer)
while True:
    signal.pause()
"""


class Daemon:
    """`firestarter run` with its sockets in the private directory of `master`, which cleans up."""

    def __init__(self, master, app_name="firestarter"):
        self.master = master
        self.dir = master.dir
        self.app_name = app_name
        self.file = self.dir / f"{app_name}.toml"
        self.socket = self.path("control")
        self.log_path = self.dir / f"{app_name}.log"
        self.process = None

    def path(self, group):
        return self.dir / f"{self.app_name}-{group}.socket"

    def environment(self):
        extra = {"TMPDIR": str(self.dir)}
        if self.app_name != "firestarter":
            extra["FIRESTARTER_APP_NAME"] = self.app_name
        return self.master.environment(extra)

    def spawn(self, text, *options):
        self.file.write_text(text)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([FIRESTARTER, "run", "-c", self.file, *options], cwd=self.dir,
                                            env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        self.master.others.append(self.process)
        return self

    def start(self, text, *options):
        """Waits until every group is active."""
        self.spawn(text, *options)
        groups = re.findall(r"^\[(\w+)\]", text, re.MULTILINE)

        def is_up():
            assert self.process.poll() is None, self.log()
            return self.socket.exists() and self.run("status").stdout.count("] active\n") == len(groups)
        eventually(is_up, what=f"all groups are active:\n{self.log()}")
        return self

    def run(self, *words, timeout=PATIENCE):
        return subprocess.run([FIRESTARTER, *map(str, words)], env=self.environment(), cwd=self.dir,
                              capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def ctrl(self, group, command, *options):
        """What is answered, without the line before it."""
        result = self.run("ctrl", *options, group, command)
        assert result.returncode == 0, result
        first, _, rest = result.stdout.partition("\n")
        assert first == f"send ctrl command [{command}] to [{group}] worker"
        return rest.rstrip("\n")

    def pids(self, group):
        return numbers(self.ctrl(group, "status").split("\n")[1])

    def ask(self, request, group=None):
        """The answer to one line, read to the end of the connection."""
        with Control(self.path(group) if group else self.socket) as control:
            control.send_raw((request if isinstance(request, str) else json.dumps(request)).encode() + b"\n")
            answer = control.line()
            assert control.line() is None
            return json.loads(answer)

    def log(self):
        return self.log_path.read_text()

    def stop(self):
        assert self.run("stop").returncode == 0
        assert self.process.wait(PATIENCE) == 0, self.log()


def numbers(text):
    return [int(digits) for digits in re.findall(r"\d+", text)]


@pytest.fixture
def daemon(master):
    return Daemon(master)


def group(name, master, *lines, program=None):
    words = program or [PROBE, "--dir", str(master.reports)]
    return "\n".join([f"[{name}]", f"cmd = {json.dumps([str(w) for w in words])}", "start_immediate = true", *lines, ""])


# ---- The command line ----

def run(*words, **environment):
    return subprocess.run([FIRESTARTER, *map(str, words)], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], **environment})


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["help"]])
def test_help(words):
    result = run(*words)
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("run", "list", "status", "ctrl", "stop", "help"):
        assert re.search(rf"^  {name} ", result.stdout, re.MULTILINE)


def test_help_without_words_is_an_error():
    result = run()
    assert (result.returncode, result.stdout) == (2, "") and result.stderr.startswith("usage: firestarter ")


@pytest.mark.parametrize("name, has", [("run", "--config"), ("list", "-d"), ("status", "-d"), ("stop", "-d"),
                                       ("ctrl", "killall")])
def test_help_of_a_subcommand(name, has):
    results = [run("help", name), run(name, "-h"), run(name, "--help")]
    assert len({result.stdout for result in results}) == 1 and has in results[0].stdout
    assert all(result.returncode == 0 for result in results)


@pytest.mark.parametrize("words", [["-V"], ["--version"], ["ctrl", "-V"], ["run", "-V"]])
def test_version(words):
    result = run(*words)
    assert result.returncode == 0 and re.fullmatch(r"firestarter 0\.3\.3 \(einhyrningsins [\d.]+\)\n", result.stdout)


@pytest.mark.parametrize("words, named", [
    (["lst"], "'list'"), (["-x"], "'-x'"), (["help", "nosuch"], "'nosuch'"), (["list", "more"], "'more'"),
    (["list", "-x"], "'-x'"), (["list", "-d"], "'-d'"), (["ctrl"], "NAME COMMAND"), (["ctrl", "web1"], "NAME COMMAND"),
    (["ctrl", "web1", "stats"], "'status'"), (["ctrl", "-s", "SIGFOO", "web1", "stop"], "'SIGFOO'"),
    (["ctrl", "-s", "SIGTERM", "web1", "status"], "'status'"), (["list", "-s", "SIGTERM"], "'-s'"),
    (["list", "-d", "x" * 200], "107 bytes"), (["run"], "-c FILE"), (["run", "-c", "f.toml", "sleep"], "'sleep'"),
    (["run", "--nosuch"], "--nosuch"),
])
def test_wrong_command_line(words, named):
    result = run(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert named in result.stderr and result.stderr.startswith("firestarter: ") and result.stderr.count("\n") == 1


def test_nobody_answers(daemon):
    for words in (["list"], ["status"], ["stop"], ["ctrl", "web1", "status"]):
        result = daemon.run(*words)
        assert result.returncode == 3 and str(daemon.socket) in result.stderr and result.stderr.count("\n") == 1


def test_wrong_file(daemon):
    daemon.file.write_text("[web1]\ncmd = [\"sleep\"]\nnumproceses = 2\n")
    result = daemon.run("run", "--config", daemon.file)
    assert result.returncode == 2 and "numprocesses" in result.stderr
    assert list(daemon.dir.glob("*.socket")) == []


# ---- The seed's file ----

def test_seeds_file(daemon, master):
    program = master.script("demo", *master.probe())
    text = f"""\
[web1] # set worker group name

# set startup process and args
cmd = ["{program}"]

# set the number of startup processes
numprocesses = 2

# working_directory = "/tmp"
restart = "on-failure"
# warmup_delay = 1
start_immediate = true
socket_address = ["127.0.0.1:0", "{daemon.dir}/foo.sock"]
environments=["TEST_A=XXXX", "TEST_B=YYYY"]
# ack = "manual"
"""
    daemon.start(text)
    result = daemon.run("ctrl", "web1", "status")
    assert result.returncode == 0 and result.stderr == ""
    assert re.fullmatch(r"send ctrl command \[status\] to \[web1\] worker\n\[web1\] active\n"
                        r"processes \[\d+, \d+\]\ntime 00:00:0\d\n", result.stdout)
    for pid in daemon.pids("web1"):
        variables = master.report(pid).variables
        assert (variables["TEST_A"], variables["TEST_B"]) == ("XXXX", "YYYY")
        assert (variables["LISTEN_FDS"], variables["FIRESTARTER_FD_COUNT"]) == ("2", "2")
        assert variables["FIRESTARTER_SOCK_PATH"] == str(daemon.path("web1"))
        assert variables["FIRESTARTER_MASTER_PID"] == str(daemon.process.pid)
    daemon.stop()
    assert list(daemon.dir.glob("*.sock*")) == []


# ---- Subcommands ----

def test_list_and_status(daemon, master):
    daemon.start(group("web1", master) + group("web2", master, "numprocesses = 2"))
    assert daemon.run("list").stdout == "worker names:\nweb1\nweb2\n\n"
    assert re.fullmatch(r"\[web1\] active\nprocesses \[\d+\]\ntime \d\d:\d\d:\d\d\n"
                        r"\[web2\] active\nprocesses \[\d+, \d+\]\ntime \d\d:\d\d:\d\d\n", daemon.run("status").stdout)


def test_stop_waits_for_the_end(daemon, master):
    daemon.start(group("web1", master) + group("web2", master))
    pids = daemon.pids("web1") + daemon.pids("web2")
    result = daemon.run("stop")
    assert (result.returncode, result.stdout) == (0, f"send signal SIGTERM pid [{pids[0]}]\n"
                                                     f"send signal SIGTERM pid [{pids[1]}]\n")
    assert not any(alive(pid) for pid in pids) and not daemon.socket.exists() and not daemon.path("web1").exists()
    assert daemon.process.wait(PATIENCE) == 0


def test_stop_runs_the_commands_of_groups_that_have_one(daemon, master):
    command = f"exec_stop = \"/bin/sh -c 'touch {daemon.dir}/ran; kill -QUIT $MAINPID'\""
    daemon.start(group("web1", master, command) + group("web2", master))
    [first], [second] = daemon.pids("web1"), daemon.pids("web2")
    for pid in [first, second]:
        master.report(pid)
    daemon.stop()
    assert (daemon.dir / "ran").exists()
    assert master.signals_of(first) == ["QUIT"] and master.signals_of(second) == ["TERM"]


def test_stop_and_start(daemon, master):
    daemon.start(group("web1", master, "numprocesses = 2") + group("web2", master))
    old = daemon.pids("web1")
    other = daemon.pids("web2")
    assert daemon.ctrl("web1", "start") == "start processes pid []"
    assert daemon.ctrl("web1", "stop") == f"send signal SIGTERM pid [{old[0]}, {old[1]}]"
    eventually(lambda: daemon.ctrl("web1", "status") == "[web1] stopped\nprocesses []\ntime 00:00:00")
    assert all("TERM" in master.signals_of(pid)[0] for pid in old)
    new = numbers(daemon.ctrl("web1", "start").partition("pid")[2])
    assert new == daemon.pids("web1") and len(new) == 2
    assert daemon.pids("web2") == other


def test_restart(daemon, master):
    daemon.start(group("web1", master, "numprocesses = 2"))
    old = daemon.pids("web1")
    answer = daemon.ctrl("web1", "restart")
    new = daemon.pids("web1")
    assert answer == f"restart processes new {new} old {old}"
    assert not set(new) & set(old)


def test_an_upgrade_during_a_restart(daemon, master):
    daemon.start(group("web1", master, "ack_timeout = 0", program=master.probe("--ignore", "TERM")))
    [old] = daemon.pids("web1")
    master.report(old)

    def begin(command):
        client = Control(daemon.path("web1"))
        client.send_raw(json.dumps({"command": f"worker:{command}", "pid": 0, "signal": None}).encode() + b"\n")
        return client
    with begin("restart") as restart:
        master.wait_signal(old, "TERM")
        with begin("upgrade") as upgrade:
            eventually(lambda: "the upgrade begins when" in daemon.log())
            os.kill(old, signal.SIGKILL)
            answers = [json.loads(client.line())["message"] for client in (restart, upgrade)]
    [new] = daemon.pids("web1")
    assert answers == [f"restart processes new [{new}] old [{old}]", f"upgrade processes new [{new}] old []"]


def test_inc_and_dec(daemon, master):
    daemon.start(group("web1", master))
    first, = daemon.pids("web1")
    second, = numbers(daemon.ctrl("web1", "inc"))
    assert daemon.pids("web1") == [first, second]
    master.report(second)
    assert daemon.ctrl("web1", "dec", "-s", "SIGINT") == f"decrements worker process pid [{second}]"
    master.wait_signal(second, "INT")
    eventually(lambda: daemon.pids("web1") == [first])
    assert daemon.ctrl("web1", "dec") == "decrements worker process pid [0]"
    assert daemon.pids("web1") == [first]


@pytest.mark.parametrize("options, ack_signal, gets", [([], "SIGUSR2", "USR2"), ([], "SIGINT", "INT"),
                                                       (["-s", "SIGQUIT"], "SIGUSR2", "QUIT")])
def test_upgrade(daemon, master, options, ack_signal, gets):
    daemon.start(group("web1", master, "numprocesses = 2", f"ack_signal = \"{ack_signal}\""))
    old = daemon.pids("web1")
    for pid in old:
        master.report(pid)
    answer = daemon.ctrl("web1", "upgrade", *options)
    new = numbers(answer.partition("new")[2].partition("old")[0])
    assert answer == f"upgrade processes new {new} old {old}" and not set(new) & set(old)
    for pid in old:
        master.wait_signal(pid, gets)
    eventually(lambda: daemon.pids("web1") == new)
    if options:  # the next one has the usual signal again
        for pid in new:
            master.report(pid)
        daemon.ctrl("web1", "upgrade")
        for pid in new:
            master.wait_signal(pid, "USR2")


def test_upgrades_with_signals_of_their_own_one_over_the_other(daemon, master):
    program = master.script("app", *master.probe("--ack", "manual"))
    daemon.start(group("web1", master, "ack = \"manual\"", "ack_signal = \"TERM\"", program=[program]))
    [first] = daemon.pids("web1")
    master.report(first)
    master.script("app", *master.probe())  # the next ones do not ack by themselves

    def upgrade(signal):
        known = daemon.pids("web1")
        waiting = subprocess.Popen([FIRESTARTER, "ctrl", "-s", signal, "web1", "upgrade"], env=daemon.environment(),
                                   stdout=subprocess.DEVNULL)
        master.others.append(waiting)
        return waiting, eventually(lambda: [pid for pid in daemon.pids("web1") if pid not in known])[0]
    one, _ = upgrade("SIGINT")
    two, last = upgrade("SIGHUP")
    master.report(last)
    daemon.ask({"command": "worker:ack", "pid": last, "signal": None}, "web1")
    assert one.wait(PATIENCE) == 0 and two.wait(PATIENCE) == 0
    master.wait_signal(first, "HUP")
    master.script("app", *master.probe("--ack", "manual"))
    daemon.ctrl("web1", "upgrade")  # without a signal of its own
    master.wait_signal(last, "TERM")


def test_an_upgrade_that_is_cancelled_during_another_one(daemon, master):
    upgrader = f"upgrader = \"/bin/sh -c 'test ! -e {daemon.dir}/no'\""
    daemon.start(group("web1", master, "ack = \"manual\"", "ack_timeout = 0", upgrader))
    [old] = daemon.pids("web1")
    daemon.ask({"command": "worker:ack", "pid": old, "signal": None}, "web1")
    waiting = subprocess.Popen([FIRESTARTER, "ctrl", "web1", "upgrade"], env=daemon.environment(),
                               stdout=subprocess.DEVNULL)
    master.others.append(waiting)
    new = eventually(lambda: [pid for pid in daemon.pids("web1") if pid != old])[0]
    (daemon.dir / "no").touch()
    result = daemon.run("ctrl", "web1", "upgrade")
    assert result.returncode == 1 and "upgrader ended with exit code 1" in result.stderr
    daemon.ask({"command": "worker:ack", "pid": new, "signal": None}, "web1")
    assert waiting.wait(PATIENCE) == 0


def test_the_signal_of_an_upgrade_that_was_cancelled_is_not_that_of_the_next(daemon, master):
    (daemon.dir / "no").touch()
    daemon.start(group("web1", master, "ack_timeout = 0", "ack_signal = \"TERM\"", "upgrader_active_sec = 0.2",
                       f"upgrader = \"/bin/sh -c 'test ! -e {daemon.dir}/no'\""))
    [old] = daemon.pids("web1")
    master.report(old)
    result = daemon.run("ctrl", "-s", "SIGINT", "web1", "upgrade")
    assert result.returncode == 1 and "upgrader ended with exit code 1" in result.stderr
    (daemon.dir / "no").unlink()  # the next run, which nobody asks for, upgrades
    master.wait_signal(old, "TERM")


def test_who_joins_an_upgrade_does_not_take_its_signal_away(daemon, master):
    held = f"echo $$ > {daemon.dir}/runs; until test -e {daemon.dir}/go; do sleep 0.02; done"
    daemon.start(group("web1", master, "ack_timeout = 0", "ack_signal = \"TERM\"", f"upgrader = \"/bin/sh -c '{held}'\""))
    [old] = daemon.pids("web1")
    master.report(old)

    def upgrade(*options):
        waiting = subprocess.Popen([FIRESTARTER, "ctrl", *options, "web1", "upgrade"], env=daemon.environment(),
                                   stdout=subprocess.DEVNULL)
        master.others.append(waiting)
        return waiting
    one = upgrade("-s", "SIGINT")
    eventually(lambda: (daemon.dir / "runs").exists())
    two = upgrade()
    eventually(lambda: "the upgrader is running already" in daemon.log())
    (daemon.dir / "go").touch()
    assert one.wait(PATIENCE) == 0 and two.wait(PATIENCE) == 0
    master.wait_signal(old, "INT")


def test_upgrade_that_fails(daemon, master):
    program = master.script("app", *master.probe())
    daemon.start(group("web1", master, "retries = 1", "seconds = 0.1", program=[program]))
    old = daemon.pids("web1")
    master.script("app", "false")
    result = daemon.run("ctrl", "web1", "upgrade")
    assert result.returncode == 1 and "error: " in result.stderr and "exit code 1" in result.stderr
    assert daemon.pids("web1") == old


def test_upgrader_goes_before_an_upgrade_and_may_forbid_it(daemon, master):
    upgrader = f"upgrader = \"/bin/sh -c 'echo x >> {daemon.dir}/ran; test ! -e {daemon.dir}/no'\""
    daemon.start(group("web1", master, "ack_timeout = 0", upgrader))
    old = daemon.pids("web1")
    (daemon.dir / "no").touch()
    result = daemon.run("ctrl", "web1", "upgrade")
    assert result.returncode == 1 and "upgrader ended with exit code 1" in result.stderr
    assert daemon.pids("web1") == old
    (daemon.dir / "no").unlink()
    assert daemon.ctrl("web1", "upgrade").endswith(f"old {old}")
    assert (daemon.dir / "ran").read_text() == "x\nx\n"


def test_killall(daemon, master):
    daemon.start(group("web1", master, "restart = \"always\""))
    pid, = daemon.pids("web1")
    assert daemon.ctrl("web1", "killall") == f"kill processes pid [{pid}]"
    eventually(lambda: not alive(pid))


def test_unknown_group(daemon, master):
    daemon.start(group("web1", master))
    result = daemon.run("ctrl", "nosuch", "status")
    assert result.returncode == 1 and "'nosuch'" in result.stderr


# ---- Sockets ----

def test_answers_on_sockets(daemon, master):
    daemon.start(group("web1", master))
    pid, = daemon.pids("web1")
    control = {"command": "worker:status", "pid": 1, "signal": None}
    expected = {"status": "ok", "command": "worker:status", "pid": daemon.process.pid}
    answer = daemon.ask(control, "web1")
    assert list(answer) == ["status", "command", "pid", "message"]
    assert answer == {**expected, "message": answer["message"]}
    assert answer["message"].startswith(f"[web1] active\nprocesses [{pid}]\ntime ")
    wrapped = {"command_type": "ctrl_worker", "worker": "web1", "command": control, "pid": 1}
    assert daemon.ask(wrapped)["command"] == "worker:status"
    every = daemon.ask({"command_type": "status", "worker": None, "command": control, "pid": 1})
    assert [one["command"] for one in every] == ["worker:status"]
    assert daemon.ask({"command_type": "list", "worker": None, "command": None, "pid": 1}) == \
        {"pid": daemon.process.pid, "workers": ["web1"]}
    for wrong in ({"command_type": "nosuch"}, {"command_type": "ctrl_worker"}, {**wrapped, "worker": "nosuch"},
                  {**wrapped, "command": {"command": "worker:nosuch"}}, {**wrapped, "command": {**control, "signal": "X"}}):
        assert daemon.ask(wrong)["status"] == "error"
    assert daemon.ask({**control, "signal": 5}, "web1")["status"] == "error"


def test_our_own_dialect(daemon, master):
    daemon.start(group("web1", master) + group("web2", master))
    with Control(daemon.socket) as control:
        assert [one["name"] for one in control.request("status")["data"]["groups"]] == ["web1", "web2"]
    with Control(daemon.path("web2")) as control:
        assert [one["name"] for one in control.request("status")["data"]["groups"]] == ["web2"]
        assert control.request("set_workers", 2)["message"] == "web2: 1 -> 2 workers"
        assert control.bare("list") == "web2"
        assert not control.request("die")["ok"]
    master.socket_path = daemon.path("web1")
    assert "web1" in master.ctl("status").stdout and "web2" not in master.ctl("status").stdout
    assert len(daemon.pids("web1")) == 1


def test_group_socket_of_einhyrningsins(daemon, master):
    path = master.dir / "own.sock"
    daemon.file.write_text(group("web1", master, f"control_socket = \"{path}\"") + group("web2", master))
    master.spawn("--config", daemon.file, program=[])
    master.wait_answering()
    with Control(path) as control:
        assert [one["name"] for one in control.request("status")["data"]["groups"]] == ["web1"]
    assert list(daemon.dir.glob("*.socket")) == []
    master.signal(signal.SIGTERM)
    assert master.wait_exit() == 0 and not path.exists()


def test_manual_ack(daemon, master):
    worker = daemon.dir / "worker.py"
    worker.write_text(ACKING_WORKER)
    daemon.start(group("web1", master, "numprocesses = 2", "ack = \"manual\"", program=[sys.executable, worker, daemon.dir]))
    answers = eventually(lambda: (all_of := list(daemon.dir.glob("*.ack"))) and len(all_of) == 2 and all_of)
    assert {path.stem for path in answers} == {str(pid) for pid in daemon.pids("web1")}
    assert eventually(lambda: answers[0].read_text()) == json.dumps(
        {"status": "ok", "command": "worker:ack", "pid": daemon.process.pid, "message": "received ack"},
        separators=(",", ":")) + "\n"
    old = daemon.pids("web1")
    new = numbers(daemon.ctrl("web1", "upgrade").partition("new")[2].partition("old")[0])
    eventually(lambda: daemon.pids("web1") == new)
    assert not set(old) & set(new) and "no ack" not in daemon.log()


def test_vanished_socket_comes_back(daemon, master):
    daemon.start(group("web1", master) + group("web2", master))
    for path in (daemon.path("web1"), daemon.path("web2"), daemon.socket):
        inode = path.stat().st_ino
        path.unlink()
        eventually(lambda: path.exists() and path.stat().st_ino, what=f"{path} is there again (was {inode})")
    assert daemon.ask({"command": "worker:status"}, "web1")["status"] == "ok"
    assert daemon.run("status").returncode == 0


def test_one_watch_for_all(daemon, master):
    """Instances of inotify are scarce: 128 a user."""
    daemon.start("".join(group(f"web{n}", master, program=["sleep", "1000"]) for n in range(20)))
    kinds = list(open_files(daemon.process.pid).values())
    assert kinds.count("anon_inode:inotify") <= 2


def test_app_names(daemon, master):
    """Two daemons at once, with the same groups."""
    other = Daemon(master, "other")
    daemon.start(group("web1", master))
    other.start(group("web1", master))
    assert daemon.path("web1").exists() and other.path("web1").exists()
    assert daemon.pids("web1") != other.pids("web1")
    other.stop()
    assert daemon.run("status").returncode == 0


def test_live_socket_is_not_displaced(daemon, master):
    daemon.start(group("web1", master))
    again = daemon.run("run", "-c", daemon.file, "-d", daemon.dir / "second.socket")
    assert again.returncode == 1 and str(daemon.path("web1")) in again.stderr
    assert daemon.ask({"command": "worker:status"}, "web1")["status"] == "ok"


def test_killed_and_started_again(daemon, master):
    text = group("web1", master)
    daemon.start(text)
    left = daemon.pids("web1")
    daemon.process.kill()
    daemon.process.wait(PATIENCE)
    assert daemon.path("web1").exists()
    daemon.start(text)
    assert daemon.pids("web1") != left
    for pid in left:
        kill_quietly(pid)


# ---- Reload ----

def reload(daemon):
    with Control(daemon.socket) as control:
        assert control.request("reload")["message"].startswith("reloaded")


def test_reload(daemon, master):
    daemon.start(group("web1", master, "numprocesses = 2") + group("web2", master))
    pids = daemon.pids("web1")
    with Control(daemon.path("web1")) as open_one, Control(daemon.path("web2")) as half:
        half.send_raw(b'{"command": "worker:sta')
        assert open_one.request("ehlo")["ok"]
        reload(daemon)
        assert [one["name"] for one in open_one.request("status")["data"]["groups"]] == ["web1"]
        half.send_raw(b'tus", "pid": 0}\n')
        assert json.loads(half.line())["message"].startswith("[web2] active")
    assert daemon.pids("web1") == pids
    assert daemon.ask({"command": "worker:status"}, "web2")["status"] == "ok"
    daemon.stop()
    assert list(daemon.dir.glob("*.socket")) == []


def test_reload_while_a_client_waits(daemon, master):
    """The answer to an upgrade comes from the new program, and the group has its usual signal again."""
    daemon.start(group("web1", master, "ack = \"manual\"", "ack_timeout = 0"))
    old, = daemon.pids("web1")
    master.report(old)
    assert daemon.ask({"command": "worker:ack", "pid": old}, "web1")["status"] == "ok"
    waiting = subprocess.Popen([FIRESTARTER, "ctrl", "-s", "SIGINT", "web1", "upgrade"], env=daemon.environment(),
                               stdout=subprocess.PIPE, text=True)
    master.others.append(waiting)
    new = eventually(lambda: [pid for pid in daemon.pids("web1") if pid != old])[0]
    reload(daemon)
    assert daemon.ask({"command": "worker:ack", "pid": new, "signal": None}, "web1")["status"] == "ok"
    assert waiting.communicate(timeout=PATIENCE)[0].endswith(f"upgrade processes new [{new}] old [{old}]\n")
    master.wait_signal(old, "INT")
    with Control(daemon.socket) as control:
        state = json.loads(control.request("state")["message"])
    assert state["groups"][0]["config"]["stop_signal"] == "SIGUSR2"


def test_signal_of_an_ack(daemon, master):
    daemon.start(group("web1", master, "ack = \"manual\"", "ack_timeout = 0"))
    old, = daemon.pids("web1")
    master.report(old)
    daemon.ask({"command": "worker:ack", "pid": old, "signal": None}, "web1")
    waiting = subprocess.Popen([FIRESTARTER, "ctrl", "web1", "upgrade"], env=daemon.environment(),
                               stdout=subprocess.DEVNULL)
    master.others.append(waiting)
    new = eventually(lambda: [pid for pid in daemon.pids("web1") if pid != old])[0]
    daemon.ask({"command": "worker:ack", "pid": new, "signal": "SIGQUIT"}, "web1")
    assert waiting.wait(PATIENCE) == 0
    master.wait_signal(old, "QUIT")


def test_new_program_is_loaded_before_an_upgrade(daemon, master):
    """Through a link of its own to the program, which is re-pointed."""
    daemon.start(group("web1", master), "--reexec-as", f"{MASTER}")
    old, = daemon.pids("web1")
    answer = daemon.ctrl("web1", "upgrade")
    assert answer.endswith(f"old [{old}]") and answer.startswith("upgrade processes new [")
    eventually(lambda: "reloaded" in daemon.log())


def test_reload_config_opens_and_removes_sockets(daemon, master):
    daemon.start(group("web1", master) + group("web2", master))
    daemon.file.write_text(group("web1", master) + group("web3", master))
    with Control(daemon.socket) as control:
        assert control.request("reload-config")["ok"]
    eventually(lambda: not daemon.path("web2").exists())
    assert daemon.ask({"command": "worker:status"}, "web3")["message"].startswith("[web3] ")
    assert daemon.run("list").stdout == "worker names:\nweb1\nweb3\n\n"
