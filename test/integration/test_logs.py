# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 6: stdout_log and stderr_log. What workers write goes to files, by size or by time, line by line."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

from harness import PRELOAD_TALKER, SANITIZED, TALKER, can_unshare, eventually, is_root, leave_descriptors, open_files
from services import NOBODY, open_to_others, start_groups, to_toml


needs_root = pytest.mark.skipif(not is_root(), reason="needs root")


class Logs:
    """A master with groups of talkers from a file, and what they have written."""

    def __init__(self, master):
        self.master = master
        self.file = master.dir / "groups.toml"
        self.path = master.dir / "log"

    def write(self, *groups):
        """groups: name, the words after talker, other keys."""
        self.file.write_text(to_toml({
            name: {"cmd": [TALKER, *[str(word) for word in words]], "ack": "timer", "ack_timeout": 0, **keys}
            for name, words, keys in groups}))

    def start(self, *words, options=(), wrapper=(), **keys):
        if not keys.pop("no_stdout_log", False):
            keys.setdefault("stdout_log", f"size:1000000000:1:{self.path}")
        self.write(("talk", words, keys))
        self.run(*options, wrapper=wrapper)
        return self

    def run(self, *options, wrapper=()):
        self.master.spawn("--config", self.file, *options, program=[], wrapper=wrapper)
        self.master.wait_answering()

    def status(self, path=None):
        """Of one log, as the group shows it."""
        wanted = str(path or self.path)
        return next(one for group in self.master.status()["groups"] for one in group["logs"] if one["path"] == wanted)

    def bytes(self, path=None, suffix=""):
        try:
            return pathlib.Path(str(path or self.path) + suffix).read_bytes()
        except FileNotFoundError:
            return b""

    def by_size(self, path=None):
        """All that was written under rotation by size, the oldest first."""
        path = pathlib.Path(path or self.path)
        numbers = [int(found.name.rpartition(".")[2]) for found in path.parent.glob(path.name + ".*")]
        return b"".join(self.bytes(path, f".{n}") for n in sorted(numbers, reverse=True)) + self.bytes(path)

    def wait_ended(self):
        eventually(lambda: not self.master.pids(), what="all workers have ended")


@pytest.fixture
def logs(master):
    return Logs(master)


def check_stream(text, end=True):
    """How many lines there are of each worker: all whole, each exactly once, in order."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(rb"worker (\d+) line (\d+) x*", line)
        assert match, f"a line that nobody wrote: {line[:200]}"
        worker, number = int(match[1]), int(match[2])
        assert number == found.get(worker, 0), f"line {number} of {worker} after {found.get(worker, 0) - 1}"
        found[worker] = number + 1
    assert not end or text.endswith(b"\n")
    return found


def whole_lines(text, writers=2):
    """Without the one line of each writer that it was killed in: the others may have gone on after that."""
    def is_whole(line):
        match = re.fullmatch(rb"worker \d+ line (\d+) (x*)\n", line)
        return match and len(match[2]) == int(match[1]) % 120
    lines = text.splitlines(keepends=True)
    begun = [line.rstrip(b"\n") for line in lines if not is_whole(line)]
    assert len(begun) <= writers, begun
    assert all(line.startswith(b"worker ") or b"worker ".startswith(line) for line in begun), begun
    return b"".join(line for line in lines if is_whole(line))


# ---- Where it goes ----

def test_each_stream_has_its_file(logs):
    other = logs.master.dir / "errors"
    logs.start("--say", "out\\n", "--complain", "err\\n", stderr_log=f"size:1000:1:{other}")
    eventually(lambda: logs.bytes(other) == b"err\n" and logs.bytes() == b"out\n")
    assert "out\n" not in logs.master.log() + logs.master.stdout_path.read_text()
    assert logs.path.stat().st_mode & 0o777 == 0o640
    assert [one["path"] for one in logs.master.group()["logs"]] == [str(logs.path), str(other)]
    logs.master.stop()


def test_standard_output_alone(logs):
    logs.start("--say", "out\\n", "--complain", "err\\n")
    eventually(lambda: logs.bytes() == b"out\n")
    eventually(lambda: "err\n" in logs.master.log(), what="the other goes where the master's goes")
    assert logs.master.stdout_path.read_text() == ""


def test_standard_error_alone(logs):
    logs.start("--say", "out\\n", "--complain", "err\\n", no_stdout_log=True, stderr_log=f"size:1000:1:{logs.path}")
    eventually(lambda: logs.bytes() == b"err\n")
    eventually(lambda: logs.master.stdout_path.read_text() == "out\n", what="the other goes where the master's goes")
    assert "err\n" not in logs.master.log()


def test_both_streams_in_one_file(logs):
    rule = f"size:1000:1:{logs.path}"
    logs.start("--say", "a piece", "--complain", "whole\\n", "--say", ", its end\\n",
               stdout_log=rule, stderr_log=rule)
    eventually(lambda: sorted(logs.bytes().splitlines()) == [b"a piece, its end", b"whole"])
    assert len(logs.master.group()["logs"]) == 1


def test_relative_path_begins_where_the_master_was_started(logs):
    logs.start("--say", "x\\n", stdout_log="size:1000:1:here", working_directory="/")
    eventually(lambda: logs.bytes(logs.master.dir / "here") == b"x\n")
    assert logs.status(logs.master.dir / "here")["bytes"] == 2


def test_standard_input_and_descriptors_stay(logs):
    logs.start("--say", "x\\n", stderr_log=f"size:1000:1:{logs.path}2")
    [pid] = logs.master.pids()
    fds = open_files(pid)
    assert set(fds) == {0, 1, 2} and fds[0] == "/dev/null"
    assert fds[1].startswith("pipe:") and fds[2].startswith("pipe:") and fds[1] != fds[2]
    ours = list(open_files(logs.master.pid).values())
    assert ours.count(fds[1]) == 1, "the master has the reading end alone"


def test_four_workers_share_a_file(logs):
    logs.start("--stream", "20000", numprocesses=4)
    eventually(lambda: len(logs.bytes().splitlines()) == 80000, timeout=60)
    assert sorted(check_stream(logs.bytes()).values()) == [20000] * 4


def test_groups_share_a_file(logs):
    spec = f"size:1000000000:1:{logs.path}"
    logs.write(*[(f"g{n}", ["--stream", "5000"], {"stdout_log": spec}) for n in range(3)])
    logs.run()
    eventually(lambda: len(logs.bytes().splitlines()) == 15000)
    assert sorted(check_stream(logs.bytes()).values()) == [5000] * 3


def test_last_words(logs):
    logs.start("--say", "first\\nlast words", "--kill")
    logs.master.wait_log("SIGKILL")
    eventually(lambda: logs.bytes().startswith(b"first\nlast words"))


def test_last_words_before_the_master_ends(logs):
    logs.start("--stream", "30000", "--say", "last words", numprocesses=2)
    pids = logs.master.pids()
    eventually(lambda: all(pathlib.Path(f"/proc/{pid}/wchan").read_text() not in ("pipe_write",) and
                           pathlib.Path(f"/proc/{pid}/syscall").read_text().startswith("34 ") for pid in pids)
               if os.uname().machine == "x86_64" else True, what="the workers pause")
    logs.master.stop()
    text = logs.bytes()
    assert text.count(b"last words") == 2
    assert sorted(check_stream(text.replace(b"last words", b"").replace(b"\n\n", b"\n"), end=False).values()) == [30000] * 2


def test_quit_leaves_at_once_with_what_was_written(logs):
    stamp = logs.master.dir / "stamp"
    logs.start("--say", "here\\n", "--stamp", str(stamp))
    eventually(stamp.exists, what="it is written")
    logs.master.signal(signal.SIGSTOP)
    logs.master.signal(signal.SIGQUIT)
    logs.master.signal(signal.SIGCONT)
    assert logs.master.wait_exit() == 1
    assert logs.bytes() == b"here\n"


# ---- Rotation ----

def test_rotation_by_size(logs):
    logs.start("--stream", "5000", stdout_log=f"size:20000:1000:{logs.path}")
    eventually(lambda: len(logs.by_size().splitlines()) == 5000)
    check_stream(logs.by_size())
    pieces = list(logs.path.parent.glob("log.*"))
    assert len(pieces) == logs.status()["rotations"] > 10
    for piece in pieces:
        assert piece.stat().st_size <= 20000 and piece.read_bytes().endswith(b"\n"), "rotated between lines"


def test_old_backups_go(logs):
    logs.start("--stream", "5000", stdout_log=f"size:20000:3:{logs.path}")
    eventually(lambda: logs.status()["rotations"] > 10 and b" line 4999 " in logs.bytes())
    assert sorted(one.name for one in logs.path.parent.glob("log*")) == ["log", "log.1", "log.2", "log.3"]


def test_rotation_by_time(logs):
    logs.start("--rest", "1000", "--stream", "0", stdout_log=f"time:1:S:U:1000:{logs.path}")
    backups = eventually(lambda: (found := sorted(logs.path.parent.glob("log.*"))) and len(found) > 2 and found)
    logs.master.stop()
    assert all(re.fullmatch(r"log\.20\d{12}(_\d+)?", one.name) for one in backups)
    backups = sorted(logs.path.parent.glob("log.*"))
    assert all(one.read_bytes().endswith(b"\n") for one in backups), "rotated between lines"
    check_stream(whole_lines(b"".join(one.read_bytes() for one in backups) + logs.bytes()))


def test_a_file_that_was_moved_away_is_opened_anew(logs):
    logs.start("--rest", "1000", "--stream", "0")
    eventually(logs.bytes)
    moved = logs.path.rename(logs.path.with_suffix(".old"))
    eventually(logs.bytes, what="the file is there again")
    logs.master.stop()
    check_stream(whole_lines(moved.read_bytes() + logs.bytes()))
    assert logs.master.process.returncode == 0


def test_a_file_that_was_removed_is_opened_anew(logs):
    logs.start("--rest", "1000", "--stream", "0")
    eventually(logs.bytes)
    logs.path.unlink()
    eventually(logs.bytes, what="the file is there again")


# ---- Trouble ----

def failing(logs, path=None):
    one = logs.status(path)
    return one["failing"] and one


def test_a_directory_that_vanished(logs):
    folder = logs.master.dir / "folder"
    path = folder / "log"
    logs.start("--rest", "1000", "--stream", "0", stdout_log=f"size:1000000000:1:{path}")
    assert eventually(lambda: failing(logs, path))["last_error"] == f"{path}: its directory: No such file or directory"
    assert f"logs to {path}, failing: its directory: No such file or directory" in logs.master.ctl("status").stdout
    folder.mkdir()
    eventually(lambda: not logs.status(path)["failing"])
    shutil.rmtree(folder)
    one = eventually(lambda: failing(logs, path))
    assert one["errors"] >= 2
    eventually(lambda: logs.status(path)["errors"] > one["errors"], what="another attempt")
    assert len(re.findall("No such file or directory", logs.master.log())) == 2, "told once for each change"
    folder.mkdir()
    eventually(lambda: not logs.status(path)["failing"])
    logs.master.wait_log("is written again", count=2)
    logs.master.stop()


def test_a_file_that_cannot_be_written_blocks_nobody_and_the_oldest_is_dropped(logs):
    path, stamp = logs.master.dir / "folder/log", logs.master.dir / "stamp"
    logs.start("--stream", "200000", "--stamp", str(stamp), stdout_log=f"size:1000000000:1:{path}")
    took = float(eventually(lambda: stamp.exists() and stamp.read_text()))
    one = logs.status(path)
    assert one["failing"] and one["dropped_bytes"] > 10_000_000 and one["pending_bytes"] <= 1024 * 1024
    assert took < 10, "a worker that writes 16 MB is not kept waiting"
    memory = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{logs.master.pid}/status").read_text())[1])
    assert SANITIZED or memory < 20_000
    path.parent.mkdir()
    eventually(lambda: not logs.status(path)["failing"])
    logs.master.wait_log(r"is written again; \d+ bytes were dropped")
    numbers = [int(re.search(rb" line (\d+) ", line)[1]) for line in path.read_bytes().splitlines()]
    assert numbers == list(range(numbers[0], 200000)), "the newest, in order"
    assert f"{path}, " in logs.master.ctl("status").stdout and "dropped" in logs.master.ctl("status").stdout


@pytest.mark.skipif(not is_root(), reason="needs another user than the owner of the file")
def test_a_file_that_is_read_only(logs):
    logs.master.dir.chmod(0o755)
    user = {"user": 65534, "group": 65534, "extra_groups": []}
    for name in ("private", "r"):
        (logs.master.dir / name).mkdir(exist_ok=True)
        os.chown(logs.master.dir / name, 65534, 65534)
    path = logs.master.dir / "given"
    path.write_bytes(b"old\n")
    path.chmod(0o444)
    logs.write(("talk", ["--say", "new\\n"], {"stdout_log": f"size:1000:1:{path}"}))
    logs.master.spawn("-d", logs.master.dir / "private/s", "--config", logs.file, program=[], **user)
    logs.master.socket_path = logs.master.dir / "private/s"
    logs.master.wait_answering()
    assert eventually(lambda: failing(logs, path))["last_error"] == f"{path}: Permission denied"
    eventually(lambda: logs.status(path)["pending_bytes"] == 4)
    path.chmod(0o666)
    eventually(lambda: path.read_bytes() == b"old\nnew\n")
    eventually(lambda: logs.status(path)["pending_bytes"] == 0)


@pytest.mark.skipif(not can_unshare(), reason="needs a mount namespace")
def test_a_full_disk(logs):
    disk = logs.master.dir / "disk"
    disk.mkdir()
    path = disk / "log"
    wrapper = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=1m none {disk} && exec \"$@\"", "sh"]
    logs.start("--stream", "20000", "--say", "last words\\n", wrapper=wrapper,
               stdout_log=f"size:1000000000:1:{path}")
    one = eventually(lambda: failing(logs, path))
    assert one["last_error"] == f"{path}: No space left on device" and one["bytes"] <= 1024 * 1024
    inside = pathlib.Path(f"/proc/{logs.master.pid}/root{path}")
    begun = inside.read_bytes()
    subprocess.run(["nsenter", "-m", "-t", str(logs.master.pid), "mount", "-o", "remount,size=10m", str(disk)],
                   check=True, timeout=20)
    eventually(lambda: not logs.status(path)["failing"])
    eventually(lambda: inside.read_bytes().endswith(b"last words\n"))
    assert logs.status(path)["dropped_bytes"] == 0 and inside.read_bytes().startswith(begun)
    assert check_stream(inside.read_bytes().removesuffix(b"last words\n")) == {logs.master.pids()[0]: 20000}
    logs.master.stop()


@pytest.mark.skipif(not can_unshare(), reason="needs a mount namespace")
def test_our_own_log_on_a_full_disk(logs):
    """No line of the master is torn or lost, also by a reload."""
    disk = logs.master.dir / "disk"
    disk.mkdir()
    wrapper = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=64k none {disk} && exec \"$@\" 2>>{disk}/stderr", "sh"]
    logs.start("-v", wrapper=wrapper, restart="always", seconds=0.01)
    inside = pathlib.Path(f"/proc/{logs.master.pid}/root{disk}")
    with open(inside / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    killed = []

    def kill():
        killed.extend(eventually(lambda: [pid for pid in logs.master.pids("ready") if pid not in killed]))
        os.kill(killed[-1], signal.SIGKILL)
    while (inside / "stderr").stat().st_size % 4096 or len(killed) < 3:
        kill()
    kill()
    reload(logs.master)
    kill()
    assert (inside / "stderr").stat().st_size % 4096 == 0
    (inside / "filler").unlink()
    logs.master.request("reload")
    kill()
    eventually(lambda: f"worker {killed[-1]} ".encode() in (inside / "stderr").read_bytes())
    text = (inside / "stderr").read_text()
    assert all(re.match(r"20\d\d-[^ ]*Z (debug|info|warning): ", line) for line in text.splitlines()), text
    died = [int(pid) for pid in re.findall(r"worker (\d+) .*died", text)]
    eventually(lambda: [int(pid) for pid in re.findall(r"worker (\d+) .*died", (inside / "stderr").read_text())] == killed)
    assert died == killed[:len(died)]
    logs.master.stop()


def pipes_of(pid):
    return sum(target.startswith("pipe:") for target in open_files(pid).values())


def test_what_workers_leave_behind_does_not_use_up_descriptors(logs):
    holding, other = logs.master.dir / "holding", logs.master.dir / "other"
    holding.touch()
    script = (f"setsid sh -c 'while test -e {holding}; do sleep 0.1; done' & "
              f"echo begun; exec sleep 0.05")
    keys = {"restart": "always", "seconds": 0.01}
    logs.write(("leaves", [], {**keys, "cmd": ["/bin/sh", "-c", script], "numprocesses": 4,
                               "stdout_log": f"size:1000000:1:{logs.path}"}),
               ("other", ["--say", "born\\n"], {**keys, "stdout_log": f"size:1000000:1:{other}"}))
    limit = 160
    logs.run(wrapper=["sh", "-c", f"ulimit -n {limit}; exec \"$@\"", "sh"])
    try:
        def others():
            return [worker["pid"] for group in logs.master.status()["groups"] if group["name"] == "other"
                    for worker in group["workers"]]
        [pid] = eventually(others)
        logs.master.wait_log("leaves: processes that dead workers have left behind hold too many pipes to its logs open")
        eventually(lambda: logs.bytes().count(b"begun\n") > 80)
        assert pipes_of(logs.master.pid) < limit / 4
        assert others() == [pid], "the other group is left alone"
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: logs.bytes(other) == b"born\n" * 2)
    finally:
        holding.unlink()
    logs.master.stop()


def test_what_is_no_plain_file_is_left_alone(logs):
    path = logs.master.dir / "fifo"
    os.mkfifo(path)
    logs.start("--say", "x\\n", stdout_log=f"size:1000:1:{path}")
    assert eventually(lambda: failing(logs, path))["last_error"] == f"{path} is not a regular file; it is left alone"
    logs.master.stop()


def test_a_device_is_refused(logs):
    logs.write(("talk", [], {"stdout_log": "size:1000:1:/dev/stdout"}))
    refused = logs.master.run("--config", logs.file, "--check", program=[])
    assert refused.returncode == 2
    assert f"{logs.file}:" in refused.stderr and "'size:1000:1:/dev/stdout': PATH must be a regular file" in refused.stderr


def test_no_descriptor_for_a_pipe_is_scarcity(logs):
    logs.start("--say", "x\\n", numprocesses=2, seconds=0.05)
    before = set(logs.master.pids())
    with logs.master.connect() as control:
        control.request("ehlo")
        lift = leave_descriptors(logs.master.pid, 2)
        assert control.request("set_workers", 6)["ok"]
        logs.master.wait_log("Too many open files")
        lift()
        eventually(lambda: len(control.request("status")["data"]["groups"][0]["workers"]) == 6, timeout=60)
    assert before <= set(logs.master.pids())
    eventually(lambda: logs.bytes() == b"x\n" * 6)


# ---- Directories of other users ----

def in_directory_of_nobody(logs):
    """The usual case: the program's user owns the directory of its logs."""
    open_to_others(logs.master)
    folder = logs.master.dir / "nobody"
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder


@needs_root
def test_the_directory_belongs_to_the_workers_user(logs):
    path = in_directory_of_nobody(logs) / "log"
    logs.start("--stream", "200", "--exit", "0", uid="nobody", stdout_log=f"size:3000:20:{path}")
    logs.wait_ended()
    eventually(lambda: logs.status(path)["bytes"] == len(logs.by_size(path)) and logs.by_size(path).count(b"\n") == 200,
               what="what it left in the pipe is written")
    assert list(check_stream(logs.by_size(path)).values()) == [200]
    assert path.stat().st_uid == 0 and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not logs.status(path)["failing"] and logs.status(path)["rotations"] > 1
    logs.master.stop()


@needs_root
@pytest.mark.parametrize("keys", [{"uid": "nobody"}, {"gid": "nogroup"}, {"uid": "nobody", "gid": 0}], ids=str)
def test_standard_output_can_be_opened_by_name(logs, keys):
    folder, errors = in_directory_of_nobody(logs), logs.master.dir / "errors"
    script = "echo out >/dev/stdout && echo err >/dev/stderr && echo again >/proc/self/fd/1"
    logs.write(("talk", [], {**keys, "cmd": ["/bin/sh", "-c", script], "stdout_log": f"size:1000:1:{folder}/log",
                             "stderr_log": f"size:1000:1:{errors}"}))
    logs.run()
    eventually(lambda: logs.bytes(folder / "log") == b"out\nagain\n" and logs.bytes(errors) == b"err\n")
    logs.master.stop()


@needs_root
def test_an_upgrader_can_open_its_standard_error_by_name(logs):
    in_directory_of_nobody(logs)
    script = "echo before the upgrade >/dev/stderr"
    logs.start(uid="nobody", upgrader=["/bin/sh", "-c", script])
    assert logs.master.request("upgrade")["ok"]
    logs.master.wait_log("before the upgrade")
    logs.master.stop()


@needs_root
def test_a_link_in_a_directory_of_another_user_leads_nowhere(logs):
    folder, target = in_directory_of_nobody(logs), logs.master.dir / "target"
    target.mkdir()
    (folder / "sub").symlink_to(target)
    path = folder / "sub/log"
    logs.start("--say", "x\\n", uid="nobody", stdout_log=f"size:1000:1:{path}")
    assert eventually(lambda: failing(logs, path))["last_error"] == (
        f"{path}: 'sub' in it is a symbolic link that uid {NOBODY.pw_uid} could have created; it is not followed: "
        f"use the path that it leads to")
    assert not list(target.iterdir())
    (folder / "sub").unlink()
    (folder / "sub").mkdir()
    eventually(lambda: logs.bytes(path) == b"x\n")
    logs.master.stop()


# ---- Reload, upgrade, preload ----

def reload(master):
    reply = master.request("reload")
    assert reply["ok"], reply


@pytest.mark.bounded(180)
def test_a_hundred_reloads_lose_and_double_nothing(logs):
    """Rotation goes on meanwhile, and two workers write without end into the same file."""
    logs.start("--rest", "1000", "--stream", "0", numprocesses=2, stdout_log=f"size:400000:1000:{logs.path}")
    pids = set(logs.master.pids())
    for _ in range(int(os.environ.get("EINHYRNINGSINS_RELOADS", "100"))):
        reload(logs.master)
    assert set(logs.master.pids()) == pids
    eventually(lambda: logs.status()["rotations"] > 3)
    logs.master.stop()
    found = check_stream(whole_lines(logs.by_size()))
    assert set(found) == pids and all(count > 1000 for count in found.values())


def test_trouble_goes_on_after_a_reload(logs):
    path = logs.master.dir / "folder/log"
    logs.start("--say", "one\\ntwo\\nbegun", stdout_log=f"size:1000000:1:{path}")
    before = eventually(lambda: (one := logs.status(path))["pending_bytes"] > 0 and one)
    reload(logs.master)
    assert failing(logs, path), "from the beginning"
    after = eventually(lambda: (one := logs.status(path))["errors"] > before["errors"] and one)
    assert after["failing"] and after["pending_bytes"] == before["pending_bytes"]
    assert len(re.findall("No such file or directory", logs.master.log())) == 1, "told once"
    path.parent.mkdir()
    eventually(lambda: logs.bytes(path) == b"one\ntwo\nbegun")
    logs.master.wait_log("is written again")


def test_text_of_any_bytes_survives_a_reload(logs):
    """Two workers, so that the beginnings of lines are kept in memory."""
    every = "".join(chr(n) for n in (1, 2, 0x1f, 0x22, 0x5c, 0x7f)) + "ä€\U0001f600"
    logs.start("--say", every, "--rest", "0", numprocesses=2)
    eventually(lambda: logs.master.request("ehlo")["ok"] and len(logs.master.pids("ready")) == 2)
    reload(logs.master)
    reload(logs.master)
    logs.master.stop()
    assert sorted(logs.bytes().replace(b"\n", b"").split(b"\x01")) == sorted([b"", *[every[1:].encode()] * 2])


def test_a_state_without_logs(logs):
    """What a program hands over that knows nothing of logs: its workers get theirs when they are replaced."""
    logs.start("--say", "x\\n")
    eventually(lambda: logs.bytes() == b"x\n")
    reload(logs.master)
    assert logs.master.request("upgrade")["ok"]
    eventually(lambda: logs.bytes() == b"x\nx\n")


def test_upgrade(logs):
    logs.start("--stream", "1000", numprocesses=2)
    eventually(lambda: len(logs.bytes().splitlines()) == 2000)
    assert logs.master.request("upgrade")["ok"]
    eventually(lambda: len(logs.bytes().splitlines()) == 4000)
    assert sorted(check_stream(logs.bytes()).values()) == [1000] * 4


def test_preloaded_workers(logs):
    logs.start("--stream", "1000", "--complain", "err\\n", numprocesses=2, preload=PRELOAD_TALKER, restart="always",
               stderr_log=f"size:100000:1:{logs.path}2")
    eventually(lambda: len(logs.bytes().splitlines()) == 2000)
    eventually(lambda: logs.bytes(f"{logs.path}2") == b"err\nerr\n")
    assert sorted(check_stream(logs.bytes()).values()) == [1000] * 2
    pid = logs.master.pids()[0]
    assert os.readlink(f"/proc/{pid}/exe").endswith("einhyrningsins"), "it was forked, not executed"
    fds = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (1, 2)]
    assert all(fd.startswith("pipe:") for fd in fds) and fds[0] != fds[1]
    reload(logs.master)
    assert logs.master.request("inc")["ok"]
    eventually(lambda: len(logs.bytes().splitlines()) == 3000)
    logs.master.stop()


# ---- The file is read again ----

def test_reading_the_file_again_moves_the_log(logs):
    logs.start("--say", "x\\n")
    eventually(lambda: logs.bytes() == b"x\n")
    other = logs.master.dir / "other"
    logs.write(("talk", ["--say", "x\\n"], {"stdout_log": f"size:1000:1:{other}"}))
    assert logs.master.request("reload-config")["ok"]
    eventually(lambda: logs.bytes(other) == b"x\n")
    assert logs.bytes() == b"x\n"
    assert [one["path"] for one in logs.master.group()["logs"]] == [str(other)]
    eventually(lambda: str(logs.path) not in open_files(logs.master.pid).values(), what="the old file is closed when nobody writes to it")
    logs.master.stop()


def test_idle_master_with_a_log_does_nothing(logs):
    logs.start("--say", "x\\n", numprocesses=4)
    eventually(lambda: logs.bytes() == b"x\n" * 4)

    def used():
        fields = pathlib.Path(f"/proc/{logs.master.pid}/status").read_text()
        return re.search(r"voluntary_ctxt_switches:\s+(\d+)", fields)[1]

    def rests():
        before = used()
        time.sleep(0.3)
        return used() == before
    eventually(rests, what="the master sleeps")


def test_a_reload_keeps_what_a_worker_that_has_ended_said_while_another_line_was_open(master):
    """Two workers share a log; the one that ends has to wait for the other's long line."""
    log = master.dir / "log"
    long = "import os, time\nwhile 1:\n os.write(1, b'a' * 100000); time.sleep(0.4); os.write(1, b'\\n'); time.sleep(0.05)\n"
    keys = {"start_immediate": True, "ack_timeout": 0, "stop_signal": "TERM", "stdout_log": f"size:100000000:3:{log}"}
    start_groups(master, long={"cmd": [sys.executable, "-c", long], **keys},
                 short={"cmd": ["/bin/sh", "-c", "echo hello; sleep 0.1; echo bye"], "restart": "always", "numprocesses": 2, **keys})
    for _ in range(20):
        reply = master.request("reload")
        assert reply["ok"], reply
    eventually(lambda: log.read_text().count("bye\n") > 10)  # twenty reloads may take half a second
    master.stop()
    said = [line for line in log.read_text().splitlines() if not line.startswith("a")]
    assert set(said) <= {"hello", "bye"}
