# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 7.2 and 7.3: starts, deaths, back-off and giving up."""

import os
import re
import signal
import time

import pytest

from harness import eventually


def spawn_times(master):
    return sorted(path.stat().st_mtime for path in master.reports.glob("*.json"))


def test_ready_worker_that_dies_is_replaced_at_once(master):
    master.start("--ack-mode", "0", "-n", "3", "-s", "30")
    victim = master.workers()[1]
    began = time.monotonic()
    os.kill(victim["pid"], signal.SIGKILL)
    eventually(lambda: victim["pid"] not in master.pids() and len(master.pids("ready")) == 3)
    assert time.monotonic() - began < 5, "there is no back-off for a ready worker"
    replacement = master.workers()[1]
    assert replacement["restarts"] == victim["restarts"] + 1 == 1
    master.stop()


@pytest.mark.parametrize("number, name", [(signal.SIGKILL, "SIGKILL"), (signal.SIGSEGV, "SIGSEGV"),
                                          (signal.SIGABRT, "SIGABRT")])
def test_cause_of_a_death_by_signal_is_logged(master, number, name):
    master.start("--ack-mode", "0", program=["sleep", "1000"])
    [pid] = master.pids()
    os.kill(pid, number)
    master.wait_log(rf"worker {pid} \(index 0, generation 1\) died: {name}.* after ")
    death = eventually(lambda: master.group()["last_death"])
    assert death["pid"] == pid and name in death["cause"] and death["generation"] == 1 and death["age_s"] >= 0
    master.wait_ready()
    master.stop()


def test_cause_of_a_death_by_exit_is_logged(master):
    master.start("--ack-mode", "0", program=master.probe("--exit-code", "7"))
    [pid] = master.pids()
    os.kill(pid, signal.SIGTERM)
    master.wait_log(f"worker {pid} .*exit code 7")
    master.wait_ready()
    master.stop()


def test_two_hundred_at_once_come_back(master):
    master.start("--ack-mode", "0", "-n", "200")
    before = master.pids()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not set(before) & set(master.pids()) and len(master.pids("ready")) == 200)
    assert [w["index"] for w in master.workers()] == list(range(200))
    master.stop()


def test_back_off_grows_by_half(master):
    master.spawn("-m", "-s", "0.2", "-r", "5", program=master.probe("--exit-before-ack", "3"))
    assert master.wait_exit() == 1
    times = spawn_times(master)
    assert len(times) == 6
    for n, (one, two) in enumerate(zip(times, times[1:])):
        wanted = 0.2 * 1.5 ** n
        assert wanted * 0.9 - 0.02 <= two - one <= wanted * 1.1 + 1.0, f"pause {n}: {two - one} instead of {wanted}"


def test_back_off_is_per_group_not_per_worker(master):
    # Eight workers that die are one group in trouble: it does not start eight at a time for ever.
    master.spawn("-m", "-n", "8", "-s", "0.02", "-r", "12", program=master.probe("--exit-before-ack", "3"))
    assert master.wait_exit(60) == 1
    assert len(spawn_times(master)) <= 13 + 8


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_gives_up(master, retries):
    master.spawn("-m", "-r", retries, "-s", "0.02", program=master.probe("--exit-before-ack", "3"))
    assert master.wait_exit() == 1
    assert len(spawn_times(master)) == retries + 1
    assert re.search(f"giving up after {retries + 1} death", master.log())
    assert "exit code 3" in master.log()
    assert not master.socket_path.exists()


def test_timeouts_count_as_deaths(master):
    master.spawn("-m", "--ack-timeout", "0.1", "-r", "1", "-s", "0.02")
    assert master.wait_exit() == 1
    assert len(spawn_times(master)) == 2 and "giving up" in master.log()


def test_deaths_under_a_timer_count(master):
    master.spawn("--ack-mode", "5", "-r", "1", "-s", "0.02", program=master.probe("--exit-before-ack", "9"))
    assert master.wait_exit() == 1
    assert "exit code 9" in master.log()


def test_never_gives_up_by_default(master):
    master.spawn("-m", "-s", "0.001", program=master.probe("--exit-before-ack", "3"))
    eventually(lambda: len(spawn_times(master)) >= 12)
    assert master.process.poll() is None and master.group()["deaths_before_ack"] >= 11
    master.stop()


def test_an_ack_ends_the_row(master):
    # Each worker fails once, then acks: two failures that never come in a row of two.
    flags = [master.dir / "a", master.dir / "b"]
    master.start("-m", "-r", "1", "-s", "0.02", program=master.probe("--ack", "manual", "--fail-once", flags[0]))
    assert master.group()["deaths_before_ack"] == 0
    flags[0].unlink()
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("died before its ack", count=2)
    master.wait_ready()
    master.stop()


def test_given_up_group_keeps_what_runs(master):
    broken = master.dir / "broken"
    master.start("-m", "-n", "2", "-r", "1", "-s", "0.02", program=master.probe("--ack", "manual", "--fail-while", broken))
    broken.touch()
    first, second = master.pids()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: master.group()["state"] == "given_up")
    assert master.pids() == [second] and master.process.poll() is None
    assert "giving up" in master.log()
    # An operator can ask again.
    broken.unlink()
    assert master.request("start")["ok"]
    master.wait_ready(2)
    assert master.group()["state"] == "running"
    master.stop()


def test_given_up_group_without_workers_ends_the_master(master):
    broken = master.dir / "broken"
    master.start("-m", "-r", "1", "-s", "0.02", program=master.probe("--ack", "manual", "--fail-while", broken))
    broken.touch()
    os.kill(master.pids()[0], signal.SIGKILL)
    assert master.wait_exit() == 1


def broken_interpreter(master):
    path = master.dir / "broken"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    return [str(path)]


def test_program_that_cannot_start_gives_one_clear_line(master):
    master.spawn("-n", "8", "-r", "0", program=broken_interpreter(master))
    assert master.wait_exit() == 1
    lines = [line for line in master.log().splitlines() if "No such file" in line]
    assert len(lines) == 1, master.log()
    assert "exec" in lines[0] and str(master.dir / "broken") in lines[0]


def test_program_that_cannot_start_is_no_loop_of_noise(master):
    master.spawn("-n", "8", "-s", "0.05", "-r", "6", program=broken_interpreter(master))
    assert master.wait_exit() == 1
    assert len(master.log().splitlines()) <= 25, master.log()


def test_program_that_vanished(master):
    path = master.script("app", *master.probe())
    master.start("--ack-mode", "0", "-s", "0.02", "-n", "2", program=[path])
    for pid in master.pids():
        master.report(pid)  # its interpreter has read the file
    path.unlink()
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("exec.*No such file")
    assert len(master.pids("ready")) == 1
    master.script("app", *master.probe())
    master.wait_ready(2)
    master.stop()


def test_working_directory_that_vanished(master):
    place = master.dir / "place"
    place.mkdir()
    master.start("--ack-mode", "0", cwd=place)
    os.rmdir(place)
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("SIGKILL")
    # It may start in the directory that is no more, or say why not; the master lives and can be stopped.
    assert master.answers()
    master.signal(signal.SIGTERM)
    assert master.wait_exit() == 0
