# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 7.4: upgrades, rolling and fleet, good and bad, one over the other.

The program is a script in the private directory; writing it again makes a new version. The test acks for versions that do
not do so themselves, so that any order of events can be produced.
"""

import os
import re
import signal
import time

import pytest

from harness import HTTP_WORKER, alive, eventually

MODES = ["upgrade", "upgrade_fleet"]


def started(master, number=2, *options):
    master.script("app", *master.probe("--ack", "manual"))
    return master.start("-m", "-n", number, "-s", "0.02", *options, program=[master.dir / "app"])


def ship_silent(master):
    """The next version does not ack by itself."""
    master.script("app", *master.probe())


def ship_good(master):
    master.script("app", *master.probe("--ack", "manual"))


def ship_broken(master, code=3):
    master.script("app", *master.probe("--exit-before-ack", code))


def ack(master, pid):
    assert master.request("worker:ack", pid=pid)["ok"]


def starting(master, count):
    """The pids of the unacked workers, when there are `count` and each has read its version of the script."""
    def there():
        pids = master.pids("starting")
        return len(pids) == count and all(map(master.report_path, pids)) and pids
    return eventually(there, what=f"{count} starting")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [1, 3])
def test_replaces_all(master, mode, number):
    started(master, number)
    old = master.pids()
    reply = master.request(mode)
    assert reply["ok"] and "Upgrade done" in reply["message"]
    assert reply["progress"], "a request with an id hears of the progress"
    master.wait_ready()
    group = master.group()
    assert group["generation"] == 2 and group["upgrade"] is None and group["state"] == "running"
    assert not set(old) & set(master.pids())
    assert all(master.signals_of(pid) == ["USR2"] for pid in old)
    master.stop()


@pytest.mark.parametrize("mode", MODES)
def test_without_id_there_is_an_answer_too(master, mode):
    started(master)
    with master.connect() as control:
        assert isinstance(control.bare(mode), str)
    eventually(lambda: master.group()["generation"] == 2 and not master.group()["upgrade"])
    master.wait_ready()
    master.stop()


def test_rolling_each_ack_tells_one_old_worker(master):
    started(master, 3, "--max-unacked", "3")
    old = master.pids()
    ship_silent(master)
    with master.connect() as control:
        request = control.send("upgrade")
        new = starting(master, 3)
        assert master.group()["state"] == "upgrading"
        assert master.group()["upgrade"] == {**master.group()["upgrade"], "mode": "rolling", "generation": 2,
                                             "acked": 0, "of": 3}
        assert [master.signals_of(pid) for pid in old] == [[], [], []]
        for count, pid in enumerate(new, 1):
            ack(master, pid)
            eventually(lambda: sum(map(bool, map(master.signals_of, old))) >= count)
            assert sum(map(bool, map(master.signals_of, old))) == count
            eventually(lambda: len(master.pids()) == 6 - count)
            assert master.group()["ready"] == 3
        assert control.finish(request)["ok"]
    assert sorted(master.pids()) == sorted(new)
    master.stop()


def test_fleet_tells_no_old_worker_before_all_have_acked(master):
    started(master, 3, "--max-unacked", "1")
    old = master.pids()
    ship_silent(master)
    with master.connect() as control:
        request = control.send("upgrade_fleet")
        new = starting(master, 3)  # all of them, whatever --max-unacked says
        assert master.group()["upgrade"]["mode"] == "fleet"
        for pid in new[:2]:
            ack(master, pid)
        eventually(lambda: master.group()["upgrade"]["acked"] == 2)
        assert [master.signals_of(pid) for pid in old] == [[], [], []]
        ack(master, new[2])
        assert control.finish(request)["ok"]
    master.wait_ready()
    assert [master.signals_of(pid) for pid in old] == [["USR2"]] * 3
    master.stop()


def test_progress_is_told(master):
    started(master, 3)
    reply = master.request("upgrade")
    steps = [step["data"] for step in reply["progress"] if step.get("data")]
    assert [step["acked"] for step in steps] == sorted(step["acked"] for step in steps)
    assert steps[-1]["of"] == 3 and steps[-1]["generation"] == 2
    assert all(step["ok"] and step["wait"] for step in reply["progress"])
    master.stop()


@pytest.mark.parametrize("mode", MODES)
def test_capacity_never_dips(master, mode):
    started(master, 4)
    with master.connect() as control:
        for generation in (2, 3, 4):
            control.send(mode)
            while (group := master.group())["generation"] < generation or group["upgrade"]:
                assert group["ready"] >= 4
    master.wait_ready()
    master.stop()


# ---- Broken programs ----

@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options, attempts", [([], 5), (["-r", "2"], 2)], ids=["default", "retries"])
def test_broken_program_aborts(master, mode, options, attempts):
    started(master, 2, "--max-unacked", "1", *options)
    old = master.pids()
    ship_broken(master)
    reply = master.request(mode)
    assert not reply["ok"]
    assert "aborted" in reply["message"] and "exit code 3" in reply["message"]
    broken = {report.pid for report in master.all_reports()} - set(old)
    named = {int(pid) for pid in re.findall(r"worker (\d+)", reply["message"])}
    assert named and named <= broken
    assert str(attempts) in reply["message"]
    assert attempts <= len(broken) <= attempts + 2
    master.wait_ready()
    assert master.pids() == old, "the old workers never notice"
    assert all(master.signals_of(pid) == [] for pid in old)
    assert master.group()["state"] == "running"
    # Repaired, it goes through.
    ship_good(master)
    assert master.request(mode)["ok"]
    master.wait_ready()
    assert not set(old) & set(master.pids())
    master.stop()


def test_program_that_never_acks_aborts(master):
    started(master, 2, "--ack-timeout", "0.2", "-r", "2")
    old = master.pids()
    ship_silent(master)
    reply = master.request("upgrade")
    assert not reply["ok"] and re.search(r"no ack after 2\d\d ms", reply["message"])
    master.wait_ready()
    assert master.pids() == old
    master.stop()


def test_program_that_is_gone_aborts(master):
    started(master)
    old = master.pids()
    (master.dir / "app").unlink()
    reply = master.request("upgrade")
    assert not reply["ok"] and "No such file" in reply["message"] and "app" in reply["message"]
    master.wait_ready()
    assert master.pids() == old
    master.stop()


def test_ctl_prints_the_reason_and_exits_1(master):
    started(master)
    ship_broken(master, 17)
    result = master.ctl("upgrade", timeout=60)
    assert result.returncode == 1
    text = result.stdout + result.stderr
    assert "exit code 17" in text and re.search(r"worker \d+", text) and re.search(r"after \d", text)
    ship_good(master)
    assert master.ctl("upgrade", timeout=60).returncode == 0
    master.stop()


def test_death_after_the_first_ack_does_not_bring_back_the_old(master):
    started(master, 2, "--max-unacked", "1", "-r", "3")
    old = master.pids()
    ship_silent(master)
    with master.connect() as control:
        request = control.send("upgrade")
        [first] = starting(master, 1)
        ack(master, first)
        [second] = starting(master, 1)
        ship_broken(master)
        os.kill(second, signal.SIGKILL)
        reply = control.finish(request)
    assert not reply["ok"]
    eventually(lambda: not master.pids("starting") and not master.pids("stopping"))
    # One old worker was replaced before it went wrong; the other one keeps serving.
    assert first in master.pids() and set(old) & set(master.pids())
    assert master.group()["ready"] == 2
    master.stop()


def test_old_worker_that_dies_meanwhile_is_replaced_in_its_generation(master):
    started(master, 2, "--max-unacked", "4")
    old = master.pids()
    ship_silent(master)
    with master.connect() as control:
        request = control.send("upgrade")
        new = starting(master, 2)
        os.kill(old[0], signal.SIGKILL)
        # Its program is this same script, which is silent by now.
        [replacement] = eventually(lambda: [w for w in master.workers("starting") if w["pid"] not in new])
        assert replacement["generation"] == 1
        for pid in new:
            ack(master, pid)
        assert control.finish(request)["ok"]
    master.wait_ready()
    assert sorted(master.pids()) == sorted(new)
    master.stop()


# ---- One over the other ----

def test_ten_at_once_coalesce(master):
    started(master, 4)
    controls = [master.connect() for _ in range(10)]
    for control in controls:
        assert control.request("version")["ok"]
    go_on = master.hold_up()
    requests = [control.send("upgrade") for control in controls]
    go_on()
    for control, request in zip(controls, requests):
        assert control.finish(request)["ok"]
        control.close()
    assert master.group()["generation"] <= 3
    master.wait_ready()
    master.stop()


def test_second_upgrade_overtakes_a_stuck_one(master):
    started(master, 2)
    old = master.pids()
    ship_silent(master)
    with master.connect() as first, master.connect() as second:
        one = first.send("upgrade")
        stuck = starting(master, 2)
        ship_good(master)
        two = second.send("upgrade")
        reply = first.finish(one)
        assert reply["ok"] and any("overtaken" in step["message"] for step in reply["progress"])
        assert second.finish(two)["ok"]
    master.wait_ready()
    assert master.group()["generation"] == 3
    assert not set(old + stuck) & set(master.pids())
    master.stop()


def test_waiting_for_one_that_is_overtaken_by_a_broken_one(master):
    started(master, 2)
    old = master.pids()
    ship_silent(master)
    with master.connect() as first, master.connect() as second:
        one = first.send("upgrade")
        starting(master, 2)
        ship_broken(master)
        two = second.send("upgrade")
        assert not first.finish(one)["ok"] and not second.finish(two)["ok"]
    master.wait_ready()
    assert master.pids() == old
    master.stop()


def test_lingering_worker_blocks_nothing(master):
    master.start("-m", "-n", "2", "-b", "127.0.0.1:0", program=[HTTP_WORKER, "--ignore-usr2"])
    for generation in (2, 3, 4):
        assert master.request("upgrade")["ok"]
        assert master.group()["generation"] == generation
    states = [w["state"] for w in master.workers()]
    assert states.count("stopping") == 6 and states.count("ready") == 2
    assert sorted({w["generation"] for w in master.workers()}) == [1, 2, 3, 4]
    master.stop()


def test_resize_during_an_upgrade(master):
    started(master, 2, "--max-unacked", "8")
    ship_silent(master)
    with master.connect() as control:
        request = control.send("upgrade")
        first = starting(master, 2)
        assert master.request("set_workers", 3)["ok"]
        new = starting(master, 3)
        assert set(first) <= set(new)
        for pid in new:
            ack(master, pid)
        assert control.finish(request)["ok"]
    master.wait_ready(3)
    master.stop()


def test_shrink_during_an_upgrade(master):
    started(master, 3, "--max-unacked", "8")
    ship_silent(master)
    with master.connect() as control:
        request = control.send("upgrade")
        starting(master, 3)
        assert master.request("set_workers", 1)["ok"]
        [survivor] = starting(master, 1)
        ack(master, survivor)
        assert control.finish(request)["ok"]
    master.wait_ready(1)
    assert master.pids() == [survivor]
    master.stop()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2, signal.SIGQUIT])
def test_stop_during_an_upgrade(master, mode, number):
    started(master)
    ship_silent(master)
    with master.connect() as control:
        control.send(mode)
        starting(master, 2)
        master.signal(number)
        assert master.wait_exit() == (1 if number == signal.SIGQUIT else 0)
        while control.line() is not None:
            pass
    eventually(lambda: not master.marked())


def test_die_during_an_upgrade_ends_the_waiting_request(master):
    started(master)
    ship_silent(master)
    with master.connect() as control, master.connect() as other:
        request = control.send("upgrade")
        starting(master, 2)
        other.send("die")
        reply = control.finish(request)
        assert not reply["ok"] and reply["message"]
    assert master.wait_exit() == 0


def test_upgrade_ends_a_given_up_group_s_misery(master):
    broken = master.dir / "broken"
    master.script("app", *master.probe("--ack", "manual", "--fail-while", broken))
    master.start("-m", "-n", "2", "-r", "0", program=[master.dir / "app"])
    broken.touch()
    os.kill(master.pids()[0], signal.SIGKILL)
    eventually(lambda: master.group()["state"] == "given_up")
    ship_good(master)
    assert master.request("upgrade")["ok"]
    master.wait_ready(2)
    master.stop()


# ---- Signals and output ----

def test_hup_upgrades(master):
    started(master)
    master.signal(signal.SIGHUP)
    eventually(lambda: master.group()["generation"] == 2 and not master.group()["upgrade"])
    master.wait_ready()
    assert "deprecat" not in master.log()
    master.stop()


def test_alrm_upgrades_with_a_warning(master):
    started(master)
    master.signal(signal.SIGALRM)
    eventually(lambda: master.group()["generation"] == 2 and not master.group()["upgrade"])
    assert "deprecat" in master.log()
    master.wait_ready()
    master.stop()


def test_output_is_inherited_untouched(master):
    # The master never stands between a worker and its output: killed, it breaks no pipe.
    read_end, write_end = os.pipe()
    master.start("--ack-mode", "0", program=master.probe("--output-every", "0.02"), stdout=write_end)
    os.close(write_end)
    [pid] = master.pids()
    assert os.read(read_end, 5) == b"line\n"
    master.process.kill()
    master.process.wait()
    inode = f"pipe:[{os.fstat(read_end).st_ino}]"
    assert os.readlink(f"/proc/{pid}/fd/1") == inode
    seen = 0
    deadline = time.monotonic() + 20
    while seen < 100 and time.monotonic() < deadline:
        seen += len(os.read(read_end, 4096))
    assert seen >= 100 and alive(pid)
    os.close(read_end)
