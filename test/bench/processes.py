# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc tells about processes, and their end."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from bench.waiting import until


def descendants(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found


def end_by_force(process):
    """Ends the process and all that descend from it, by pid."""
    pids = [process.pid]
    with contextlib.suppress(OSError):
        pids = [*descendants(process.pid), process.pid]
    for _ in range(2):
        for pid in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()
    for pid in pids:
        until(lambda: not is_alive(pid), f"end of {pid}")


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def name_of(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def memory_of(pids):
    """(PSS, private dirty) in KB."""
    pss = dirty = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        pss += int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE).group(1))
        dirty += int(re.search(r"^Private_Dirty: +(\d+)", text, re.MULTILINE).group(1))
    return pss, dirty


def open_sockets(pid):
    targets = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            targets.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return sum(target.startswith("socket:") for target in targets)


def system_calls(pid, seconds, directory):
    """How many system calls the process makes in that time, after the one that strace's attaching interrupts."""
    trace = directory / "trace"
    strace = subprocess.Popen(["strace", "-f", "-o", trace, "-p", str(pid)], stderr=subprocess.PIPE)
    try:
        strace.stderr.readline()
        time.sleep(0.5)
        before = trace.read_text().count("\n")
        time.sleep(seconds)
        return trace.read_text().count("\n") - before
    finally:
        strace.terminate()
        strace.wait()


def run_time(command):
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    os.waitpid(pid, 0)
    return time.perf_counter() - began
