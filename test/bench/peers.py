# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers: other supervisors, as far as they are installed."""

import pathlib
import socket
import tempfile

from bench.processes import descendants, name_of
from bench.subjects import Subject
from bench.tools import WORKER


class Runit(Subject):
    name = "runit"
    needs = ("runsvdir", "runsv")

    def prepare(self):
        self.services = pathlib.Path(tempfile.mkdtemp(prefix="runit", dir=self.bench.dir))
        for n in range(self.count):
            service = self.services / f"w{n}"
            service.mkdir()
            (service / "run").write_text(f"#!/bin/sh\nexec {WORKER}\n")
            (service / "run").chmod(0o755)

    def command(self):
        return ["runsvdir", self.services]

    def supervisors(self):
        return [self.process.pid, *[p for p in descendants(self.process.pid) if name_of(p) == "runsv"]]


class S6(Subject):
    name = "s6"
    needs = ("s6-svscan", "s6-supervise")
    prepare = Runit.prepare

    def command(self):
        return ["s6-svscan", "-c", max(1000, self.count), self.services]

    def supervisors(self):
        return [self.process.pid, *[p for p in descendants(self.process.pid) if name_of(p) == "s6-supervise"]]


class Supervisor(Subject):
    name = "supervisor"
    needs = ("supervisord",)

    def prepare(self):
        self.configuration = self.bench.dir / "supervisord.conf"
        self.configuration.write_text(
            f"[supervisord]\nnodaemon=true\nminfds=8192\nlogfile=/dev/null\nlogfile_maxbytes=0\n"
            f"pidfile={self.bench.dir}/supervisord.pid\nchildlogdir={self.bench.dir}\n"
            f"[unix_http_server]\nfile={self.bench.dir}/supervisor.sock\n"
            f"[rpcinterface:supervisor]\n"
            f"supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.bench.dir}/supervisor.sock\n"
            f"[program:w]\ncommand={WORKER}\nnumprocs={self.count}\nprocess_name=w%(process_num)d\n"
            f"startsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n")

    def command(self):
        return ["supervisord", "-c", self.configuration]


class ServerStarter(Subject):
    name = "Server::Starter"
    needs = ("start_server",)

    def command(self):
        return ["start_server", "--port", f"127.0.0.1:{free_port()}", "--signal-on-hup=USR2", "--", WORKER]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def existing(options, *peers):
    """Those that are installed; none with --no-peers."""
    return [peer for peer in peers if peer.there()] if options.peers else []
