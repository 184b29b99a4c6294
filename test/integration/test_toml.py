# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of a TOML file (SPEC 6), by --config."""

import json
import os
import re
import signal
import subprocess

import pytest

from harness import HTTP_WORKER, MARK, MASTER, PROBE, ROOT, WORKERS, eventually, kill_quietly

EXAMPLE = ROOT / "scripts/examples/einhyrningsins.toml"
MANUAL = (ROOT / "man/einhyrningsins.toml.5").read_text()


def write(master, text):
    path = master.dir / "config.toml"
    path.write_text(text)
    return path


def probe_group(master, name, *lines, start=True):
    """A group of probes that need no time for their ack."""
    text = [f"[{name}]", f"cmd = {json.dumps(master.probe())}"]
    if start:
        text += ["start_immediate = true"]
    if not any(line.startswith("ack") for line in lines):
        text += ["ack_timeout = 0"]
    return "\n".join([*text, *lines]) + "\n"


def groups(master):
    return {group["name"]: group for group in master.status()["groups"]}


def all_ready(master):
    """All workers of all groups are ready, and probes have told about themselves."""
    for group in master.status()["groups"]:
        states = [worker["state"] for worker in group["workers"]]
        if states != ["ready"] * group["target"]:
            return False
        if master.probing and not all(master.report_path(worker["pid"]) for worker in group["workers"]):
            return False
    return True


def start(master, text, *options, **kwargs):
    master.spawn("--config", write(master, text), *options, program=[], **kwargs)
    master.probing = PROBE in text
    master.wait_answering()
    eventually(lambda: all_ready(master), what=f"all groups are ready:\n{master.log()}")
    return master


def run(master, text, *options, **kwargs):
    return master.run("--config", write(master, text), *options, program=[], **kwargs)


def check(master, text, *options, **kwargs):
    return run(master, text, "--check", *options, **kwargs)


def reports(master, name):
    return [master.report(worker["pid"]) for worker in groups(master)[name]["workers"]]


# ---- Groups ----

def test_two_groups_serve(master):
    start(master, f"""
        [web1]
        cmd = ["{HTTP_WORKER}", "--body", "one"]
        numprocesses = 2
        socket_address = ["127.0.0.1:0", "{master.dir}/a.sock"]
        start_immediate = true
        ack = "manual"
        [web2]
        exec_start = "{HTTP_WORKER} --body 'two words'"
        bind = [0]
        start_immediate = true
        ack = "manual"
        [jobs]
        cmd = ["sleep", "1000"]
        ack_timeout = 0
        """)
    found = groups(master)
    assert list(found) == ["web1", "web2", "jobs"]
    assert [len(found[name]["workers"]) for name in found] == [2, 1, 1]
    assert master.get(found["web1"]["listeners"][0]["address"])["body"] == "one"
    assert master.get(found["web1"]["listeners"][1]["address"])["body"] == "one"
    assert found["web2"]["listeners"][0]["address"].startswith("127.0.0.1:")
    assert master.get(found["web2"]["listeners"][0]["address"])["body"] == "two words"
    assert found["jobs"]["listeners"] == []
    master.stop()


def test_environment_of_workers(master):
    start(master, probe_group(
        master, "web", "numprocesses = 2", 'socket_address = ["127.0.0.1:0", "127.0.0.1:0"]',
        'environments = ["A=1", "LANG=xx", "LISTEN_FDS=99"]', 'drop_env_var = ["HOME"]'),
        env={"FIRESTARTER_FD_7": "1", "FIRESTARTER_APP_NAME": "kept"})
    for report in reports(master, "web"):
        got = report.variables
        assert len(got) == len(report.env)
        first, second = report.fd(3)["address"], report.fd(4)["address"]
        assert got == {
            "PATH": master.environment()["PATH"], "LANG": "xx", "A": "1", MARK: master.mark,
            "FIRESTARTER_APP_NAME": "kept",
            "EINHORN_MASTER_PID": str(master.pid), "EINHORN_SOCK_PATH": str(master.socket_path),
            "EINHORN_FD_COUNT": "2", "EINHORN_FD_0": "3", "EINHORN_FD_1": "4", "EINHORN_FDS": "3 4",
            "EINHORN_FD_FAMILY_0": "AF_INET", "EINHORN_FD_FAMILY_1": "AF_INET",
            "EINHORN_CHILD_INDEX": got["EINHORN_CHILD_INDEX"],
            "LISTEN_FDS": "2", "LISTEN_PID": str(report.pid), "LISTEN_FDNAMES": "web:web",
            "SERVER_STARTER_PORT": f"{first}=3;{second}=4", "SERVER_STARTER_GENERATION": "1",
            "FIRESTARTER_MASTER_PID": str(master.pid), "FIRESTARTER_SOCK_PATH": str(master.socket_path),
            "FIRESTARTER_FD_COUNT": "2", "FIRESTARTER_FD_0": "3", "FIRESTARTER_FD_1": "4"}
    master.stop()


def test_variables_have_the_prefix_of_the_group(master):
    start(master, probe_group(master, "a", 'environment_base_name = "MINE"', "command_socket_as_fd = true",
                              'bind = ["127.0.0.1:0"]') + probe_group(master, "b"),
          env={"MINE_OWN": "kept", "MINE_FD_5": "outer"})
    [a], [b] = reports(master, "a"), reports(master, "b")
    mine = {key: value for key, value in a.variables.items() if key.startswith("MINE_")}
    assert mine == {"MINE_OWN": "kept", "MINE_MASTER_PID": str(master.pid), "MINE_FD_COUNT": "1", "MINE_FD_0": "3",
                    "MINE_SOCK_PATH": str(master.socket_path), "MINE_SOCK_FD": "4"}
    assert not any(key.startswith("FIRESTARTER") for key in a.variables)
    assert b.variables["FIRESTARTER_FD_COUNT"] == "0"
    assert "FIRESTARTER_SOCK_FD" not in b.variables
    assert b.variables["MINE_FD_5"] == "outer"  # it is not b's prefix


def test_no_such_variables_without_a_file(master):
    master.start("--ack-mode", "0", env={"FIRESTARTER_FD_COUNT": "3"})
    assert not any(key.startswith("FIRESTARTER") for key in master.first_report().variables)


def test_working_directory_is_found_anew_by_each_generation(master):
    for name in ("one", "two"):
        (master.dir / name).mkdir()
    link = master.dir / "current"
    link.symlink_to("one")
    start(master, probe_group(master, "web", 'working_directory = "current"', 'restart = "always"'))
    [report] = reports(master, "web")
    assert report.cwd == str(master.dir / "one")
    (master.dir / "new").symlink_to("two")
    (master.dir / "new").rename(link)
    kill_quietly(report.pid)
    eventually(lambda: [w["pid"] for w in groups(master)["web"]["workers"]] not in ([], [report.pid]))
    eventually(lambda: all_ready(master))
    assert reports(master, "web")[0].cwd == str(master.dir / "one")
    assert master.request("upgrade")["ok"]
    eventually(lambda: all_ready(master) and groups(master)["web"]["generation"] == 2)
    eventually(lambda: [r.cwd for r in reports(master, "web")] == [str(master.dir / "two")])
    master.stop()


def test_program_is_found_in_the_working_directory_and_in_the_path_of_the_group(master):
    (master.dir / "bin").mkdir()
    master.script("bin/mine", *master.probe())
    common = "ack_timeout = 0\nstart_immediate = true\n"
    start(master, f'[a]\ncmd = ["./mine"]\nworking_directory = "bin"\n{common}'
                  f'[b]\ncmd = ["mine"]\nenvironments = ["PATH={master.dir}/bin:/bin"]\n{common}')
    assert all(len(group["workers"]) == 1 for group in groups(master).values())
    master.stop()


def test_missing_working_directory_is_reported(master):
    result = run(master, probe_group(master, "web", 'working_directory = "/nowhere"'))
    assert result.returncode == 1
    assert "/nowhere" in result.stderr and "No such file or directory" in result.stderr
    assert not master.socket_path.exists()


def test_variables_in_commands(master):
    start(master, f"""
        [web]
        exec_start = "{PROBE} --dir $WHERE '$WHERE' \\"${{OWN}}x\\""
        environments = ["OWN=a b"]
        start_immediate = true
        ack_timeout = 0
        """, env={"WHERE": str(master.reports)})
    [report] = reports(master, "web")
    assert report.argv[-3:] == [str(master.reports), "$WHERE", "a bx"]


def test_command_line_gives_defaults(master):
    start(master, probe_group(master, "a", 'drop_env_var = ["Y"]') + probe_group(master, "b"),
          "--drop-env-var", "X", "--kill-children-on-exit", env={"X": "1", "Y": "1"})
    [a], [b] = reports(master, "a"), reports(master, "b")
    assert "X" in a.variables and "Y" not in a.variables
    assert "X" not in b.variables and "Y" in b.variables


def test_name_is_the_masters(master):
    name = f"t{master.mark[:12]}"
    master.socket_path = type(master.socket_path)(f"/tmp/einhorn-{name}.sock")
    start(master, probe_group(master, "web"), "-c", name)
    assert list(groups(master)) == ["web"]
    cmdline = eventually(lambda: open(f"/proc/{master.pid}/cmdline", "rb").read())
    assert cmdline.rstrip(b"\0").decode() == f"einhyrningsins: {name}"
    master.stop()


def test_groups_survive_a_reload(master):
    start(master, probe_group(master, "a", 'environments = ["N=1"]', f'working_directory = "{master.reports}"')
          + probe_group(master, "b", "numprocesses = 2", 'environment_base_name = "BB"'))
    before = {name: [w["pid"] for w in group["workers"]] for name, group in groups(master).items()}
    assert master.request("reload")["ok"]
    master.wait_answering()
    assert before == {name: [w["pid"] for w in group["workers"]] for name, group in groups(master).items()}
    assert master.request("upgrade")["ok"]
    eventually(lambda: all_ready(master))
    [a] = reports(master, "a")
    assert a.pid not in before["a"]
    assert a.variables["N"] == "1" and a.cwd == str(master.reports)
    assert all(report.variables["BB_FD_COUNT"] == "0" for report in reports(master, "b"))
    master.stop()


# ---- What is wrong ----

WRONG = """numprocesses = 3
[web]
numproceses = 3
restart = true
socket_address = ["localhost"]
"""
COMPLAINTS = ["1:1: key 'numprocesses': is not in a group: write it below a line like [web]",
              "2:2: group 'web': key 'cmd' is missing: write cmd = [\"PROGRAM\"]",
              "3:1: key 'numproceses': is unknown (did you mean 'numprocesses'?)",
              "4:11: key 'restart': is a boolean: it must be a string",
              "5:19: key 'socket_address': 'localhost': a port is missing; write HOST:PORT, :PORT, or a path "
              "with a '/'"]


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["run", "check"])
def test_all_that_is_wrong(master, options):
    result = run(master, WRONG, *options)
    assert result.returncode == 2
    path = master.dir / "config.toml"
    assert result.stderr.splitlines() == [f"einhyrningsins: {path}:{line}" for line in COMPLAINTS]
    assert result.stdout == ""
    assert sorted(p.name for p in master.dir.iterdir()) == ["config.toml", "r"]


def test_check_of_a_right_file(master):
    result = check(master, probe_group(master, "a") + probe_group(master, "b"))
    assert (result.returncode, result.stdout, result.stderr) == (
        0, f"{master.dir}/config.toml is right: 2 groups\n", "")
    assert check(master, probe_group(master, "a")).stdout.endswith(" is right: 1 group\n")


@pytest.mark.parametrize("words, about", [(["-n", "2"], "--number"), (["-b", ":0"], "--bind"), (["-m"], "--manual"),
                                          (["-r", "2"], "--retries"), (["sleep", "1"], "'sleep'")])
def test_words_that_the_file_has_to_say(master, words, about):
    result = run(master, probe_group(master, "a"), *words)
    assert result.returncode == 2
    assert result.stderr.startswith(f"einhyrningsins: {about}: with --config, ")
    assert len(result.stderr.splitlines()) == 1


def test_files_that_cannot_be_read(master):
    fifo, large = master.dir / "fifo", master.dir / "large"
    os.mkfifo(fifo)
    with open(large, "wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    for path, reason in [(master.dir / "missing", "No such file or directory"), (master.dir, "is not a regular file"),
                         (fifo, "is not a regular file"), (large, "more than 16777216 bytes")]:
        result = master.run("--config", path, program=[])
        assert result.returncode == 1
        assert result.stderr.startswith(f"einhyrningsins: --config: {path}") and reason in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_large_file_is_read_in_time(master):
    text = "".join(f'[g{n}]\ncmd = ["sleep"]\nbind = ["/tmp/x{n}"]\nenvironments = ["A={"x" * 100}"]\n'
                   for n in range(20000))
    result = check(master, text)
    assert result.stdout.endswith(" is right: 20000 groups\n"), result.stderr[:1000]


# ---- The example, the manual and the table ----

def test_example(master):
    text = EXAMPLE.read_text()
    assert '["127.0.0.1:4000,r", "4001"]' in text
    text = text.replace('["127.0.0.1:4000,r", "4001"]', '["127.0.0.1:0,r", "0"]')
    text = text.replace("build/workers", str(WORKERS))
    start(master, text, cwd=ROOT)
    found = groups(master)
    assert {name: len(group["workers"]) for name, group in found.items()} == {"web": 2, "job": 1}
    for listener in found["web"]["listeners"]:
        assert master.get(listener["address"])["body"] == "hello\n"
    master.stop()


def keys_of_manual():
    """Each key with its type and default."""
    found = re.findall(r"^\.It Ic (\w+)\n\((.*?), default (.*)\)$", MANUAL, re.MULTILINE)
    assert len(found) == MANUAL.count(".It Ic ")
    return {key: (kind, default) for key, kind, default in found}


TYPES = {"text": "string", "scalar": "number or string", "name": "number or string", "flag": "boolean", "list": "array of strings",
         "places": "array of strings or ports", "command": "array of strings, or string"}


def keys_of_table():
    """The same out of the tables of the program: those that are options have no default there."""
    table = (ROOT / "src/config/toml_key_table.cpp").read_text()
    keys = {key: (TYPES[kind], default) for key, kind, default in
            re.findall(r'toml_key\{\s*"(\w+)",\s*(\w+),\s*"([^"]*)"', table)}
    options = (ROOT / "src/config/option_table.cpp").read_text()
    for record in re.split(r"\boption\{", options)[1:]:
        name = re.match(r'\s*(?:nullptr|"[^"]*"),\s*"([\w-]+)"', record).group(1).replace("-", "_")
        if "of_workers}" in record:
            keys.setdefault(name, None)
    return keys


def test_manual_has_the_keys_of_the_table():
    manual, table = keys_of_manual(), keys_of_table()
    assert set(manual) == set(table)
    assert len(table) > 35
    for key, known in table.items():
        if known:
            assert manual[key] == known, key


def test_types_of_the_manual_are_those_of_the_parser(master):
    words = {"number or string": "it must be a number or a string", "boolean": "it must be true or false",
             "string": "it must be a string", "array of strings": "it must be an array of strings",
             "array of strings or ports": "it must be an array of strings or ports",
             "array of strings, or string": "it must be an array of strings, or a string"}
    for key, (kind, _) in keys_of_manual().items():
        result = check(master, f"[a]\n{key} = 1979-05-27\n")
        assert f"key '{key}': is a date or time: {words[kind]}\n" in result.stderr


def example_lines():
    return [line.replace(r"\(dq", '"').replace(r"\-", "-") for line in re.findall(r"^\.Dl (\w+ = .*)$", MANUAL, re.MULTILINE)]


def test_examples_of_the_manual_are_right(master):
    lines = example_lines()
    assert list(dict.fromkeys(line.split()[0] for line in lines)) == list(keys_of_manual()), "each has one, in their order"
    for line in lines:
        text = "[a]\n" + line + "\n"
        if not line.startswith(("cmd ", "exec_start ")):
            text += 'cmd = ["sleep"]\n'
        if line.startswith("upgrader_active_sec"):
            text += 'upgrader = "x"\n'
        result = check(master, text)
        assert result.returncode == 0, result.stderr
    for block in re.findall(r"^\.Bd [^\n]*\n(\[.*?)^\.Ed$", MANUAL, re.MULTILINE | re.DOTALL):
        assert check(master, block).returncode == 0
    first = {line.split()[0]: line for line in reversed(lines)}.values()
    together = [line for line in first if not line.startswith(
        ("exec_start", "number", "bind", "giveup", "stop_signal", "ack_mode", "manual", "ipv4_only"))]
    assert check(master, "\n".join(["[a]", *together])).returncode == 0


def test_example_has_every_key():
    text = EXAMPLE.read_text()
    found = set(re.findall(r"^#?(\w+) = ", text, re.MULTILINE))
    mentioned = set(re.findall(r"another\s+(?:# )?name: (\w+)", text))
    assert found | mentioned == set(keys_of_table())


def test_all_keys_of_the_example_are_right(master):
    """With every key that is commented out there, but for those that say the same as another."""
    text = re.sub(r"^#(?=\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^(exec_start = \"build|ack_mode|manual|ipv6_only).*\n", "", text, flags=re.MULTILINE)
    result = check(master, text)
    assert result.returncode == 0, result.stderr
