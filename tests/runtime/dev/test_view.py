"""How runs are shown on a terminal, and how the package of a tree is found."""

import io
import json

import pytest

from saltern_runtime.dev.tree import Tree, TreeError, find
from saltern_runtime.dev.view import JsonView, LineView, ScreenView
from saltern_runtime.runtext import lines, plain, why
from tests.support.tree import write_tree


def run(state="RUNNING", node="RUNNING", run_id="r1", **changes):
    """Make a run of one node, as the API shows it."""
    return {
        "id": run_id,
        "state": state,
        "trigger": "api",
        "created_at": "1970-01-01T00:00:00.000Z",
        "ended_at": "1970-01-01T00:00:01.500Z",
        "failure": None,
        "output": None,
        "nodes": [
            {
                "id": "ask",
                "type": "llm.chat@1",
                "state": node,
                "attempt": 1,
                "duration": 0.0421,
                "failure": None,
                **changes,
            }
        ],
    }


def test_a_node_is_drawn_with_its_state_and_time():
    """One line for the run, one for each node."""
    head, node = lines(run("SUCCEEDED", "SUCCEEDED"))
    assert head.split() == ["run", "r1", "SUCCEEDED", "1.50", "s", "api"]
    assert node.split() == ["ask", "llm.chat@1", "SUCCEEDED", "42", "ms"]


def test_attempts_and_failures_are_drawn():
    """A node that was tried again says so, and why it failed."""
    failure = {
        "kind": "external-transient",
        "code": "rate-limited",
        "message": "slow down",
        "node": None,
        "status": 429,
    }
    assert lines(run(attempt=2, failure=failure))[1].endswith("attempt 2  slow down (external-transient, rate-limited)")


def test_lines_fit_the_terminal():
    """A long line is cut, so that redrawing counts lines rightly."""
    failure = {"kind": "internal", "code": "x", "message": "long " * 100, "node": None, "status": None}
    assert all(len(line) < 60 for line in lines(run(failure=failure), 60))


def test_nothing_is_cut_where_there_is_no_terminal():
    """A log keeps the whole reason, and the code at its end."""
    failure = {"kind": "internal", "code": "the-code", "message": "long " * 100, "node": "ask", "status": None}
    _, node, last = lines({**run(failure=failure), "failure": failure})
    assert node.endswith("(internal, the-code)")
    assert last.endswith("(internal, the-code)")


@pytest.mark.parametrize("width", [None, 200])
def test_a_failure_is_one_line(width):
    """Whatever a library says in several; control characters are none of it."""
    failure = {"kind": "k", "code": "c", "message": "1 error\n  field\r\n\x1b[2J required", "node": "n", "status": None}
    shown = lines({**run(failure=failure), "failure": failure}, width)
    assert len(shown) == 3
    assert [line.strip() for line in shown[2:]] == ["n: 1 error field [2J required (k, c)"]
    assert all(len(line.splitlines()) == 1 for line in shown)
    out = io.StringIO()
    LineView(out).update([{**run(failure=failure), "failure": failure}])
    assert len(out.getvalue().splitlines()) == 2


def test_a_failure_says_nothing_twice():
    """Where its kind is called as its code is, that stands there once."""
    assert why({"kind": "cancelled", "code": "cancelled", "message": "not wanted"}) == "not wanted (cancelled)"


@pytest.mark.parametrize("text", ["\x1b[2J", "\r\n", "\x9b", "\u202e", "\x00", "\ud800"])
def test_nothing_moves_the_cursor(text):
    """Control, bidi and broken characters of other people's texts do not reach the terminal."""
    assert text not in plain(f"a{text}b")
    assert plain("grüße ✓") == "grüße ✓"


def test_each_change_is_one_line():
    """Without a terminal every change is told once."""
    out = io.StringIO()
    view = LineView(out)
    for each in (run(), run(), run(node="SUCCEEDED"), run("SUCCEEDED", "SUCCEEDED"), run("SUCCEEDED", "SUCCEEDED")):
        view.update([each])
    assert out.getvalue().splitlines() == [
        "run r1: ask RUNNING 42 ms",
        "run r1: RUNNING 1.50 s",
        "run r1: ask SUCCEEDED 42 ms",
        "run r1: SUCCEEDED 1.50 s",
    ]


def test_programs_get_json_lines():
    """Each line is an object that names run, node and state."""
    out = io.StringIO()
    JsonView(out).update([run("SUCCEEDED", "SUCCEEDED")])
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(each["event"], each.get("node"), each["state"]) for each in events] == [
        ("node", "ask", "SUCCEEDED"),
        ("run", None, "SUCCEEDED"),
    ]


def test_a_screen_is_redrawn_in_place():
    """Open runs are drawn over themselves; one that ended is left standing and drawn once."""
    out = io.StringIO()
    view = ScreenView(out)
    view.update([run()])
    view.update([run()])
    assert out.getvalue().count("\x1b[2F\x1b[J") == 1
    view.update([run("SUCCEEDED", "SUCCEEDED")])
    before = out.tell()
    view.update([run("SUCCEEDED", "SUCCEEDED")])
    assert out.tell() == before


def test_many_open_runs_do_not_flood_the_screen():
    """Beyond a few open runs the rest is a count."""
    out = io.StringIO()
    ScreenView(out).update([run(run_id=f"r{n}") for n in range(9)])
    assert "and 5 more" in out.getvalue()
    assert len(out.getvalue().splitlines()) < 24


def test_the_one_package_is_found(tmp_path):
    """Other folders of a tree (deploy, wheels, own code) do not matter."""
    write_tree(tmp_path)
    (tmp_path / "deploy").mkdir()
    assert find(tmp_path) == Tree(tmp_path.resolve(), "echo", "echo", "sha256:" + "e" * 64)


def test_several_packages_are_refused(tmp_path):
    """Two pipelines in one folder cannot be told apart."""
    write_tree(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for name in ("__init__.py", "graph.py", "source_map.json"):
        (other / name).touch()
    with pytest.raises(TreeError, match="echo, other"):
        find(tmp_path)


def test_no_folder_is_refused(tmp_path):
    """A path that is no folder is named."""
    with pytest.raises(TreeError, match="is not a folder"):
        find(tmp_path / "nope")


@pytest.mark.parametrize("view", [LineView, JsonView])
def test_a_node_that_is_not_run_is_told_once(view):
    """It goes through the states of what stands for it, and is told once that is over."""
    out = io.StringIO()
    shown = view(out)
    for state in ("BLOCKED", "READY", "RUNNING", "RETRY_WAIT", "RUNNING", "SUCCEEDED", "SUCCEEDED"):
        shown.update([run(node=state, attempt=0, elided="it is always 3")])
    told = [line for line in out.getvalue().splitlines() if "ask" in line]
    assert len(told) == 1
    assert "SUCCEEDED" in told[0]
    assert "it is always 3" in told[0]
