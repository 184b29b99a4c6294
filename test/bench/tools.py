# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the programs are that are measured, and the small C programs that they are measured with."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("EINHYRNINGSINS_BIN", ROOT / "build/bin")).resolve()
WORKERS = pathlib.Path(os.environ.get("EINHYRNINGSINS_WORKERS", ROOT / "build/workers")).resolve()
MASTER, CTL = BIN / "einhyrningsins", BIN / "einhyrningsinsctl"

SOURCES = ROOT / "test/bench"
TOOLS = ROOT / "build/bench"
WORKER, FLOOR, CONTROL, ECHO, WRITER = (TOOLS / name for name in ("worker", "floor", "control", "echo", "writer"))
EXECUTED, PRELOADED = TOOLS / "preload", TOOLS / "preload.so"


def compile_tool(tool, source, *options):
    """Compiles the tool if one of the sources is newer."""
    newest = max(path.stat().st_mtime for path in SOURCES.glob("*.[ch]"))
    if not tool.exists() or tool.stat().st_mtime < newest:
        subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", *options, "-o", tool, SOURCES / source], check=True)


def build_tools():
    TOOLS.mkdir(parents=True, exist_ok=True)
    compile_tool(PRELOADED, "preload.c", "-shared", "-fPIC", "-DPRELOADED")
    for tool in (WORKER, FLOOR, CONTROL, ECHO, WRITER, EXECUTED):
        compile_tool(tool, f"{tool.name}.c", "-static")
