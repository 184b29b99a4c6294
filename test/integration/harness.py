# SPDX-License-Identifier: GPL-3.0-or-later
"""Common parts of the scenarios: a master in a private directory, a control client, waiting for conditions.

The programs are in EINHYRNINGSINS_BIN (default build/bin) and EINHYRNINGSINS_WORKERS (default build/workers).
"""

import contextlib
import errno
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
SLOWNESS = 3 if SANITIZED else 1  # factor for time limits
PATIENCE = 20.0 * SLOWNESS  # seconds; generous, since the machine may be busy: only failing tests wait this long


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
    """Whether the process exists and is not a zombie."""
    try:
        return process_state(pid) != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def process_state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def open_files(pid):
    """The target of each descriptor of a process, which may close some meanwhile."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


def leave_descriptors(pid, number):
    """Limits a process to `number` more descriptors. Returns a function that lifts the limit. The limit applies to
    descriptor numbers, not to their count."""
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
    """A client of the control socket: JSON requests, one per line."""

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
        """The next line without its newline; None at the end of the connection."""
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
        """Sends a request with an id and returns the id."""
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
        """The last reply to the request, with the previous ones in its "progress"."""
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
        """Sends a request without an id: the reply is a JSON string."""
        request = {"command": command, **keys}
        if args:
            request["args"] = list(args)
        self.send_raw(json.dumps(request).encode() + b"\n")
        line = self.line()
        assert line is not None, "the master closed the connection"
        return json.loads(line)


class Report:
    """The report of a probe_worker about itself."""

    def __init__(self, path):
        # The probe writes bytes above 127 as latin-1.
        self.__dict__.update(json.loads(pathlib.Path(path).read_text()))
        self.variables = dict(entry.split("=", 1) for entry in self.env)

    def fd(self, number):
        return next(each for each in self.fds if each["fd"] == number)


class Master:
    """A master and everything that belongs to it. Created and cleaned up by the fixture `master`."""

    def __init__(self):
        self.mark = uuid.uuid4().hex
        # Short, as the path of a unix socket may have at most 107 bytes.
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
        """Starts the master and waits until `ready` workers (default: all) are ready."""
        self.spawn(*options, **kwargs)
        self.wait_ready(ready)
        return self

    def run(self, *options, timeout=PATIENCE, env=None, program=None, wrapper=(), **kwargs):
        """Runs a master that is expected to exit immediately; returns returncode, stdout and stderr."""
        return subprocess.run([*wrapper, *self.command(*options, program=program)], env=self.environment(env),
                              cwd=self.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, **kwargs)

    def script(self, name, *words):
        """Writes an executable to the private directory that runs `words`; writing it again makes a new version."""
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
        """The workers of the group, sorted by index; with `states`, only those in one of them."""
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
        """Waits until `count` workers (default: the target) are ready and there are no others.

        With a timer, a probe may count as ready before it handles signals, so its report is waited for as well.
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
        """Everything logged so far: a helper thread of the master writes it, and exits soon after."""
        with contextlib.suppress(AssertionError):
            eventually(lambda: self.threads() <= 1, timeout=2)
        return self.log_so_far()

    def log_so_far(self):
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""

    def threads(self):
        try:
            return len(os.listdir(f"/proc/{self.pid}/task"))
        except (AttributeError, FileNotFoundError, ProcessLookupError):
            return 0  # there is none

    def wait_log(self, pattern, timeout=PATIENCE, count=1):
        def found():
            return len(re.findall(pattern, self.log_so_far(), re.IGNORECASE)) >= count
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
        """Starts the load generator; see load_result()."""
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

    def hold_up(self):
        """Stops the master and returns a function that lets it continue."""
        self.signal(signal.SIGSTOP)
        eventually(lambda: process_state(self.pid) == "T")
        return lambda: self.signal(signal.SIGCONT)

    def wait_exit(self, timeout=PATIENCE):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the master is still there:\n{self.log()}") from None

    def marked(self):
        return processes_marked(self.mark)

    def stop(self):
        """Stops the master gracefully and checks that nothing is left behind."""
        self.signal(signal.SIGTERM)
        code = self.wait_exit()
        assert code == 0, f"exit code {code}:\n{self.log()}"
        assert not self.socket_path.exists()
        eventually(lambda: not self.marked(), what="no process is left after a graceful stop")

    def clean_up(self):
        """Kills all remaining processes of the test, by pid."""
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


PORTS_GIVEN = set()


def free_port(family=socket.AF_INET, host="127.0.0.1", kind=socket.SOCK_STREAM):
    """A port that is free at present and has not been returned to this process before."""
    while True:
        with socket.socket(family, kind) as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
        if port not in PORTS_GIVEN:
            PORTS_GIVEN.add(port)
            return port


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


# Recent ones have the same numbers on all architectures.
SYSTEM_CALLS = {"pidfd_send_signal": 424, "pidfd_open": 434, "clone3": 435, "close_range": 436, "openat2": 437,
                "faccessat2": 439,
                **({"clone": 56, "memfd_create": 319, "statx": 332, "epoll_create1": 291,
                    "signalfd4": 289} if os.uname().machine == "x86_64" else
                   {"clone": 220, "memfd_create": 279, "statx": 291, "epoll_create1": 20, "signalfd4": 74})}

REFUSE = """
import ctypes, os, struct, sys
def step(code, true, false, value):
    return struct.pack("HBBI", code, true, false, value)
error, numbers = int(sys.argv[1]), [int(number) for number in sys.argv[2].split(",")]
program = step(0x20, 0, 0, 0)  # the number of the system call
for number in numbers:
    program += step(0x15, 0, 1, number) + step(0x06, 0, 0, 0x50000 | error)
program += step(0x06, 0, 0, 0x7FFF0000)
code = ctypes.create_string_buffer(program)
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, struct.pack("H6xQ", len(program) // 8, ctypes.addressof(code)), 0, 0):
    sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[3], sys.argv[3:])
"""


def refusing(error, *calls):
    """Words to put before a command line so that these system calls fail, as under a seccomp profile (EPERM) or on a
    kernel that lacks them (ENOSYS)."""
    numbers = ",".join(str(SYSTEM_CALLS[call]) for call in calls)
    return ["/usr/bin/python3", "-c", REFUSE, str(getattr(errno, error)), numbers]


def is_root():
    return os.geteuid() == 0


def can_unshare(*namespaces):
    """Whether private namespaces can be created here: mount and pid ones, or those of these options of unshare(1)."""
    return is_root() and subprocess.run(["unshare", *(namespaces or ["-m", "-p", "-f"]), "true"],
                                        capture_output=True, check=False).returncode == 0
