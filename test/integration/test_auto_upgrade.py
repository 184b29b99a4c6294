# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades when the file of the program changes (SPEC 6, auto_upgrade)."""

import os
import shutil
import time

import pytest

from services import generation, python, reload_master, start_groups, wait_generation
from harness import eventually
from test_idle import wakeups

# Once it is up it needs its file no more.
PROGRAM = """import os, time
open(f"{os.environ['HOME']}/up-{os.getpid()}", "w").close()
time.sleep(1000)
"""


def release(master, name, text=PROGRAM):
    """A directory with the program in it."""
    directory = master.dir / name
    directory.mkdir(parents=True, exist_ok=True)
    return python(directory / "prog", text)


def repoint(link, target):
    os.symlink(target, str(link) + ".new")
    os.rename(str(link) + ".new", link)


def start(master, program, **keys):
    start_groups(master, web={"cmd": [str(program)], "auto_upgrade": True, "ack_timeout": 0, "stop_signal": "TERM", **keys})
    wait_up(master)


def wait_up(master):
    eventually(lambda: master.pids() and all((master.dir / f"up-{pid}").exists() for pid in master.pids()))


def settle(pid):
    """Waits until the master has slept for longer than it waits for the end of a burst."""
    last = [wakeups(pid), time.monotonic()]

    def quiet():
        now = wakeups(pid)
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() > last[1] + 0.8
    eventually(quiet)


def settled_at(master, number):
    """Once a generation is there, no other comes: the burst has ended, and nothing else is left of it."""
    wait_generation(master, number)
    wait_up(master)
    settle(master.pid)
    assert generation(master) == number, master.log()


def test_a_replaced_file(master):
    program = release(master, "app")
    start(master, program)
    release(master, "app", PROGRAM + "# 2\n")
    settled_at(master, 2)
    release(master, "app", PROGRAM + "# three\n")
    settled_at(master, 3)
    master.stop()


def test_a_rewritten_file(master):
    program = release(master, "app")
    start(master, program)
    program.write_text("#!/usr/bin/python3\n" + PROGRAM + "# 2\n")
    settled_at(master, 2)
    master.stop()


@pytest.mark.parametrize("link", ["current", "opt/app", "opt/prog"])
def test_a_symlink_anywhere_in_the_path(master, link):
    one, two = release(master, "releases/1"), release(master, "releases/2")
    place = master.dir / link
    place.parent.mkdir(exist_ok=True)
    to_file = link == "opt/prog"
    place.symlink_to(one if to_file else one.parent)
    start(master, place if to_file else place / "prog")
    repoint(place, two if to_file else two.parent)
    settled_at(master, 2)
    repoint(place, one if to_file else one.parent)
    settled_at(master, 3)
    master.stop()


def test_a_relative_program_in_a_directory_that_is_pointed_elsewhere(master):
    one, two = release(master, "releases/1"), release(master, "releases/2")
    current = master.dir / "current"
    current.symlink_to(one.parent)
    start(master, "./prog", working_directory=str(current))
    repoint(current, two.parent)
    settled_at(master, 2)
    assert os.readlink(f"/proc/{master.pids()[0]}/cwd") == str(two.parent)
    master.stop()


def test_a_directory_that_is_exchanged(master):
    program = release(master, "app/bin")
    release(master, "new/bin")
    start(master, program)
    (master.dir / "app").rename(master.dir / "old")
    (master.dir / "new").rename(master.dir / "app")
    settled_at(master, 2)
    master.stop()


def test_a_program_that_vanishes_is_waited_for(master):
    program = release(master, "app")
    start(master, program)
    pids = master.pids()
    shutil.rmtree(program.parent)
    settle(master.pid)
    assert master.pids() == pids and generation(master) == 1
    release(master, "app")
    settled_at(master, 2)
    master.stop()


def test_what_cannot_be_executed_yet_is_waited_for(master):
    program = release(master, "app")
    start(master, program)
    new = program.with_name("new")
    new.write_text("#!/usr/bin/python3\n" + PROGRAM)
    new.rename(program)
    settle(master.pid)
    assert generation(master) == 1
    program.chmod(0o755)
    settled_at(master, 2)
    master.stop()


def test_a_burst_is_one_upgrade(master):
    program = release(master, "app")
    start(master, program)
    times = []
    for n in range(100):
        begun = time.monotonic()
        release(master, "app", PROGRAM + f"# {n}\n")
        times.append((begun, time.monotonic()))
    settle(master.pid)
    # On a busy machine this test may itself have paused for so long that the burst was several.
    pauses = sum(done - begun > 0.4 for (begun, _), (_, done) in zip(times, times[1:]))
    assert 2 <= generation(master) <= 2 + pauses, master.log()
    master.stop()


def test_a_file_that_is_being_written_is_not_complete(master):
    program = release(master, "app")
    start(master, program)
    with open(program, "a") as out:
        out.write("# half")
        out.flush()
        settle(master.pid)
        assert generation(master) == 1
        out.write("# whole\n")
    settled_at(master, 2)
    master.stop()


def test_nothing_new_is_no_upgrade(master):
    program = release(master, "app")
    start(master, program)
    os.chmod(program, 0o700)
    os.link(program, program.with_name("other"))
    release(master, "elsewhere")
    settle(master.pid)
    assert generation(master) == 1
    # And an upgrade by hand has seen what it has seen.
    release(master, "app")
    assert master.request("upgrade")["ok"]
    settled_at(master, 2)
    master.stop()


def test_a_reload_of_the_master_loses_no_change(master):
    program = release(master, "app")
    start(master, program)
    release(master, "app", PROGRAM + "# 2\n")
    reload_master(master)
    settled_at(master, 2)
    release(master, "app", PROGRAM + "# three\n")
    settled_at(master, 3)
    master.stop()


def test_a_broken_version_takes_nothing_down_and_the_next_one_is_tried(master):
    program = release(master, "app")
    start(master, program, ack="timer", seconds=0.02, retries=1, ack_timeout=0.3)
    pids = master.pids()
    release(master, "app", "raise SystemExit(1)\n")
    master.wait_log("aborted")
    assert master.pids() == pids
    release(master, "app")
    eventually(lambda: master.pids() and not set(pids) & set(master.pids()))
    master.stop()


def test_traffic_beside_the_program_wakes_nobody(master):
    program = release(master, "app")
    start(master, program)
    settle(master.pid)
    before = wakeups(master.pid)
    for n in range(300):
        path = program.with_name(f"other{n}")
        path.write_text("x")
        path.unlink()
    assert wakeups(master.pid) == before
    master.stop()


def test_without_the_key_nothing_happens(master):
    program = release(master, "app")
    start(master, program, auto_upgrade=False)
    release(master, "app", PROGRAM + "# 2\n")
    settle(master.pid)
    assert generation(master) == 1
    master.stop()


def test_the_upgrader_comes_before(master):
    program = release(master, "app")
    start(master, program, upgrader=["/bin/sh", "-c", f"echo x >> {master.dir}/ran"])
    release(master, "app", PROGRAM + "# 2\n")
    settled_at(master, 2)
    assert (master.dir / "ran").read_text() == "x\n"
    master.stop()
