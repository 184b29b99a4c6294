# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that does not answer (a frozen file system; a dead NFS server is alike) delays only what is written to it."""

import contextlib
import fcntl
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from harness import TALKER, can_unshare, eventually, process_state
from services import to_toml

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878  # linux/fs.h
SH_WITH_DISK = 'mount -o loop "$1" "$2" && shift 2 && exec "$@"'


def make_image(path, megabytes=32):
    with open(path, "wb") as image:
        image.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", path], check=True, stdin=subprocess.DEVNULL)


@functools.cache
def can_freeze():
    """Whether a file system can be mounted and frozen here."""
    if not can_unshare() or not all(map(shutil.which, ("mkfs.ext4", "fsfreeze"))):
        return False
    with tempfile.TemporaryDirectory() as folder:
        point = pathlib.Path(folder, "point")
        point.mkdir()
        make_image(f"{folder}/image", 8)
        freeze_and_thaw = f'fsfreeze -f "{point}" && fsfreeze -u "{point}"'
        return subprocess.run(["unshare", "-m", "sh", "-c", SH_WITH_DISK, "sh", f"{folder}/image", point,
                               "sh", "-c", freeze_and_thaw], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_freeze(), reason="needs a file system that can be frozen")


class Disk:
    """A file system of the master's own mount namespace."""

    def __init__(self, master):
        self.master = master
        self.image, self.point = master.dir / "image", master.dir / "disk"
        self.point.mkdir()
        make_image(self.image)
        self.wrapper = ["unshare", "-m", "sh", "-c", SH_WITH_DISK, "sh", str(self.image), str(self.point)]
        self.root = None

    def path(self, name):
        """A file on it, as this process can reach it. The disk must have been mounted by the master."""
        return pathlib.Path(f"/proc/{self.master.pid}/root{self.point}/{name}")

    def freeze(self):
        self.root = os.open(self.path("."), os.O_RDONLY)
        fcntl.ioctl(self.root, FIFREEZE, 0)

    def thaw(self):
        if self.root is not None:
            fcntl.ioctl(self.root, FITHAW, 0)
            os.close(self.root)
            self.root = None


@pytest.fixture
def disk(master):
    made = Disk(master)
    yield made
    with contextlib.suppress(OSError):
        made.thaw()


def start(disk, *options, wrapper=(), **groups):
    """groups: the words after talker, and other keys; a log that is no path is on the disk."""
    def spec(name):
        return f"size:1000000000:1:{name if str(name).startswith('/') else disk.point / name}"
    file = disk.master.dir / "groups.toml"
    file.write_text(to_toml({
        name: {"cmd": [TALKER, *map(str, words)], "ack": "timer", "ack_timeout": 0, "start_immediate": True,
               "stdout_log": spec(log), **keys}
        for name, (words, log, keys) in groups.items()}))
    disk.master.spawn("--config", file, *options, program=[], wrapper=[*disk.wrapper, *wrapper])
    disk.master.wait_answering()


def wait_written(disk, name="log"):
    path = disk.path(name)
    eventually(lambda: path.exists() and path.stat().st_size > 0)


def group(master, name):
    return next(one for one in master.status()["groups"] if one["name"] == name)


def log_of(master, name):
    return group(master, name)["logs"][0]


def lines_of(text, torn=0):
    """The numbers of a talker's lines, of which at most `torn` are not whole. The last one may have begun."""
    numbers = []
    for line in text.split(b"\n")[:-1]:
        match = re.fullmatch(rb"worker \d+ line (\d+) (x*)", line)
        if match and len(match[2]) == int(match[1]) % 120:
            numbers.append(int(match[1]))
        else:
            torn -= 1
            assert torn >= 0, line
    return numbers


SLOWLY = ["--rest", 1000, "--stream"]
VERY_SLOWLY = ["--rest", 20_000, "--stream"]  # so that what is kept for a log is enough for many seconds


def test_only_the_log_on_it_waits(disk, master):
    other = master.dir / "other"
    start(disk, stuck=([*SLOWLY, 5000, "--exit", 0], "log", {}),
          free=(["--say", "born\\n"], other, {"restart": "always", "numprocesses": 2, "seconds": 0.01}))
    wait_written(disk)
    eventually(lambda: other.exists() and other.read_bytes() == b"born\n" * 2)
    disk.freeze()
    eventually(lambda: log_of(master, "stuck")["failing"])
    assert log_of(master, "stuck")["last_error"] == f"{disk.point}/log: the disk does not answer"
    for births in range(3, 8):
        pids = {worker["pid"] for worker in group(master, "free")["workers"]}
        os.kill(min(pids), 9)
        eventually(lambda: other.read_bytes() == b"born\n" * births)
    eventually(lambda: not group(master, "stuck")["workers"], what="the worker could write all it had")
    assert log_of(master, "stuck")["failing"]
    disk.thaw()
    eventually(lambda: lines_of(disk.path("log").read_bytes()) == list(range(5000)))
    master.wait_log("log: the disk answers again")
    one = log_of(master, "stuck")
    assert (one["failing"], one["dropped_bytes"], one["pending_bytes"]) == (False, 0, 0)
    master.stop()


def test_a_worker_is_not_kept_waiting_and_the_oldest_is_dropped(disk, master):
    stamp = master.dir / "stamp"
    gate = master.dir / "gate"
    start(disk, stuck=(["--say", "begin\\n", "--await", gate, "--stream", 200_000, "--stamp", stamp], "log", {}))
    wait_written(disk)
    disk.freeze()
    gate.touch()
    took = float(eventually(lambda: stamp.exists() and stamp.read_text()))
    assert took < 30
    one = eventually(lambda: (shown := log_of(master, "stuck"))["failing"] and shown)
    assert one["dropped_bytes"] > 5_000_000 and one["pending_bytes"] <= 1024 * 1024
    disk.thaw()
    master.wait_log(r"the disk answers again; \d+ bytes were dropped")
    numbers = eventually(lambda: (found := lines_of(disk.path("log").read_bytes(), torn=2))
                         and found[-1] == 199_999 and found)
    assert numbers == sorted(set(numbers)), "in order, none twice"
    assert numbers[-5000:] == list(range(195_000, 200_000)), "the newest"
    size, one = disk.path("log").stat().st_size, log_of(master, "stuck")
    [pid] = master.pids()
    total = len(b"begin\n") + sum(len(f"worker {pid} line {n} {'x' * (n % 120)}\n") for n in range(200_000))
    assert one["bytes"] == size and 0 <= size + one["dropped_bytes"] - total <= 1, "the end of the line before the gap"
    master.stop()


def test_workers_of_many_busy_logs_are_not_kept_waiting(disk, master):
    """More logs than a disk has threads, whose output is known to be too much for copying."""
    first, second = ([b"line %07d %s\n" % (n, b"x" * 42) for n in numbers] for numbers in
                     (range(1000), range(1000, 150_000)))
    for name, lines in (("first", first), ("second", second)):
        (master.dir / name).write_bytes(b"".join(lines))
    gate, size, written = master.dir / "gate", sum(map(len, first)), {*first, *second}
    script = (f"dd if={master.dir}/first bs={size} count=1 2>/dev/null; until test -e {gate}; do sleep 0.05; done; "
              f"cat {master.dir}/second; touch {master.dir}/done$0; exec sleep 1000")
    start(disk, **{f"g{n}": ([], f"log{n}", {"cmd": ["sh", "-c", script, str(n)]}) for n in range(5)})
    for n in range(5):
        eventually(lambda: (path := disk.path(f"log{n}")).exists() and path.stat().st_size == size)
    disk.freeze()
    gate.touch()
    for n in range(5):
        eventually((master.dir / f"done{n}").exists, what=f"the worker of group {n} could write all it had")
    eventually(lambda: all(log_of(master, f"g{n}")["failing"] for n in range(5)))
    disk.thaw()
    eventually(lambda: not any((one := log_of(master, f"g{n}"))["failing"] or one["pending_bytes"] for n in range(5)))
    for n in range(5):
        text, one = disk.path(f"log{n}").read_bytes(), log_of(master, f"g{n}")
        lines = text.splitlines(keepends=True)
        whole = [line for line in lines if line in written]
        assert whole == sorted(set(whole)) and len(whole) >= len(lines) - 1, "in order, but for the one before the gap"
        assert whole[-1] == second[-1] and len(whole) > 5000, "the newest"
        assert one["bytes"] == len(text)
        assert 0 <= len(text) + one["dropped_bytes"] - sum(map(len, written)) <= 1, "the end of the line before the gap"
    master.stop()


def test_many_files_on_it_have_few_threads(disk, master):
    other = master.dir / "other"
    start(disk, **{f"g{n}": ([*VERY_SLOWLY, 0], f"log{n}", {}) for n in range(40)},
          free=(["--say", "born\\n"], other, {"restart": "always", "seconds": 0.01}))
    for n in range(40):
        wait_written(disk, f"log{n}")
    disk.freeze()
    eventually(lambda: all(log_of(master, f"g{n}")["failing"] for n in range(40)))
    os.kill(group(master, "free")["workers"][0]["pid"], 9)
    eventually(lambda: other.read_bytes() == b"born\n" * 2)
    assert master.threads() <= 5, "the loop, two that wait, one that works, and one for our own log"
    disk.thaw()
    eventually(lambda: not any(log_of(master, f"g{n}")["failing"] for n in range(40)))
    for n in range(40):
        numbers = lines_of(disk.path(f"log{n}").read_bytes())
        assert numbers == list(range(len(numbers)))
    master.stop()


def test_a_reload_is_refused_while_it_does_not_answer(disk, master):
    gate = master.dir / "gate"
    start(disk, stuck=([*VERY_SLOWLY, 5000, "--exit", 0], "log", {}),
          younger=(["--say", "begin\\n", "--await", gate, *VERY_SLOWLY, 5000], "younger", {}))
    wait_written(disk)
    wait_written(disk, "younger")
    disk.freeze()
    eventually(lambda: log_of(master, "stuck")["failing"])
    reply = master.request("reload")
    assert not reply["ok"] and f"log file {disk.point}/log does not answer" in reply["message"], reply
    assert log_of(master, "stuck")["failing"], "it goes on as it is"
    threads = master.threads()
    gate.touch()
    eventually(lambda: master.threads() > threads or log_of(master, "younger")["failing"],
               what="the other log has been written to as well")
    reply = master.request("reload")
    assert not reply["ok"] and f"log file {disk.point}/log does not answer" in reply["message"], reply
    disk.thaw()
    eventually(lambda: not log_of(master, "stuck")["failing"])
    for _ in range(3):
        assert master.request("reload")["ok"]
    eventually(lambda: lines_of(disk.path("log").read_bytes()) == list(range(5000)), timeout=60)
    assert log_of(master, "stuck")["dropped_bytes"] == 0
    master.stop()


def test_a_stop_does_not_wait_for_it(disk, master):
    start(disk, stuck=([*SLOWLY, 0], "log", {}))
    wait_written(disk)
    disk.freeze()
    eventually(lambda: log_of(master, "stuck")["failing"])
    master.signal(15)
    eventually(lambda: not master.socket_path.exists())
    eventually(lambda: process_state(master.pid) == "Z", what="a process whose thread waits for the disk is a zombie")
    assert f"{disk.point}/log: the disk does not answer; the last output may be lost" in master.log_so_far()
    disk.thaw()
    assert master.wait_exit() == 0


def test_our_own_log_on_it(disk, master):
    start(disk, "-v", wrapper=["sh", "-c", f'exec "$@" 2>{disk.point}/stderr', "sh"],
          free=([], master.dir / "log", {"restart": "always", "seconds": 0.01}))
    eventually(lambda: b" is ready " in disk.path("stderr").read_bytes())
    disk.freeze()
    killed = []
    for _ in range(5):
        killed += [worker["pid"] for worker in group(master, "free")["workers"]]
        os.kill(killed[-1], 9)
        eventually(lambda: (workers := group(master, "free")["workers"]) and workers[0]["pid"] != killed[-1])
    reply = master.request("reload")
    assert not reply["ok"] and "standard error, a file, does not answer" in reply["message"], reply
    assert re.findall(rb"worker (\d+) .* died", disk.path("stderr").read_bytes()) == []
    disk.thaw()
    expected = [str(pid).encode() for pid in killed]
    eventually(lambda: re.findall(rb"worker (\d+) .* died", disk.path("stderr").read_bytes()) == expected)
    assert master.request("reload")["ok"]
    eventually(lambda: disk.path("stderr").read_bytes().count(b", reloaded\n") == 1)
    master.stop()
