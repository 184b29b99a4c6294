# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 3: the command line. Tests the effect of options that have no test file of their own."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from harness import CTL, MASTER, PROBE, Control, can_unshare, eventually, process_state

WRONG = [
    (["--nubmer", "3"], "--number"),
    (["-n", "0"], "--number"),
    (["-n", "10001"], "--number"),
    (["-n", "four"], "--number"),
    (["-n", "-1"], "--number"),
    (["-n", "3x"], "--number"),
    (["-n", "99999999999999999999"], "--number"),
    (["--number"], "--number"),
    (["-4", "-6"], "ipv"),
    (["-b", "127.0.0.1:99999"], "127.0.0.1:99999"),
    (["-b", "127.0.0.1:http2x"], "127.0.0.1:http2x"),
    (["-b", "127.0.0.1"], "127.0.0.1"),
    (["-b", "127.0.0.1:0,q"], "127.0.0.1:0,q"),
    (["-b", "::1:80"], "::1:80"),
    (["-b", ""], "--bind"),
    (["-b", "127.0.0.1:0,mode=0600"], "mode"),
    (["-b", "/tmp/x.sock,mode=0999"], "mode"),
    (["-b", "fd:x"], "fd:x"),
    (["--ack-mode", "sometimes"], "--ack-mode"),
    (["--ack-mode", "-1"], "--ack-mode"),
    (["--ack-timeout", "soon"], "--ack-timeout"),
    (["-r", "many"], "--retries"),
    (["-s", "-3"], "--seconds"),
    (["--stop-signal", "NOSUCH"], "--stop-signal"),
    (["-t", "x"], "--signal-timeout"),
    (["--max-unacked", "0"], "--max-unacked"),
    (["--max-upgrade-additional", "0"], "--max-upgrade-additional"),
    (["--socket-mode", "rw"], "--socket-mode"),
    (["-c", "a/b"], "--command-name"),
    (["-l", "x"], "--backlog"),
    (["--nice", "50"], "--nice"),
    (["--nice", "1:x"], "--nice"),
    (["--log-format", "xml"], "--log-format"),
    (["--syslog=yes"], "--syslog"),
    (["-p", ""], "--preload"),
    (["--config", "x.toml"], "--config"),
]


@pytest.mark.parametrize("options, subject", WRONG, ids=[" ".join(o) or "empty" for o, _ in WRONG])
def test_wrong_command_line_is_one_line_and_exit_2(master, options, subject):
    for extra in ([], ["--check"]):
        # An option that lacks its value would take the program for it.
        result = master.run(*extra, *options, program=[] if options == ["--number"] else None)
        assert result.returncode == 2, result.stderr
        assert result.stdout == ""
        lines = result.stderr.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("einhyrningsins: ")
        assert subject in lines[0]
        assert not master.socket_path.exists()
        assert not list(master.reports.iterdir())


def test_an_error_is_one_line_whatever_was_given(master):
    result = master.run("--config", "/no\nsuch\033[2J", program=[])
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1 and "\033" not in result.stderr


def test_nearest_option_is_named(master):
    assert "--number" in master.run("--nubmer", "3").stderr
    assert "--bind" in master.run("--bnid", "x").stderr


def test_no_program(master):
    result = subprocess.run([MASTER], capture_output=True, text=True, timeout=20)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1 and "PROGRAM" in result.stderr.upper()


@pytest.mark.parametrize("program, reason", [("no-such-program", "no-such-program"), ("./plain", "plain"),
                                             ("/", "/"), ("./nowhere/x", "nowhere/x")])
def test_program_is_looked_up_before_anything_is_bound(master, program, reason):
    (master.dir / "plain").write_text("not executable")
    socket_file = master.dir / "a.sock"
    result = master.run("-b", socket_file, program=[program])
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and reason in result.stderr
    assert not socket_file.exists() and not master.socket_path.exists()


def test_program_is_found_in_path(master):
    (master.dir / "bin").mkdir()
    os.symlink(PROBE, master.dir / "bin" / "my-probe")
    master.start("--ack-mode", "0", program=["my-probe", *master.probe()[1:]],
                 env={"PATH": f"{master.dir}/nowhere:{master.dir}/bin"})
    assert master.first_report().argv[0] == "my-probe"
    assert master.group()["name"] == "my-probe"
    master.stop()


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help(word):
    result = subprocess.run([MASTER, word], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0 and result.stderr == ""
    assert "--number" in result.stdout and "PROGRAM" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_version():
    result = subprocess.run([MASTER, "--version"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0
    assert re.fullmatch(r"einhyrningsins \d+\.\d+\S*\n", result.stdout)


def test_help_and_version_need_no_standard_output():
    with open("/dev/full", "w") as full:
        assert subprocess.run([MASTER, "--version"], stdout=full, timeout=20).returncode in (0, 1)


def test_check(master):
    result = master.run("--check", "-n", "3", "-b", master.dir / "a.sock", "-m")
    assert result.returncode == 0, result.stderr
    assert not (master.dir / "a.sock").exists() and not master.socket_path.exists()


@pytest.mark.parametrize("words", [["-n", "3"], ["-n3"], ["--number", "3"], ["--number=3"]], ids=" ".join)
def test_number(master, words):
    master.start("--ack-mode", "0", *words)
    assert [w["index"] for w in master.workers()] == [0, 1, 2]
    master.stop()


def test_default_is_one_worker_with_a_timer_ack_of_a_second(master):
    master.start()
    [worker] = master.workers()
    assert worker["age_s"] >= 1
    master.stop()


@pytest.mark.parametrize("separator", [[], ["--"]], ids=["word", "dashes"])
def test_options_end_at_the_program(master, separator):
    # The options of the program are its own, whatever they look like.
    master.start("--ack-mode", "0", "-n", "2", *separator, program=master.probe("--exit-code", "0", "--", "-n", "7"))
    report = master.first_report()
    assert report.argv[1:] == ["--dir", str(master.reports), "--exit-code", "0", "--", "-n", "7"]
    assert len(master.pids()) == 2
    master.stop()


def test_command_name(master):
    name = "t" + master.mark[:12]
    master.socket_path = pathlib.Path(f"/tmp/einhorn-{name}.sock")
    master.start("-c", name, "--ack-mode", "0")
    assert master.group()["name"] == name
    title = pathlib.Path(f"/proc/{master.pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    assert title == f"einhyrningsins: {name}"
    assert pathlib.Path(f"/tmp/einhorn-{name}.lock").exists()
    assert master.first_report().variables["EINHORN_SOCK_PATH"] == str(master.socket_path)
    result = subprocess.run([CTL, "-c", name, "ehlo"], capture_output=True, text=True, timeout=20)
    assert result.returncode == 0 and "Hi there!" in result.stdout
    master.stop()
    assert not pathlib.Path(f"/tmp/einhorn-{name}.lock").exists()


def test_relative_socket_path_is_made_absolute(master):
    master.start("-d", "c.sock", "--ack-mode", "0")
    assert master.first_report().variables["EINHORN_SOCK_PATH"] == str(master.socket_path)
    assert master.status()["master"]["control_socket"] == str(master.socket_path)
    master.stop()


def test_pidfile(master):
    pidfile = master.dir / "pid"
    master.start("-e", pidfile, "--ack-mode", "0")
    assert pidfile.read_text() == f"{master.pid}\n"
    assert pidfile.stat().st_mode & 0o022 == 0
    master.stop()
    assert not pidfile.exists()


def test_pidfile_that_is_no_longer_ours_stays(master):
    pidfile = master.dir / "pid"
    master.start("-e", pidfile, "--ack-mode", "0")
    pidfile.unlink()
    pidfile.write_text("1\n")
    master.stop()
    assert pidfile.read_text() == "1\n"


def test_pidfile_does_not_follow_links(master):
    victim = master.dir / "victim"
    victim.write_text("precious")
    pidfile = master.dir / "pid"
    pidfile.symlink_to(victim)
    result = master.run("-e", pidfile)
    assert result.returncode == 1 and str(pidfile) in result.stderr
    assert victim.read_text() == "precious"
    assert not master.socket_path.exists()


def test_stale_pidfile_is_replaced(master):
    pidfile = master.dir / "pid"
    pidfile.write_text("99999999\n")
    master.start("-e", pidfile, "--ack-mode", "0")
    assert pidfile.read_text() == f"{master.pid}\n"
    master.stop()


def test_lockfile_keeps_a_second_master_out(master, other_master):
    lock = master.dir / "lock"
    master.start("-f", lock, "--ack-mode", "0")
    result = other_master.run("-f", lock)
    assert result.returncode == 1 and str(lock) in result.stderr
    assert not other_master.socket_path.exists()
    assert master.answers()
    master.stop()
    other_master.start("-f", lock, "--ack-mode", "0")
    other_master.stop()


def test_lockfile_does_not_follow_links(master):
    victim = master.dir / "victim"
    victim.write_text("precious")
    (master.dir / "lock").symlink_to(victim)
    result = master.run("-f", master.dir / "lock")
    assert result.returncode == 1 and "lock" in result.stderr
    assert victim.read_text() == "precious"


def test_default_lockfile_is_next_to_the_socket(master):
    master.start("--ack-mode", "0")
    assert (master.dir / "c.lock").exists()
    master.stop()
    assert not (master.dir / "c.lock").exists()


@pytest.mark.parametrize("words, backlog", [([], 1024), (["-l", "77"], 77), (["--backlog=5"], 5)])
def test_backlog(master, words, backlog):
    limit = int(pathlib.Path("/proc/sys/net/core/somaxconn").read_text())
    master.start("--ack-mode", "0", "-b", "127.0.0.1:0", *words)
    assert master.first_report().fd(3)["backlog"] == min(backlog, limit)
    master.stop()


def test_nice(master):
    master.start("--ack-mode", "0", "--nice", "5:10")
    assert os.getpriority(os.PRIO_PROCESS, master.pid) == 5
    assert master.first_report().nice == 10
    master.stop()


def test_nice_of_the_master_alone_is_inherited(master):
    master.start("--ack-mode", "0", "--nice", "3")
    assert os.getpriority(os.PRIO_PROCESS, master.pid) == 3
    assert master.first_report().nice == 3
    master.stop()


def test_command_socket_as_fd(master):
    master.start("-g", "-m", "-n", "2", "-b", "127.0.0.1:0", program=master.probe("--ack", "fd"))
    inodes = set()
    for pid in master.pids():
        report = master.report(pid)
        assert report.variables["EINHORN_SOCK_FD"] == "4"
        assert report.fd(4)["target"].startswith("socket:") and report.fd(4)["family"] == socket.AF_UNIX
        inodes.add(report.fd(4)["target"])
    assert len(inodes) == 2, "each worker has a connection of its own"
    master.stop()


def test_log_format_json(master):
    master.start("--ack-mode", "0", "--log-format", "json", "-n", "2")
    master.stop()
    lines = master.log().splitlines()
    assert lines and all(isinstance(json.loads(line), dict) for line in lines)


def test_json_lines_say_whom_they_are_about(master):
    master.start("--ack-mode", "0", "--log-format", "json")
    pid = master.pids()[0]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: master.group()["last_death"])
    master.stop()
    lines = [json.loads(line) for line in master.log().splitlines()]
    died = next(line for line in lines if line.get("event") == "worker_died")
    assert (died["level"], died["group"], died["index"], died["worker_pid"], died["generation"]) == ("warning", "probe_worker", 0, pid, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", died["time"])
    assert died["message"].startswith(f"worker {pid} (index 0, generation 1) died: SIGKILL")
    assert all("index" not in line and "worker_pid" not in line for line in lines if "group" not in line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_lines_are_utf8_in_one_line_whatever_names_hold(master, form):
    name = b"caf\xe9\xc2\x9b2J"  # Latin-1, and U+009B, which begins a sequence for terminals
    program = master.script(os.fsdecode(name), "sleep", "1000")
    master.spawn("--ack-mode", "0", "--log-format", form, "--stop-signal", "TERM", program=[program])
    master.wait_log("is ready")
    master.stop()
    text = master.stderr_path.read_bytes().decode()  # UTF-8, or this fails
    assert "caf\ufffd?2J" in text and "\x9b" not in text
    if form == "json":
        assert any(json.loads(line).get("group") == "caf\ufffd?2J" for line in text.splitlines())


@pytest.mark.skipif(not can_unshare(), reason="needs a mount namespace")
def test_syslog_gets_warnings_and_is_not_waited_for(master):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(master.dir / "daemon"))
        devices, names = master.dir / "dev", "null zero urandom tty"
        shell = (f"mkdir {devices} && mount --rbind /dev {devices} && mount -t tmpfs none /dev && "
                 f"for name in {names}; do touch /dev/$name && mount --bind {devices}/$name /dev/$name; done; "
                 f"touch /dev/log && mount --bind {master.dir}/daemon /dev/log && exec \"$@\"")
        master.start("--ack-mode", "0", "--syslog", "-s", "0.001", wrapper=["unshare", "-m", "sh", "-c", shell, "sh"])
        pid = master.pids()[0]
        os.kill(pid, signal.SIGKILL)
        message = daemon.recv(1000).decode()
        assert re.fullmatch(rf"<28>\w{{3}} [ \d]\d [\d:]{{8}} einhyrningsins\[{master.pid}\]: "
                            rf"probe_worker: worker {pid} \(index 0, generation 1\) died: SIGKILL, after .*", message)
        for _ in range(30):  # more than the daemon's queue holds
            pid = eventually(lambda: (pids := master.pids()) and pids[0] != pid and pids[0])
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: (pids := master.pids()) and pids[0] != pid)
        master.stop()


def test_log_has_no_colour_in_a_file(master):
    master.start("--ack-mode", "0", "-v")
    master.stop()
    assert "\x1b" not in master.log()


def test_verbosity(master, other_master):
    master.start("--ack-mode", "0", "-q")
    other_master.start("--ack-mode", "0", "-v")
    master.stop()
    other_master.stop()
    assert master.log() == ""
    assert len(other_master.log().splitlines()) > 2


def test_stop_signal(master):
    master.start("--ack-mode", "0", "-n", "2", "--stop-signal", "TERM")
    pid = master.pids()[1]
    assert master.request("dec")["ok"]
    master.wait_ready(1)
    assert master.signals_of(pid) == ["TERM"]
    master.stop()


def test_stop_signal_is_usr2_by_default(master):
    master.start("--ack-mode", "0", "-n", "2")
    pid = master.pids()[1]
    master.request("dec")
    master.wait_ready(1)
    assert master.signals_of(pid) == ["USR2"]
    master.stop()


def test_signal_timeout_sends_term(master):
    master.start("--ack-mode", "0", "-n", "2", "-t", "0.3", program=master.probe("--ignore", "USR2"))
    pid = master.pids()[1]
    master.request("dec")
    master.wait_ready(1)
    assert master.signals_of(pid) == ["USR2", "CONT", "TERM"]
    master.wait_log(f"worker {pid} .*SIGTERM")
    master.stop()


def test_signal_timeout_kills_at_once_what_was_told_with_term(master):
    master.start("--ack-mode", "0", "-n", "2", "-t", "0.3", "--stop-signal", "TERM",
                 program=master.probe("--ignore", "TERM"))
    pid = master.pids()[1]
    master.request("dec")
    master.wait_ready(1)
    assert master.signals_of(pid) == ["TERM", "CONT"]
    master.wait_log(f"worker {pid} .*SIGKILL")
    os.kill(master.pids()[0], signal.SIGKILL)
    master.signal(signal.SIGTERM)
    assert master.wait_exit() == 0


def test_signal_timeout_ends_with_kill(master):
    master.start("--ack-mode", "0", "-t", "0.2", program=master.probe("--ignore", "USR2", "--ignore", "TERM"))
    [pid] = master.pids()
    master.signal(signal.SIGUSR2)
    assert master.wait_exit(40) == 0
    assert master.signals_of(pid) == ["USR2", "CONT", "TERM", "CONT"]
    assert re.search(f"worker {pid} .*SIGKILL", master.log())


def test_signal_timeout_of_zero_waits_until_that_is_changed(master):
    master.start("--ack-mode", "0", "-n", "2", "-t", "0", program=master.probe("--ignore", "USR2"))
    pid = master.pids()[1]
    master.request("dec")
    eventually(lambda: master.signals_of(pid) == ["USR2", "CONT"])
    assert [w["state"] for w in master.workers()].count("stopping") == 1
    reply = master.request("config", json.dumps({"signal-timeout": 0.2}))
    assert reply["ok"], reply
    master.wait_ready(1)
    assert master.signals_of(pid) == ["USR2", "CONT", "TERM"]
    master.stop()


def watch_counts(master, finished):
    """The greatest number of workers, and of starting ones, that were ever seen until finished()."""
    most, most_starting = 0, 0
    while not finished():
        states = [worker["state"] for worker in master.group()["workers"]]
        most, most_starting = max(most, len(states)), max(most_starting, states.count("starting"))
    return most, most_starting


@pytest.mark.parametrize("limit", [1, 2])
def test_max_unacked(master, limit):
    master.start("-m", "-n", "4", "--max-unacked", limit, program=master.probe("--ack", "manual", "--ack-delay", "0.1"))
    with master.connect() as control:
        control.send("upgrade")
        most, most_starting = watch_counts(
            master, lambda: master.group()["upgrade"] is None and master.group()["generation"] == 2)
    assert most_starting <= limit
    assert master.group()["ready"] == 4
    master.stop()


def test_max_unacked_holds_for_growth(master):
    master.start("-m", "--max-unacked", "1", program=master.probe("--ack", "manual", "--ack-delay", "0.1"))
    master.request("set_workers", "5")
    _, most_starting = watch_counts(master, lambda: master.group()["ready"] == 5)
    assert most_starting == 1
    master.stop()


def test_max_upgrade_additional(master):
    master.start("-m", "-n", "3", "--max-upgrade-additional", "1", "--max-unacked", "3",
                 program=master.probe("--ack", "manual", "--ack-delay", "0.1"))
    with master.connect() as control:
        control.send("upgrade")
        most, _ = watch_counts(
            master, lambda: master.group()["upgrade"] is None and master.group()["generation"] == 2)
    assert most == 4
    master.stop()


@pytest.mark.skipif(not can_unshare(), reason="needs private mount namespaces")
def test_syslog_gets_warnings(master):
    # A private /dev with a socket where syslog(3) looks for it.
    shell = ('d="$1"; shift; mount -t tmpfs none "$d" && for n in null zero full random urandom; do '
             'touch "$d/$n" && mount --bind "/dev/$n" "$d/$n"; done && mkdir "$d/shm" && ln -s "$LOG" "$d/log" && '
             'mount --move "$d" /dev && exec "$@"')
    (master.dir / "dev").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(master.dir / "log"))
        log.settimeout(20)
        master.start("--syslog", "--ack-mode", "0", wrapper=["unshare", "-m", "sh", "-c", shell, "sh", master.dir / "dev"],
                     env={"LOG": str(master.dir / "log")})
        [pid] = master.pids()
        os.kill(pid, signal.SIGKILL)
        message = log.recv(65536).decode()
    assert f"worker {pid}" in message and "SIGKILL" in message
    master.wait_ready()
    master.stop()


def test_syslog_that_is_not_there_is_no_obstacle(master):
    master.start("--syslog", "--ack-mode", "0")
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("SIGKILL")
    master.wait_ready()
    master.stop()


def test_a_group_without_listeners(master):
    master.start("--ack-mode", "0", "-n", "2")
    assert master.group()["listeners"] == []
    assert master.request("upgrade")["ok"]
    assert master.group()["generation"] == 2
    master.stop()


def test_everything_together(master):
    lock, pidfile = master.dir / "l", master.dir / "p"
    master.start("-n", "2", "-b", "127.0.0.1:0,r,n", "-b", f"{master.dir}/a.sock,mode=0600,name=own", "-4", "-m",
                 "--ack-timeout", "5", "-r", "3", "-s", "0.1", "--stop-signal", "USR1", "-t", "2",
                 "--max-unacked", "2", "--max-upgrade-additional", "2", "--drop-env-var", "HOME",
                 "--socket-mode", "0660", "-e", pidfile, "-f", lock, "-g", "-k", "-l", "64", "--nice", "1:2",
                 "--log-format", "json", "-v", program=master.probe("--ack", "fd", "--ignore", "USR1"))
    report = master.first_report()
    assert "HOME" not in report.variables and report.variables["EINHORN_SOCK_FD"] == "5"
    assert report.nice == 2 and report.pdeathsig == signal.SIGUSR2
    master.stop()
    assert not lock.exists() and not pidfile.exists() and not (master.dir / "a.sock").exists()


@pytest.mark.parametrize("check", [[], ["--check"]])
@pytest.mark.parametrize("options, about", [(["-d", "/tmp/" + "z" * 150], "--socket-path"),
                                            (["-c", "z" * 150], "control socket /tmp/einhorn-" + "z" * 150 + ".sock")])
def test_a_control_socket_that_can_never_be_bound_is_a_wrong_command_line(master, options, about, check):
    result = master.run(*options, *check)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"einhyrningsins: {about}: the path of a unix socket may have at most 107 bytes\n"
