"""A region type of a plugin is like a built-in one: checked, drawn, converted, formatted, run by `saltern run` and by a Celery worker."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.plugins import install

pytest.importorskip("hatchling", reason="the test group of pyproject.toml has it")

TWICE = Path(__file__).parent / "twice"
PAIR = """\
pipeline pairs

input { base: int }
output { low: int, high: int?, rows: list<int> }

# Both rounds see what stands around them.
both = demo.twice { label: "numbers" } do round {
  small = if round < 2 {
    half = set { value: input.base * round }
  }
  nested = foreach n in [1, 2, 3] {
    inner = demo.twice {} do turn {
      yield n * turn + round
    }
    yield inner.second  # of both
  }
  yield { n: merge(half, 0), sum: nested[2] }
}
maybe = demo.twice {} do round {
  some = if round == 1 {
    one = set { value: round }
    yield one
  }
}

return {
  low: both.first.n
  high: maybe.second
  rows: [both.first.sum, both.second.sum, both.second.n]
}
"""
GIVEN = {"base": 5}
OUTPUT = {"low": 5, "high": None, "rows": [7, 8, 0]}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Install the plugin into a folder, as its wheel says."""
    return install(TWICE, tmp_path_factory.mktemp("twice"))


@pytest.fixture
def installed(site):
    """Return the environment of a process in which the plugin is installed."""
    return {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}


@pytest.fixture
def saltern(installed, tmp_path):
    """Call the command line where the plugin is installed; the pipeline is pairs.saltern."""
    (tmp_path / "pairs.saltern").write_text(PAIR)

    def call(*arguments, stdin=None, code=0):
        command = [sys.executable, "-c", "from saltern_compiler.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=installed, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    call.folder = tmp_path
    return call


def test_it_runs_in_process(saltern):
    """`saltern run`: rounds nest in each other and in a foreach, a skipped yield is null, its own function makes the pair."""
    assert json.loads(saltern("run", "pairs.saltern", "--input", "-", stdin=json.dumps(GIVEN))) == OUTPUT


def test_it_runs_under_celery(saltern, installed):
    """The generated service, with a Celery worker, timers and an API of its own."""
    saltern("build", "pairs.saltern", "-o", "tree")
    command = [sys.executable, "-m", "saltern_runtime.dev", str(saltern.folder / "tree"), "--json-events"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=installed, start_new_session=True
    )
    try:
        ready = json.loads(process.stdout.readline())
        headers = {
            "Authorization": f"Bearer {ready['token']}",
            "Content-Type": "application/json",
            "Prefer": "wait=30",
        }
        request = urllib.request.Request(ready["api"] + "/runs", json.dumps(GIVEN).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            run = json.loads(answer.read())
        assert (run["state"], run["output"]) == ("SUCCEEDED", OUTPUT)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_what_is_generated_reads_like_any_other(saltern):
    """A function that gives the rounds, a stage that opens its body, the gathering function by its name."""
    saltern("build", "pairs.saltern", "-o", "tree", "--target", "python")
    graph = (saltern.folder / "tree/pairs/graph.py").read_text()
    nodes = (saltern.folder / "tree/pairs/nodes.py").read_text()
    assert "import saltern_twice\n" in graph
    assert graph.index("ends=Opens(") < graph.index('"round_",') < graph.index("gather=saltern_twice.pair,")
    assert "def both(ctx: Context) -> list[int]:" in nodes
    assert '    return saltern_twice.rounds(ctx, label="numbers")\n' in nodes
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--quiet", str(saltern.folder / "tree")]
    assert subprocess.run(lint, check=False).returncode == 0
    assert "saltern-twice==1.0" in (saltern.folder / "tree/requirements.txt").read_text()


def test_it_is_formatted_converted_and_drawn(saltern):
    """The digest stays in both notations, comments stay where they are, the body is drawn inside of its owner."""
    saltern("fmt", "--check", "pairs.saltern")
    saltern("convert", "pairs.saltern", "-o", "pairs.json")
    document = json.loads((saltern.folder / "pairs.json").read_text())
    both = next(node for node in document["nodes"] if node["id"] == "both")
    assert both["data"]["params"] == {"label": "numbers", "as": "round"}
    assert {node["id"] for node in document["nodes"] if node.get("parentId") == "both"} >= {"small", "half", "nested"}
    saltern("convert", "pairs.json", "-o", "back.saltern")
    back = (saltern.folder / "back.saltern").read_text()
    assert [line for line in back.splitlines() if line] == [line for line in PAIR.splitlines() if line]
    first = saltern("digest", "pairs.saltern").split()[0]
    assert first == saltern("digest", "pairs.json").split()[0]
    drawing = saltern("graph", "pairs.saltern", "--format", "mermaid")
    assert "subgraph" in drawing
    assert "both: each round" in drawing


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("x = demo.twice {}", "region-without-yield", "the body of `x` gives nothing: it has no `yield`"),
        ("x = demo.twice {} do { yield 1 }", "missing-parameter", "`x` lacks the parameter `as`"),
        ("x = demo.twice {} do a, b { yield 1 }", "unknown-parameter", "`x` binds one name, not 2"),
        ("x = set { value: 1 } do { yield 1 }", "misplaced-body", "`set` owns no body"),
        ("x = demo.twice {} do a { yield a + true }", "ill-typed-expression", ""),
        ("x = demo.twise {} do a { yield a }", "unknown-node-type", "unknown node type `demo.twise`"),
    ],
)
def test_mistakes_are_findings(saltern, text, code, message):
    """What is wrong with a body, or with where one stands, has a place and a code."""
    (saltern.folder / "bad.saltern").write_text(f"pipeline bad\n{text}\nreturn x\n")
    found = json.loads(saltern("check", "bad.saltern", "--format", "json", code=1))["diagnostics"]
    assert code in [each["code"] for each in found]
    assert any(message in each["message"] for each in found)
