# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers and user databases that do not answer."""

import contextlib
import os
import random
import re
import signal
import socket
import struct
import subprocess
import threading

import pytest

from groups import group_text, groups  # noqa: F401 (a fixture)
from harness import can_unshare, connect_to, eventually, process_state

pytestmark = pytest.mark.skipif(not can_unshare(), reason="needs private mount namespaces")

OWN_MOUNTS = ["unshare", "-m"]
SLEEP = ["/bin/sleep", "1000"]


class Hanging:
    """A file of the system that, for the master alone, waits for a writer: whoever opens it hangs."""

    def __init__(self, master, path):
        self.enter = ["nsenter", "-m", "-t", str(master.pid)]
        self.path = path
        self.pipe = master.dir / ("pipe-for-" + path.replace("/", "-"))
        os.mkfifo(self.pipe)
        subprocess.run([*self.enter, "mount", "--bind", str(self.pipe), path], check=True)

    def release(self):
        """Who hangs reads what the file has always had, and so does everybody from now on."""
        subprocess.run([*self.enter, "umount", "-l", self.path], check=True)
        # Who looks for one name may not read to the end.
        with contextlib.suppress(BrokenPipeError), open(self.path, "rb") as file, open(self.pipe, "wb") as pipe:
            pipe.write(file.read())


class NameServer:
    """Says nothing until it is told to; then each name is that of 127.0.0.1, or of nobody."""

    def __init__(self, directory):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = "127." + ".".join(str(random.randrange(1, 255)) for _ in range(3))
        self.socket.bind((self.address, 53))
        self.asked = 0
        self.known = None
        own = directory / "resolv.conf"
        own.write_text(f"nameserver {self.address}\noptions timeout:1 attempts:60\n")
        mount = f"mount --bind {own} /etc/resolv.conf && exec \"$@\""
        self.wrapper = ["unshare", "-m", "sh", "-c", mount, "sh"]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            self.asked += 1
            if self.known is not None:
                self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        number, = struct.unpack("!H", query[:2])
        end = query.index(b"\0", 12) + 5
        kind, = struct.unpack("!H", query[end - 4:end - 2])
        addresses = 1 if self.known and kind == 1 else 0
        code = 0 if self.known else 3
        head = struct.pack("!HHHHHH", number, 0x8180 | code, 1, addresses, 0, 0)
        record = struct.pack("!HHHIH4s", 0xC00C, 1, 1, 60, 4, socket.inet_aton("127.0.0.1"))
        return head + query[12:end] + record * addresses

    def speak(self, known=True):
        self.known = known

    def close(self):
        self.socket.close()


@pytest.fixture
def name_server(groups):
    server = NameServer(groups.dir)
    yield server
    server.close()


def test_what_is_not_new_is_not_looked_up_again(groups):
    web = group_text("web", SLEEP, uid="nobody")
    groups.start(web + group_text("old", SLEEP), wrapper=OWN_MOUNTS)
    Hanging(groups, "/etc/passwd")
    Hanging(groups, "/etc/group")
    groups.write(web)
    assert groups.request("reload-config")["ok"]
    eventually(lambda: groups.names() == ["web"])
    assert groups.request("reload")["ok"], "whom workers run as is known to the next master, too"
    assert groups.request("version")["ok"]
    groups.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_waits_for_the_user_database_can_be_ended(groups, number):
    os.mkfifo(users := groups.dir / "passwd")
    mount = ["unshare", "-m", "sh", "-c", f"mount --bind {users} /etc/passwd && exec \"$@\"", "sh"]
    groups.write(group_text("web", SLEEP, uid="nobody"))
    groups.spawn("--config", groups.file, program=[], wrapper=mount)

    def waits():
        """It is a master, which blocks signals, and does nothing."""
        status = open(f"/proc/{groups.process.pid}/status").read()
        blocked = int(re.search(r"SigBlk:\s+(\w+)", status)[1], 16)
        return blocked >> (signal.SIGUSR1 - 1) & 1 and process_state(groups.process.pid) == "S"
    eventually(waits)
    groups.process.send_signal(number)
    assert groups.process.wait(20) == -number
    assert not groups.socket_path.exists() and not list(groups.dir.glob("*.lock"))


def replaced(groups, name):
    """Kills the worker of a group; returns when there is another."""
    [old] = groups.pids(name, "ready")
    os.kill(old, signal.SIGKILL)
    eventually(lambda: groups.pids(name, "ready") not in ([], [old]))


def upgrade_that_hangs(groups, web):
    """Returns the client that waits for an upgrade that needs the user database, and who hangs."""
    groups.start(web + group_text("other", SLEEP), wrapper=OWN_MOUNTS)
    users = Hanging(groups, "/etc/passwd")
    client = groups.connect()
    client.send("upgrade", group="web")
    assert client.reply()["wait"]
    eventually(lambda: groups.threads() > 1, what="a helper thread looks it up")
    return client, users


def test_a_new_generation_that_is_looked_up_holds_up_no_other_group(groups):
    client, users = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody"))
    [old] = groups.pids("web")
    replaced(groups, "other")
    assert groups.request("version")["ok"] and groups.request("inc", group="other")["ok"]
    assert groups.pids("web") == [old] and groups.of("web")["generation"] == 1, "it still hangs"
    users.release()
    assert client.finish(1)["ok"]
    assert groups.of("web")["generation"] == 2 and groups.pids("web") != [old]
    groups.stop()


def test_a_new_generation_that_is_looked_up_does_not_hold_up_the_end(groups):
    client, _ = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody"))
    groups.stop()
    assert not client.finish(1)["ok"]


def test_a_new_generation_that_is_looked_up_goes_on_after_a_reload(groups):
    client, users = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody", numprocesses=2))
    assert groups.request("reload")["ok"]
    replaced(groups, "other")
    users.release()
    assert client.finish(1)["ok"]
    assert groups.of("web")["generation"] == 2 and len(groups.pids("web", "ready")) == 2
    groups.stop()


def test_a_look_up_that_takes_long_is_shown(groups):
    client, users = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody"))
    eventually(lambda: groups.of("web")["waits_for"] == "the look-up of user nobody")
    assert groups.of("other")["waits_for"] is None
    assert "waits for the look-up of user nobody" in groups.ctl("status").stdout
    groups.wait_log("web: an upgrade waits for the look-up of user nobody")
    users.release()
    assert client.finish(1)["ok"]
    assert groups.of("web")["waits_for"] is None
    groups.stop()


def test_requests_during_a_look_up_are_served_by_the_same_upgrade(groups):
    """They do not run the upgrader again, which would say no: that would be told to the first."""
    ran = groups.dir / "shared" / "ran"
    ran.parent.mkdir()
    for each in (groups.dir, ran.parent):
        each.chmod(0o777)
    check = ["/bin/sh", "-c", f"test ! -e {ran} && touch {ran}"]
    first, users = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody", upgrader=check))
    eventually(lambda: groups.of("web")["waits_for"] == "the look-up of user nobody")
    with groups.connect() as second:
        request = second.send("upgrade", group="web")
        assert second.reply()["wait"]
        groups.wait_log("web: this request is served by the upgrade that waits for the look-up of user nobody")
        users.release()
        assert second.finish(request)["ok"]
    assert first.finish(1)["ok"]
    assert groups.of("web")["generation"] == 2
    groups.stop()


def test_who_asks_again_and_again_takes_no_helper_threads_from_others(groups):
    client, users = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody"))
    for _ in range(6):
        assert groups.request("stop", group="web")["ok"]
        assert not client.finish(1)["ok"]
        client.close()
        eventually(lambda: groups.of("web")["state"] == "stopped")
        assert groups.request("start", group="web")["ok"]
        eventually(lambda: groups.of("web")["state"] == "running")
        client = groups.connect()
        client.send("upgrade", group="web")
        assert client.reply()["wait"]
        eventually(lambda: groups.of("web")["waits_for"] == "the look-up of user nobody")
    eventually(lambda: groups.threads() == 2, what="only one of them waits for the user database")
    users.release()
    assert client.finish(1)["ok"]
    groups.stop()


def test_what_a_request_comes_to_at_once_after_a_reload_is_told(groups):
    """The group has ended meanwhile."""
    client, _ = upgrade_that_hangs(groups, group_text("web", SLEEP, uid="nobody", restart="none"))
    os.kill(groups.pids("web")[0], signal.SIGKILL)
    eventually(lambda: groups.of("web")["state"] == "stopped")
    assert groups.request("reload")["ok"]
    done = client.finish(1)
    assert not done["ok"] and done["message"].startswith("Upgrade refused: the group is stopped"), done
    groups.stop()


def test_a_user_that_is_unknown_by_now_is_told(groups):
    """The old workers stay, and the upgrade says why."""
    own = groups.dir / "passwd"
    own.write_text("root:x:0:0:root:/root:/bin/sh\nsomebody:x:4711:4711::/:/bin/sh\n")
    mount = ["unshare", "-m", "sh", "-c", f"mount --bind {own} /etc/passwd && exec \"$@\"", "sh"]
    groups.start(group_text("web", SLEEP, uid="somebody", retries=0), wrapper=mount)
    [old] = groups.pids("web")
    own.write_text("root:x:0:0:root:/root:/bin/sh\n")
    done = groups.request("upgrade")
    assert not done["ok"] and "no user is called somebody" in done["message"], done
    assert groups.pids("web", "ready") == [old]
    groups.stop()


def test_an_upgrade_whose_user_is_unknown_fails_though_another_one_is_under_way(groups):
    own = groups.dir / "passwd"
    own.write_text("root:x:0:0:root:/root:/bin/sh\nsomebody:x:4711:4711::/:/bin/sh\n")
    mount = ["unshare", "-m", "sh", "-c", f"mount --bind {own} /etc/passwd && exec \"$@\"", "sh"]
    groups.start(group_text("web", SLEEP, uid="somebody", ack="manual", ack_timeout=0), wrapper=mount, only=[])

    def ack():
        [pid] = eventually(lambda: groups.pids("web", "starting"))
        assert groups.request("worker:ack", pid=pid)["ok"]
    ack()
    with groups.connect() as first:
        one = first.send("upgrade")
        eventually(lambda: groups.pids("web", "starting"))
        own.write_text("root:x:0:0:root:/root:/bin/sh\n")
        second = groups.request("upgrade")
        assert not second["ok"] and "no user is called somebody" in second["message"], second
        ack()
        assert first.finish(one)["ok"]
    groups.stop()


OTHER = group_text("other", SLEEP)
SLOW = group_text("slow", SLEEP, socket_address=["slow.example.test:0"])


def ask_for_slow(groups, name_server, other=OTHER):
    """Has a group be added whose listener has a name; returns the client that waits."""
    groups.start(other, wrapper=name_server.wrapper)
    groups.write(other + SLOW)
    client = groups.connect()
    client.send("reload-config")
    assert client.reply()["message"] == "looking up names"
    eventually(lambda: name_server.asked > 0)
    return client


def test_a_silent_name_server_holds_up_nobody_else(groups, name_server):
    other = group_text("other", groups.probe("--ack", "manual"), ack="manual", ack_timeout=60)
    client = ask_for_slow(groups, name_server, other)
    replaced(groups, "other")
    assert groups.request("version")["ok"] and groups.names() == ["other"]
    name_server.speak()
    done = client.finish(1)
    assert done["ok"] and done["message"] == "slow: added\n1 group unchanged"
    eventually(lambda: groups.pids("slow", "ready"))
    [listener] = groups.of("slow")["listeners"]
    assert listener["address"].startswith("127.0.0.1:")
    connect_to(listener["address"]).close()
    groups.stop()


def test_a_name_that_is_unknown_changes_nothing(groups, name_server):
    client = ask_for_slow(groups, name_server)
    name_server.speak(known=False)
    done = client.finish(1)
    assert not done["ok"] and done["message"].startswith("slow: slow.example.test:0: "), done
    assert groups.names() == ["other"]
    groups.stop()


def test_who_asks_meanwhile_is_answered_afterwards_in_the_order_of_the_requests(groups, name_server):
    first = ask_for_slow(groups, name_server)
    groups.write(OTHER + SLOW + group_text("more", SLEEP))
    others = [groups.connect() for _ in range(3)]
    for each in others:
        each.send("reload-config")
        assert each.reply()["wait"]
    name_server.speak()
    assert first.finish(1)["message"] == "slow: added\n1 group unchanged"
    assert [each.finish(1)["message"] for each in others] == ["more: added\n2 groups unchanged"] + ["nothing has changed"] * 2
    assert groups.names() == ["other", "slow", "more"]
    groups.stop()


def test_without_an_id_the_log_has_the_outcome(groups, name_server):
    groups.start(OTHER, wrapper=name_server.wrapper)
    groups.write(OTHER + SLOW)
    with groups.connect() as client:
        assert client.bare("reload-config") == "looking up names; the log tells the outcome"
        name_server.speak(known=False)
        groups.wait_log("slow: slow.example.test:0: ")
    assert groups.names() == ["other"]
    groups.stop()


def test_a_group_that_went_meanwhile_is_looked_up_too(groups, name_server):
    """What has to be looked up depends on the groups, which another request may change."""
    groups.start(OTHER + group_text("ours", SLEEP, uid="nobody"), wrapper=name_server.wrapper)
    groups.write(OTHER)
    groups.write(OTHER + SLOW)
    first, second = groups.connect(), groups.connect()
    first.send("reload-config")
    eventually(lambda: name_server.asked > 0)
    groups.write(OTHER + SLOW + group_text("ours", SLEEP, uid="nobody"))
    second.send("reload-config")
    assert second.reply()["wait"]
    name_server.speak()
    assert first.finish(1)["message"] == "slow: added\nours: removed\n1 group unchanged"
    assert second.finish(1)["ok"]
    eventually(lambda: groups.names() == ["other", "slow", "ours"] and groups.pids("ours", "ready"))
    groups.stop()


def test_a_client_that_goes_meanwhile_takes_nothing_back(groups, name_server):
    ask_for_slow(groups, name_server).close()
    name_server.speak()
    eventually(lambda: groups.names() == ["other", "slow"] and groups.pids("slow", "ready"))
    groups.stop()


def test_a_master_that_is_told_to_stop_meanwhile_says_so(groups, name_server):
    client = ask_for_slow(groups, name_server)
    groups.stop()
    done = client.finish(1)
    assert not done["ok"] and done["message"] == "the master was told to stop"


@pytest.mark.parametrize("stays", [True, False])
def test_a_master_that_is_replaced_meanwhile_goes_on(groups, name_server, stays):
    client = ask_for_slow(groups, name_server)
    if not stays:
        client.close()
    assert groups.request("reload")["ok"]
    replaced(groups, "other")
    assert groups.names() == ["other"]
    name_server.speak()
    if stays:
        assert client.finish(1)["message"] == "slow: added\n1 group unchanged"
        assert client.request("version")["ok"], "there was one answer"
    eventually(lambda: groups.names() == ["other", "slow"] and groups.pids("slow", "ready"))
    groups.stop()


def test_an_upgrade_that_follows_is_told_to_its_end(groups, name_server):
    groups.start(group_text("slow", SLEEP), wrapper=name_server.wrapper)
    [old] = groups.pids("slow")
    groups.write(SLOW)
    client = groups.connect()
    client.send("reload-config")
    eventually(lambda: name_server.asked > 0)
    name_server.speak()
    done = client.finish(1)
    assert done["ok"] and any("slow: changed, upgrading" in line["message"] for line in done["progress"]), done
    assert groups.of("slow")["generation"] == 2 and groups.pids("slow") != [old]
    groups.stop()


def test_users_of_new_groups_hold_up_nobody_else(groups):
    groups.start(OTHER, wrapper=OWN_MOUNTS)
    users = Hanging(groups, "/etc/passwd")
    groups.write(OTHER + group_text("web", SLEEP, uid="nobody"))
    client = groups.connect()
    client.send("reload-config")
    assert client.reply()["wait"]
    replaced(groups, "other")
    users.release()
    assert client.finish(1)["message"] == "web: added\n1 group unchanged"
    eventually(lambda: groups.pids("web", "ready"))
    groups.stop()


def test_a_group_that_could_not_be_opened_is_looked_up_when_it_is_started(groups, name_server):
    name_server.speak(known=False)
    groups.start(OTHER + SLOW, only=["other"], wrapper=name_server.wrapper)
    assert "slow.example.test:0" in groups.of("slow")["trouble"]
    name_server.known = None
    name_server.asked = 0
    client = groups.connect()
    client.send("start", group="slow")
    eventually(lambda: name_server.asked > 0)
    replaced(groups, "other")
    name_server.speak()
    assert "looking up names" in client.finish(1)["message"]
    eventually(lambda: groups.pids("slow", "ready"))
    groups.stop()
