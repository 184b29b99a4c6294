# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of a TOML file, for scenarios about settings that only a file can have."""

import json
import os
import pwd

from harness import PROBE, eventually

NOBODY = pwd.getpwnam("nobody")


def to_toml(groups):
    """The text of a file with these groups: {"web": {"cmd": [...]}}. Strings, numbers, booleans and lists are written
    as in JSON, with the exception of one character."""
    def text(value):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "".join(f"[{name}]\n" + "".join(f"{key} = {text(value)}\n" for key, value in keys.items()) + "\n"
                   for name, keys in groups.items())


def write_groups(master, groups):
    path = master.dir / "groups.toml"
    path.write_text(to_toml(groups))
    return path


def spawn_groups(master, *options, env=None, wrapper=(), popen=None, **groups):
    """Starts the master with a file of these groups, and waits until it answers. "start_immediate" defaults to true
    here."""
    for keys in groups.values():
        keys.setdefault("start_immediate", True)
    master.spawn("--config", write_groups(master, groups), *options, program=[], env=env, wrapper=wrapper, **(popen or {}))
    master.probing = any(PROBE in keys["cmd"] for keys in groups.values())
    master.wait_answering()
    return master


def start_groups(master, *options, **groups):
    """Like spawn_groups(), but also waits until the workers of the first group are ready."""
    spawn_groups(master, *options, **groups)
    master.wait_ready()
    return master


def open_to_others(master):
    """Gives workers that run as other users access to the directories of the test."""
    master.dir.chmod(0o755)
    master.reports.chmod(0o777)


def state(master, place=0):
    return master.status()["groups"][place]["state"]


def generation(master):
    return master.group()["generation"]


def wait_generation(master, number):
    """Waits until an upgrade to this generation is complete."""
    def through():
        group = master.group()
        return group["generation"] == number and group["state"] == "running" and \
            {worker["generation"] for worker in group["workers"]} == {number}
    try:
        eventually(through)
    except AssertionError:
        raise AssertionError(f"generation {number} never came: {master.group()}\n{master.log()}") from None


def reload_master(master):
    reply = master.request("reload")
    assert reply["ok"], reply


def python(path, text):
    """Writes an executable Python program."""
    new = path.with_name(path.name + ".new")
    new.write_text("#!/usr/bin/python3\n" + text)
    new.chmod(0o755)
    os.rename(new, path)
    return path
