# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios share: a master in a private directory, a control client, waiting for conditions.

Where the programs are: EINHYRNINGSINS_BIN (default build/bin) and EINHYRNINGSINS_WORKERS (default build/workers).
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("EINHYRNINGSINS_BIN", ROOT / "build/bin")).resolve()
WORKERS = pathlib.Path(os.environ.get("EINHYRNINGSINS_WORKERS", ROOT / "build/workers")).resolve()

MASTER = str(BIN / "einhyrningsins")
CTL = str(BIN / "einhyrningsinsctl")
EINHORN = str(BIN / "einhorn")
EINHORNSH = str(BIN / "einhornsh")
FIRESTARTER = str(BIN / "firestarter")
HTTP_WORKER = str(WORKERS / "http_worker")
PROBE = str(WORKERS / "probe_worker")
LOAD = str(WORKERS / "load")
TALKER = str(WORKERS / "talker")
PRELOAD_PROBE = str(WORKERS / "libpreload_probe.so")
PRELOAD_HTTP = str(WORKERS / "libpreload_http.so")
PRELOAD_TALKER = str(WORKERS / "libpreload_talker.so")

MARK = "EINHYRNINGSINS_TEST_MARK"
SANITIZED = bool(os.environ.get("EINHYRNINGSINS_SANITIZED"))
SLOWNESS = 3 if SANITIZED else 1  # what a test may take longer
PATIENCE = 20.0 * SLOWNESS  # seconds; generous, because the machine may be busy: nothing waits this long unless it fails


def eventually(predicate, timeout=PATIENCE, what=None):
    """Waits until predicate() is true and returns its value."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or predicate.__doc__ or predicate}")
        time.sleep(pause)
        pause = min(pause * 1.3, 0.05)


def alive(pid):
    """Whether the process is there and no zombie."""
    try:
        return process_state(pid) != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def process_state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def open_files(pid):
    """What each descriptor of a process leads to; it may close some meanwhile."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


def leave_descriptors(pid, number):
    """The process may open that many more, until its limit is lifted: limits are about numbers, not about how many
    there are."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = set(open_files(pid))
    free = [number for number in range(hard) if number not in used]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[number], hard))
    return lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))


def processes_marked(mark):
    """The pids of all processes that inherited the mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                environment = pathlib.Path(f"/proc/{entry}/environ").read_bytes()
            except OSError:
                continue
            if wanted in environment.split(b"\0"):
                found.append(int(entry))
    return found


def kill_quietly(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Control:
    """A client of the control socket: one request a line, JSON."""

    def __init__(self, path, timeout=PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = b""
        self.last_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line without its end; None at the end of the connection."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def send(self, command, *args, **keys):
        """Sends a request with an id, which is returned."""
        self.last_id += 1
        request = {"id": self.last_id, "command": command, **keys}
        if args:
            request["args"] = [str(arg) for arg in args]
        self.send_raw(json.dumps(request).encode() + b"\n")
        return self.last_id

    def reply(self):
        line = self.line()
        assert line is not None, "the master closed the connection"
        return json.loads(line)

    def finish(self, request_id):
        """The last reply to the request; those before it are in its "progress"."""
        progress = []
        while True:
            reply = self.reply()
            assert reply["request_id"] == request_id
            if not reply.get("wait"):
                return {**reply, "progress": progress}
            progress.append(reply)

    def request(self, command, *args, **keys):
        return self.finish(self.send(command, *args, **keys))

    def bare(self, command, *args, **keys):
        """A request without id: the answer is one JSON string."""
        request = {"command": command, **keys}
        if args:
            request["args"] = list(args)
        self.send_raw(json.dumps(request).encode() + b"\n")
        line = self.line()
        assert line is not None, "the master closed the connection"
        return json.loads(line)


class Report:
    """What a probe_worker has told about itself."""

    def __init__(self, path):
        # The probe writes bytes above 127 as latin-1.
        self.__dict__.update(json.loads(pathlib.Path(path).read_text()))
        self.variables = dict(entry.split("=", 1) for entry in self.env)

    def fd(self, number):
        return next(each for each in self.fds if each["fd"] == number)


class Master:
    """One master and everything that belongs to it. Made by the fixture `master`, which also cleans up."""

    def __init__(self):
        self.mark = uuid.uuid4().hex
        # Short: a unix socket's path may have 107 bytes.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ein-", dir="/tmp"))
        self.socket_path = self.dir / "c.sock"
        self.reports = self.dir / "r"
        self.reports.mkdir()
        self.stderr_path = self.dir / "stderr"
        self.stdout_path = self.dir / "stdout"
        self.executable = MASTER
        self.process = None
        self.probing = False
        self.others = []

    # ---- Starting ----

    def environment(self, extra=None):
        result = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(self.dir),
                  "LANG": "C.UTF-8", MARK: self.mark}
        result.update(extra or {})
        return result

    def command(self, *options, program=None):
        options = [str(option) for option in options]
        own_path = [] if any(o in ("-d", "-c") or o.startswith("--socket-path") for o in options) \
            else ["-d", str(self.socket_path)]
        program = self.probe() if program is None else program
        return [self.executable, *own_path, *options, *[str(word) for word in program]]

    def probe(self, *options):
        return [PROBE, "--dir", str(self.reports), *[str(option) for option in options]]

    def spawn(self, *options, program=None, env=None, wrapper=(), **popen):
        """Starts the master without waiting for anything. wrapper: words before the command line."""
        self.probing = program is None or PROBE in map(str, program)
        popen.setdefault("cwd", self.dir)
        popen.setdefault("start_new_session", True)
        popen.setdefault("stdin", subprocess.DEVNULL)
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            popen.setdefault("stdout", out)
            popen.setdefault("stderr", err)
            self.process = subprocess.Popen(
                [*wrapper, *self.command(*options, program=program)],
                env=self.environment(env), **popen)
        self.others.append(self.process)
        return self

    def start(self, *options, ready=None, **kwargs):
        """Starts the master and waits until its workers are ready (ready: how many; default all)."""
        self.spawn(*options, **kwargs)
        self.wait_ready(ready)
        return self

    def run(self, *options, timeout=PATIENCE, env=None, program=None, **kwargs):
        """Runs a master that is expected to end at once: the result has returncode, stdout, stderr."""
        return subprocess.run(self.command(*options, program=program), env=self.environment(env),
                              cwd=self.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, **kwargs)

    def script(self, name, *words):
        """An executable in the private directory that runs `words`; written anew, it is a new version."""
        path = self.dir / name
        quoted = " ".join("'" + str(word).replace("'", "'\\''") + "'" for word in words)
        new = self.dir / (name + ".new")
        new.write_text(f"#!/bin/sh\nexec {quoted}\n")
        new.chmod(0o755)
        new.rename(path)
        return path

    # ---- Asking ----

    @property
    def pid(self):
        return self.process.pid

    def connect(self, timeout=PATIENCE):
        return Control(self.socket_path, timeout)

    def request(self, command, *args, **keys):
        with self.connect() as control:
            return control.request(command, *args, **keys)

    def status(self):
        reply = self.request("status")
        assert reply["ok"], reply
        return reply["data"]

    def group(self):
        return self.status()["groups"][0]

    def workers(self, *states):
        """The workers of the group, by index; states: only those."""
        found = [w for w in self.group()["workers"] if not states or w["state"] in states]
        return sorted(found, key=lambda worker: (worker["index"], worker["generation"]))

    def pids(self, *states):
        return [worker["pid"] for worker in self.workers(*states)]

    def address(self, n=0):
        return self.group()["listeners"][n]["address"]

    def answers(self):
        """Whether the control socket is served."""
        try:
            return self.request("ehlo")["ok"]
        except (OSError, AssertionError):
            return False

    def wait_answering(self, timeout=PATIENCE):
        def answering():
            assert self.process.poll() is None, f"the master ended ({self.process.returncode}):\n{self.log()}"
            return self.answers()
        eventually(answering, timeout, f"the control socket of the master answers:\n{self.log()}")

    def wait_ready(self, count=None, timeout=PATIENCE):
        """Waits until `count` workers (default: the target) are ready and none else is there.

        A timer may call a probe ready that has hardly begun: it is so when it has reported, and takes signals.
        """
        self.wait_answering(timeout)

        def ready():
            group = self.group()
            states = [worker["state"] for worker in group["workers"]]
            wanted = group["target"] if count is None else count
            return states == ["ready"] * wanted and all(
                self.report_path(worker["pid"]) for worker in group["workers"] if self.probing)
        try:
            eventually(ready, timeout)
        except AssertionError:
            raise AssertionError(f"not ready: {self.group()}\n{self.log()}") from None

    def report(self, pid):
        return Report(eventually(lambda: self.report_path(pid), what=f"report of worker {pid}"))

    def report_path(self, pid):
        path = self.reports / f"{pid}.json"
        return path if path.exists() else None

    def all_reports(self):
        return [Report(path) for path in self.reports.glob("*.json")]

    def first_report(self):
        return self.report(self.pids()[0])

    def signals_of(self, pid):
        try:
            return (self.reports / f"{pid}.signals").read_text().split()
        except FileNotFoundError:
            return []

    def wait_signal(self, pid, name):
        eventually(lambda: name in self.signals_of(pid), what=f"worker {pid} gets {name}")

    def log(self):
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""

    def wait_log(self, pattern, timeout=PATIENCE, count=1):
        def found():
            return len(re.findall(pattern, self.log(), re.IGNORECASE)) >= count
        try:
            eventually(found, timeout)
        except AssertionError:
            raise AssertionError(f"the log never said /{pattern}/ {count} times:\n{self.log()}") from None

    def ctl(self, *words, timeout=PATIENCE, **kwargs):
        kwargs.setdefault("env", self.environment())
        return subprocess.run([CTL, "-d", str(self.socket_path), *[str(word) for word in words]],
                              capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, **kwargs)

    # ---- Load ----

    def load(self, *options, target=None, **popen):
        """Starts the load generator; its result by load_result()."""
        return subprocess.Popen([LOAD, *[str(option) for option in options], target or self.address()],
                                stdout=subprocess.PIPE, text=True, env=self.environment(), **popen)

    def get(self, target=None, timeout=PATIENCE):
        """The headers of one HTTP reply, as a dictionary, and the body as "body"."""
        with connect_to(target or self.address(), timeout) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return parse_reply(read_all(peer))

    # ---- Stopping ----

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_exit(self, timeout=PATIENCE):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the master is still there:\n{self.log()}") from None

    def marked(self):
        return processes_marked(self.mark)

    def stop(self):
        """A graceful stop, checked to leave nothing behind."""
        self.signal(signal.SIGTERM)
        code = self.wait_exit()
        assert code == 0, f"exit code {code}:\n{self.log()}"
        assert not self.socket_path.exists()
        eventually(lambda: not self.marked(), what="no process is left after a graceful stop")

    def clean_up(self):
        """Ends whatever is left of the test, by pid."""
        for process in self.others:
            if process.poll() is None:
                process.kill()
        deadline = time.monotonic() + PATIENCE
        while (left := self.marked()) and time.monotonic() < deadline:
            for pid in left:
                kill_quietly(pid)
            time.sleep(0.005)
        for process in self.others:
            process.wait(PATIENCE)
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not left, f"processes of the test are left: {left}"


def load_result(process, timeout=300):
    out, _ = process.communicate(timeout=timeout)
    assert process.returncode == 0
    return json.loads(out)


def free_port(family=socket.AF_INET, host="127.0.0.1", kind=socket.SOCK_STREAM):
    """A port that nobody has for the moment."""
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def connect_to(address, timeout=PATIENCE):
    if address.startswith("@"):
        family, target = socket.AF_UNIX, "\0" + address[1:]
    elif address.startswith("/"):
        family, target = socket.AF_UNIX, address
    else:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        target = ({"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host), int(port))
    peer = socket.socket(family)
    peer.settimeout(timeout)
    peer.connect(target)
    return peer


def read_all(peer):
    data = b""
    while piece := peer.recv(65536):
        data += piece
    return data


def parse_reply(data):
    head, _, body = data.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert " 200 " in lines[0] + " ", lines[0]
    return {**dict(line.split(": ", 1) for line in lines[1:]), "body": body}


def is_root():
    return os.geteuid() == 0


def can_unshare():
    """Whether private mount and pid namespaces can be made here."""
    return is_root() and subprocess.run(["unshare", "-m", "-p", "-f", "true"],
                                        capture_output=True, check=False).returncode == 0
