# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC section 4: the master under the name einhorn."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from harness import EINHORN, PROBE, Control, alive, eventually
from test_environment import OUTER, expected, lines


@pytest.fixture
def einhorn(master):
    """A master under that name; its default paths are in its private directory."""
    master.executable = EINHORN
    return master


def run(*words, **environment):
    return subprocess.run([EINHORN, *words], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL,
                          env={"PATH": os.environ["PATH"], **environment})


def start(master, *options, workers=1, **kwargs):
    """Starts it with probes and returns their pids in the order of their birth; none is older than its ack."""
    if "-e" not in options and not kwargs.get("env", {}).get("TMPDIR"):
        options = ["-e", master.dir / "pid", *options]
    master.spawn(*options, **kwargs)
    return ready(master, workers)


def ready(master, count):
    """Waits until so many workers have acked in all."""
    pattern = r"worker (\d+) .* is ready"
    master.wait_log(pattern, count=count)
    pids = [int(pid) for pid in re.findall(pattern, master.log())][:count]
    for pid in pids:
        eventually(lambda: master.report_path(pid), what=f"report of {pid}")
    return pids


def ask(master, command, *args):
    """All messages of one command."""
    with master.connect() as control:
        control.send(command, *args)
        replies = [control.reply()]
        while replies[-1].get("wait"):
            replies.append(control.reply())
        return [reply["message"] for reply in replies]


# ---- The command line ----

@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["--he"], ["-n", "3"], ["--"], ["-h", "sleep", "1"]])
def test_usage(words):
    result = run(*words)
    assert result.returncode == 1 and result.stderr == ""
    assert result.stdout.startswith("## Usage\n") and "--kill-children-on-exit" in result.stdout


def test_version():
    result = run("--version")
    assert result.returncode == 0 and re.match(r"0\.8\.2\b", result.stdout)


@pytest.mark.parametrize("words", [["--upgrade-check", "--", "sleep", "1"], ["-v", "--upgrade-check"],
                                   ["--upgrade-check", "--", "nosuchprogram"]])
def test_upgrade_check(words):
    result = run(*words)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("words, named", [
    (["--nosuch", "sleep", "1"], "--nosuch"), (["-x", "sleep", "1"], "-x"), (["-n"], "--number"),
    (["-n", "0", "sleep", "1"], "--number"), (["-m", "sleep", "sleep", "1"], "--ack-mode"),
    (["-b", "nowhere", "sleep", "1"], "nowhere"), (["--s", "1", "sleep", "1"], "--signal-timeout"),
    (["sleep", "srv:127.0.0.1:99999"], "99999"), (["nosuchprogram"], "nosuchprogram"),
    (["-b", "192.0.2.1:1", "sleep", "1"], "192.0.2.1:1")])
def test_what_is_wrong(tmp_path, words, named):
    result = run(*words, TMPDIR=str(tmp_path))
    assert result.returncode == 1 and result.stdout == ""
    [line] = [line for line in result.stderr.splitlines() if not line.startswith("[MASTER")]
    assert line.startswith("einhorn: ") and named in line
    assert [path for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_check():
    assert run("--check", "-n", "2", "sleep", "1").returncode == 0
    assert run("--check", "-n", "x", "sleep", "1").returncode == 1


def test_abbreviations_and_what_has_no_effect(einhorn):
    start(einhorn, "--numb=2", "--gc", "--ack", "0.01", "--max-una", "1", "-gk", workers=2)
    einhorn.stop()


# ---- Paths ----

@pytest.mark.parametrize("options, stem", [([], "einhorn"), (["-c", "web"], "einhorn-web")])
def test_default_paths_follow_tmpdir(einhorn, options, stem):
    directory = einhorn.dir / "tmp"
    directory.mkdir()
    einhorn.command = lambda *words, program: [EINHORN, *words, *map(str, program)]
    start(einhorn, *options, "-m", "0", program=einhorn.probe(), env={"TMPDIR": str(directory)})
    einhorn.socket_path = directory / f"{stem}.sock"
    assert einhorn.socket_path.is_socket() and (directory / f"{stem}.lock").is_file()
    assert (directory / f"{stem}.pid").read_text().strip() == str(einhorn.pid)
    second = subprocess.run(einhorn.command(*options, program=["sleep", "1"]), capture_output=True, text=True, timeout=20,
                            env={**einhorn.environment(), "TMPDIR": str(directory)})
    assert second.returncode == 1
    einhorn.stop()
    assert not (directory / f"{stem}.sock").exists() and not (directory / f"{stem}.pid").exists()


def test_paths_that_are_given(einhorn):
    pid, lock = einhorn.dir / "the.pid", einhorn.dir / "the.lock"
    start(einhorn, "-m", "0", "-e", pid, "-f", lock)
    assert pid.read_text().strip() == str(einhorn.pid) and lock.exists()
    einhorn.stop()
    assert not pid.exists()


# ---- Workers ----

def test_environment_byte_for_byte(einhorn):
    pids = start(einhorn, "-m", "0", "-n", "2", "-b", "127.0.0.1:0,r", "-b", "localhost:0,N", workers=2, env=OUTER)
    for index, pid in enumerate(sorted(pids, key=lambda pid: einhorn.report(pid).variables["EINHORN_CHILD_INDEX"])):
        report = einhorn.report(pid)
        listeners = [("AF_INET", report.fd(3)["address"], None), ("AF_INET", report.fd(4)["address"], None)]
        assert sorted(report.env) == lines(expected(einhorn, report, listeners, index, 1))
        assert report.fd(3)["reuseaddr"] and report.fd(4)["nonblock"]
        assert report.fd(4)["address"].startswith("127.0.0.1:")
        assert report.fd(3)["backlog"] == 100
    einhorn.stop()


def test_without_sockets(einhorn):
    [pid] = start(einhorn, "-m", "0")
    variables = einhorn.report(pid).variables
    assert variables["EINHORN_FD_COUNT"] == "0" and variables["EINHORN_FDS"] == ""
    assert "EINHORN_SOCK_FD" not in variables and "EINHORN_FD_0" not in variables
    einhorn.stop()


def test_sockets_in_words(einhorn):
    words = ["srv:127.0.0.1:0,r", "FD=srv:127.0.0.1:0", "srv:localhost:0,n", "srv:other"]
    [pid] = start(einhorn, "-m", "0", "-b", "127.0.0.1:0", program=[*einhorn.probe(), *words])
    report = einhorn.report(pid)
    assert report.argv[-4:] == ["3", "FD=3", "4", "srv:other"]
    assert report.fd(3)["listening"] and report.fd(3)["reuseaddr"] and not report.fd(3)["nonblock"]
    assert report.fd(4)["listening"] and report.fd(4)["nonblock"]
    assert report.variables["EINHORN_FDS"] == report.variables["EINHORN_FD_0"] == "5"
    assert report.variables["EINHORN_FD_COUNT"] == "1"
    [state] = ask(einhorn, "state")
    assert ":bind_fds: [5]\n" in state and state.count("127.0.0.1") == 1, "those of words are not there"
    assert report.fd(5)["listening"] and max(fd["fd"] for fd in report.fds) == 5
    assert re.search(r"^\[MASTER \d+\] ERROR: .*srv:.*deprecated", einhorn.log(), re.MULTILINE)
    einhorn.signal(signal.SIGHUP)
    [_, new] = ready(einhorn, 2)
    assert einhorn.report(new).argv[-4:] == report.argv[-4:]
    assert einhorn.report(new).fd(3)["address"] == report.fd(3)["address"]
    einhorn.stop()


def test_a_variable_is_dropped_at_the_next_upgrade(einhorn):
    [first] = start(einhorn, "-m", "0", "--drop-env-var", "SECRET", env={"SECRET": "x", "OTHER": "y"})
    assert einhorn.report(first).variables["SECRET"] == "x"
    os.kill(first, signal.SIGKILL)
    second = ready(einhorn, 2)[1]
    assert einhorn.report(second).variables["SECRET"] == "x", "replaced, but not upgraded"
    einhorn.signal(signal.SIGHUP)
    third = ready(einhorn, 3)[2]
    variables = einhorn.report(third).variables
    assert "SECRET" not in variables and variables["OTHER"] == "y"
    einhorn.stop()


def test_niceness(einhorn):
    [pid] = start(einhorn, "-m", "0", "--nice", "2:4:/nowhere/renice")
    assert os.getpriority(os.PRIO_PROCESS, einhorn.pid) == 2 and einhorn.report(pid).nice == 4
    assert re.search("'/nowhere/renice' is not run", einhorn.log())
    einhorn.stop()


def test_a_preload_of_ruby_goes_on_without(einhorn):
    start(einhorn, "-m", "0", "-p", "app.rb")
    einhorn.wait_log("without preloading")
    einhorn.stop()


# ---- Signals and ends ----

@pytest.mark.parametrize("sent, got, code", [("TERM", "TERM", 0), ("INT", "USR2", 0), ("USR2", "USR2", 0),
                                             ("QUIT", "QUIT", 1)])
def test_exit_codes(einhorn, sent, got, code):
    pids = start(einhorn, "-m", "0", "-n", "2", workers=2)
    einhorn.signal(getattr(signal, "SIG" + sent))
    assert einhorn.wait_exit() == code
    for pid in pids:
        einhorn.wait_signal(pid, got)
    assert not einhorn.socket_path.exists()


def test_die(einhorn):
    [pid] = start(einhorn, "-m", "0")
    assert ask(einhorn, "die")[0].startswith("Einhorn is going down!")
    assert einhorn.wait_exit() == 0
    assert einhorn.signals_of(pid) == ["USR2"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGALRM])
def test_signals_that_upgrade(einhorn, number):
    [old] = start(einhorn, "-m", "0")
    einhorn.signal(number)
    new = ready(einhorn, 2)[1]
    einhorn.wait_signal(old, "USR2")
    eventually(lambda: not alive(old))
    assert alive(new) and einhorn.process.poll() is None
    deprecated = re.search(r"ERROR: SIGALRM is deprecated", einhorn.log())
    assert bool(deprecated) == (number == signal.SIGALRM)
    einhorn.stop()


def test_who_stays_is_killed_at_once(einhorn):
    program = einhorn.probe("--ignore", "USR2", "--ignore", "TERM")
    [old] = start(einhorn, "-m", "0", "-t", "0.2", program=program)
    einhorn.signal(signal.SIGHUP)
    ready(einhorn, 2)
    einhorn.wait_log(rf"worker {old} .*has gone: SIGKILL")
    assert einhorn.signals_of(old) == ["USR2", "CONT"], "SIGKILL without SIGTERM before it"
    einhorn.signal(signal.SIGTERM)
    assert einhorn.wait_exit() == 0


def test_who_stays_may_stay(einhorn):
    [old] = start(einhorn, "-m", "0", program=einhorn.probe("--ignore", "USR2"))
    einhorn.signal(signal.SIGHUP)
    new = ready(einhorn, 2)[1]
    einhorn.wait_signal(old, "USR2")
    assert "sending SIGTERM" not in einhorn.log() and alive(old) and alive(new)
    einhorn.stop()


# ---- What people and scripts see ----

def test_log_lines(einhorn):
    start(einhorn, "-m", "0", "-v", "-c", "web", "-d", einhorn.socket_path)
    einhorn.signal(signal.SIGHUP)
    ready(einhorn, 2)
    einhorn.stop()
    levels = set()
    for line in einhorn.log().splitlines():
        match = re.fullmatch(r"\[MASTER (\d+)\] (DEBUG|INFO|ERROR): \S.*", line)
        assert match and match[1] == str(einhorn.pid), line
        levels.add(match[2])
    assert {"DEBUG", "INFO"} <= levels


def test_quiet(einhorn):
    einhorn.spawn("-q", "-m", "0", "-e", einhorn.dir / "pid", program=[*einhorn.probe(), "srv:127.0.0.1:0"])
    einhorn.wait_log("deprecated")
    eventually(lambda: list(einhorn.reports.glob("*.json")))
    einhorn.stop()
    [line] = einhorn.log().splitlines()
    assert "ERROR" in line


def test_verbosity_at_run_time(einhorn):
    start(einhorn, "-m", "0")
    assert ask(einhorn, "louder") == ["Verbosity set to 0"]
    assert ask(einhorn, "quieter") == ["Verbosity set to 1"]
    assert ask(einhorn, "quieter") == ["Verbosity set to 2"]
    einhorn.stop()


def title(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


def test_title_is_the_name(einhorn):
    start(einhorn, "-m", "0", "-c", "web", "-d", einhorn.socket_path)
    assert title(einhorn.pid) == "einhorn: web"
    einhorn.signal(signal.SIGHUP)
    ready(einhorn, 2)
    assert title(einhorn.pid) == "einhorn: web"
    einhorn.stop()


def test_title_is_the_command(einhorn):
    start(einhorn, "-m", "0")
    assert title(einhorn.pid).startswith(f"einhorn: {PROBE} --dir {einhorn.reports}")
    einhorn.stop()


def test_state_shows_the_options(einhorn):
    start(einhorn, "-m", "manual", "-n", "2", "-l", "7", "-t", "9", "-b", "127.0.0.1:0", workers=2,
          program=einhorn.probe("--ack", "manual", "--ack-line", '{"command": "worker:ack", "pid": PID}'))
    [state] = ask(einhorn, "state")
    for line in (":number: 2", ":backlog: 7", ":signal_timeout: 9", ":type: :manual"):
        assert line in state, line
    einhorn.stop()


def test_a_client_without_id_is_answered_as_by_einhorn(einhorn):
    start(einhorn, "-m", "0")
    with Control(einhorn.socket_path) as control:
        control.send_raw(b'{"command": "inc"}\n')
        assert '"message": ' in control.line()
    ready(einhorn, 2)
    einhorn.stop()


def test_a_port_that_is_taken(einhorn):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = einhorn.run("-b", address, program=["sleep", "1"])
    assert result.returncode == 1 and address in result.stderr
    assert not einhorn.socket_path.exists()


def test_two_without_a_name(einhorn, other_master):
    start(einhorn, "-m", "0")
    other_master.executable = EINHORN
    start(other_master, "-m", "0")
    other_master.stop()
    einhorn.stop()
