# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that run as another user (SPEC 6, uid and gid; SPEC 8, permissions)."""

import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess

import pytest

from services import NOBODY, open_to_others, python, reload_master, spawn_groups, start_groups, write_groups
from harness import PRELOAD_PROBE, PROBE, can_unshare, eventually, is_root

pytestmark = pytest.mark.skipif(not is_root(), reason="needs root")

STRANGER = 12345  # whom passwd(5) does not know


@pytest.fixture(autouse=True)
def public(master):
    open_to_others(master)


def web(master, *options, **keys):
    return {"web": {"cmd": master.probe(*options), "ack_timeout": 0, **keys}}


def as_nobody(program):
    """What a Python program of user nobody prints."""
    return subprocess.run(["/usr/bin/python3", "-c", program], user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[],
                          capture_output=True, text=True, check=True, timeout=20).stdout


@pytest.mark.parametrize("uid", ["nobody", NOBODY.pw_uid, str(NOBODY.pw_uid)])
def test_by_name_and_by_number(master, uid):
    start_groups(master, **web(master, uid=uid))
    report = master.first_report()
    assert (report.uid, report.gid) == (NOBODY.pw_uid, NOBODY.pw_gid)
    assert report.groups.split() == [str(NOBODY.pw_gid)]
    master.stop()


def test_a_number_that_nobody_has(master):
    start_groups(master, **web(master, uid=STRANGER, gid=STRANGER + 1))
    report = master.first_report()
    assert (report.uid, report.gid, report.groups.split()) == (STRANGER, STRANGER + 1, [])
    master.stop()


def test_a_group_alone(master):
    start_groups(master, **web(master, gid="nogroup"))
    report = master.first_report()
    assert (report.uid, report.gid) == (0, NOBODY.pw_gid)
    master.stop()


@pytest.mark.skipif(not can_unshare(), reason="needs namespaces")
def test_the_supplementary_groups_are_the_users_own_and_not_roots(master):
    table = master.dir / "group"
    table.write_text("root:x:0:\nnogroup:x:65534:\nweb:x:4711:nobody\nother:x:4712:root\n")
    start_groups(master, **web(master, uid="nobody"),
                 wrapper=["unshare", "-m", "sh", "-c", f'mount --bind {table} /etc/group && exec "$0" "$@"'],
                 popen={"extra_groups": [4712, 4713]})
    assert sorted(map(int, master.first_report().groups.split())) == [4711, NOBODY.pw_gid]
    master.stop()


@pytest.mark.parametrize("options", [["--ack", "manual"], ["--ack", "notify"]])
def test_such_a_worker_acks(master, options):
    mode = options[1]
    start_groups(master, **web(master, *options, uid="nobody", ack=mode, ack_timeout=20, numprocesses=2))
    reload_master(master)
    assert master.request("upgrade")["ok"]
    assert master.group()["generation"] == 2
    master.stop()


def test_the_control_socket_is_open_to_all_and_lets_others_do_nothing(master):
    start_groups(master, **web(master, uid="nobody"))
    assert stat.S_IMODE(master.socket_path.stat().st_mode) == 0o666
    answer = as_nobody(f"""
import contextlib, socket
for request in ('status', 'upgrade', 'die', 'worker:ack'):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect({str(master.socket_path)!r})
    with contextlib.suppress(BrokenPipeError):
        peer.sendall(b'{{"id": 1, "command": "%s", "pid": {master.pids()[0]}}}\\n' % request.encode())
    print(peer.makefile().readline().strip())
""")
    replies = [json.loads(line) for line in answer.splitlines()]
    assert [reply["ok"] for reply in replies] == [False] * 4, replies
    assert all("permission denied" in reply["message"] for reply in replies)
    master.stop()


def test_without_other_users_the_socket_is_the_masters_own(master):
    start_groups(master, **web(master, uid="root"))
    assert stat.S_IMODE(master.socket_path.stat().st_mode) == 0o600
    master.stop()


def test_the_mode_follows_the_file(master):
    own = str(master.dir / "own")
    modes = lambda: [stat.S_IMODE(os.stat(path).st_mode) for path in (master.socket_path, own)]
    start_groups(master, **web(master, control_socket=own))
    assert modes() == [0o600, 0o600]
    for user, mode in (("nobody", 0o666), ("root", 0o600)):
        write_groups(master, web(master, control_socket=own, uid=user))
        assert (answer := master.request("reload-config"))["ok"], answer
        eventually(lambda: modes() == [mode, mode], what="the last worker of the other user has gone")
    master.stop()


def test_workers_of_a_user_whom_the_file_has_no_more_can_ack(master):
    """The upgrade to another user has failed: what runs is kept, and started again when it dies."""
    keys = {"ack": "manual", "ack_timeout": 20, "restart": "always"}
    start_groups(master, **web(master, "--ack", "manual", uid="nobody", **keys))
    [old] = master.pids()
    write_groups(master, web(master, "--exit-before-ack", "3", retries=0, **keys))
    assert not master.request("reload-config")["ok"]
    os.kill(old, signal.SIGKILL)
    eventually(lambda: master.pids("ready") not in ([], [old]))
    [pid] = master.pids()
    assert os.stat(f"/proc/{pid}").st_uid == NOBODY.pw_uid
    master.stop()


def test_a_user_whom_the_file_has_no_more_does_not_come_back_with_a_reload(master):
    """As whom new programs are to run is handed over, even if it is as the master and all workers are others."""
    said = master.reports / "said"
    stop = {"exec_stop": f"/bin/sh -c 'id -u >> {said}; kill $EINHYRNINGSINS_PIDS'"}
    start_groups(master, **web(master, uid="nobody", **stop))
    write_groups(master, web(master, "--exit-before-ack", "3", ack="manual", retries=0, **stop))
    assert not master.request("reload-config")["ok"]
    reload_master(master)
    assert master.request("stop")["ok"]
    eventually(lambda: master.group()["state"] == "stopped")
    assert said.read_text().split() == ["0"]
    master.stop()


def test_the_mode_goes_back_with_the_last_group_of_others(master):
    start_groups(master, **web(master), other={"cmd": ["/bin/sleep", "1000"], "uid": "nobody", "stop_signal": "TERM"})
    assert stat.S_IMODE(os.stat(master.socket_path).st_mode) == 0o666
    write_groups(master, web(master))
    assert (answer := master.request("reload-config"))["ok"], answer
    eventually(lambda: stat.S_IMODE(os.stat(master.socket_path).st_mode) == 0o600)
    master.stop()


@pytest.mark.parametrize("option", ["-d", "-e", "-b", "control_socket"])
def test_no_file_is_made_where_a_workers_user_has_a_link(master, option):
    """The user could lead root's files, and their removal at the end, to any directory."""
    (target := master.dir / "target").mkdir()
    (theirs := master.dir / "theirs").mkdir()
    (theirs / "sub").symlink_to(target)
    os.chown(theirs, NOBODY.pw_uid, NOBODY.pw_gid)
    (target / "file").write_text("precious\n")
    keys = {"uid": "nobody", **({"control_socket": str(theirs / "sub" / "file")} if option == "control_socket" else {}),
            **({"socket_address": [str(theirs / "sub" / "file")]} if option == "-b" else {})}
    path = write_groups(master, web(master, **keys))
    words = [option, theirs / "sub" / "file"] if option in ("-d", "-e") else []
    result = master.run("--config", path, *words, program=[])
    assert result.returncode == 1 and "is a symbolic link that uid 65534 could have created" in result.stderr, result
    assert [p.name for p in target.iterdir()] == ["file"] and (target / "file").read_text() == "precious\n"


def test_nothing_is_removed_where_a_workers_user_has_put_a_link_meanwhile(master):
    (sub := master.dir / "theirs" / "sub").mkdir(parents=True)
    (target := master.dir / "target").mkdir()
    for directory in (sub.parent, sub):
        os.chown(directory, NOBODY.pw_uid, NOBODY.pw_gid)
    start_groups(master, "-e", sub / "pid", **web(master, uid="nobody", control_socket=str(sub / "own")))
    sub.rename(sub.parent / "moved")
    for name in ("pid", "own"):
        (target / name).write_text("precious\n")
    sub.symlink_to(target)
    master.wait_log("is a symbolic link that uid 65534 could have created")
    master.stop()
    assert sorted(p.name for p in target.iterdir()) == ["own", "pid"]


def test_an_explicit_mode_stays(master):
    start_groups(master, "--socket-mode", "0660", **web(master, uid="nobody"))
    assert stat.S_IMODE(master.socket_path.stat().st_mode) == 0o660
    master.stop()


WORKER = """
import json, os, socket, time
def ask(peer, command, **keys):
    peer.sendall(json.dumps({{"id": 1, "command": command, **keys}}).encode() + b"\\n")
    return json.loads(peer.makefile().readline())
def connect(afresh=False):
    fd = os.environ.get("EINHORN_SOCK_FD")
    if fd and not afresh: return socket.socket(fileno=os.dup(int(fd)))
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(os.environ["EINHORN_SOCK_PATH"])
    return peer
answers = [ask(connect(), "die"), ask(connect(), "status"), ask(connect(), "worker:ping", request_id="x"),
           ask(connect(afresh=True), "worker:ack", pid={other}), ask(connect(), "worker:ack")]
path = "{answers}" + os.environ["EINHORN_CHILD_INDEX"]
with open(path + ".new", "w") as out: json.dump(answers, out)
os.rename(path + ".new", path)
time.sleep(1000)
"""


@pytest.mark.parametrize("by_descriptor", [False, True])
def test_such_a_worker_speaks_for_itself_and_can_do_nothing_else(master, by_descriptor):
    """By a socket that it was given, too."""
    path = master.reports / "answers"
    program = python(master.dir / "worker", WORKER.format(answers=path, other=os.getpid()))
    start_groups(master, web={"cmd": [str(program)], "uid": "nobody", "ack": "manual", "ack_timeout": 20,
                              "command_socket_as_fd": by_descriptor, "stop_signal": "TERM"})
    answers = json.loads(eventually(lambda: os.path.exists(f"{path}0") and open(f"{path}0").read()))
    assert [answer["ok"] for answer in answers] == [False, False, True, False, True], answers
    assert all("permission denied" in answers[n]["message"] for n in (0, 1, 3))
    assert master.group()["ready"] == 1
    assert re.search(r"refused 'die' to process \d+ of user \d+, who is no operator, but a worker", master.log())
    master.stop()


def test_a_preloaded_worker_runs_as_the_user(master):
    start_groups(master, web={"cmd": [PROBE, "--dir", str(master.reports), "--ack", "manual"], "uid": "nobody",
                              "preload": PRELOAD_PROBE, "numprocesses": 2, "ack": "manual", "ack_timeout": 20})
    assert "going on without preloading" not in master.log()
    for pid in master.pids():
        report = master.report(pid)
        assert (report.uid, report.gid, report.groups.split()) == (NOBODY.pw_uid, NOBODY.pw_gid, [str(NOBODY.pw_gid)])
        assert report.ppid == master.pid
    master.stop()


def test_a_worker_that_dies_after_a_reload_is_replaced_as_the_same_user(master):
    start_groups(master, **web(master, uid=STRANGER, gid=STRANGER, restart="always"))
    reload_master(master)
    old = master.pids()[0]
    os.kill(old, 9)
    eventually(lambda: set(master.pids()) - {old})
    report = master.first_report()
    assert (report.uid, report.gid, report.groups.split()) == (STRANGER, STRANGER, [])
    master.stop()


@pytest.mark.parametrize("keys, why", [({"uid": "no-such-user"}, "uid: no user is called no-such-user"),
                                       ({"gid": "no-such-group"}, "gid: no group is called no-such-group"),
                                       ({"uid": STRANGER}, f"uid {STRANGER}: .*gid")])
def test_what_is_unknown_is_an_error_of_that_group(master, keys, why):
    spawn_groups(master, **web(master, **keys), other={"cmd": ["/bin/sleep", "1000"], "stop_signal": "TERM"})
    master.wait_log(rf"web: {why}")
    eventually(lambda: master.status()["groups"][1]["ready"] == 1)
    assert master.status()["groups"][0]["workers"] == []
    master.stop()


def test_a_master_that_is_not_root_says_so_and_does_not_try(master):
    master.dir.chmod(0o777)
    path = write_groups(master, {"web": {"cmd": ["/bin/sleep", "1000"], "uid": "root", "start_immediate": True}})
    result = master.run("--config", path, program=[], user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[])
    assert result.returncode == 1
    assert "uid root: user 65534 may not start programs as another user; start the master as root" in result.stderr


def test_a_master_that_is_not_root_may_name_itself(master):
    master.dir.chmod(0o777)
    start_groups(master, **web(master, uid="nobody"),
                 popen={"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []})
    assert master.first_report().uid == NOBODY.pw_uid
    master.stop()


def test_upgrader_and_stop_command_run_as_the_user(master):
    said = master.reports / "said"
    start_groups(master, **web(master, uid="nobody", upgrader=["/bin/sh", "-c", f"id -u >> {said}"],
                               exec_stop=f"/bin/sh -c 'id -u >> {said}; kill $EINHYRNINGSINS_PIDS'"))
    assert master.request("upgrade")["ok"]
    assert master.request("stop")["ok"]
    eventually(lambda: master.group()["state"] == "stopped")
    assert said.read_text().split() == [str(NOBODY.pw_uid)] * 2
    master.stop()


def test_a_unix_listener_of_the_group_serves(master):
    """The socket is the master's; the worker just inherits it."""
    start_groups(master, **web(master, uid="nobody", socket_address=[str(master.dir / "web.sock")]))
    assert master.first_report().fd(3)["listening"] == 1
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(master.dir / "web.sock"))
    master.stop()


def capabilities(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: int(value, 16) for name, value in (line.split(":") for line in lines if line.startswith("Cap"))}


def test_a_master_by_capabilities_keeps_them_to_itself(master):
    """As a service manager starts it with AmbientCapabilities=."""
    master.dir.chmod(0o777)
    rights = "+setuid,+setgid,+kill,+net_bind_service"
    start_groups(master, web={"cmd": ["/bin/sleep", "1000"], "uid": STRANGER, "gid": STRANGER, "ack_timeout": 0},
                 own={"cmd": ["/bin/sleep", "1000"], "ack_timeout": 0},
                 wrapper=["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups",
                          f"--inh-caps={rights}", f"--ambient-caps={rights}"])
    assert capabilities(master.pid)["CapAmb"] != 0
    pids = [eventually(lambda: group["workers"])[0]["pid"] for group in master.status()["groups"]]
    assert [os.stat(f"/proc/{pid}").st_uid for pid in pids] == [STRANGER, NOBODY.pw_uid]
    for pid in pids:
        found = capabilities(pid)
        assert [found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == [0, 0, 0, 0]
        assert found["CapBnd"] == capabilities(master.pid)["CapBnd"]
    master.stop()
