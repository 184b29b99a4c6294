# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 8: the control socket, its commands, its limits, and its file."""

import grp
import json
import os
import pathlib
import random
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from harness import can_unshare, eventually, is_root

NOBODY = 65534
LIMIT = 65536


@pytest.fixture
def running(master):
    """A master with two workers that are ready at once."""
    return master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0")


# ---- Commands ----

@pytest.mark.parametrize("how", ["SIGTERM", "die"])
def test_the_last_word_of_an_upgrade_that_ends_with_the_master(master, how):
    """Without a worker the master ends in the very turn in which the upgrade is aborted."""
    master.spawn("--seconds", 30, program=["/bin/false"])
    master.wait_answering()
    with master.connect() as waiting:
        upgrade = waiting.send("upgrade")
        master.wait_log("trying again", count=2)
        if how == "SIGTERM":
            master.signal(signal.SIGTERM)
        else:
            master.request(how)
        last = waiting.finish(upgrade)
        assert not last["ok"] and "aborted: the group was told to stop" in last["message"]
    assert master.wait_exit() == 0


def test_ehlo_help_version(running):
    with running.connect() as control:
        assert control.bare("ehlo") == "Hi there!"
        assert re.fullmatch(r"einhyrningsins \d+\.\d+\S*", control.bare("version"))
        text = control.bare("help")
        for command in ("worker:ack", "worker:ping", "ehlo", "help", "version", "status", "state", "inc", "dec",
                        "set_workers", "upgrade", "upgrade_fleet", "signal", "die", "start", "stop", "restart",
                        "killall", "list", "config", "louder", "quieter", "reload"):
            assert re.search(rf"^\s*{command}\b", text, re.MULTILINE), command
    running.stop()


@pytest.mark.parametrize("request_id", [1, 0, -5, 2 ** 53, "x", "", "ünïcode \" \\ \n", 1.5])
def test_id_is_echoed(running, request_id):
    with running.connect() as control:
        control.send_raw(json.dumps({"id": request_id, "command": "ehlo"}).encode() + b"\n")
        assert control.reply() == {"request_id": request_id, "message": "Hi there!", "ok": True}
    running.stop()


def test_status_without_data(running):
    reply = running.request("status", data=False)
    assert reply["ok"] and "data" not in reply and str(running.pids()[0]) in reply["message"]
    running.stop()


def test_status_data(running):
    data = running.status()
    assert set(data) == {"master", "groups"}
    assert set(data["master"]) >= {"pid", "version", "uptime_s", "control_socket"}
    assert data["master"]["pid"] == running.pid
    assert data["master"]["control_socket"] == str(running.socket_path)
    [group] = data["groups"]
    assert set(group) >= {"name", "state", "generation", "target", "ready", "listeners", "upgrade",
                          "deaths_before_ack", "last_death", "workers"}
    assert (group["name"], group["state"], group["generation"], group["target"], group["ready"]) == \
        ("probe_worker", "running", 1, 2, 2)
    assert group["upgrade"] is None and group["last_death"] is None and group["deaths_before_ack"] == 0
    [listener] = group["listeners"]
    assert set(listener) >= {"address", "fd", "name"} and listener["fd"] == 3
    for worker in group["workers"]:
        assert set(worker) >= {"pid", "index", "generation", "state", "age_s", "restarts", "memory_bytes"}
        assert 0 < worker["memory_bytes"] < 10_000_000 and 0 <= worker["age_s"] < 60
    running.stop()


def test_status_for_people(running):
    with running.connect() as control:
        text = control.bare("status")
    for pid in running.pids():
        assert str(pid) in text
    assert "probe_worker" in text and running.address() in text and "ready" in text
    assert all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())
    running.stop()


def test_state(running):
    with running.connect() as control:
        state = control.bare("state")
    assert isinstance(state, str) and json.loads(state)
    for pid in running.pids():
        assert str(pid) in state
    running.stop()


def test_list(running):
    assert "probe_worker" in running.request("list")["message"]
    running.stop()


def test_inc_dec_set_workers(running):
    for command, args, count in (("inc", (), 3), ("dec", (), 2), ("set_workers", (5,), 5), ("set_workers", ("1",), 1)):
        with running.connect() as control:
            assert control.request(command, *args)["ok"]
        running.wait_ready(count)
        assert running.group()["target"] == count
    assert not running.request("dec")["ok"], "below 1 is refused"
    for wrong in ("0", "-1", "10001", "x", ""):
        reply = running.request("set_workers", wrong)
        assert not reply["ok"] and reply["message"]
    assert not running.request("set_workers")["ok"]
    assert running.group()["target"] == 1
    running.stop()


def test_arguments_may_be_numbers(running):
    with running.connect() as control:
        control.send_raw(b'{"id":1,"command":"set_workers","args":[3]}\n')
        assert control.reply()["ok"]
    running.wait_ready(3)
    running.stop()


def test_dec_retires_the_highest_index(running):
    first, second = running.pids()
    running.request("dec")
    running.wait_ready(1)
    assert running.pids() == [first] and running.signals_of(second) == ["USR2"]
    running.stop()


@pytest.mark.parametrize("name", ["HUP", "SIGHUP", "hup", "sighup", "1"])
def test_signal(running, name):
    assert running.request("signal", name)["ok"]
    for pid in running.pids():
        running.wait_signal(pid, "HUP")
    running.stop()


def test_several_signals_in_order(running):
    assert running.request("signal", "HUP", "USR1")["ok"]
    for pid in running.pids():
        eventually(lambda: sorted(running.signals_of(pid)) == ["HUP", "USR1"])
    running.stop()


def test_unknown_signal(running):
    for args in (["NOSUCH"], [], ["HUP", "NOSUCH"], ["99"]):
        assert not running.request("signal", *args)["ok"]
    assert all(running.signals_of(pid) == [] for pid in running.pids())
    running.stop()


@pytest.mark.parametrize("args, expected", [((), "USR2"), (("TERM",), "TERM"), (("SIGQUIT",), "QUIT")])
def test_die(running, args, expected):
    pids = running.pids()
    assert running.request("die", *args)["ok"]
    assert running.wait_exit() == 0
    assert all(running.signals_of(pid) == [expected] for pid in pids)
    assert not running.socket_path.exists()


def test_stop_and_start(running):
    assert running.request("stop")["ok"]
    eventually(lambda: running.group()["state"] == "stopped")
    assert running.group()["workers"] == [] and running.process.poll() is None
    assert running.request("start")["ok"]
    running.wait_ready(2)
    assert running.group()["state"] == "running"
    running.stop()


def test_restart(running):
    before = running.pids()
    assert running.request("restart")["ok"]
    eventually(lambda: not set(before) & set(running.pids()) and len(running.pids("ready")) == 2)
    assert running.group()["generation"] == 2
    running.stop()


def test_killall(running):
    before = running.pids()
    assert running.request("killall")["ok"]
    eventually(lambda: not set(before) & set(running.pids()))
    assert all(running.signals_of(pid) == [] for pid in before)
    running.stop()


@pytest.mark.parametrize("command", ["status", "inc", "upgrade", "stop"])
def test_group(running, command):
    assert not running.request(command, "no-such-group")["ok"]
    assert "no-such-group" in running.request(command, group="no-such-group")["message"]
    assert running.request(command, "probe_worker")["ok"]
    eventually(lambda: running.group()["upgrade"] is None)
    assert running.request("list", group="probe_worker")["message"]
    running.stop()


def test_config(running):
    reply = running.request("config", '{"number": 3, "signal-timeout": 5}')
    assert reply["ok"], reply
    running.wait_ready(3)
    reply = running.request("config", '{"retries":', '2}')
    assert reply["ok"], reply
    for wrong in ('{"nubmer": 3}', '{"number": 0}', '{"bind": "127.0.0.1:0"}', '[]', '{', '{"number": {}}', 'x'):
        assert not running.request("config", wrong)["ok"], wrong
    reply = running.request("config", '{"number": 5, "no-such-option": 1}')
    assert not reply["ok"] and "no-such-option" in reply["message"]
    assert running.group()["target"] == 3, "a refused configuration changes nothing"
    running.stop()


def test_louder_and_quieter(running):
    for command in ("louder", "louder", "quieter", "quieter", "quieter"):
        assert running.request(command)["ok"]
    size = len(running.log())
    assert running.request("inc")["ok"]
    running.wait_ready(3)
    assert len(running.log()) == size
    running.stop()


def test_unknown_command_names_the_nearest(running):
    reply = running.request("upgarde")
    assert not reply["ok"] and "upgrade" in reply["message"]
    with running.connect() as control:
        assert "upgrade" in control.bare("upgarde")
    running.stop()


# ---- Bad input ----

BAD_LINES = [b"", b"{", b"}", b"[]", b"[1,2]", b"1", b"null", b'"upgrade"', b"upgrade", b'{"command":1}', b"{}",
             b'{"command":null}', b'{"command":"inc","args":{}}', b'{"command":"ehlo","id":{}}', b'{"command":["ehlo"]}',
             b'{"command":"worker:ack","pid":"x"}', b'{"command":"worker:ack","pid":-1}',
             b'{"command":"worker:ack","pid":1e300}', b'{"command":"worker:ack","pid":99999999999999999999}',
             b'{"command":"status","group":7}', b'{"command":"ehlo"} trailing', b"\xff\xfe\x00\x01", b"\0" * 100,
             b'{"command":"\xff\xfe"}', b"[" * 30000, b'{"a":' * 10000, b'{"command":"' + b"x" * 60000 + b'"}',
             b"GET / HTTP/1.1\r", b"---%0Acommand: ehlo%0A", b'{"command":"ehlo","command":"inc","args":{}}',
             b'{"command":"die","args":["NOSUCH"]}', b'{"command":"\\ud800"}', b'{"command":"help","id":' + b"9" * 400 + b"}"]


@pytest.mark.parametrize("line", BAD_LINES, ids=[repr(line[:30]) for line in BAD_LINES])
def test_bad_line_gets_an_answer_and_the_connection_stays_usable(running, line):
    with running.connect() as control:
        control.send_raw(line + b"\n")
        control.send_raw(b'{"id":"after","command":"ehlo"}\n')
        replies = []
        while not replies or not (isinstance(replies[-1], dict) and replies[-1].get("request_id") == "after"):
            answer = control.line()
            assert answer is not None, f"closed after {replies}"
            replies.append(json.loads(answer))
    assert len(replies) == (1 if line == b"" else 2) or len(replies) == 2
    assert running.group()["ready"] == 2
    running.stop()


def test_rubbish(running):
    random.seed(7)
    for _ in range(50):
        with running.connect() as control:
            try:
                control.send_raw(random.randbytes(random.randrange(1, 20000)))
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert running.answers() and running.group()["ready"] == 2
    running.stop()


def test_half_lines(running):
    with running.connect() as control:
        for byte in b'{"id":1,"command":"eh':
            control.send_raw(bytes([byte]))
        with running.connect() as other:  # nobody else waits for it
            assert other.request("ehlo")["ok"]
        control.send_raw(b'lo"}\n{"id":2,"comm')
        assert control.reply()["request_id"] == 1
        control.send_raw(b'and":"ehlo"}\n')
        assert control.reply()["request_id"] == 2
    with running.connect() as control:
        control.send_raw(b'{"command":"di')
    with running.connect() as control:
        control.send_raw(b'{"id":3,"command":"ehlo"}')
        control.socket.shutdown(socket.SHUT_WR)
        while control.line() is not None:
            pass
    assert running.answers()
    running.stop()


def test_many_lines_at_once(running):
    with running.connect() as control:
        control.send_raw(b"".join(b'{"id":%d,"command":"ehlo"}\n' % n for n in range(2000)))
        assert [control.reply()["request_id"] for _ in range(2000)] == list(range(2000))
    running.stop()


def test_crlf(running):
    with running.connect() as control:
        control.send_raw(b'{"command":"ehlo"}\r\n')
        assert control.line() == '"Hi there!"'
    running.stop()


def padded(size):
    """A request that has `size` bytes with its newline."""
    head, tail = b'{"id":1,"command":"ehlo","pad":"', b'"}\n'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def test_longest_line(running):
    with running.connect() as control:
        control.send_raw(padded(LIMIT))
        assert control.reply()["ok"]
        assert control.request("ehlo")["ok"]
    running.stop()


def test_longer_line_is_an_error_and_the_end(running):
    with running.connect() as control:
        control.send_raw(padded(LIMIT + 1))
        assert "65536" in control.line()
        assert control.line() is None
    assert running.answers()
    running.stop()


def test_ten_megabytes(running):
    before = memory(running.pid)
    with running.connect() as control:
        answered = None
        try:
            for _ in range(160):
                control.send_raw(b"x" * LIMIT)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answered = control.line()
        assert answered is None or json.loads(answered)
        assert control.line() is None
    assert memory(running.pid) - before < 1_000_000
    assert running.answers()
    running.stop()


def memory(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


# ---- Many and slow clients ----

def test_a_thousand_connections(running):
    controls = [running.connect() for _ in range(1000)]
    for control in controls:
        control.send("ehlo")
    for control in controls:
        assert control.reply()["ok"]
    for control in controls:
        control.close()
    fds = lambda: len(os.listdir(f"/proc/{running.pid}/fd"))
    eventually(lambda: fds() < 40, what="the master closes its ends")
    running.stop()


def test_client_that_never_reads_is_dropped(running):
    rude = running.connect()
    rude.socket.setblocking(False)
    line = b'{"command":"help"}\n' * 100
    sent, slowest = 0, 0.0

    def dropped():
        nonlocal sent, slowest
        try:
            sent += rude.socket.send(line)
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            return True
        began = time.monotonic()
        assert running.answers()
        slowest = max(slowest, time.monotonic() - began)
        return False
    eventually(dropped, 60)
    assert slowest < 1.0, "nobody else is delayed"
    rude.close()
    assert memory(running.pid) < 20_000_000
    running.stop()


def test_slow_reader_below_the_bound_gets_everything(running):
    with running.connect() as control:
        size = len(json.dumps(control.bare("help")))
        count = 700_000 // size
        control.send_raw(b'{"command":"help"}\n' * count)
        assert running.answers()
        assert all(len(control.line()) == size for _ in range(count))
    running.stop()


def test_disconnect_in_mid_upgrade(master):
    master.start("-m", "-n", "3", "--max-unacked", "1", program=master.probe("--ack", "manual", "--ack-delay", "0.1"))
    control = master.connect()
    control.send("upgrade")
    control.reply()
    control.close()
    eventually(lambda: master.group()["generation"] == 2 and not master.group()["upgrade"])
    master.wait_ready()
    master.stop()


def test_other_requests_during_an_upgrade_on_the_same_connection(master):
    master.start("-m", "-n", "2", program=master.probe("--ack", "manual", "--ack-delay", "0.3"))
    with master.connect() as control:
        upgrade = control.send("upgrade")
        ehlo = control.send("ehlo")
        replies = []
        while len({r["request_id"] for r in replies if not r.get("wait")}) < 2:
            replies.append(control.reply())
    finals = [r["request_id"] for r in replies if not r.get("wait")]
    assert finals == [ehlo, upgrade]
    master.stop()


# ---- The file ----

def test_default_mode(running):
    assert stat.S_IMODE(running.socket_path.stat().st_mode) == 0o600
    running.stop()


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_mode_does_not_depend_on_the_umask(master, umask):
    master.start("--ack-mode", "0", "--socket-mode", "0660", preexec_fn=lambda: os.umask(umask))
    assert stat.S_IMODE(master.socket_path.stat().st_mode) == 0o660
    master.stop()


def test_never_wider_for_a_moment(master, other_master):
    # Of all system calls that make or change the file, none comes with wider permissions than asked for.
    trace = master.dir / "trace"
    strace = ["strace", "-D", "-f", "-e", "trace=bind,chmod,fchmod,fchmodat,umask,chown,fchown,fchownat,lchown,rename",
              "-o", trace]
    master.start("--ack-mode", "0", wrapper=strace, preexec_fn=lambda: os.umask(0))
    master.stop()
    text = trace.read_text()
    widest = max((int(mode, 8) for mode in re.findall(r"f?chmod(?:at)?\([^)]*?, (0[0-7]+)", text)), default=0o777)
    narrowed_before_bind = re.search(r"(umask\(0?[0-7]*77\)|fchmod\(\d+, 0?[0-6]?00\)).*\n(.*\n)*?.*bind\(.*c\.sock", text)
    assert narrowed_before_bind, text
    assert widest & 0o077 == 0 or widest == 0o777


def test_stale_socket_is_replaced(master):
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(master.socket_path))
        old.listen()
    master.start("--ack-mode", "0")
    master.stop()


def test_live_master_is_never_displaced(running, other_master):
    inode = running.socket_path.stat().st_ino
    result = other_master.run("-d", running.socket_path, "-f", other_master.dir / "lock")
    assert result.returncode == 1 and str(running.socket_path) in result.stderr
    assert running.socket_path.stat().st_ino == inode and running.answers()
    running.stop()


def test_of_ten_masters_at_once_one_wins(master):
    processes = []
    for _ in range(10):
        master.spawn("--ack-mode", "0")
        processes.append(master.process)
    eventually(lambda: sum(p.poll() is None for p in processes) == 1, what="nine give way")
    [winner] = [p for p in processes if p.poll() is None]
    assert all(p.returncode == 1 for p in processes if p is not winner)
    master.process = winner
    master.wait_ready()
    assert master.status()["master"]["pid"] == winner.pid
    master.stop()


@pytest.mark.parametrize("make", [lambda p: p.write_text("precious"), lambda p: p.mkdir(),
                                  lambda p: p.symlink_to(p.with_name("victim")), lambda p: os.mkfifo(p)],
                         ids=["file", "directory", "link", "fifo"])
def test_foreign_file_is_never_touched(master, make):
    victim = master.dir / "victim"
    make(master.socket_path)
    before = os.lstat(master.socket_path)
    result = master.run()
    assert result.returncode == 1 and str(master.socket_path) in result.stderr
    after = os.lstat(master.socket_path)
    assert (before.st_ino, before.st_mtime) == (after.st_ino, after.st_mtime)
    assert not victim.exists()


def test_link_to_a_stale_socket_is_not_followed(master):
    victim = master.dir / "victim"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(victim))
    master.socket_path.symlink_to(victim)
    result = master.run()
    assert result.returncode == 1 and victim.exists() and master.socket_path.is_symlink()


@pytest.mark.skipif(not is_root(), reason="needs another user")
def test_stale_socket_of_another_user_is_left_alone(master):
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(master.socket_path))
    os.chown(master.socket_path, NOBODY, NOBODY)
    master.dir.chmod(0o777)
    result = master.run()
    assert result.returncode == 1 and master.socket_path.exists()


@pytest.mark.parametrize("vanish", [lambda p: p.unlink(), lambda p: p.rename(p.with_name("aside"))],
                         ids=["removed", "renamed"])
def test_vanished_socket_is_made_again_within_a_second(running, vanish):
    before = running.socket_path.stat()
    began = time.monotonic()
    vanish(running.socket_path)
    eventually(running.socket_path.exists, 5)
    assert time.monotonic() - began < 1.5
    eventually(running.answers)
    after = running.socket_path.stat()
    assert stat.S_IMODE(after.st_mode) == stat.S_IMODE(before.st_mode) and after.st_ino != before.st_ino
    vanish(running.socket_path)
    eventually(running.socket_path.exists, 5)
    eventually(running.answers)
    running.stop()


def watches(pid):
    """How many paths a process watches by inotify(7)."""
    lines = [path.read_text() for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir()]
    return "".join(lines).count("inotify wd:")


@pytest.mark.skipif(not can_unshare("-U", "-r"), reason="needs a user namespace")
def test_a_socket_that_cannot_be_watched_is_looked_at_and_watched_as_soon_as_that_is_possible(master):
    """In a namespace that has no inotify watches left, until a worker raises the limit."""
    limit, more = "/proc/sys/user/max_inotify_watches", master.dir / "more"
    worker = f"until [ -e {more} ]; do sleep 0.02; done; echo 100 > {limit}; exec sleep 1000"
    master.spawn("--stop-signal", "TERM", program=["/bin/sh", "-c", worker],
                 wrapper=["unshare", "-U", "-r", "/bin/sh", "-c", f'echo 0 > {limit} && exec "$@"', "sh"])
    master.wait_answering()
    master.wait_log("control socket: cannot be watched: .*No space left on device")
    for _ in range(2):
        master.socket_path.unlink()
        eventually(master.answers)
    assert watches(master.pid) == 0
    more.touch()
    eventually(lambda: watches(master.pid) > 0)
    master.socket_path.unlink()
    eventually(master.answers)
    master.stop()
    assert len(re.findall("cannot be watched", master.log())) == 1, "said once, not each second"


def test_vanished_socket_is_not_made_over_a_foreign_file(running):
    new = running.dir / "new"
    new.write_text("precious")
    new.rename(running.socket_path)
    running.wait_log(re.escape(str(running.socket_path)))
    assert running.socket_path.read_text() == "precious"
    running.socket_path.unlink()
    running.signal(15)
    assert running.wait_exit() == 0


def test_replaced_socket_of_somebody_else_is_not_removed_at_exit(running):
    running.socket_path.unlink()
    eventually(running.answers)
    aside = running.dir / "aside"
    running.socket_path.rename(aside)
    running.socket_path.write_text("precious")
    running.signal(15)
    assert running.wait_exit() == 0
    assert running.socket_path.read_text() == "precious"


# ---- Other users ----

# Who is turned away may find the connection closed before he has said anything.
CLIENT = ("import contextlib,socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(sys.argv[1])\n"
          "with contextlib.suppress(BrokenPipeError): s.sendall(sys.argv[2].encode()+b'\\n')\n"
          "print(s.makefile().readline(),end='')")


def ask_as(master, line, user, group, extra_groups=()):
    return subprocess.run(["/usr/bin/python3", "-c", CLIENT, str(master.socket_path), line], user=user, group=group,
                          extra_groups=extra_groups, capture_output=True, text=True, timeout=30)


@pytest.fixture
def open_directory(master):
    if not is_root():
        pytest.skip("needs other users")
    master.dir.chmod(0o711)
    return master


EHLO = '{"id":1,"command":"inc"}'


def test_default_mode_keeps_others_out(open_directory):
    master = open_directory.start("--ack-mode", "0")
    assert "PermissionError" in ask_as(master, EHLO, NOBODY, NOBODY).stderr
    master.stop()


def test_others_who_can_connect_are_refused(open_directory):
    master = open_directory.start("--ack-mode", "0", "--socket-mode", "0666")
    result = ask_as(master, EHLO, NOBODY, NOBODY)
    assert '"ok":true' not in result.stdout.replace(" ", "") and "permission denied" in result.stdout
    master.wait_log("refused")
    assert master.group()["target"] == 1
    master.stop()


@pytest.mark.parametrize("user, group, extra, may", [(NOBODY, NOBODY, [4], True), (NOBODY, 4, [], True),
                                                     (NOBODY, NOBODY, [], False), (NOBODY, NOBODY, [5], False),
                                                     (0, 0, [], True)])
@pytest.mark.parametrize("by_number", [True, False])
def test_socket_group(open_directory, user, group, extra, may, by_number):
    name = "4" if by_number else grp.getgrgid(4).gr_name
    master = open_directory.start("--ack-mode", "0", "--socket-mode", "0660", "--socket-group", name)
    info = master.socket_path.stat()
    assert (info.st_gid, stat.S_IMODE(info.st_mode)) == (4, 0o660)
    result = ask_as(master, EHLO, user, group, extra)
    assert ('"ok":true' in result.stdout.replace(" ", "")) == may, result
    eventually(lambda: master.group()["target"] == (2 if may else 1))
    eventually(lambda: master.group()["ready"] == master.group()["target"])
    master.stop()


def test_unknown_socket_group(master):
    result = master.run("--socket-group", "no-such-group")
    assert result.returncode in (1, 2) and "no-such-group" in result.stderr
    assert not master.socket_path.exists()


def test_master_of_another_user(open_directory):
    master = open_directory
    master.dir.chmod(0o777)
    master.reports.chmod(0o777)
    master.start("--ack-mode", "0", "--socket-mode", "0666", user=NOBODY, group=NOBODY, extra_groups=[])
    assert master.answers(), "root may everything"
    assert '"ok":true' in ask_as(master, EHLO, NOBODY, NOBODY).stdout.replace(" ", "")
    assert "permission denied" in ask_as(master, EHLO, 1, 1).stdout
    eventually(lambda: master.group()["ready"] == 2)
    master.stop()


def test_long_socket_path(master):
    directory = master.dir / ("x" * 60)
    directory.mkdir()
    path = directory / ("y" * (107 - len(str(directory)) - 1))
    assert len(str(path)) == 107
    master.socket_path = path
    master.start("-d", path, "--ack-mode", "0", "-f", master.dir / "lock")
    master.stop()
    result = master.run("-d", str(path) + "z", "-f", master.dir / "lock")
    assert result.returncode in (1, 2) and ("107" in result.stderr or "108" in result.stderr)


def test_control_sees_every_worker_ack_at_once(master):
    master.start("-m", "-n", "300", program=master.probe("--ack", "manual"))
    assert master.group()["ready"] == 300
    master.stop()
