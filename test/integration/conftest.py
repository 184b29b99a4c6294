# SPDX-License-Identifier: GPL-3.0-or-later
import faulthandler
import os
import shutil
import signal

import pytest

import harness
import terminal as terminals


def pytest_configure(config):
    config.addinivalue_line("markers", "bounded(seconds): the test may take this long (default 90)")
    for program in (harness.MASTER, harness.CTL, harness.HTTP_WORKER, harness.PROBE, harness.LOAD,
                    harness.PRELOAD_PROBE, harness.PRELOAD_HTTP):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is missing: build first, or set EINHYRNINGSINS_BIN and EINHYRNINGSINS_WORKERS", 4)


# With a sanitizer, processes are larger, cannot be traced, need /proc to unwind the stack, and do not exit while a thread
# waits for a disk.
NOT_UNDER_SANITIZERS = (
    "test_client_that_never_reads_is_dropped", "test_never_wider_for_a_moment", "test_memory_does_not_grow_with_deaths", "test_memory_is_shared",
    "test_long_yaml_leaves_no_memory_behind", "test_clone_fails_for_a_while", "test_too_few_descriptors_at_the_start",
    "test_without_proc_the_start_fails", "test_slow_disk", "test_frozen_disk.py::test_a_stop_does_not_wait_for_it",
    "test_idle", "test_zero_loss")


def pytest_collection_modifyitems(config, items):
    if not harness.SANITIZED:
        return
    left_out = [item for item in items if any(name in item.nodeid for name in NOT_UNDER_SANITIZERS)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Limits the time of every test."""
    marker = item.get_closest_marker("bounded")
    seconds = (marker.args[0] if marker else 90) * harness.SLOWNESS

    def expire(*_):
        faulthandler.dump_traceback()
        pytest.fail(f"longer than {seconds} s")
    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Adds the log of the master to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for name, value in item.funcargs.items():
            if isinstance(value, harness.Master):
                report.sections.append((f"log of {name}", value.log()[-6000:]))


@pytest.fixture
def master():
    """A master that has not been started; its remaining processes are killed by pid afterwards."""
    made = harness.Master()
    yield made
    made.clean_up()


@pytest.fixture
def other_master():
    """A second master with its own directory."""
    made = harness.Master()
    yield made
    made.clean_up()


@pytest.fixture
def terminal(master):
    if not shutil.which("tmux"):
        pytest.skip("needs tmux")
    # Without the mark, as the terminal outlives the masters in it. It is closed at the end of the test.
    environment = {key: value for key, value in master.environment().items() if key != harness.MARK}
    made = terminals.Terminal(master.dir, {**environment, "TERM": "xterm-256color", "SHELL": "/bin/sh"})
    yield made
    made.close()
