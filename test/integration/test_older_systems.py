# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels that lack newer system calls, and seccomp profiles that deny them (SPEC 9)."""

import os
import signal

import pytest

from harness import MASTER, PRELOAD_PROBE, PROBE, can_unshare, eventually, is_root, refusing
from services import open_to_others, reload_master, start_groups

NEWER = ["close_range", "faccessat2", "memfd_create", "pidfd_open", "pidfd_send_signal", "clone3", "statx", "openat2"]
CASES = [(error, [call]) for error in ("ENOSYS", "EPERM") for call in NEWER] + \
        [("EINVAL", ["close_range"]), ("EINVAL", ["clone3"]), ("ENOSYS", NEWER), ("EPERM", NEWER)]


@pytest.mark.parametrize("error, calls", CASES, ids=lambda value: value if isinstance(value, str) else "+".join(value))
def test_everything_works_without(master, error, calls):
    """Workers of the master's and of another user, preloaded ones, helpers, upgrades and reloads."""
    open_to_others(master)
    common = {"cmd": master.probe("--ack", "manual"), "ack": "manual", "ack_timeout": 20, "restart": "always"}
    groups = {"web": {**common, "socket_address": ["127.0.0.1:0"], "upgrader": ["/bin/true"],
                      "stdout_log": f"time:1:D:U:7:{master.dir}/log"},
              "loaded": {**common, "preload": PRELOAD_PROBE}}
    if is_root():
        groups["other"] = {**common, "uid": "nobody"}
    start_groups(master, wrapper=refusing(error, *calls), **groups)

    def all_ready(generation):
        return all(group["ready"] == 1 == len(group["workers"]) and group["generation"] == generation
                   for group in master.status()["groups"])
    eventually(lambda: all_ready(1))
    for pid in master.pids():
        assert [each["fd"] for each in master.report(pid).fds if each["fd"] > 2] == [3]
    assert (answer := master.request("upgrade"))["ok"], answer
    eventually(lambda: all_ready(2))
    reload_master(master)
    eventually(lambda: all_ready(2))
    for group in master.status()["groups"]:
        os.kill(group["workers"][0]["pid"], signal.SIGKILL)
    eventually(lambda: all_ready(2))
    log = master.log()
    assert "going on without preloading" not in log
    # The C library does without clone3 only if the system does not know it.
    has_threads = error == "ENOSYS" or "clone3" not in calls
    assert log.count("helper thread: ") == (0 if has_threads else 1 + log.count(", reloaded")), "told once by each program"
    master.stop()


def test_where_no_process_can_be_started_the_start_fails_with_the_reason(master):
    result = master.run(wrapper=refusing("EPERM", "clone"), program=["/bin/sleep", "1000"])
    assert result.returncode == 1
    assert "this system does not allow processes to be started: fork: Operation not permitted" in result.stderr
    assert not master.socket_path.exists()


@pytest.mark.parametrize("call", ["epoll_create1", "signalfd4"])
def test_what_nothing_goes_without_is_named_at_the_start(master, call):
    result = master.run(wrapper=refusing("EPERM", call), program=["/bin/sleep", "1000"])
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert "Operation not permitted" in result.stderr
    assert not master.socket_path.exists()


@pytest.mark.skipif(not can_unshare(), reason="needs namespaces")
def test_without_proc_the_start_fails_with_the_reason(master):
    result = master.run(wrapper=["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"'],
                        program=["/bin/sleep", "1000"])
    assert result.returncode == 1
    assert "/proc: it must be mounted" in result.stderr
    assert not master.socket_path.exists()
