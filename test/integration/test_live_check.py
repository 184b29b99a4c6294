# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that must show signs of life (SPEC 6, live_check_timeout)."""

import os
import pathlib
import shutil
import stat

import pytest

from services import NOBODY, open_to_others, python, reload_master, start_groups, write_groups
from harness import PRELOAD_PROBE, PROBE, eventually, is_root

TIMEOUT = 0.5

# How a worker shows it, ten times within the timeout, until the file "silent" is there.
LIVE = """
import os, pathlib, sys, time
path = pathlib.Path(os.environ["FIRESTARTER_WATCH_FILE"])
def touch(): path.touch()
def write(): path.write_text("x")
def utime(): os.utime(path)
def chmod(): path.chmod(0o600)
def remove():
    path.unlink(missing_ok=True)
    path.touch()
def replace():
    new = path.with_name("x" + path.name)
    new.write_text("")
    new.rename(path)
while not os.path.exists(sys.argv[2]):
    globals()[sys.argv[1]]()
    time.sleep(0.05)
time.sleep(1000)
"""


def worker(master, how, **keys):
    program = python(master.dir / "worker", LIVE)
    return {"web": {"cmd": [str(program), how, str(master.dir / "silent")], "live_check_timeout": TIMEOUT,
                    "ack_timeout": 0, "stop_signal": "TERM", "restart": "always", **keys}}


def watch_file(pid):
    """As the worker knows it. Its environment cannot be seen until its exec is through."""
    text = eventually(pathlib.Path(f"/proc/{pid}/environ").read_bytes)
    return pathlib.Path(next(e for e in text.split(b"\0") if b"_WATCH_FILE=" in e).partition(b"=")[2].decode())


@pytest.mark.parametrize("how", ["touch", "write", "utime", "chmod", "remove", "replace"])
def test_who_shows_life_stays_and_who_falls_silent_is_replaced(master, how):
    start_groups(master, **worker(master, how))
    pid = master.pids()[0]
    age = 4 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert master.pids() == [pid]
    (master.dir / "silent").touch()
    eventually(lambda: pid not in master.pids())
    master.stop()


def test_each_worker_has_a_file_of_its_own_which_goes_with_the_master(master):
    start_groups(master, **worker(master, "touch", numprocesses=3))
    files = {watch_file(pid) for pid in master.pids()}
    assert {file.name for file in files} == {"0", "1", "2"}
    [directory] = {file.parent for file in files}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o711
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    master.stop()
    assert not directory.exists()


def test_the_variable_has_the_prefix_of_the_group(master):
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "live_check_timeout": 60, "stop_signal": "TERM",
                              "environment_base_name": "MINE", "ack_timeout": 0})
    environment = pathlib.Path(f"/proc/{master.pids()[0]}/environ").read_text().split("\0")
    assert [e for e in environment if "WATCH_FILE" in e] == [f"MINE_WATCH_FILE={watch_file(master.pids()[0])}"]
    master.stop()


def test_without_the_key_there_is_no_file(master):
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "ack_timeout": 0})
    assert b"WATCH_FILE" not in pathlib.Path(f"/proc/{master.pids()[0]}/environ").read_bytes()
    master.stop()


def test_the_variable_goes_with_the_key(master):
    web = {"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM", "ack_timeout": 0, "start_immediate": True}
    start_groups(master, web=dict(web, live_check_timeout=60))
    [old] = master.pids()
    write_groups(master, {"web": web})
    assert (answer := master.request("reload-config"))["ok"], answer
    [new] = eventually(lambda: (pids := master.pids("ready")) != [old] and pids)
    assert b"WATCH_FILE" not in pathlib.Path(f"/proc/{new}/environ").read_bytes()
    master.stop()


def test_a_reload_of_the_master_kills_nobody_and_the_check_goes_on(master):
    start_groups(master, **worker(master, "touch"))
    pid, file = master.pids()[0], watch_file(master.pids()[0])
    for _ in range(3):
        reload_master(master)
    age = master.workers()[0]["age_s"] + 3 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert master.pids() == [pid] and file.exists()
    (master.dir / "silent").touch()
    eventually(lambda: pid not in master.pids())
    master.stop()
    assert not file.parent.exists()


def test_a_directory_that_a_cleaner_removed_is_made_again_for_the_next_worker(master):
    start_groups(master, **worker(master, "touch"))
    pid, directory = master.pids()[0], watch_file(master.pids()[0]).parent
    shutil.rmtree(directory)
    eventually(lambda: master.pids() and pid not in master.pids())
    fresh = master.pids()[0]
    age = 3 * TIMEOUT
    eventually(lambda: master.pids() == [fresh] and master.workers()[0]["age_s"] > age)
    assert directory.exists()
    master.stop()
    assert not directory.exists()


@pytest.mark.skipif(not is_root(), reason="needs root")
def test_a_worker_of_another_user_can_show_life(master):
    open_to_others(master)
    start_groups(master, **worker(master, "utime", uid="nobody"))
    pid = master.pids()[0]
    assert watch_file(pid).stat().st_uid == NOBODY.pw_uid
    age = 3 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert master.pids() == [pid]
    master.stop()


@pytest.mark.skipif(not is_root(), reason="needs root")
def test_a_worker_of_another_user_can_show_life_after_its_program_was_missing(master):
    """The master does not know whom the workers of a generation run as before it has found their program."""
    open_to_others(master)
    start_groups(master, **worker(master, "utime", uid="nobody", live_check_timeout=60))
    program, aside = master.dir / "worker", master.dir / "aside"
    old = master.pids()
    program.rename(aside)
    with master.connect() as control:
        upgrade = control.send("upgrade")
        master.wait_log("cannot start a worker of generation 2")
        aside.rename(program)
        assert control.finish(upgrade)["ok"]
    [pid] = eventually(lambda: (pids := master.pids("ready")) != old and pids)
    assert watch_file(pid).stat().st_uid == NOBODY.pw_uid
    master.stop()


def test_a_preloaded_worker_knows_its_file(master):
    start_groups(master, web={"cmd": [PROBE, "--dir", str(master.reports)], "preload": PRELOAD_PROBE,
                              "numprocesses": 3, "live_check_timeout": 60, "ack_timeout": 0, "stop_signal": "TERM"})
    eventually(lambda: all(master.report_path(pid) for pid in master.pids()))
    for each in master.workers():
        file = pathlib.Path(master.report(each["pid"]).variables["FIRESTARTER_WATCH_FILE"])
        assert file.name == str(each["index"])
        assert file.exists()
    master.stop()
    assert not os.path.exists(file)


# As a shell would: what cannot be touched is not its affair.
CALM = """
import contextlib, os, pathlib, time
path = pathlib.Path(os.environ["FIRESTARTER_WATCH_FILE"])
while True:
    with contextlib.suppress(OSError):
        path.touch()
    time.sleep(0.05)
"""


@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=pytest.mark.skipif(not is_root(), reason="needs root"))])
def test_workers_are_not_to_blame_for_a_cleaner(master, user):
    open_to_others(master)
    tidied = master.dir / "tmp"
    tidied.mkdir()
    program = python(master.dir / "worker", CALM)
    keys = {"uid": user} if user else {}
    start_groups(master, env={"TMPDIR": str(tidied)},
                 web={"cmd": [str(program)], "live_check_timeout": TIMEOUT, "ack_timeout": 0, "numprocesses": 3,
                      "stop_signal": "TERM", "restart": "always", **keys})
    pids = master.pids()
    files = [watch_file(pid) for pid in pids]
    for vanish in (lambda: shutil.rmtree(files[0].parent), lambda: files[1].unlink()):
        vanish()
        eventually(lambda: all(file.exists() for file in files), what="the files are made again")
        assert user is None or files[1].stat().st_uid == NOBODY.pw_uid
    age = master.workers()[0]["age_s"] + 4 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert master.pids() == pids
    master.wait_log(f"watch files, {files[0].parent}, had vanished")
    master.stop()
    assert not list(tidied.iterdir())


# While there is a file "once", the first one that finds it is the last one to ack.
ONCE = f"""
import contextlib, json, os, socket, sys
mode = sys.argv[1]
with contextlib.suppress(FileNotFoundError):
    os.rename(mode + "/once", mode + "/bad")
    os.environ["ACKS"] = "yes"
if "ACKS" in os.environ or not os.path.exists(mode + "/bad"):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(os.environ["EINHORN_SOCK_PATH"])
        peer.sendall(json.dumps({{"command": "worker:ack", "pid": os.getpid()}}).encode() + b"\\n")
        peer.recv(100)
{CALM}"""


@pytest.mark.skipif(not is_root(), reason="needs root")
def test_the_file_of_a_worker_whose_upgrade_was_aborted_is_made_again_for_its_user(master):
    """It serves on, though no other worker of its generation will be started."""
    open_to_others(master)
    (mode := master.dir / "mode").mkdir()
    mode.chmod(0o777)
    program = python(master.dir / "worker", ONCE)
    start_groups(master, web={"cmd": [str(program), str(mode)], "live_check_timeout": TIMEOUT, "numprocesses": 2,
                              "ack": "manual", "ack_timeout": 1, "stop_signal": "TERM", "retries": 0, "uid": "nobody"})
    (mode / "once").touch()
    assert not master.request("upgrade")["ok"]
    (mode / "bad").unlink()
    [fresh] = [worker["pid"] for worker in master.workers("ready") if worker["generation"] == 2]
    reload_master(master)
    file = watch_file(fresh)
    file.unlink()
    eventually(file.exists)
    assert file.stat().st_uid == NOBODY.pw_uid
    age = master.workers()[0]["age_s"] + 3 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert fresh in master.pids()
    master.stop()


def test_a_directory_that_cannot_be_made_again_costs_no_worker(master):
    program = python(master.dir / "worker", CALM)
    tidied = master.dir / "tmp"
    tidied.mkdir()
    start_groups(master, env={"TMPDIR": str(tidied)},
                 web={"cmd": [str(program)], "live_check_timeout": TIMEOUT, "ack_timeout": 0, "stop_signal": "TERM",
                      "restart": "always"})
    pids = master.pids()
    shutil.rmtree(tidied)
    master.wait_log("signs of life are not asked for until it can be made")
    age = master.workers()[0]["age_s"] + 4 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert master.pids() == pids
    assert master.log().count("signs of life are not asked for") == 1
    tidied.mkdir()
    master.wait_log("had vanished; it is there again")
    age = master.workers()[0]["age_s"] + 4 * TIMEOUT
    eventually(lambda: master.workers()[0]["age_s"] > age)
    assert master.pids() == pids
    master.stop()
