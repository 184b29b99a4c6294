# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets and locks of other users that already exist at the paths of a master."""

import contextlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import pytest

from harness import CTL, EINHORNSH, FIRESTARTER, is_root
from services import NOBODY

pytestmark = pytest.mark.skipif(not is_root(), reason="needs other users")

ALICE, BOB = 23456, 23457

# Answers everything as a master would, in any dialect.
IMPOSTOR = """
import os, socket, sys
os.umask(0)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("there", flush=True)
while True:
    peer, _ = server.accept()
    with peer:
        if peer.recv(65536):
            peer.sendall(b'{"message": "fake", "ok": true, "request_id": 1, "status": "ok", "command": "x", "pid": 1}\\n')
"""


@contextlib.contextmanager
def impostor(user, path):
    process = subprocess.Popen([sys.executable, "-c", IMPOSTOR, str(path)], user=user, group=user, extra_groups=[],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "there\n"
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="ein-", dir="/tmp") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


def owned_directory(path, user, mode):
    path.mkdir()
    os.chown(path, user, user)
    path.chmod(mode)
    return path


def run(words, user=0):
    return subprocess.run([str(word) for word in words], user=user, group=user, extra_groups=[], capture_output=True,
                          text=True, timeout=30, stdin=subprocess.DEVNULL, cwd="/")


@pytest.mark.parametrize("user", [0, ALICE])
@pytest.mark.parametrize("client, words", [(CTL, ["status"]), (CTL, ["-e", "ehlo"]), (CTL, []), (EINHORNSH, ["-e", "ehlo"]),
                                           (FIRESTARTER, ["status"]), (FIRESTARTER, ["list"])])
def test_a_socket_of_another_user_where_all_may_write_is_not_trusted(place, user, client, words):
    shared = owned_directory(place / "tmp", 0, 0o1777)
    with impostor(BOB, shared / "c.sock"):
        address = ["-d", shared / "c.sock"]
        result = run([client, *words, *address] if client == FIRESTARTER else [client, *address, *words], user)
    assert (result.returncode, result.stdout) == (3, ""), result
    assert f"is not trusted: it is of user {BOB}, who is neither root nor you" in result.stderr
    assert f"others may write to {shared}" in result.stderr


def test_the_master_of_a_user_is_trusted_in_a_directory_of_that_user(place):
    own = owned_directory(place / "own", BOB, 0o755)
    with impostor(BOB, own / "c.sock"):
        assert run([CTL, "-d", own / "c.sock", "ehlo"], ALICE).stdout == "fake\n"
        assert run([CTL, "-d", own / "c.sock", "ehlo"]).stdout == "fake\n"


def test_in_the_directory_of_a_third_user_nobody_is_trusted(place):
    own = owned_directory(place / "own", NOBODY.pw_uid, 0o777)
    with impostor(BOB, own / "c.sock"):
        result = run([CTL, "-d", own / "c.sock", "ehlo"], ALICE)
    assert result.returncode == 3 and f"{own} belongs to user nobody" in result.stderr


def test_a_directory_of_a_group_is_everybodys_in_it(place):
    own = owned_directory(place / "own", BOB, 0o775)
    with impostor(BOB, own / "c.sock"):
        assert run([CTL, "-d", own / "c.sock", "ehlo"], ALICE).returncode == 3


def test_a_directory_whose_access_control_list_names_others_is_everybodys(place):
    own = owned_directory(place / "own", 0, 0o755)
    entries = [(1, 7, None), (2, 7, BOB), (4, 5, None), (16, 7, None), (32, 5, None)]  # see acl(5)
    nobody = 0xffffffff
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, permissions, nobody if id is None else id)
                                          for tag, permissions, id in entries)
    try:
        os.setxattr(own, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("the file system has no access control lists")
    with impostor(BOB, own / "c.sock"):
        result = run([CTL, "-d", own / "c.sock", "ehlo"], ALICE)
    assert result.returncode == 3 and f"others may write to {own}" in result.stderr


def test_the_way_to_the_socket_is_looked_at_and_links_in_it(place):
    shared = owned_directory(place / "tmp", 0, 0o1777)
    own = owned_directory(shared / "own", BOB, 0o755)  # whoever comes first can make such a one
    with impostor(BOB, own / "c.sock"):
        assert run([CTL, "-d", own / "c.sock", "ehlo"], ALICE).returncode == 3
    real = owned_directory(place / "real", BOB, 0o755)
    link = shared / "link"
    link.symlink_to(real)
    with impostor(BOB, real / "c.sock"):
        assert run([CTL, "-d", link / "c.sock", "ehlo"], ALICE).stdout == "fake\n", "the link is root's"
        link.unlink()
        subprocess.run(["ln", "-s", str(real), str(link)], user=BOB, group=BOB, check=True)
        assert run([CTL, "-d", link / "c.sock", "ehlo"], ALICE).returncode == 3
        assert run([CTL, "-d", str(place / "tmp/../real/./c.sock"), "ehlo"], ALICE).stdout == "fake\n"


def test_root_and_the_own_user_are_trusted_anywhere(place):
    shared = owned_directory(place / "tmp", 0, 0o1777)
    with impostor(0, shared / "root.sock"), impostor(ALICE, shared / "alice.sock"):
        for name in ("root", "alice"):
            assert run([CTL, "-d", shared / f"{name}.sock", "ehlo"], ALICE).stdout == "fake\n"


@pytest.mark.parametrize("trap", ["file", "link"])
def test_a_lock_of_another_user_is_named_with_the_way_out(master, trap):
    master.dir.chmod(0o1777)
    lock = master.dir / "c.lock"
    words = ["touch", lock] if trap == "file" else ["ln", "-s", "/nowhere", lock]
    subprocess.run(words, user=NOBODY.pw_uid, group=NOBODY.pw_gid, check=True)
    result = master.run()
    what = "belongs to" if trap == "file" else "is a symbolic link of"
    assert result.returncode == 1
    assert result.stderr == f"einhyrningsins: lock file (--lockfile): {lock} {what} user nobody; it is left alone; " \
        "choose another master by -c NAME or -d PATH\n"


def test_a_lock_that_cannot_be_made_is_no_other_master(master):
    lock = master.dir / "nowhere" / "c.lock"
    result = master.run("--lockfile", lock)
    assert result.returncode == 1
    assert result.stderr == f"einhyrningsins: lock file (--lockfile): {lock}: its directory: No such file or directory; " \
        "choose another place by --lockfile\n"


def test_a_socket_of_another_user_is_named_with_the_way_out(master):
    master.dir.chmod(0o1777)
    with impostor(NOBODY.pw_uid, master.socket_path):
        result = master.run()
    assert result.returncode == 1
    assert f"{master.socket_path} belongs to user {NOBODY.pw_uid}; it is left alone; choose another master by -c NAME" \
        in result.stderr


def test_a_second_master_is_told_who_is_there(master, other_master):
    master.start("--ack-mode", "0")
    result = other_master.run("-d", master.socket_path)
    assert result.returncode == 1 and f"another master, process {master.pid}, holds it; choose another" in result.stderr
    master.stop()


def test_a_new_master_starts_at_once_after_a_kill(master):
    for _ in range(8):
        master.start("--ack-mode", "0")
        master.process.kill()
    master.start("--ack-mode", "0")
    assert master.process.poll() is None and master.status()["master"]["pid"] == master.pid
    master.signal(15)
    assert master.wait_exit() == 0


@pytest.mark.parametrize("client", [CTL, EINHORNSH])
@pytest.mark.parametrize("words", [[], ["-e", ""], ["-e", " ; "]])
def test_without_a_command_there_has_to_be_a_master_as_well(master, client, words):
    result = run([client, "-d", master.socket_path, *words])
    assert (result.returncode, result.stdout) == (3, "")
    assert "no master answers" in result.stderr
    master.start("--ack-mode", "0")
    result = run([client, "-d", master.socket_path, *words])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    master.stop()


def test_einhornsh_connects_also_for_quit(master):
    result = run([EINHORNSH, "-d", master.socket_path, "-e", "quit"])
    assert result.returncode == 3 and "no master answers" in result.stderr
