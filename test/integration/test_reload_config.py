# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of groups is read again while the master runs."""

import socket

import pytest

from groups import group_text, groups  # noqa: F401 (a fixture)
from harness import HTTP_WORKER, Report, connect_to, eventually, free_port


def reread(groups, text):
    groups.write(text)
    return groups.request("reload-config")


def is_refused(address):
    try:
        connect_to(address).close()
        return False
    except (ConnectionRefusedError, FileNotFoundError):
        return True


def test_nothing_is_new(groups):
    text = group_text("web1", groups.probe()) + group_text("web2", groups.probe())
    groups.start(text)
    before = groups.pids("web1"), groups.pids("web2")
    done = reread(groups, "# a comment\n" + text)
    assert done["ok"] and done["message"] == "nothing has changed"
    assert (groups.pids("web1"), groups.pids("web2")) == before
    groups.stop()


def test_a_number_takes_effect_without_new_workers(groups):
    groups.start(group_text("web1", groups.probe()) + group_text("web2", groups.probe()))
    [one], [two] = groups.pids("web1"), groups.pids("web2")
    done = reread(groups, group_text("web1", groups.probe(), numprocesses=3) + group_text("web2", groups.probe()))
    assert done["ok"] and done["message"] == "web1: changed\n1 group unchanged"
    groups.wait_ready()
    assert one in groups.pids("web1") and len(groups.pids("web1")) == 3 and groups.pids("web2") == [two]
    groups.stop()


def test_a_new_command_is_an_upgrade(groups):
    groups.start(group_text("web1", groups.probe()) + group_text("web2", groups.probe()))
    [one], [two] = groups.pids("web1"), groups.pids("web2")
    groups.write(group_text("web1", [*groups.probe(), "--dir", groups.reports])
                 + group_text("web2", groups.probe()))
    result = groups.ctl("reload-config")
    assert result.returncode == 0, result
    groups.wait_ready()
    assert groups.of("web1")["generation"] == 2 and groups.pids("web1") != [one]
    assert groups.of("web2")["generation"] == 1 and groups.pids("web2") == [two]
    groups.stop()


def test_an_upgrader_that_is_new_is_asked(groups):
    groups.start(group_text("web1", groups.probe()))
    assert reread(groups, group_text("web1", groups.probe(), upgrader=["/bin/false"]))["ok"]
    done = groups.request("upgrade")
    assert not done["ok"] and "upgrader ended with exit code 1" in done["message"]
    assert groups.of("web1")["generation"] == 1
    groups.stop()


def test_an_upgrader_that_is_in_the_file_no_more_is_not_asked(groups):
    groups.start(group_text("web1", groups.probe(), upgrader=["/bin/false"]))
    assert not groups.request("upgrade")["ok"]
    assert reread(groups, group_text("web1", groups.probe()))["ok"]
    done = groups.request("upgrade")
    assert done["ok"] and groups.of("web1")["generation"] == 2
    groups.stop()


def test_a_new_command_that_is_missing_changes_nothing(groups):
    groups.start(group_text("web1", groups.probe()))
    before = groups.pids("web1")
    groups.write(group_text("web1", ["/nowhere/app"], numprocesses=2) + group_text("web2", groups.probe()))
    result = groups.ctl("reload-config")
    assert result.returncode == 1
    assert "web1" in result.stderr and "/nowhere/app" in result.stderr
    assert groups.pids("web1") == before and groups.names() == ["web1"] and groups.of("web1")["target"] == 1
    groups.stop()


def test_a_new_command_that_fails_is_an_aborted_upgrade(groups):
    groups.start(group_text("web1", groups.probe(), seconds=0))
    before = groups.pids("web1")
    groups.write(group_text("web1", ["/bin/false"], seconds=0))
    result = groups.ctl("reload-config")
    assert result.returncode == 1 and "exit code 1" in result.stdout + result.stderr
    assert groups.pids("web1") == before
    groups.stop()


def test_an_invalid_file_changes_nothing(groups):
    groups.start(group_text("web1", groups.probe()))
    before = groups.pids("web1")
    done = reread(groups, group_text("web1", groups.probe(), numprocess=2) + "[web2]\nrestart = 7\n")
    assert not done["ok"]
    assert "numprocess" in done["message"] and "groups.toml:" in done["message"]
    assert len(done["message"].splitlines()) >= 2, "all that is wrong is told"
    groups.file.unlink()
    assert not groups.request("reload-config")["ok"]
    assert groups.pids("web1") == before and groups.names() == ["web1"]
    groups.stop()


def test_groups_come_and_go(groups):
    path = groups.dir / "old.sock"
    groups.start(group_text("old", groups.probe(), socket_address=[str(path)]) + group_text("web", groups.probe()))
    [web] = groups.pids("web")
    new = group_text("new", groups.probe(), numprocesses=2)
    done = reread(groups, new + group_text("web", groups.probe()))
    assert done["ok"] and done["message"] == "new: added\nold: removed\n1 group unchanged"
    eventually(lambda: groups.names() == ["new", "web"])
    groups.wait_ready()
    assert groups.pids("web") == [web] and len(groups.pids("new")) == 2
    assert not path.exists()
    assert groups.request("reload")["ok"], "and the master can still hand itself over"
    assert groups.names() == ["new", "web"] and groups.pids("web") == [web]
    groups.stop()


def test_a_group_that_was_removed_comes_back_while_it_stops(groups):
    text = group_text("web", [HTTP_WORKER], ack="manual", socket_address=["127.0.0.1:0"])
    other = group_text("other", groups.probe())
    groups.start(text + other)
    with connect_to(groups.of("web")["listeners"][0]["address"]) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")  # half a request: the worker stays
        [old] = groups.pids("web")
        assert reread(groups, other)["ok"]
        eventually(lambda: groups.of("web")["state"] == "stopping")
        assert groups.request("reload")["ok"]
        assert groups.of("web")["state"] == "stopping"
        assert reread(groups, text + other)["ok"]
        assert groups.pids("web") == [old]
    eventually(lambda: groups.of("web")["state"] == "running" and groups.pids("web", "ready") not in ([], [old]))
    groups.stop()


@pytest.mark.parametrize("command", ["start", "restart"])
def test_a_group_that_is_being_removed_is_not_started_again(groups, command):
    text = group_text("web", [HTTP_WORKER], ack="manual", socket_address=["127.0.0.1:0"])
    other = group_text("other", groups.probe())
    groups.start(text + other)
    with connect_to(groups.of("web")["listeners"][0]["address"]) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")  # half a request: the worker stays
        assert reread(groups, other)["ok"]
        eventually(lambda: groups.of("web")["state"] == "stopping")
        for names in [["web"], []]:
            reply = groups.request(command, *names)
            assert reply["ok"] and "web: left alone: it is being removed, because it is no longer in the file" \
                in reply["message"].splitlines()
    eventually(lambda: [group["name"] for group in groups.status()["groups"]] == ["other"])
    groups.stop()


def test_a_listener_that_is_new(groups):
    first, second = free_port(), free_port()
    options = dict(ack="manual", numprocesses=2)
    groups.start(group_text("web", [HTTP_WORKER], socket_address=[f"127.0.0.1:{first}"], **options))
    load = groups.load("--clients", "4", "--requests", "2000", target=f"127.0.0.1:{first}")
    done = reread(groups, group_text("web", [HTTP_WORKER], **options,
                                     socket_address=[f"127.0.0.1:{first}", f"127.0.0.1:{second}"]))
    assert done["ok"], done
    assert groups.load_result(load)["lost"] == 0
    groups.wait_ready()
    assert [each["address"] for each in groups.of("web")["listeners"]] == [f"127.0.0.1:{first}", f"127.0.0.1:{second}"]
    assert groups.get(f"127.0.0.1:{first}")["X-Worker-Generation"] == "2"
    groups.stop()


def test_other_options_of_a_listener_keep_the_socket(groups):
    """Under load: a client that waits in the queue is served."""
    port, path = free_port(), groups.dir / "w.sock"
    options = dict(ack="manual", numprocesses=2)
    before = [f"127.0.0.1:{port}", str(path)]
    groups.start(group_text("web", [HTTP_WORKER], socket_address=before, **options))
    load = groups.load("--clients", "4", "--requests", "2000", target=f"127.0.0.1:{port}")
    after = [f"tcp:127.0.0.1:{port},r,n,name=http,backlog=77", f"unix:{path},mode=0640,name=local"]
    done = reread(groups, group_text("web", [HTTP_WORKER], socket_address=after, **options))
    assert done["ok"], done
    assert groups.load_result(load)["lost"] == 0
    assert [each["name"] for each in groups.of("web")["listeners"]] == ["http", "local"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert groups.get(f"127.0.0.1:{port}")["X-Worker-Generation"] == "2"
    groups.stop()
    assert not path.exists()


def test_the_same_port_by_another_address(groups):
    """It cannot be bound beside the one that there is, which stays."""
    port = free_port()
    groups.start(group_text("web", [HTTP_WORKER], ack="manual", socket_address=[f"127.0.0.1:{port}"]))
    done = reread(groups, group_text("web", [HTTP_WORKER], ack="manual", socket_address=[f"0.0.0.0:{port}"]))
    assert not done["ok"]
    assert done["message"].endswith(f"; this master has it open as 127.0.0.1:{port}: take that out of the file first")
    assert groups.get(f"127.0.0.1:{port}")["X-Worker-Generation"] == "1"
    groups.stop()


def test_another_backlog(groups):
    def seen(*options, **keys):
        done = reread(groups, group_text("web", groups.probe(), socket_address=[f"127.0.0.1:{port}", *options], **keys))
        assert done["ok"], done
        groups.wait_ready()
        [pid] = groups.pids("web", "ready")
        return Report(groups.report_path(pid)).fd(3)["backlog"]
    port = free_port()
    groups.start(group_text("web", groups.probe(), socket_address=[f"127.0.0.1:{port}"], backlog=100))
    assert seen(backlog=7) == 7
    assert seen(backlog=200) == 200
    groups.stop()


def test_a_file_can_be_put_back_after_a_failed_upgrade(groups):
    first, second = free_port(), free_port()
    good = group_text("web", [HTTP_WORKER], ack="manual", seconds=0, socket_address=[f"127.0.0.1:{first}"])
    bad = group_text("web", ["/bin/false"], ack="manual", seconds=0, socket_address=[f"127.0.0.1:{second}"])
    groups.start(good)
    pids = groups.pids("web")
    for text in (bad, bad):
        done = reread(groups, text)
        assert not done["ok"] and "aborted" in done["message"], "also the second time: nothing of it is there"
        assert [each["address"] for each in groups.of("web")["listeners"]] == [f"127.0.0.1:{first}"]
    assert groups.request("reload")["ok"]
    assert not reread(groups, bad)["ok"], "a reload of the master does not forget it"
    assert groups.pids("web") == pids
    done = reread(groups, good)
    assert done["ok"], done
    eventually(lambda: groups.get(f"127.0.0.1:{first}")["X-Worker-Pid"] not in map(str, pids))
    assert "nothing has changed" in reread(groups, good)["message"]
    assert is_refused(f"127.0.0.1:{second}")
    groups.stop()


def test_a_waiting_group_hears_the_clients_of_a_new_listener(groups):
    first, second = free_port(), free_port()
    keys = dict(ack="manual", start_immediate=False)
    groups.start(group_text("web", [HTTP_WORKER], socket_address=[f"127.0.0.1:{first}"], **keys), only=[])
    assert "web: changed\n" in reread(groups, group_text(
        "web", [HTTP_WORKER], socket_address=[f"127.0.0.1:{second}"], **keys))["message"]
    assert groups.of("web")["state"] == "waiting"
    assert groups.get(f"127.0.0.1:{second}")["body"] == "hello\n"
    groups.stop()


def test_what_is_said_of_groups_that_do_not_run(groups):
    groups.start(group_text("stopped", groups.probe()) + group_text("ended", groups.probe()) + group_text("other", groups.probe()))
    assert groups.request("stop", "stopped")["ok"]
    eventually(lambda: groups.of("stopped")["state"] == "stopped")
    given_up = group_text("ended", ["/bin/false"], restart="always", retries=0)
    rest = group_text("other", groups.probe())
    reread(groups, group_text("stopped", groups.probe("--x")) + given_up + rest)
    assert groups.request("restart", "ended")["ok"]
    eventually(lambda: groups.of("ended")["state"] == "given_up")
    done = reread(groups, group_text("stopped", groups.probe("--y")) + group_text("ended", groups.probe()) + rest)
    text = done["progress"][0]["message"]
    assert "stopped: changed\n" in text and "ended: changed, upgrading" in text
    eventually(lambda: groups.of("ended")["state"] == "running", what="a group that had given up is tried again")
    assert groups.of("stopped")["state"] == "stopped"
    groups.stop()


def test_a_listener_that_cannot_be_bound_changes_nothing(groups):
    port = free_port()
    groups.start(group_text("web", groups.probe(), socket_address=["127.0.0.1:0"]))
    before = groups.of("web")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = reread(groups, group_text("web", groups.probe(), socket_address=["127.0.0.1:0", f"127.0.0.1:{port}"])
                      + group_text("new", groups.probe(), socket_address=[str(groups.dir / "new.sock")]))
    assert not done["ok"] and str(port) in done["message"]
    assert groups.names() == ["web"] and groups.of("web")["listeners"] == before["listeners"]
    assert groups.pids("web") == [w["pid"] for w in before["workers"]]
    assert not (groups.dir / "new.sock").exists()
    groups.stop()


def test_a_listener_that_is_gone_serves_until_the_upgrade_is_through(groups):
    first, second = free_port(), groups.dir / "w.sock"
    options = dict(ack="manual")
    groups.start(group_text("web", [HTTP_WORKER], socket_address=[f"127.0.0.1:{first}", str(second)], **options))
    connect_to(str(second)).close()
    done = reread(groups, group_text("web", [HTTP_WORKER], socket_address=[f"127.0.0.1:{first}"], **options))
    assert done["ok"], done
    eventually(lambda: is_refused(str(second)) and not second.exists())
    eventually(lambda: groups.get(f"127.0.0.1:{first}")["X-Worker-Generation"] == "2")
    groups.stop()


def test_an_upgrade_that_fails_keeps_the_old_listeners(groups):
    first, second = free_port(), free_port()
    groups.start(group_text("web", [HTTP_WORKER], ack="manual", seconds=0,
                            socket_address=[f"127.0.0.1:{second}", f"127.0.0.1:{first}"]))
    [old] = groups.pids("web")
    done = reread(groups, group_text("web", ["/bin/false"], ack="manual", seconds=0, socket_address=[f"127.0.0.1:{first}"]))
    assert not done["ok"]
    assert groups.get(f"127.0.0.1:{second}")["X-Worker-Pid"] == str(old)
    # Its generation goes on with what it had, also after a reload of the master.
    assert groups.request("reload")["ok"]
    assert groups.request("killall", "web")["ok"]
    eventually(lambda: groups.pids("web", "ready") not in ([], [old]))
    assert groups.get(f"127.0.0.1:{second}")["X-Worker-Generation"] == "1"
    groups.stop()


def test_an_address_passes_to_another_group(groups):
    path = groups.dir / "moving.sock"
    port = free_port()
    one = group_text("one", groups.probe())
    groups.start(group_text("one", groups.probe(), socket_address=[f"127.0.0.1:{port}", str(path)]))
    inode = path.stat().st_ino
    two = group_text("two", [HTTP_WORKER], ack="manual", socket_address=[f"127.0.0.1:{port}", str(path)])
    done = reread(groups, one + two)
    assert done["ok"], done
    groups.wait_ready()
    eventually(lambda: groups.get(f"127.0.0.1:{port}")["X-Worker-Pid"] == str(groups.pids("two")[0]))
    assert path.stat().st_ino == inode, "it was not bound anew"
    assert groups.request("reload")["ok"]
    assert path.stat().st_ino == inode
    connect_to(str(path)).close()
    groups.stop()
    assert not path.exists()


def test_a_group_is_renamed_and_the_master_reloaded_before_its_old_workers_have_gone(groups):
    """The socket's file is the new group's as well: the end of the old one does not remove it."""
    path = groups.dir / "app.sock"
    options = {"ack": "manual", "socket_address": [str(path)]}
    groups.start(group_text("web", [HTTP_WORKER], **options))
    [old] = groups.pids("web")
    client = connect_to(str(path))
    client.sendall(b"GET / HTTP/1.1\r\n")  # half a request: the worker stays
    assert reread(groups, group_text("site", [HTTP_WORKER], **options))["ok"]
    groups.wait_ready(only=["site"])
    assert groups.request("reload")["ok"]
    assert groups.pids("web", "stopping") == [old]
    client.close()
    eventually(lambda: groups.names() == ["site"], what="the old group is buried")
    connect_to(str(path)).close()
    groups.stop()
    assert not path.exists()


def test_changes_at_run_time_are_not_undone_by_a_file_that_says_nothing_new(groups):
    text = group_text("web", groups.probe())
    groups.start(text + group_text("other", groups.probe()))
    assert groups.request("set_workers", 3, "web")["ok"]
    groups.wait_ready()
    assert groups.request("reload")["ok"]
    assert reread(groups, text + group_text("other", groups.probe(), numprocesses=2))["message"].startswith("other: changed")
    assert groups.of("web")["target"] == 3
    assert reread(groups, group_text("web", groups.probe(), max_unacked=1))["ok"]
    eventually(lambda: groups.of("web")["target"] == 1)
    groups.stop()


def test_a_stopped_group_stays_stopped(groups):
    groups.start(group_text("web", groups.probe()))
    assert groups.request("stop", "web")["ok"]
    eventually(lambda: groups.of("web")["state"] == "stopped")
    assert reread(groups, group_text("web", groups.probe(), environments=["A=1"]))["ok"]
    assert groups.of("web")["state"] == "stopped"
    assert groups.request("start", "web")["ok"]
    groups.wait_ready()
    assert groups.report(groups.pids("web")[0]).variables["A"] == "1"
    groups.stop()


def test_a_group_in_trouble_is_tried_again(groups):
    program = groups.dir / "late"
    text = group_text("late", [str(program)]) + group_text("web", groups.probe())
    groups.start(text, only=["web"])
    assert reread(groups, text)["message"] == "nothing has changed"
    program.symlink_to(HTTP_WORKER)
    assert reread(groups, text)["ok"]
    eventually(lambda: groups.of("late")["ready"] == 1)
    groups.stop()


def test_no_file_to_read(master):
    master.start()
    refused = master.request("reload-config")
    assert not refused["ok"] and "--config" in refused["message"]
    master.stop()
