# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 4: -p. Workers are forked from a template process that has loaded a shared object."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from harness import (HTTP_WORKER, MASTER, PRELOAD_HTTP, PRELOAD_PROBE, SANITIZED, alive, eventually, is_root,
                     load_result, process_state)
from services import open_to_others, python, start_groups, state
from test_environment import expected, lines

GOING_ON = "going on without preloading"


def start(master, *options, **kwargs):
    return master.start("-p", PRELOAD_PROBE, *options, **kwargs)


def templates(master):
    reply = master.request("state")
    return reply["data"]["groups"][0]["templates"]


def template_pid(master):
    [one] = templates(master)
    return one["pid"]


def is_forked(pid):
    """Whether the worker runs in the program of the master, rather than in one of its own."""
    return pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name == "einhyrningsins"


def command_line(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")


# ---- What a worker finds ----

def test_worker_finds_the_same_as_one_that_was_executed(master, other_master):
    def ignore_and_block():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
    common = ["--ack-mode", "0", "-n", "3", "-b", "127.0.0.1:0", "-b", "[::1]:0", "--nice", "0:3"]
    start(master, *common, program=master.probe("--exit-code", "0"), preexec_fn=ignore_and_block)
    other_master.start(*common, program=other_master.probe("--exit-code", "0"), preexec_fn=ignore_and_block)
    executed = other_master.first_report()
    for worker in master.workers():
        report = master.report(worker["pid"])
        listeners = [("AF_INET", report.fd(3)["address"], None), ("AF_INET6", report.fd(4)["address"], None)]
        assert sorted(report.env) == lines(expected(master, report, listeners, worker["index"], 1))
        assert report.pid == worker["pid"] and report.ppid == master.pid and report.pgid == report.pid
        assert report.argv == master.probe("--exit-code", "0")
        assert [(fd["fd"], fd["cloexec"]) for fd in report.fds] == [(n, 0) for n in range(5)]
        assert report.fd(0)["target"] == "/dev/null"
        assert report.fd(1)["target"] == str(master.stdout_path)
        assert report.fd(3)["address"] == master.address(0)
        assert report.cwd == str(master.dir)
        for same in ("nice", "blocked", "ignored", "pdeathsig", "umask", "nofile", "uid", "gid", "groups"):
            assert getattr(report, same) == getattr(executed, same), same
        assert report.nice == 3
        assert is_forked(report.pid)
        assert command_line(report.pid) == [word.encode() for word in report.argv]
        assert f"EINHORN_MASTER_PID={master.pid}".encode() in pathlib.Path(f"/proc/{report.pid}/environ").read_bytes()
        assert pathlib.Path(f"/proc/{report.pid}/comm").read_text() == "probe_worker\n"
    master.stop()


def test_without_listeners_there_is_no_listen_pid(master):
    start(master, "--ack-mode", "0")
    report = master.first_report()
    assert report.variables["EINHORN_CHILD_INDEX"] == "0" and "LISTEN_PID" not in report.variables
    master.stop()


def test_command_socket_as_fd(master):
    # What the object opens takes neither the number of the socket nor its place.
    start(master, "-m", "-g", "-n", "4", "-b", "127.0.0.1:0", program=master.probe("--ack", "fd"),
          env={"PRELOAD_OPEN": "/etc/passwd"})
    sockets = set()
    for pid in master.pids():
        report = master.report(pid)
        assert report.variables["EINHORN_SOCK_FD"] == "4"
        assert report.fd(4)["target"].startswith("socket:") and report.fd(4)["cloexec"] == 0
        assert [fd["target"] for fd in report.fds[5:]] == ["/etc/passwd"]
        sockets.add(report.fd(4)["target"])
        answer = master.reports / f"{pid}.answer"
        assert "Acknowledged" in eventually(lambda path=answer: path.exists() and path.read_text())
    assert len(sockets) == 4, "each has its own"
    master.stop()


@pytest.mark.parametrize("ack", ["manual", "notify"])
def test_acks_that_are_sent_at_once_are_not_lost(master, ack):
    start(master, "--ack-mode", ack, "--ack-timeout", "60", "-n", "60", program=master.probe("--ack", ack))
    assert master.group()["deaths_before_ack"] == 0
    master.stop()


@pytest.mark.parametrize("deed, end", [
    ("return", "exit code 42"), ("raise", "SIGSEGV"), ("abort", "SIGABRT"), ("throw", "SIGABRT"),
    ("threads", "exit code 42"), ("mutex", "exit code 42")])
def test_c_library_knows_who_it_is(master, deed, end):
    master.spawn("-p", PRELOAD_PROBE, "-r", "0", program=["/bin/true", deed])
    assert master.wait_exit() == 1
    assert f"died before its ack: {end}" in master.log()


def test_buffered_output_is_written_once(master):
    start(master, "--ack-mode", "0", "-n", "5", env={"PRELOAD_PRINT": "loaded once"})
    master.stop()
    assert master.stdout_path.read_text() == "loaded once"


def test_every_death_is_noticed(master):
    # Workers that end at once: some before the master has read that they were born.
    master.spawn("-p", PRELOAD_PROBE, "-n", "100", "-s", "60", "--ack-mode", "60", program=["/bin/true", "return"])
    master.wait_answering()
    for turn in range(1, 6 if SANITIZED else 16):
        master.wait_log("died before its ack: exit code 42", count=100 * turn)
        master.request("stop")
        eventually(lambda: master.group()["state"] == "stopped", what="no worker is missed in a stop")
        eventually(lambda: master.marked() == [master.pid], what="nothing is left")
        assert master.request("start")["ok"]
    assert GOING_ON not in master.log()
    master.request("stop")
    master.stop()


# ---- The object ----

def test_memory_is_shared(master):
    start(master, "--ack-mode", "0", "-n", "4", env={"PRELOAD_MB": "100"})
    for pid in master.pids():
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        numbers = {key: int(value) for key, value in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
        assert numbers["Rss"] > 100_000 and numbers["Pss"] < 25_000 and numbers["Private_Dirty"] < 2_000, numbers
    master.stop()


def test_object_is_loaded_once_a_generation(master):
    note = master.dir / "note"
    start(master, "--ack-mode", "0", "-n", "4", env={"PRELOAD_NOTE": str(note)})
    first = template_pid(master)
    assert note.read_text().split() == [str(first)]
    for pid in master.pids():
        os.kill(pid, signal.SIGKILL)
    master.wait_log("died", count=4)
    master.wait_ready(4)
    assert note.read_text().split() == [str(first)], "replacements are forked from the same"
    assert master.request("upgrade")["ok"]
    master.wait_ready(4)
    eventually(lambda: len(templates(master)) == 1)
    assert note.read_text().split() == [str(first), str(template_pid(master))]
    assert all(map(is_forked, master.pids()))
    eventually(lambda: not alive(first), what="the old template ends")
    master.stop()


def test_upgrade_loads_what_is_there_now(master):
    # A release directory behind a link, and a name without a slash.
    for name in ("v1", "v2"):
        (master.dir / name).mkdir()
        shutil.copy(PRELOAD_PROBE, master.dir / name / "app.so")
    current = master.dir / "current"
    current.symlink_to(master.dir / "v1")
    master.start("-p", "app.so", "--ack-mode", "0", cwd=current, env={"PWD": str(current)})

    def loaded():
        return re.findall(r"/(v\d)/app\.so", pathlib.Path(f"/proc/{master.pids()[0]}/maps").read_text())[0]
    assert loaded() == "v1"
    current.unlink()
    current.symlink_to(master.dir / "v2")
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("SIGKILL")
    master.wait_ready()
    assert loaded() == "v1", "a replacement belongs to its generation"
    assert master.request("upgrade")["ok"]
    master.wait_ready()
    assert loaded() == "v2"
    master.stop()


@pytest.mark.bounded(200)
def test_zero_loss_in_upgrades(master):
    master.start("-p", PRELOAD_HTTP, "-m", "-n", "4", "-b", "127.0.0.1:0", program=[HTTP_WORKER])
    assert all(map(is_forked, master.pids()))
    done = master.dir / "done"
    load = master.load("--clients", 16, "--requests", 10_000, "--seconds", 150, "--until-file", done)
    for n in range(10):
        reply = master.request(["upgrade", "upgrade_fleet"][n % 2])
        assert reply["ok"], reply["message"]
    done.touch()
    result = load_result(load)
    assert result["lost"] == 0 and result["ok"] >= 10_000, result
    assert GOING_ON not in master.log()
    master.stop()


# ---- What cannot be loaded ----

def goes_on_without(master, path, reason, **kwargs):
    master.start("-p", path, "--ack-mode", "0", "-n", "2", **kwargs)
    assert not any(map(is_forked, master.pids()))
    assert re.search(rf"warning: .*--preload {re.escape(str(path))}: {reason}; {GOING_ON}", master.log()), master.log()
    assert master.log().count(GOING_ON) == 1
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_ready()
    assert master.request("upgrade")["ok"]
    assert master.log().count(GOING_ON) == 2, "a new generation tries it again"
    master.wait_ready()
    master.stop()


def test_ruby_file(master):
    goes_on_without(master, "app.rb", "a Ruby file cannot be loaded by this master.*")


def test_missing_file(master):
    goes_on_without(master, "./nothing.so", "cannot open shared object file: No such file or directory")


def test_no_object(master):
    (master.dir / "text.so").write_text("x" * 10_000)
    goes_on_without(master, "text.so", "invalid ELF header")


def test_object_without_einhorn_main(master):
    [library] = {line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines()
                 if re.search(r"/libm\.so\.6|/libm-2\S*\.so", line)} or [None]
    if library is None:
        pytest.skip("there is no libm at hand")
    goes_on_without(master, library, "it has no function einhorn_main; .*")


def test_object_that_starts_a_thread(master):
    goes_on_without(master, PRELOAD_PROBE, "it has started a thread .*", env={"PRELOAD_THREAD": "1"})


def test_object_that_exits(master):
    goes_on_without(master, PRELOAD_PROBE, r"the template process \d+ died: exit code 3", env={"PRELOAD_EXIT": "3"})


@pytest.mark.parametrize("path, forked", [(PRELOAD_PROBE, True), ("app.rb", False)])
def test_under_the_name_of_einhorn(master, path, forked):
    einhorn = master.dir / "einhorn"
    einhorn.symlink_to(MASTER)
    before = master.command
    master.command = lambda *words, **more: [str(einhorn), *before(*words, **more)[1:]]
    master.spawn("-p", path, "-n", "2", "-f", master.dir / "lock", "-e", master.dir / "pid")
    eventually(lambda: len(master.all_reports()) == 2)
    assert [is_forked(report.pid) for report in master.all_reports()] == [forked] * 2
    assert (GOING_ON in master.log()) != forked
    master.stop()


# ---- A template process that misbehaves ----

def test_killed_template(master):
    start(master, "--ack-mode", "0", "-n", "2")
    victim = template_pid(master)
    os.kill(victim, signal.SIGKILL)
    master.wait_log(f"the template process {victim} died: SIGKILL; {GOING_ON}")
    assert all(map(is_forked, master.pids())), "those that are there stay"
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("worker .* died")
    master.wait_ready()
    assert sorted(map(is_forked, master.pids())) == [False, True]
    assert master.request("upgrade")["ok"]
    master.wait_ready()
    assert all(map(is_forked, master.pids())), "the next generation has a template again"
    master.stop()


def test_template_that_does_not_answer(master):
    start(master, "--ack-mode", "0", "-n", "2")
    stuck = template_pid(master)
    os.kill(stuck, signal.SIGSTOP)
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("worker .* died")
    began = time.monotonic()
    while not re.search(GOING_ON, master.log()):
        assert master.request("ehlo")["ok"], "the master serves meanwhile"
        assert time.monotonic() < began + 20
    assert "the template process has not answered for 10 s" in master.log()
    master.wait_ready(2)
    assert not alive(stuck)
    master.stop()


def test_stop_while_the_template_does_not_answer(master):
    start(master, "--ack-mode", "0", "-n", "2")
    os.kill(template_pid(master), signal.SIGSTOP)
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("worker .* died")
    master.stop()


def hanging(master):
    """What makes the object's constructor wait until the file is removed."""
    gate = master.dir / "gate"
    gate.touch()
    return gate, {"PRELOAD_HANG_WHILE": str(gate)}


@pytest.mark.parametrize("number", [2, 40])
def test_loading_that_takes_its_time(master, number):
    gate, environment = hanging(master)
    master.spawn("-p", PRELOAD_PROBE, "--ack-mode", "0", "-n", number, env=environment)
    master.wait_answering()
    assert [one["state"] for one in templates(master)] == ["loading"]
    assert master.workers() == []
    before = cpu_time(master.pid)
    master.wait_log("still loading after 10 s; its workers wait for it")
    assert cpu_time(master.pid) - before < 0.5, "waiting costs nothing"
    gate.unlink()
    master.wait_ready(number)
    assert all(map(is_forked, master.pids()))
    assert [one["state"] for one in templates(master)] == ["loaded"]
    master.stop()


def cpu_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_upgrade_to_an_object_that_hangs(master):
    gate, environment = hanging(master)
    gate.unlink()
    start(master, "--ack-mode", "0", "-n", "2", env=environment)
    old = master.pids()
    gate.touch()
    with master.connect() as waiting:
        request = waiting.send("upgrade")
        eventually(lambda: any(one["state"] == "loading" for one in templates(master)))
        # The old generation is alive and well, and its template is still there for it.
        os.kill(old[0], signal.SIGKILL)
        master.wait_log("worker .* died")
        eventually(lambda: len(master.pids("ready")) == 2)
        assert all(worker["generation"] == 1 for worker in master.workers()) and all(map(is_forked, master.pids()))
        gate.unlink()
        assert waiting.finish(request)["ok"]
    master.wait_ready()
    assert all(worker["generation"] == 2 for worker in master.workers())
    master.stop()


def test_another_upgrade_leaves_the_hanging_object_behind(master):
    gate, environment = hanging(master)
    gate.unlink()
    start(master, "--ack-mode", "0", "-n", "2", env=environment)
    gate.touch()
    with master.connect() as waiting:
        request = waiting.send("upgrade")
        [stuck] = eventually(lambda: [one["pid"] for one in templates(master) if one["generation"] == 2])
        second = master.connect()
        other = second.send("upgrade")
        eventually(lambda: any(one["generation"] == 3 for one in templates(master)))
        eventually(lambda: not alive(stuck), what="nobody needs what it loads")
        gate.unlink()
        assert waiting.finish(request)["ok"] and second.finish(other)["ok"]
        second.close()
    master.wait_ready()
    assert {worker["generation"] for worker in master.workers()} == {3}
    master.stop()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stop_while_loading(master, how):
    _, environment = hanging(master)
    master.spawn("-p", PRELOAD_PROBE, "-n", "2", env=environment)
    master.wait_answering()
    [loading] = templates(master)
    master.signal(how)
    assert master.wait_exit() == 0
    eventually(lambda: not master.marked(), what="the template goes as well")
    assert not alive(loading["pid"])


def test_group_that_is_stopped_and_started_again(master):
    start(master, "--ack-mode", "0", "-n", "2")
    first = template_pid(master)
    master.request("stop")
    eventually(lambda: master.group()["state"] == "stopped")
    eventually(lambda: not alive(first), what="a stopped group needs no template")
    master.request("start")
    master.wait_ready(2)
    assert all(map(is_forked, master.pids()))
    master.stop()


# ---- The end of the master ----

def test_workers_outlive_the_master_and_templates_do_not(master):
    start(master, "--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0")
    template, workers = template_pid(master), master.pids()
    master.process.kill()
    master.process.wait()
    eventually(lambda: not alive(template))
    assert all(map(alive, workers))
    for pid in workers:
        assert master.signals_of(pid) == []


def test_template_that_is_loading_ends_with_the_master(master):
    _, environment = hanging(master)
    master.spawn("-p", PRELOAD_PROBE, env=environment)
    master.wait_answering()
    [loading] = templates(master)
    master.process.kill()
    master.process.wait()
    eventually(lambda: not alive(loading["pid"]))


def test_kill_children_on_exit(master):
    start(master, "-k", "--ack-mode", "0", "-n", "3")
    template, workers = template_pid(master), master.pids()
    for pid in workers:
        assert master.report(pid).pdeathsig == signal.SIGUSR2
    # It is the master's end that counts, not that of the process they were forked from.
    os.kill(template, signal.SIGKILL)
    master.wait_log(GOING_ON)
    assert all(process_state(pid) == "S" for pid in workers)
    assert all(master.signals_of(pid) == [] for pid in workers)
    master.process.kill()
    master.process.wait()
    for pid in workers:
        master.wait_signal(pid, "USR2")
    eventually(lambda: not any(map(alive, workers)))


def test_internal_word_is_for_the_master_only():
    for words in ([], ["3", "-", "x.so", "prog"], ["0", "-", "x.so", "prog"], ["x", "y", "z", "prog"]):
        done = subprocess.run([MASTER, "--preload-template", *words], capture_output=True, text=True, timeout=20,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 2
        assert done.stderr == "einhyrningsins: --preload-template: for the use of the master only\n"


# ---- A reload of the master ----

def reload(master):
    reply = master.request("reload")
    assert reply["ok"], reply["message"]


def test_template_process_goes_on_after_a_reload(master):
    start(master, "-n", "2", "--ack-mode", "0", "-b", "127.0.0.1:0", "-g")
    before, template = master.pids(), template_pid(master)
    for _ in range(3):
        assert master.request("reload")["ok"]
    assert master.pids() == before and template_pid(master) == template
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: before[0] not in master.pids() and len(master.pids("ready")) == 2)
    [new] = [pid for pid in master.pids() if pid not in before]
    assert is_forked(new) and master.report(new).ppid == master.pid
    assert master.request("upgrade")["ok"]
    eventually(lambda: not alive(template), what="the template process of the old generation has ended")
    assert all(is_forked(pid) for pid in master.pids("ready"))
    master.stop()


def test_reload_while_the_object_is_loading(master):
    gate, environment = hanging(master)
    master.spawn("-p", PRELOAD_PROBE, "-n", "3", "--ack-mode", "0", env=environment)
    master.wait_answering()
    eventually(lambda: templates(master)[0]["state"] == "loading")
    template = template_pid(master)
    assert master.request("reload")["ok"]
    assert templates(master)[0]["state"] == "loading" and template_pid(master) == template
    gate.unlink()
    master.wait_ready(3)
    assert all(is_forked(pid) for pid in master.pids())
    master.stop()


def test_reload_while_workers_are_being_forked(master):
    start(master, "-m", "-g", "-n", "16", program=master.probe("--ack", "fd"))
    template = template_pid(master)
    os.kill(template, signal.SIGSTOP)
    for pid in master.pids():
        os.kill(pid, signal.SIGKILL)
    master.wait_log("worker .* died", count=16)
    reload(master)
    os.kill(template, signal.SIGCONT)
    master.wait_ready(16)
    assert all(map(is_forked, master.pids())) and template_pid(master) == template
    assert len(master.marked()) == 1 + 1 + 16, "none is there that the master does not know"
    master.stop()


@pytest.mark.bounded(200)
def test_reloads_among_deaths_lose_nobody(master):
    # Workers die and are forked all the time, some of them while the master is another program.
    master.spawn("-v", "-p", PRELOAD_PROBE, "--ack-mode", "0", "-n", "8",
                 program=master.probe("--exit-after", "0.3"))
    master.wait_answering()

    def pids(what):
        return re.findall(rf"worker (\d+) \([^)]*\) {what}", master.log())
    while len(pids("died")) < 80:
        reload(master)
    assert GOING_ON not in master.log()
    master.stop()
    ended = pids("died") + pids("has gone")
    assert sorted(ended) == sorted(pids("started")), "each one was born once, and its end was noticed once"
    assert "unknown" not in master.log()


def test_template_that_dies_during_a_reload(master):
    wrapper = master.dir / "wrapper"
    wrapper.write_text(f'#!/bin/sh\n[ "$1" = --upgrade-check ] || kill -9 $(cat {master.dir}/victim)\n'
                       f'exec "{MASTER}" "$@"\n')
    wrapper.chmod(0o755)
    start(master, "--ack-mode", "0", "-n", "2", "--reexec-as", wrapper)
    (master.dir / "victim").write_text(str(template_pid(master)))
    reload(master)
    master.wait_log(GOING_ON)
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("worker .* died")
    master.wait_ready()
    assert sorted(map(is_forked, master.pids())) == [False, True]
    master.stop()


def test_wrapper_that_closes_the_socket_to_the_template(master):
    _, environment = hanging(master)
    wrapper = master.dir / "wrapper"
    wrapper.write_text(f"""#!/usr/bin/python3
import json, os, sys
if sys.argv[1] == "--with-state-fd":
    state = json.loads(os.pread(int(sys.argv[2]), 1 << 20, 0))
    os.close(state["groups"][0]["preloads"][0]["fd"])
os.execv("{MASTER}", sys.argv)
""")
    wrapper.chmod(0o755)
    master.spawn("-p", PRELOAD_PROBE, "-m", "-g", "-n", "3", "--reexec-as", wrapper, env=environment,
                 program=master.probe("--ack", "fd"))
    master.wait_answering()
    [loading] = templates(master)
    reload(master)
    master.wait_ready(3)
    assert not any(map(is_forked, master.pids()))
    eventually(lambda: not alive(loading["pid"]), what="nobody can talk to it any more")
    master.stop()


def test_worker_that_is_born_and_dies_during_a_reload_leaves_nobody_behind(master):
    """A program in between reaps it, while its process group has another member."""
    wrapper = python(master.dir / "wrapper", f"""
import os, pathlib, signal, sys, time

def until(condition):
    while not (found := condition()):
        time.sleep(0.01)
    return found

def children():
    return set(map(int, pathlib.Path("/proc/self/task", str(os.getpid()), "children").read_text().split()))

def stay(group):
    os.setpgid(0, group)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.closerange(3, 1000)
    os.execv("/bin/sleep", ["sleep", "1000"])

if sys.argv[1] == "--with-state-fd":
    before = children()
    os.kill(int(pathlib.Path("{master.dir}/template").read_text()), signal.SIGCONT)
    worker = until(lambda: children() - before).pop()
    until(lambda: os.getpgid(worker) == worker)
    left = os.fork() or stay(worker)
    until(lambda: os.getpgid(left) == worker)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    pathlib.Path("{master.dir}/left").write_text(f"{{worker}} {{left}}")
os.execv("{MASTER}", sys.argv)
""")
    start(master, "--ack-mode", "0", "--reexec-as", wrapper)
    template = template_pid(master)
    (master.dir / "template").write_text(str(template))
    os.kill(template, signal.SIGSTOP)
    os.kill(master.pids()[0], signal.SIGKILL)
    master.wait_log("worker .* died")
    reload(master)
    worker, left = map(int, (master.dir / "left").read_text().split())
    master.wait_log(rf"worker {worker} .* has left 1 process behind in its process group; sending SIGTERM")
    eventually(lambda: not alive(left))
    master.wait_ready()
    master.stop()


# ---- A template process that lies ----

LIAR = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int einhorn_main(int argc, char **argv) { for (;;) pause(); }

/* Speaks for the template process, which is still loading. */
__attribute__((constructor)) static void lie(void) {
    char text[4096];
    int control = -1;
    for (int fd = 3; fd < 64; ++fd) {
        int type = 0;
        socklen_t size = sizeof type;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) control = fd;
    }
    if (control < 0) return;
    send(control, "loaded", 6, 0);
    if (recv(control, text, sizeof text, 0) <= 0) return;
    FILE *victim;
    while ((victim = fopen(getenv("VICTIM"), "r")) == 0) usleep(20000);
    int pid = 0;
    if (fscanf(victim, "%d", &pid) != 1) return;
    snprintf(text, sizeof text, "forked %d", pid);
    send(control, text, strlen(text), 0);
    for (;;) pause();
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a compiler")
@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=pytest.mark.skipif(not is_root(), reason="needs root"))])
@pytest.mark.parametrize("whose", ["another group's worker", "the trial run of a reload", "nobody's child"])
def test_it_may_name_no_child_but_its_own_forks(master, user, whose):
    open_to_others(master)
    (master.dir / "liar.c").write_text(LIAR)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", master.dir / "liar.so", master.dir / "liar.c"], check=True, timeout=60)
    wait = f"until test -e {master.dir}/go; do sleep 0.02; done"
    reexec = master.dir / "reexec"
    reexec.write_text(f'#!/bin/sh\n{wait}\nexec "{MASTER}" "$@"\n')
    reexec.chmod(0o755)
    keys = {"uid": user} if user else {}
    sleeper = {"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0, "stop_signal": "TERM"}
    more = ["--reexec-as", reexec] if whose == "the trial run of a reload" else []
    start_groups(master, *more, good=sleeper,
                 evil={**sleeper, **keys, "preload": f"{master.dir}/liar.so", "restart": "always",
                       "environments": [f"VICTIM={master.dir}/victim"]})
    [victim] = master.pids()
    if whose == "nobody's child":
        victim = os.getpid()
    with master.connect() as control:
        if whose == "the trial run of a reload":
            control.send("reload")
            master.wait_log("trial run of")
            victim = int(re.search(r"trial run of .*, process (\d+)", master.log())[1])
        (master.dir / "written").write_text(str(victim))
        (master.dir / "written").rename(master.dir / "victim")
        master.wait_log("which it has not forked; going on without preloading")
        assert master.request("stop", "evil")["ok"]
        eventually(lambda: state(master, 1) == "stopped")
        assert alive(victim), "a stop of the one group signals nobody of another"
        (master.dir / "go").touch()
    assert f"worker {victim} (index 0, generation 1) has" not in master.log()
    master.stop()
