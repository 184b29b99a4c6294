# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of --help and of the manual page are the same, and all of them are accepted."""

import re
import subprocess

import pytest

from harness import CTL, EINHORN, EINHORNSH, MASTER, ROOT

PROGRAMS = [(MASTER, "einhyrningsins.1"), (CTL, "einhyrningsinsctl.1"), (EINHORN, "einhorn.1"),
            (EINHORNSH, "einhornsh.1")]
IDS = ["einhyrningsins", "einhyrningsinsctl", "einhorn", "einhornsh"]


def options_of_help(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20).stdout
    found = set()
    for line in text.splitlines():
        # The option's own column: "  -n, --number COUNT   workers to run"
        match = re.match(r" {1,6}(-[^ ].*?)(?: {2,}|$)", line)
        if match:
            found.update(re.findall(r"(?<![\w-])--?[A-Za-z0-9][\w-]*", match.group(1)))
    return found


def options_of_manual(page):
    found = set()
    for line in (ROOT / "man" / page).read_text().splitlines():
        if not line.startswith(".It Fl"):
            continue
        words = line.split()
        for before, word in zip(words[1:], words[2:]):
            if before == "Fl" or (before == "," and word.startswith("-")):
                found.add("-" + word)
    return {re.sub(r"[^\w-].*", "", option) for option in found if option != "-Fl"}


@pytest.mark.parametrize("program, page", PROGRAMS, ids=IDS)
def test_help_and_manual_name_the_same_options(program, page):
    of_help, of_manual = options_of_help(program), options_of_manual(page)
    assert len(of_help) >= 4
    assert of_help - of_manual == set(), "in --help but not in the manual"
    assert of_manual - of_help == set(), "in the manual but not in --help"


SPECIFIED = {"-n", "--number", "-b", "--bind", "-4", "--ipv4-only", "-6", "--ipv6-only", "-m", "--manual", "--ack-mode",
             "--ack-timeout", "-r", "--retries", "-s", "--seconds", "--stop-signal", "-t", "--signal-timeout",
             "--signal-scope", "--leftovers",
             "--max-unacked", "--max-upgrade-additional", "--reexec-as", "--drop-env-var", "-d", "--socket-path",
             "--socket-mode", "--socket-group", "-c", "--command-name", "-e", "--pidfile", "-f", "--lockfile", "-g",
             "--command-socket-as-fd", "-k", "--kill-children-on-exit", "-p", "--preload", "-l", "--backlog", "--nice",
             "--config", "--check", "--syslog", "--log-format", "-v", "--verbose", "-q", "--quiet", "-h", "--help", "--version"}


def test_options_are_those_of_the_contract():
    assert options_of_help(MASTER) == SPECIFIED


@pytest.mark.parametrize("option", sorted(options_of_help(MASTER)))
def test_option_of_help_is_known(option):
    result = subprocess.run([MASTER, "--check", option], capture_output=True, text=True, timeout=20)
    assert "unknown" not in result.stderr.lower() and "unrecogni" not in result.stderr.lower()


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "man").glob("*.[1-8]")))
def test_manual_names_only_programs_and_pages_that_there_are(page):
    text = (ROOT / "man" / page).read_text()
    ours = {path.name for path in (ROOT / "man").iterdir()}
    for name, section in re.findall(r"^\.Xr (einh[\w.-]*) (\d)", text, re.MULTILINE):
        assert f"{name}.{section}" in ours
