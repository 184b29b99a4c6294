# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 3, SPEC := ADDRESS[,OPT...]: the listeners of a worker."""

import grp
import os
import re
import socket
import stat
import subprocess

import pytest

from harness import connect_to, free_port, is_root

NOBODY = 65534


def started(master, *binds, options=(), **kwargs):
    words = [word for bind in binds for word in ("-b", str(bind))]
    return master.start("--ack-mode", "0", *options, *words, **kwargs)


def descriptor(master, n=0):
    return master.first_report().fd(3 + n)


def test_ipv4(master):
    port = free_port()
    started(master, f"127.0.0.1:{port}")
    fd = descriptor(master)
    assert fd["address"] == f"127.0.0.1:{port}" and fd["family"] == socket.AF_INET
    assert fd["type"] == socket.SOCK_STREAM and fd["listening"] == 1 and fd["cloexec"] == 0
    assert fd["nonblock"] == 0
    connect_to(master.address()).close()
    master.stop()


def test_r_and_n(master):
    started(master, f"127.0.0.1:{free_port()},r,n", "127.0.0.1:0")
    assert descriptor(master)["reuseaddr"] == 1 and descriptor(master)["nonblock"] == 1
    assert descriptor(master, 1)["reuseaddr"] == 0 and descriptor(master, 1)["nonblock"] == 0
    master.stop()


@pytest.mark.parametrize("options", ["so_reuseaddr,o_nonblock", "R,N", "SO_REUSEADDR,O_NONBLOCK", "n,r"])
def test_long_names_and_case(master, options):
    started(master, f"127.0.0.1:0,{options}")
    assert descriptor(master)["reuseaddr"] == 1 and descriptor(master)["nonblock"] == 1
    master.stop()


def test_r_is_set_before_bind(master):
    # A connection of a former server that is still there forbids the port, unless r came before bind. (One in TIME_WAIT
    # does as well, but the kernel keeps only so many of those.)
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        peer, _ = server.accept()
    with client, peer:
        assert master.run("-b", f"127.0.0.1:{port}").returncode == 1
        started(master, f"127.0.0.1:{port},r")
        master.stop()


def test_so_reuseport_and_backlog(master):
    started(master, "127.0.0.1:0,so_reuseport,backlog=33")
    assert descriptor(master)["reuseport"] == 1 and descriptor(master)["backlog"] == 33
    master.stop()


def test_two_masters_share_a_port_with_so_reuseport(master, other_master):
    started(master, "127.0.0.1:0,so_reuseport")
    started(other_master, f"{master.address()},so_reuseport")
    assert other_master.address() == master.address()
    master.stop()
    other_master.stop()


def test_ipv6(master):
    started(master, "[::1]:0")
    fd = descriptor(master)
    assert fd["family"] == socket.AF_INET6 and re.fullmatch(r"\[::1\]:[1-9]\d*", fd["address"])
    assert master.address() == fd["address"]
    connect_to(master.address()).close()
    master.stop()


def test_every_address_is_one_dual_stack_socket(master):
    started(master, ":0")
    fd = descriptor(master)
    assert fd["family"] == socket.AF_INET6 and fd["v6only"] == 0
    port = fd["address"].rpartition(":")[2]
    connect_to(f"127.0.0.1:{port}").close()
    connect_to(f"[::1]:{port}").close()
    assert len(master.group()["listeners"]) == 1
    master.stop()


@pytest.mark.parametrize("option, family, other", [
    ("-4", socket.AF_INET, "[::1]"), ("--ipv4-only", socket.AF_INET, "[::1]"),
    ("-6", socket.AF_INET6, "127.0.0.1"), ("--ipv6-only", socket.AF_INET6, "127.0.0.1")])
def test_one_family_only(master, option, family, other):
    started(master, ":0", options=[option])
    fd = descriptor(master)
    assert fd["family"] == family
    with pytest.raises(ConnectionRefusedError):
        connect_to(other + ":" + fd["address"].rpartition(":")[2])
    master.stop()


@pytest.mark.parametrize("option, address", [("-4", "[::1]:0"), ("-6", "127.0.0.1:0")])
def test_address_of_the_other_family(master, option, address):
    result = master.run(option, "-b", address)
    assert result.returncode in (1, 2) and len(result.stderr.splitlines()) == 1 and address in result.stderr


def test_names(master):
    started(master, "localhost:0")
    assert descriptor(master)["address"].startswith("127.0.0.1:")
    master.stop()


def test_name_under_ipv6_only(master):
    if not any(info[4][0] == "::1" for info in socket.getaddrinfo("localhost", 0)):
        pytest.skip("localhost has no IPv6 address here")
    started(master, "localhost:0", options=["-6"])
    assert descriptor(master)["address"].startswith("[::1]:")
    master.stop()


def test_port_0_is_shown(master):
    started(master, "127.0.0.1:0")
    port = master.address().rpartition(":")[2]
    assert int(port) > 0 and port in master.log()
    assert master.first_report().variables["SERVER_STARTER_PORT"] == f"127.0.0.1:{port}=3"
    master.stop()


@pytest.mark.parametrize("prefix", ["", "unix:", "unix::"])
def test_unix(master, prefix):
    path = master.dir / "a.sock"
    started(master, f"{prefix}{path}")
    fd = descriptor(master)
    assert fd["family"] == socket.AF_UNIX and fd["address"] == str(path) and fd["listening"] == 1
    connect_to(str(path)).close()
    master.stop()
    assert not path.exists()


@pytest.mark.parametrize("prefix", ["tcp::"])
def test_firestarters_prefix(master, prefix):
    started(master, f"{prefix}127.0.0.1:0")
    assert descriptor(master)["address"].startswith("127.0.0.1:")
    master.stop()


def test_abstract(master):
    name = "@ein-" + master.mark
    started(master, f"unix:{name}")
    assert descriptor(master)["address"] == name
    assert master.address() == name or master.address() == "unix:" + name
    connect_to(name).close()
    assert "SERVER_STARTER_PORT" not in master.first_report().variables or \
        name not in master.first_report().variables["SERVER_STARTER_PORT"]
    master.stop()


@pytest.mark.parametrize("prefix", ["udp:", "udp::"])
def test_udp(master, prefix):
    started(master, f"{prefix}127.0.0.1:0")
    fd = descriptor(master)
    assert fd["type"] == socket.SOCK_DGRAM and fd["listening"] == 0
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", fd["address"])
    assert master.first_report().variables["SERVER_STARTER_PORT"] == fd["address"] + "=3"
    master.stop()


def test_order_is_kept(master):
    ports = [free_port() for _ in range(3)]
    started(master, *[f"127.0.0.1:{port}" for port in ports])
    report = master.first_report()
    assert [report.fd(3 + n)["address"] for n in range(3)] == [f"127.0.0.1:{port}" for port in ports]
    shown = master.group()["listeners"]
    assert [entry["address"] for entry in shown] == [f"127.0.0.1:{port}" for port in ports]
    assert [entry["fd"] for entry in shown] == [3, 4, 5]
    master.stop()


# ---- Handed and inherited sockets ----

def handed(*sockets, names=None, pid="$$"):
    """Words that exec the rest with the sockets at 3, 4, ... as systemd does it."""
    # Out of the way first, so that no move hits another's target.
    moves = [f"exec {50 + n}<&{s.fileno()}" for n, s in enumerate(sockets)]
    moves += [f"exec {3 + n}<&{50 + n} {50 + n}<&-" for n in range(len(sockets))]
    variables = f"export LISTEN_FDS={len(sockets)} LISTEN_PID={pid}"
    if names is not None:
        variables += f" LISTEN_FDNAMES={names}"
    return ["bash", "-c", "; ".join([*moves, variables, 'exec "$@"']), "bash"]


@pytest.fixture
def listening():
    made = []

    def make(kind=socket.SOCK_STREAM):
        new = socket.socket(socket.AF_INET, kind)
        new.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            new.listen()
        made.append(new)
        return new
    yield make
    for each in made:
        each.close()


def name_of(listener):
    return "%s:%d" % listener.getsockname()


def test_systemd_every_socket(master, listening):
    one, two = listening(), listening()
    started(master, "systemd", wrapper=handed(one, two, names="web:api"),
            pass_fds=[one.fileno(), two.fileno()])
    report = master.first_report()
    assert [report.fd(3)["address"], report.fd(4)["address"]] == [name_of(one), name_of(two)]
    assert report.variables["LISTEN_FDS"] == "2" and report.variables["EINHORN_FD_COUNT"] == "2"
    assert report.variables["LISTEN_PID"] == str(report.pid)
    master.stop()
    connect_to(name_of(one)).close()  # it is not ours to close for others


def test_systemd_by_name(master, listening):
    one, two = listening(), listening()
    started(master, "systemd:api", "127.0.0.1:0", wrapper=handed(one, two, names="web:api"),
            pass_fds=[one.fileno(), two.fileno()])
    report = master.first_report()
    assert report.fd(3)["address"] == name_of(two)
    assert [fd["fd"] for fd in report.fds] == [0, 1, 2, 3, 4]
    master.stop()


def test_systemd_unknown_name(master, listening):
    one = listening()
    result = subprocess.run([*handed(one, names="web"), *master.command("-b", "systemd:api")],
                            pass_fds=[one.fileno()], capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and "systemd:api" in result.stderr and "web" in result.stderr


def test_systemd_without_sockets(master):
    result = master.run("-b", "systemd")
    assert result.returncode == 1 and "LISTEN_" in result.stderr


def test_systemd_sockets_of_somebody_else(master, listening):
    one = listening()
    result = subprocess.run([*handed(one, pid="1"), *master.command("-b", "systemd")],
                            pass_fds=[one.fileno()], capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and "LISTEN_PID" in result.stderr


def test_inherited_fd(master, listening):
    one, two = listening(), listening(socket.SOCK_DGRAM)
    started(master, f"fd:{two.fileno()}", f"fd:{one.fileno()},name=web", pass_fds=[one.fileno(), two.fileno()])
    report = master.first_report()
    assert report.fd(3)["address"] == name_of(two) and report.fd(3)["type"] == socket.SOCK_DGRAM
    assert report.fd(4)["address"] == name_of(one)
    assert [fd["fd"] for fd in report.fds] == [0, 1, 2, 3, 4]
    assert report.variables["LISTEN_FDNAMES"].split(":")[1] == "web"
    master.stop()


def test_inherited_fd_that_is_not_there(master):
    result = master.run("-b", "fd:77")
    assert result.returncode == 1 and "fd:77" in result.stderr and len(result.stderr.splitlines()) == 1


def test_inherited_fd_that_is_no_socket(master):
    result = master.run("-b", "fd:0")
    assert result.returncode == 1 and "fd:0" in result.stderr and "socket" in result.stderr


# ---- The files of unix sockets ----

def test_mode(master):
    path = master.dir / "a.sock"
    started(master, f"{path},mode=0640")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    master.stop()


@pytest.mark.skipif(not is_root(), reason="only root may give files away")
def test_user_and_group(master):
    path = master.dir / "a.sock"
    group = grp.getgrgid(NOBODY).gr_name
    started(master, f"{path},user=nobody,group={group},mode=0660")
    info = path.stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (NOBODY, NOBODY, 0o660)
    master.stop()
    assert not path.exists()


def test_unknown_user(master):
    result = master.run("-b", f"{master.dir}/a.sock,user=no-such-user")
    assert result.returncode in (1, 2) and "no-such-user" in result.stderr
    assert not (master.dir / "a.sock").exists()


def test_stale_socket_is_replaced(master):
    path = master.dir / "a.sock"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
        old.listen()
    started(master, path)
    connect_to(str(path)).close()
    master.stop()


def test_live_socket_is_not_displaced(master):
    path = master.dir / "a.sock"
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(path))
        live.listen()
        inode = path.stat().st_ino
        result = master.run("-b", path)
        assert result.returncode == 1 and str(path) in result.stderr
        assert path.stat().st_ino == inode
        connect_to(str(path)).close()


@pytest.mark.parametrize("make", [lambda p: p.write_text("precious"), lambda p: p.mkdir(),
                                  lambda p: p.symlink_to("/nowhere")], ids=["file", "directory", "link"])
def test_what_is_no_socket_is_left_alone(master, make):
    path = master.dir / "a.sock"
    make(path)
    before = os.lstat(path)
    result = master.run("-b", path)
    assert result.returncode == 1 and str(path) in result.stderr
    assert os.lstat(path).st_ino == before.st_ino


def test_too_long_a_path(master):
    path = "/tmp/" + "x" * 200
    result = master.run("-b", path)
    assert result.returncode in (1, 2) and len(result.stderr.splitlines()) == 1
    assert "107" in result.stderr or "108" in result.stderr


# ---- Failures leave nothing behind ----

FAILURES = [("127.0.0.1:{taken}", "use"), ("no-such-host.invalid:80", "no-such-host.invalid"),
            ("192.0.2.1:80", "192.0.2.1"), ("/tmp/no/such/directory/a.sock", "No such file")]


@pytest.mark.parametrize("spec, reason", FAILURES, ids=[spec for spec, _ in FAILURES])
def test_what_the_system_refuses_is_exit_1_and_leaves_nothing(master, listening, spec, reason):
    taken = listening().getsockname()[1]
    spec = spec.format(taken=taken)
    first = master.dir / "a.sock"
    result = master.run("-b", first, "-b", spec, "-e", master.dir / "pid")
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert spec in line and reason in line
    assert sorted(p.name for p in master.dir.iterdir()) == ["r"]


def test_names_of_listeners(master):
    started(master, "127.0.0.1:0,name=web", "127.0.0.1:0", options=["-c", "grp", "-d", master.socket_path])
    assert master.first_report().variables["LISTEN_FDNAMES"] == "web:grp"
    assert [entry["name"] for entry in master.group()["listeners"]] == ["web", "grp"]
    master.stop()
