# SPDX-License-Identifier: GPL-3.0-or-later
"""SPEC 7.1: what a worker inherits."""

import os
import pathlib
import signal

import pytest

from harness import MARK

OUTER = {"LISTEN_FDS": "9", "LISTEN_PID": "1", "LISTEN_FDNAMES": "outer", "NOTIFY_SOCKET": "/outer",
         "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "FDSTORE": "1", "MAINPID": "1",
         "MEMORY_PRESSURE_WATCH": "/outer", "MEMORY_PRESSURE_WRITE": "x", "EINHORN_FD_COUNT": "7",
         "EINHORN_FD_0": "99", "EINHORN_MASTER_PID": "1", "EINHORN_ANYTHING": "outer"}


def expected(master, report, listeners, index, generation, name="probe_worker", **more):
    """The whole environment of a worker; listeners: (family, server_starter_key or None, name)."""
    result = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(master.dir), "LANG": "C.UTF-8",
              MARK: master.mark, "EINHORN_MASTER_PID": str(master.pid),
              "EINHORN_SOCK_PATH": str(master.socket_path), "EINHORN_FD_COUNT": str(len(listeners)),
              "EINHORN_CHILD_INDEX": str(index), "SERVER_STARTER_GENERATION": str(generation)}
    if listeners:
        fds = range(3, 3 + len(listeners))
        result["EINHORN_FDS"] = " ".join(map(str, fds))
        result["LISTEN_FDS"] = str(len(listeners))
        result["LISTEN_PID"] = str(report.pid)
        result["LISTEN_FDNAMES"] = ":".join(n or name for _, _, n in listeners)
        result["SERVER_STARTER_PORT"] = ";".join(
            f"{key}={fd}" for fd, (_, key, _) in zip(fds, listeners) if key)
        for n, (fd, (family, _, _)) in enumerate(zip(fds, listeners)):
            result[f"EINHORN_FD_{n}"] = str(fd)
            result[f"EINHORN_FD_FAMILY_{n}"] = family
    result.update(more)
    return result


def lines(variables):
    return sorted(f"{key}={value}" for key, value in variables.items())


def test_environment_byte_for_byte(master):
    unix = master.dir / "a.sock"
    master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0", "-b", "[::1]:0", "-b", f"{unix},name=own",
                 "-b", f"unix:@{master.mark}", "-b", "udp:127.0.0.1:0", env=OUTER)
    for worker in master.workers():
        report = master.report(worker["pid"])
        listeners = [("AF_INET", report.fd(3)["address"], None), ("AF_INET6", report.fd(4)["address"], None),
                     ("AF_UNIX", str(unix), "own"), ("AF_UNIX", None, None),
                     ("AF_INET", report.fd(7)["address"], None)]
        assert sorted(report.env) == lines(expected(master, report, listeners, worker["index"], 1))
    master.stop()


def test_port_on_every_address_has_no_host_for_server_starter(master):
    master.start("--ack-mode", "0", "-b", ":0")
    report = master.first_report()
    port = report.fd(3)["address"].rpartition(":")[2]
    assert report.variables["SERVER_STARTER_PORT"] == f"{port}=3"
    master.stop()


def test_environment_without_listeners(master):
    master.start("--ack-mode", "0", env=OUTER)
    report = master.first_report()
    variables = expected(master, report, [], 0, 1)
    # An empty EINHORN_FDS may be there or not: einhorn's is empty, a reader sees the same.
    assert sorted(e for e in report.env if e != "EINHORN_FDS=") == lines(variables)
    master.stop()


def test_generation_and_index_after_upgrades(master):
    master.start("--ack-mode", "0", "-n", "2", "-b", "127.0.0.1:0")
    for generation in (2, 3):
        assert master.request("upgrade")["ok"]
        master.wait_ready()
        for worker in master.workers():
            report = master.report(worker["pid"])
            listeners = [("AF_INET", report.fd(3)["address"], None)]
            assert sorted(report.env) == lines(
                expected(master, report, listeners, worker["index"], generation))
    master.stop()


def test_replacement_takes_the_smallest_free_index(master):
    master.start("--ack-mode", "0", "-n", "3")
    os.kill(master.workers()[1]["pid"], signal.SIGKILL)
    master.wait_ready()
    assert [w["index"] for w in master.workers()] == [0, 1, 2]
    assert master.report(master.workers()[1]["pid"]).variables["EINHORN_CHILD_INDEX"] == "1"
    master.stop()


def test_drop_env_var(master):
    master.start("--ack-mode", "0", "--drop-env-var", "SECRET", "--drop-env-var=OTHER",
                 env={"SECRET": "x", "OTHER": "y", "SECRET2": "z", "EMPTY": ""})
    variables = master.first_report().variables
    assert "SECRET" not in variables and "OTHER" not in variables
    assert variables["SECRET2"] == "z" and variables["EMPTY"] == ""
    master.stop()


def test_odd_variables_pass_through(master):
    odd = {"ODD": "a=b\n\"quoted\"\\", "BYTES": b"\xff\xfe".decode("latin-1"), "LONG": "x" * 100_000}
    encoded = {key.encode(): value.encode("latin-1") for key, value in master.environment(odd).items()}
    master.environment = lambda extra=None: encoded
    master.start("--ack-mode", "0")
    variables = master.first_report().variables
    assert {key: variables[key] for key in odd} == odd
    master.stop()


def test_nothing_else_is_open(master):
    # Descriptors that the master inherited without close-on-exec stop at the master.
    leaks = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    try:
        master.start("--ack-mode", "0", "-b", "127.0.0.1:0", "-b", "127.0.0.1:0", pass_fds=leaks)
    finally:
        for fd in leaks:
            os.close(fd)
    report = master.first_report()
    assert [fd["fd"] for fd in report.fds] == [0, 1, 2, 3, 4]
    assert all(fd["cloexec"] == 0 for fd in report.fds)
    master.stop()


def test_standard_descriptors(master):
    read_end, write_end = os.pipe()
    master.start("--ack-mode", "0", stdin=read_end)
    report = master.first_report()
    assert report.fd(0)["target"] == "/dev/null"
    assert report.fd(1)["target"] == str(master.stdout_path)
    assert report.fd(2)["target"] == str(master.stderr_path)
    os.close(read_end)
    os.close(write_end)
    master.stop()


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_descriptors_do_no_harm(master, closed):
    # A listener or a log must not take the place of a missing standard descriptor.
    master.start("--ack-mode", "0", "-b", "127.0.0.1:0", wrapper=["bash", "-c", f'exec "$@" {closed}', "bash"])
    report = master.first_report()
    assert [fd["fd"] for fd in report.fds][-1] == 3 and report.fd(3)["address"] == master.address()
    assert report.fd(0)["target"] == "/dev/null"
    for fd in report.fds[:-1]:
        assert not fd["target"].startswith("socket:")
    master.stop()


def test_process_group_signals_and_parent(master):
    def ignore_and_block():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
    master.start("--ack-mode", "0", "-n", "2", preexec_fn=ignore_and_block)
    for pid in master.pids():
        report = master.report(pid)
        assert report.pgid == report.pid and report.ppid == master.pid
        assert int(report.blocked, 16) == 0 and int(report.ignored, 16) == 0
        assert report.nofile == os.sysconf("SC_OPEN_MAX")
        assert report.pdeathsig == 0
    master.stop()


def test_umask_is_inherited(master):
    master.start("--ack-mode", "0", "-b", master.dir / "a.sock", preexec_fn=lambda: os.umask(0o027))
    assert int(master.first_report().umask, 8) == 0o027
    master.stop()


def test_working_directory_belongs_to_the_generation(master):
    old, new = master.dir / "old", master.dir / "new"
    old.mkdir(), new.mkdir()
    current = master.dir / "current"
    current.symlink_to(old)
    # A shell that went through the link: PWD names it, as in a release directory.
    master.start("--ack-mode", "0", cwd=current, env={"PWD": str(current)})
    first = master.first_report()
    assert first.cwd == str(old)
    current.unlink()
    current.symlink_to(new)
    os.kill(first.pid, signal.SIGKILL)
    master.wait_log("SIGKILL")
    master.wait_ready()
    assert master.first_report().cwd == str(old), "a replacement belongs to its generation"
    assert master.request("upgrade")["ok"]
    master.wait_ready()
    assert master.first_report().cwd == str(new), "a generation finds its directory anew"
    master.stop()


def test_program_belongs_to_the_generation(master):
    (master.dir / "v1").symlink_to(master.probe()[0])
    one, two = master.script("one", *master.probe()), master.script("two", *master.probe("--exit-code", "0"))
    current = master.dir / "current"
    current.symlink_to(one)
    master.start("--ack-mode", "0", program=[str(current)])
    assert "--exit-code" not in master.first_report().argv
    current.unlink()
    current.symlink_to(two)
    assert master.request("upgrade")["ok"]
    master.wait_ready()
    assert "--exit-code" in master.first_report().argv
    master.stop()


def test_script_without_interpreter_line(master):
    # As execvp does it.
    path = master.dir / "plain"
    path.write_text(" ".join(["exec", *master.probe()]) + "\n")
    path.chmod(0o755)
    master.start("--ack-mode", "0", program=[str(path)])
    assert master.first_report().ppid == master.pid
    master.stop()
