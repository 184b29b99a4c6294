# SPDX-License-Identifier: GPL-3.0-or-later
"""The master replaces its own program (SPEC 7.5): same pid, same sockets, same workers, nothing lost."""

import json
import os
import pathlib
import re
import shutil
import signal

import pytest

from harness import HTTP_WORKER, MASTER, alive, connect_to, eventually, kill_quietly, open_files
from services import python
from test_zero_loss import under_load


def descriptors(master):
    """How many there are when nobody is connected."""
    def targets():
        return list(open_files(master.pid).values())
    sockets = 1 + len(master.group()["listeners"])
    eventually(lambda: sum(target.startswith("socket:") for target in targets()) == sockets)
    return len(targets())


def reload(master):
    reply = master.request("reload")
    assert reply["ok"], reply
    assert reply["message"].startswith("reloaded: einhyrningsins ")
    return reply


def reloads(master):
    return master.log().count(", reloaded")


def installed(master, name="einhyrningsins"):
    """A program of our own that the test may replace."""
    path = master.dir / name
    shutil.copy(MASTER, path)
    return path


def start_as(master, path, *options, **kwargs):
    """Starts the master by that path."""
    before = master.command
    master.command = lambda *words, **more: [str(path), *before(*words, **more)[1:]]
    master.start(*options, **kwargs)


def wrapper(master, *lines, name="wrapper"):
    path = master.dir / name
    path.write_text("\n".join(["#!/bin/bash", *lines, f'exec "{MASTER}" "$@"', ""]))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_while_a_wrapper_runs_does_not_end_the_master(master, shell, number):
    """Some shells unblock all signals."""
    path = master.dir / "wrapper"
    path.write_text(f"""#!{shell}
case "$*" in *--upgrade-check*) ;; *)
    touch {master.dir}/begun
    until test -e {master.dir}/go; do sleep 0.02; done
esac
exec "{MASTER}" "$@"
""")
    path.chmod(0o755)
    master.start("--ack-mode", "0", "--reexec-as", path)
    pids = master.pids()
    with master.connect() as control:
        asked = control.send("reload")
        eventually((master.dir / "begun").exists)
        master.signal(number)
        (master.dir / "go").touch()
        if shell == "/bin/bash" and number == signal.SIGTERM:
            assert master.wait_exit() == 0, "it is kept, and ends the next master as it would have ended this one"
            return
        assert control.finish(asked)["ok"]
    assert set(pids) <= set(master.pids()) or number == signal.SIGHUP
    master.stop()


def test_reload_changes_nothing_but_the_program(master):
    master.start("-n", "3", "--ack-mode", "0", "-b", "127.0.0.1:0", "-b", f"{master.dir}/app.sock", "-e", master.dir / "pid")
    before = master.status()
    open_files = descriptors(master)
    for _ in range(5):
        assert reload(master)["progress"], "it is said at once that it begins"
    after = master.status()
    for status in (before, after):
        status["master"].pop("uptime_s")
        for worker in status["groups"][0]["workers"]:
            worker.pop("age_s"), worker.pop("memory_bytes")
    assert after == before
    assert descriptors(master) == open_files
    assert (master.dir / "pid").read_text().strip() == str(master.pid)
    assert reloads(master) == 5
    master.stop()
    assert not (master.dir / "pid").exists() and not (master.dir / "app.sock").exists()
    assert not list(master.dir.glob("*.lock"))


def test_age_and_uptime_go_on(master):
    master.start("--ack-mode", "0")
    eventually(lambda: master.workers()[0]["age_s"] > 0.05)
    reload(master)
    status = master.status()
    assert status["groups"][0]["workers"][0]["age_s"] > 0.05 and status["master"]["uptime_s"] > 0.05
    master.stop()


def test_a_request_without_id_is_answered_once(master):
    master.start("--ack-mode", "0")
    with master.connect() as control:
        assert control.bare("reload") == "reloading the master"
        master.wait_log("reloaded")
        assert control.bare("ehlo") == "Hi there!"
    master.stop()


def test_workers_that_die_later_are_replaced_as_before(master):
    master.start("-n", "2", "--ack-mode", "0", "-b", "127.0.0.1:0", "--drop-env-var", "GONE", env={"GONE": "1", "KEPT": "2"})
    old = master.first_report()
    reload(master)
    os.kill(old.pid, signal.SIGKILL)
    eventually(lambda: old.pid not in master.pids() and len(master.pids("ready")) == 2)
    [new] = [pid for pid in master.pids() if master.report(pid).variables["EINHORN_CHILD_INDEX"] == "0"]
    new = master.report(new)
    changing = {"LISTEN_PID"}
    assert {k: v for k, v in new.variables.items() if k not in changing} == \
        {k: v for k, v in old.variables.items() if k not in changing}
    assert new.variables["LISTEN_PID"] == str(new.pid)
    assert [each["fd"] for each in new.fds] == [each["fd"] for each in old.fds]
    assert master.group()["last_death"]["cause"] == "SIGKILL"
    assert [w["restarts"] for w in master.workers() if w["pid"] == new.pid] == [1]
    master.stop()


def test_options_changed_at_run_time_stay(master):
    master.start("--ack-mode", "0")
    assert master.request("set_workers", 3)["ok"]
    assert master.request("config", '{"signal_timeout": 7}')["ok"]
    assert master.request("louder")["ok"]
    reload(master)
    master.wait_ready(3)
    assert master.request("state")["data"]["groups"][0]["config"]["signal_timeout"] == 7
    assert master.request("quieter")["message"] == "the log level is info"
    master.stop()


def test_a_stopped_group_stays_stopped(master):
    master.start("--ack-mode", "0")
    assert master.request("stop")["ok"]
    eventually(lambda: master.group()["state"] == "stopped")
    reload(master)
    assert master.group()["state"] == "stopped" and master.pids() == []
    assert master.request("start")["ok"]
    master.wait_ready()
    master.stop()


def test_a_stop_that_has_begun_is_not_disturbed(master):
    master.start("--ack-mode", "0", program=master.probe("--ignore", "TERM", "--ignore", "USR2"))
    [pid] = master.pids()
    assert master.request("die")["ok"]
    reply = master.request("reload")
    assert not reply["ok"] and "stopping" in reply["message"]
    kill_quietly(pid)
    assert master.wait_exit() == 0


def test_manual_acks_of_workers_that_are_starting(master):
    master.spawn("-m", "-n", "2")
    master.wait_answering()
    first, second = eventually(lambda: (p := master.pids("starting")) and len(p) == 2 and p)
    reload(master)
    assert master.pids("starting") == [first, second]
    for pid in (first, second):
        assert master.request("worker:ack", pid=pid)["ok"]
    assert master.pids("ready") == [first, second]
    master.stop()


def test_acks_in_time_are_still_asked_for(master):
    master.spawn("-m", "--ack-timeout", "2")
    master.wait_answering()
    [pid] = eventually(lambda: master.pids("starting"))
    reload(master)
    master.wait_log(f"worker {pid} .*no ack|worker {pid} .*has not acked|{pid}.*ack")
    eventually(lambda: pid not in master.pids("starting", "ready"))
    master.stop()


def test_notify_socket_is_carried_over(master):
    master.start("--ack-mode", "notify", program=master.probe("--ack", "notify"))
    address = master.first_report().variables["NOTIFY_SOCKET"]
    reload(master)
    assert master.request("upgrade")["ok"]
    assert master.first_report().variables["NOTIFY_SOCKET"] == address
    master.stop()


def test_an_upgrade_under_way_goes_on_and_its_client_hears_the_end(master):
    master.script("app", *master.probe("--ack", "manual"))
    master.start("-m", "-n", "2", "--max-unacked", "2", program=[master.dir / "app"])
    old = master.pids()
    master.script("app", *master.probe())
    with master.connect() as control:
        waiting = control.send("upgrade")
        new = eventually(lambda: (p := master.pids("starting")) and len(p) == 2 and p)
        reload(master)
        assert sorted(master.pids()) == sorted(old + new)
        for pid in new:
            assert master.request("worker:ack", pid=pid)["ok"]
        reply = control.finish(waiting)
    assert reply["ok"] and reply["message"] == "Upgrade done"
    assert any("2 of 2" in each["message"] for each in reply["progress"])
    eventually(lambda: sorted(master.pids()) == sorted(new))
    master.stop()


def test_half_a_line_and_half_a_reply_are_carried_over(master):
    master.start("--ack-mode", "0", "-n", "20")
    with master.connect() as half, master.connect() as slow:
        half.send_raw(b'{"id": "x", "comm')
        asked = [slow.send("state") for _ in range(60)]  # more than the socket takes
        eventually(lambda: master.request("ehlo")["ok"])
        reload(master)
        half.send_raw(b'and": "ehlo"}\n')
        assert half.reply()["request_id"] == "x"
        for request_id in asked:
            assert slow.finish(request_id)["data"]["groups"][0]["target"] == 20
    master.stop()


def test_a_client_that_has_finished_sending_is_still_answered(master):
    master.start("--ack-mode", "0")
    with master.connect() as control:
        request_id = control.send("reload")
        control.socket.shutdown(1)
        assert control.finish(request_id)["ok"]
        assert control.line() is None
    master.stop()


def test_the_socket_of_a_worker_is_carried_over(master):
    """-g: the worker acks over its own connection after the reload."""
    master.spawn("-m", "-g", program=master.probe("--ack", "fd", "--ack-delay", "1.5"))
    master.wait_answering()
    [pid] = eventually(lambda: master.pids("starting"))
    reload(master)
    eventually(lambda: master.pids("ready") == [pid])
    master.stop()


@pytest.mark.bounded(300)
def test_a_hundred_reloads_under_load(master):
    """With an open client, and upgrades in between: nothing is lost, and no descriptor is left over."""
    master.start("-m", "-n", "4", "-b", "127.0.0.1:0", program=[HTTP_WORKER])
    reload(master)
    pid, open_files = master.pid, descriptors(master)

    def change(n):
        reload(master)
        assert shell.request("ehlo")["ok"]
        if n % 10 == 5:
            assert shell.request(["upgrade", "upgrade_fleet"][n // 10 % 2])["ok"]
        if n % 10 == 7:
            assert shell.request("signal", "CONT")["ok"]
    with master.connect() as shell:
        under_load(master, change, times=100, requests=20_000)
    eventually(lambda: len(master.pids()) == 4)
    eventually(lambda: descriptors(master) == open_files, what="no descriptor is left over")
    assert master.pid == pid and reloads(master) >= 101
    master.stop()


@pytest.mark.bounded(120)
def test_workers_that_come_and_go_during_reloads(master):
    """Every start is answered, every death is noticed once, with its cause, whenever it comes."""
    program = master.probe("--ack", "manual", "--exit-after", "0.03", "--exit-code", "7")
    master.spawn("-m", "-n", "4", "-v", program=program)
    master.wait_answering()
    for _ in range(60):
        reload(master)
    assert master.request("stop")["ok"]
    eventually(lambda: master.group()["state"] == "stopped")
    log = master.log()
    ended = re.findall(r"worker (\d+) \(index \d+, generation 1\) (?:died|has gone|died before its ack): ([^,]+),", log)
    born = re.findall(r"worker (\d+) \(index \d+, generation 1\) started", log)
    assert sorted(born) == sorted(pid for pid, _ in ended) and len(born) > 20
    assert {cause for _, cause in ended} <= {"exit code 7", "SIGUSR2"}, "no cause is unknown"
    assert {int(pid) for pid in born} >= {report.pid for report in master.all_reports()}
    master.stop()


def test_upgrade_reloads_first_when_the_program_has_changed(master):
    path = installed(master)
    start_as(master, path, "-n", "2", "--ack-mode", "0")
    assert master.request("upgrade")["ok"] and reloads(master) == 0
    fresh = installed(master, "fresh")
    fresh.rename(path)
    reply = master.request("upgrade")
    assert reply["ok"] and reply["message"] == "Upgrade done"
    assert reloads(master) == 1
    assert os.readlink(f"/proc/{master.pid}/exe") == str(path)
    assert master.request("upgrade")["ok"] and reloads(master) == 1
    master.stop()


def test_hup_reloads_first_as_well(master):
    start_as(master, installed(master), "--ack-mode", "0")
    [old] = master.pids()
    installed(master, "fresh").rename(master.dir / "einhyrningsins")
    master.signal(signal.SIGHUP)
    eventually(lambda: master.pids("ready") not in ([], [old]) and len(master.pids()) == 1)
    assert reloads(master) == 1
    master.stop()


def test_release_directories_behind_a_link(master):
    for release in ("one", "two"):
        (master.dir / release).mkdir()
        installed(master, f"{release}/einhyrningsins")
    current = master.dir / "current"
    current.symlink_to("one")
    start_as(master, current / "einhyrningsins", "--ack-mode", "0", cwd=current, env={"PWD": str(current)})
    assert master.first_report().cwd == str(master.dir / "one")
    (master.dir / "next").symlink_to("two")
    (master.dir / "next").rename(current)
    assert master.request("upgrade")["ok"]
    assert os.readlink(f"/proc/{master.pid}/exe") == str(master.dir / "two/einhyrningsins")
    eventually(lambda: len(master.pids()) == 1)
    assert master.first_report().cwd == str(master.dir / "two")
    master.stop()


def test_reexec_as_with_a_wrapper_that_changes_the_environment(master):
    path = wrapper(master, "export RELEASE=2", 'echo "$@" >> words')
    master.start("-n", "2", "--ack-mode", "0", "--reexec-as", f"'{path}' 'two words'", env={"RELEASE": "1"})
    assert master.first_report().variables["RELEASE"] == "1"
    path.write_text(path.read_text().replace('"$@"\n', '"${@:2}"\n'))
    reply = master.request("upgrade")
    assert reply["ok"] and reloads(master) == 1
    eventually(lambda: len(master.pids()) == 2)
    assert master.first_report().variables["RELEASE"] == "2"
    words = (master.dir / "words").read_text().splitlines()
    assert words[0].startswith("two words --upgrade-check ") and words[1].startswith("two words --with-state-fd ")
    master.stop()


@pytest.mark.parametrize("reaps", [False, True], ids=["leaves the dead alone", "reaps"])
def test_worker_that_dies_while_a_wrapper_runs(master, reaps):
    """Whatever a wrapper does to the processes that it inherits, no death is overlooked."""
    go = master.dir / "go"
    path = master.dir / "wrapper"
    path.write_text(f"""#!/usr/bin/python3
import os, sys, time
while sys.argv[1] != "--upgrade-check" and not os.path.exists("{go}"):
    open("{master.dir}/waiting", "w").close()
    if {reaps}:
        os.waitpid(-1, os.WNOHANG)
    time.sleep(0.01)
os.execv("{MASTER}", ["{MASTER}", *sys.argv[1:]])
""")
    path.chmod(0o755)
    master.start("-n", "2", "--ack-mode", "0", "--reexec-as", path)
    victim, other = master.pids()
    with master.connect() as control:
        asked = control.send("reload")
        eventually((master.dir / "waiting").exists)
        os.kill(victim, signal.SIGKILL)
        if reaps:
            eventually(lambda: not pathlib.Path(f"/proc/{victim}").exists())
        go.touch()
        assert control.finish(asked)["ok"]
    eventually(lambda: victim not in master.pids() and len(master.pids("ready")) == 2)
    assert other in master.pids()
    death = master.group()["last_death"]
    assert death["pid"] == victim and death["cause"] == ("exit status unknown" if reaps else "SIGKILL")
    master.stop()


@pytest.mark.parametrize("ack", ["0", "0.5"])
@pytest.mark.parametrize("language", ["sh", "python"])
def test_worker_that_dies_before_an_upgrade_that_a_reload_precedes(master, language, ack):
    """It is replaced by a new one alone: nothing of the old generation is started any more, also while no new worker
    has acked. A shell reaps it when it waits for a command of its own, another wrapper leaves that to the master."""
    go, waiting = master.dir / "go", master.dir / "waiting"
    if language == "sh":
        path = wrapper(master, f'while [ "$1" != --upgrade-check ] && ! [ -e {go} ]; do : > {waiting}; sleep 0.01; done')
    else:
        path = python(master.dir / "wrapper", f"""
import os, sys, time
while sys.argv[1] != "--upgrade-check" and not os.path.exists({str(go)!r}):
    open({str(waiting)!r}, "w").close()
    time.sleep(0.01)
os.execv({str(MASTER)!r}, [{str(MASTER)!r}, *sys.argv[1:]])
""")
    master.start("-n", "2", "--ack-mode", ack, "--reexec-as", path)
    victim, other = master.pids()
    with master.connect() as control:
        asked = control.send("upgrade")
        eventually(waiting.exists)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: not alive(victim))
        go.touch()
        assert control.finish(asked)["ok"]
    assert master.group()["last_death"]["pid"] == victim
    eventually(lambda: len(master.pids()) == 2)
    fresh = master.pids()
    for pid in fresh:
        master.report(pid)
    assert {report.variables["SERVER_STARTER_GENERATION"] for report in master.all_reports()} == {"1", "2"}
    assert len(master.all_reports()) == 4, "two old ones, two new ones"
    master.stop()


def test_signal_that_arrives_while_a_wrapper_runs(master):
    go = master.dir / "go"
    path = wrapper(master, f'while [ "$1" != --upgrade-check ] && ! [ -e {go} ]; do : > {master.dir}/waiting; sleep 0.01; done')
    master.start("--ack-mode", "0", "--reexec-as", path)
    with master.connect() as control:
        control.send("reload")
        eventually((master.dir / "waiting").exists)
        master.signal(signal.SIGTERM)
        go.touch()
        assert master.wait_exit() == 0
    assert not master.marked()


def failing(master, *options, why):
    """A reload that fails, after which everything is as before."""
    master.start("-n", "2", "--ack-mode", "0", *options)
    before, open_files = master.pids(), descriptors(master)
    for command in ("reload", "upgrade"):
        reply = master.request(command)
        assert not reply["ok"] and reply["message"].startswith("Reload failed: ") and why in reply["message"], reply
    assert master.pids() == before
    eventually(lambda: descriptors(master) == open_files)
    master.signal(signal.SIGHUP)
    master.wait_log("Reload failed", count=3)
    assert master.pids() == before
    master.stop()


def test_trial_run_that_fails(master):
    failing(master, "--reexec-as", "/bin/false", why="the trial run of /bin/false ended with exit code 1")


def test_program_that_is_missing(master):
    failing(master, "--reexec-as", "/no/such/program", why="/no/such/program: No such file or directory")


def refused(master, why, *options):
    """A master that is to reload itself says why not, and its workers stay."""
    master.start("--ack-mode", "0", *options)
    pids = master.pids()
    reply = master.request("reload")
    assert not reply["ok"] and why in reply["message"]
    assert master.pids() == pids
    master.stop()


def test_program_that_succeeds_without_reading_the_state(master):
    """einhorn of Ruby, for one, looks at nothing in its trial run, and would not understand the state."""
    path = master.dir / "blind"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    refused(master, f"the trial run of {path} has not read the state", "--reexec-as", path)


def test_what_was_tried_is_what_is_executed(master):
    """Whatever its path leads to by then. Without the script, which is read anew: its interpreter opens it."""
    program = master.dir / "shell"
    program.symlink_to("/bin/sh")
    script = master.dir / "script"
    script.write_text(f'[ "$1" = --upgrade-check ] && ln -sfn /bin/false {program}\nexec {MASTER} "$@"\n')
    master.start("--ack-mode", "0", "--reexec-as", f"{program} {script}")
    pids = master.pids()
    reload(master)
    assert os.readlink(program) == "/bin/false"
    assert master.pids() == pids
    assert pathlib.Path(f"/proc/{master.pid}/comm").read_text() == "einhyrningsins\n"
    reply = master.request("reload")
    assert not reply["ok"] and f"the trial run of {program} ended with exit code 1" in reply["message"]
    master.stop()


def test_script_that_is_written_to_during_its_trial_run(master):
    path = wrapper(master, '[ "$1" = --upgrade-check ] && echo "# more" >> "$0"')
    refused(master, f"{path} is not the file that was tried; try again", "--reexec-as", path)


def test_program_that_is_lost_after_its_trial_run(master):
    path = master.dir / "once"
    path.write_text("#!/bin/sh\nmv $0 $0.gone\ncat <&3 >/dev/null\n")
    path.chmod(0o755)
    refused(master, "No such file or directory", "--reexec-as", path)


def test_program_that_does_not_understand_the_state(master):
    """A newer state for an older program: the trial run notices."""
    path = master.dir / "older"
    path.write_text(f"""#!/usr/bin/python3
import json, os, sys
state = json.loads(os.read(3, 1 << 20))
state["format"] = 99
memory = os.memfd_create("state", 0)
os.write(memory, json.dumps(state).encode())
os.lseek(memory, 0, 0)
words = sys.argv[1:]
words[words.index("--with-state-fd") + 1] = str(memory)
os.execv("{MASTER}", ["{MASTER}", *words])
""")
    path.chmod(0o755)
    failing(master, "--reexec-as", path, why="ended with exit code 1")
    assert "handed-over state.format must be 1" in master.log()


def test_keys_that_are_unknown_or_missing(master):
    """A state of another version: what is unknown is ignored, what is missing has its default."""
    path = master.dir / "other"
    path.write_text(f"""#!/usr/bin/python3
import json, os, sys
fd = int(sys.argv[sys.argv.index("--with-state-fd") + 1])
state = json.loads(os.read(fd, 1 << 20))
state["later"] = {{"invented": 1}}
del state["started_at"], state["master"]["syslog"]
for group in state["groups"]:
    group["settings"]["colour"] = "green"
    del group["settings"]["backlog"], group["state"]["restarts"]
    for worker in group["state"]["workers"]:
        worker["mood"] = 7
        del worker["ping_id"]
memory = os.memfd_create("state", 0)
os.write(memory, json.dumps(state).encode())
os.lseek(memory, 0, 0)
sys.argv[sys.argv.index("--with-state-fd") + 1] = str(memory)
os.execv("{MASTER}", ["{MASTER}", *sys.argv[1:]])
""")
    path.chmod(0o755)
    master.start("-n", "2", "--ack-mode", "0", "-b", "127.0.0.1:0", "--reexec-as", path)
    before = master.pids()
    reload(master)
    reload(master)
    assert master.pids("ready") == before
    master.stop()


def test_listener_that_a_wrapper_closes_is_bound_again(master):
    path = master.dir / "closing"
    path.write_text(f"""#!/usr/bin/python3
import json, os, sys
if sys.argv[1] == "--with-state-fd":
    state = json.loads(os.read(int(sys.argv[2]), 1 << 20))
    os.lseek(int(sys.argv[2]), 0, 0)
    os.close(state["groups"][0]["listeners"][0]["fd"])
    os.close(state["control"]["fd"])
os.execv("{MASTER}", ["{MASTER}", *sys.argv[1:]])
""")
    path.chmod(0o755)
    master.start("--ack-mode", "0", "-b", f"{master.dir}/app.sock", "--reexec-as", path, program=[HTTP_WORKER])
    [pid] = master.pids()
    assert master.ctl("reload").returncode in (0, 1)
    master.wait_log("was bound again|cannot be bound again")
    eventually(lambda: master.answers())
    assert master.pids() == [pid]
    master.stop()


def test_trial_run_that_takes_too_long(master):
    master.start("--ack-mode", "0", "--reexec-as", "/bin/sh -c 'sleep 1000 & echo $! > hung; wait'")
    [pid] = master.pids()
    with master.connect() as control:
        asked = control.send("reload")
        eventually((master.dir / "hung").exists)
        assert master.request("ehlo")["ok"], "the master goes on meanwhile"
        reply = control.finish(asked)
    assert not reply["ok"] and "did not end within 10" in reply["message"]
    hung = int((master.dir / "hung").read_text())
    eventually(lambda: not pathlib.Path(f"/proc/{hung}").exists())
    assert master.pids() == [pid]
    master.stop()


def test_several_requests_make_one_reload(master):
    go = master.dir / "go"
    path = wrapper(master, f'while ! [ -e {go} ]; do sleep 0.01; done')
    master.start("--ack-mode", "0", "--reexec-as", path)
    with master.connect() as one, master.connect() as two:
        first, second = one.send("reload"), two.send("upgrade")
        master.wait_log("trial run")
        eventually(lambda: master.request("ehlo")["ok"])
        go.touch()
        assert one.finish(first)["message"].startswith("reloaded")
        assert two.finish(second)["message"] == "Upgrade done"
    assert reloads(master) == 1
    master.stop()


def test_stop_during_the_trial_run(master):
    master.start("--ack-mode", "0", "--reexec-as", "/bin/sleep 1000 --")
    with master.connect() as control:
        asked = control.send("reload")
        master.wait_log("trial run")
        eventually(lambda: "reload" in master.log())
        master.signal(signal.SIGTERM)
        reply = control.finish(asked)
    assert not reply["ok"] and "the master was told to stop" in reply["message"] or "trial run" in reply["message"]
    assert master.wait_exit() == 0
    eventually(lambda: not master.marked())


def test_of_a_log_that_is_a_file_no_line_is_lost(master):
    """A helper thread writes it, of which an exec leaves nothing."""
    master.start("-v", "--ack-mode", "0", "-n", "3")
    for number in range(1, 11):
        [victim, *_] = master.pids()
        os.kill(victim, signal.SIGKILL)
        assert master.request("reload")["ok"]
        master.wait_ready(3)
        log = master.log()
        assert (log.count("trial run of"), log.count("executing"), reloads(master)) == (number, number, number)
        assert re.search(rf"worker {victim} .* died", log)
    master.stop()


def test_unwritten_log_lines_are_carried_over(master):
    """Nobody reads standard error: what waits for it is not lost by a reload."""
    reader, writer = os.pipe()
    master.start("--ack-mode", "0", "-v", stderr=writer)
    os.close(writer)
    for _ in range(1200):
        master.request("signal", "CONT")
    reload(master)
    master.request("signal", "CONT")
    text = b""

    def read():
        nonlocal text
        text += os.read(reader, 65536)
        return b"reloaded" in text
    eventually(read)
    lines = text.decode().splitlines()
    assert all(line.startswith("20") for line in lines), "no line is torn"
    master.stop()
    os.close(reader)


def test_wrong_state_is_refused(master):
    for text, why in (("", "einhorn's state is empty"), ("---\n", "einhorn's state: :state is missing"), ("{", "not valid JSON"), ("{}", ".format"), ('{"format": 1}', ".groups is empty"),
                      ('{"format": 1, "groups": [{"settings": {"name": 3}}]}', ".groups.0.settings.name must be a string")):
        reader, writer = os.pipe()
        os.write(writer, text.encode())
        os.close(writer)
        before = master.command
        master.command = lambda *words, **_: [MASTER, *words]
        result = master.run("--with-state-fd", str(reader), pass_fds=[reader])
        master.command = before
        assert result.returncode == 1 and why in result.stderr, result.stderr
        assert result.stderr.count("\n") == 1
        os.close(reader)


def test_lock_stays_held(master, other_master):
    master.start("--ack-mode", "0")
    reload(master)
    other_master.socket_path = master.socket_path
    result = other_master.run()
    assert result.returncode == 1 and "another master" in result.stderr and "holds it" in result.stderr
    master.stop()


def test_reexec_as_is_checked(master):
    for bad in ("", " ", "'never closed", 'a "b', "a\\"):
        result = master.run("--reexec-as", bad)
        assert result.returncode == 2 and result.stderr.startswith("einhyrningsins: --reexec-as: ")
