"""What own code returns and raises by mistake: a clear failure of its class, with a message that is bounded and has nothing of the value."""

import logging
import math
from typing import Any

import pytest

from saltern_runtime.engine.operating import By
from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Context, Stage, node
from saltern_runtime.nodes import python
from saltern_runtime.spec import Retry
from tests.support.effort import LONG

MARK = "c4rd-4111"
SIZE = 60_000_000 if LONG else 6_000_000


def nested(depth):
    value = MARK
    for _ in range(depth):
        value = [value]
    return value


def endless():
    value = [MARK]
    value.append(value)
    return value


class UnreadableError(Exception):
    """An error that fails even at saying what it is."""

    def __str__(self):
        raise ZeroDivisionError

    __repr__ = __str__


def raises(error):
    def call():
        raise error

    return call


def failure(local, function, *, result=Any, called=True, **settings):
    """Run a node of own code that gives this, by `python.call` or by itself; returns how its run failed."""

    def own():
        return function()

    def bad(ctx: Context):
        return python.call(ctx, own, result=result) if called else own()

    bad.__annotations__["return"] = result
    stage = Stage("bad", nodes=(node("bad", type="python.call@1")(bad),), retry=Retry(attempts=1))
    view = local.run(stage, **settings)
    assert view.state == "FAILED"
    assert len(view.failure.message) <= 2001
    return view.failure


WRONG = {
    "nan": (lambda: math.nan, float),
    "nan within": (lambda: {"a": [math.nan]}, Any),
    "infinity": (lambda: [math.inf], list[float]),
    "a deep list": (lambda: nested(10_000), Any),
    "itself": (endless, Any),
    "bytes": (lambda: b"\xff" + MARK.encode(), Any),
    "a lone surrogate": (lambda: MARK + "\ud800", str),
    "a generator": (lambda: (MARK for _ in range(3)), str),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_json_is_a_wrong_result(local, what):
    """It is not tried again, whichever value it is, and nothing of it is told."""
    function, result = WRONG[what]
    found = failure(local, function, result=result)
    assert (found.kind, found.code) == ("external-permanent", "wrong-result")
    assert MARK not in found.message


@pytest.mark.parametrize("what", ["a deep list", "itself", "bytes", "a lone surrogate"])
def test_a_node_of_a_plugin_is_held_to_json_too(local, what):
    """What does not go through `python.call` fails where it is written down."""
    function, result = WRONG[what]
    found = failure(local, function, result=result, called=False)
    assert (found.kind, found.code) == ("external-permanent", "wrong-result")
    assert MARK not in found.message


@pytest.mark.parametrize("value", [(MARK for _ in range(3)), type(MARK, (), {}), MARK])
def test_another_type_is_a_bug_of_the_node(local, value):
    """It is internal, and the value is not told."""
    found = failure(local, lambda: value, result=int, called=False)
    assert (found.kind, found.code) == ("internal", "internal-error")
    assert MARK not in found.message


def test_what_is_too_large_says_how_large(local):
    """It is over the limit, unless that is raised."""
    assert failure(local, lambda: "x" * SIZE, result=str).code == "result-too-large"


def test_under_a_raised_limit_so_much_is_a_value(local):
    """The next node reads it."""

    def big() -> str:
        return "x" * SIZE

    def length(*, big: str) -> int:
        return len(big)

    stages = [Stage(each.__name__, nodes=(node(each.__name__, type="python.call@1")(each),)) for each in (big, length)]
    view = local.run(*stages, max_payload=SIZE + 10, lease=10.0)
    assert (view.state, view.failure) == ("SUCCEEDED", None)


RAISED = {
    "a long message": ValueError(MARK * 100_000),
    "an unreadable one": UnreadableError(),
    "a lone surrogate": ValueError("a\ud800"),
    "a nul": ValueError("a\0b"),
    "a group": ExceptionGroup("g" * 5000, [ValueError("x" * 5000)] * 20),
}


@pytest.mark.parametrize("what", RAISED)
def test_whatever_is_raised_is_recorded(local, what, caplog):
    """An error is one of own code, and what it says is cut, in the run and in the log."""
    with caplog.at_level(logging.WARNING, "saltern.engine"):
        found = failure(local, raises(RAISED[what]))
    assert (found.kind, found.code) == ("internal", "internal-error")
    assert found.message.startswith(f"{type(RAISED[what]).__name__}: ")
    (record,) = [each for each in caplog.records if "failed in attempt" in each.getMessage()]
    assert len(record.getMessage()) < 11_000


@pytest.mark.parametrize("error", [TransientError, PermanentError])
def test_half_a_surrogate_pair_is_recorded_and_replayed(local, error):
    """Neither the script that records a failure, at each attempt, nor the one that replays it refuses what own code says."""
    call = node("call", type="set@1")(raises(error("a\ud800", code="b\ud800")))
    process = local.open(Stage("call", nodes=(call,), retry=Retry(attempts=2, base=0.0)))
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    first = process.finish(run_id, 20)
    process.service.operator.replay(run_id, "acme", By("token:1", "mended"))
    again = process.finish(run_id, 20)
    for view in (first, again):
        assert (view.state, view.failure.code, view.failure.message) == ("FAILED", "b\\ud800", "a\\ud800")
