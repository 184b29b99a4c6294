# SPDX-License-Identifier: GPL-3.0-or-later
"""A master with the groups of a TOML file."""

import pytest

from harness import PROBE, Master, eventually, load_result
from services import to_toml


def group_text(name, cmd, start_immediate=True, restart="always", **keys):
    """The table of one group."""
    keys = {"cmd": [str(word) for word in cmd], "start_immediate": start_immediate, "restart": restart, **keys}
    return to_toml({name: keys})


class Groups(Master):
    """Made by the fixture `groups`."""

    def __init__(self):
        super().__init__()
        self.file = self.dir / "groups.toml"
        self.only = None

    def write(self, text):
        """Replaces the file."""
        fresh = self.dir / "groups.toml.new"
        fresh.write_text(text)
        fresh.rename(self.file)

    def start(self, text, *options, only=None, **kwargs):
        """only: the groups that are waited for; default all."""
        self.write(text)
        self.spawn("--config", self.file, *options, program=[], **kwargs)
        self.probing = False
        self.wait_ready(only=only)
        return self

    def wait_ready(self, only=None):
        self.wait_answering()

        def is_ready(group):
            workers = [worker["state"] for worker in group["workers"]]
            return workers == ["ready"] * group["target"] and not group["upgrade"]

        def ready():
            return all(is_ready(group) and self.has_reported(group) for group in self.status()["groups"]
                       if only is None or group["name"] in only)
        try:
            eventually(ready, 60)
        except AssertionError:
            raise AssertionError(f"not ready: {self.status()}\n{self.log()}") from None

    def has_reported(self, group):
        """A timer may call a probe ready that has hardly begun."""
        return self.is_no_probe(group["name"]) or all(self.report_path(w["pid"]) for w in group["workers"])

    def is_no_probe(self, name):
        own = self.file.read_text().partition(f"[{name}]\n")[2].partition("\n[")[0]
        return PROBE not in own

    def of(self, name):
        """The group's status."""
        return next(group for group in self.status()["groups"] if group["name"] == name)

    def names(self):
        return [group["name"] for group in self.status()["groups"]]

    def pids(self, name, *states):
        return [w["pid"] for w in self.of(name)["workers"] if not states or w["state"] in states]

    def load_result(self, process):
        return load_result(process)


@pytest.fixture
def groups():
    made = Groups()
    yield made
    made.clean_up()
