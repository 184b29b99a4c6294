# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for conditions, never for fixed times."""

import os
import select
import time

PATIENCE = 60  # seconds; a run that takes longer is given up


class GaveUp(Exception):
    """Something did not happen in time."""


def until(predicate, what, patience=PATIENCE, pause=0.0005):
    deadline = time.monotonic() + patience
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise GaveUp(what)
        time.sleep(pause)
    return value


def wait_gone(pids, began):
    """Seconds from `began` (ns) until the last of the pids has ended. pids: their pidfds."""
    waiting = select.poll()
    for fd in pids:
        waiting.register(fd, select.POLLIN)
    left = set(pids)
    while left:
        ready = waiting.poll(PATIENCE * 1000)
        if not ready:
            raise GaveUp("the end of the old workers")
        for fd, _ in ready:
            waiting.unregister(fd)
            left.discard(fd)
    gone = time.monotonic_ns()
    for fd in pids:
        os.close(fd)
    return (gone - began) / 1e9
