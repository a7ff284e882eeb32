"""The interpreter itself: what it says of small pipelines whose meaning anybody can tell."""

from __future__ import annotations

from typing import Any

import pytest

from tests.equivalence.blocks import OWN
from tests.equivalence.comparing import Oracle, Seen
from tests.equivalence.drawing import Drawn
from tests.equivalence.running import check
from tests.equivalence.worlds import key_of

HEAD = "pipeline small\ninput { a: int }\n"


def oracle_of(body: str, given: int = 0, answers: dict[str, Any] | None = None) -> Oracle:
    """Check a pipeline of one whole number, and return what says of it what may be seen."""
    return check(Drawn(HEAD + body, {"own.py": OWN}, answers or {}, {"a": given})).oracle()


def call(name: str, function: str, value: str, more: str = "") -> str:
    """Write a call of own code, once and for all."""
    return f'@retry(1)\n{name} = python.call {more} {{ function: "own:{function}", args: {{ tag: "{name}", value: {value} }} }}\n'


def noted(*names: str, value: int = 0) -> list[str]:
    """Return the effects of some notes."""
    return [key_of("note", name, value) for name in names]


def test_an_output_is_what_was_computed():
    """Whole numbers, truth values and texts are apart."""
    oracle = oracle_of("x = set { value: input.a + 1 }\nreturn { x: x }\n")
    assert oracle.difference(Seen("SUCCEEDED", {"x": 1})) is None
    for other in ({"x": True}, {"x": 1.0}, {"x": 2}, {}, None):
        assert "output" in str(oracle.difference(Seen("SUCCEEDED", other)))


def test_a_failure_has_its_code_and_its_node():
    """Whatever is not taken does not fail."""
    text = "x = set { value: input.a > 0 ? 1 : 1 / input.a }\nreturn x\n"
    assert oracle_of(text, 3).difference(Seen("SUCCEEDED", 1)) is None
    oracle = oracle_of(text)
    assert oracle.difference(Seen("FAILED", code="division-by-zero", node="x")) is None
    assert "failure" in str(oracle.difference(Seen("FAILED", code="division-by-zero", node="return")))
    assert "state" in str(oracle.difference(Seen("SUCCEEDED", 0)))


def test_either_of_two_failures_may_be_first():
    """They depend on nothing of each other; what does not depend on them may have happened or not."""
    oracle = oracle_of(call("x", "boom", "0") + call("y", "boom", "0") + call("z", "note", "0") + "return z\n")
    boom = {name: key_of("boom", name, 0) for name in "xy"}
    for node, log in (("x", [boom["x"]]), ("y", [boom["y"], *noted("z")]), ("x", [boom["y"], boom["x"]])):
        assert oracle.difference(Seen("FAILED", code="boom", node=node, log=log)) is None
    assert "effect" in str(oracle.difference(Seen("FAILED", code="boom", node="x", log=[boom["y"]])))


@pytest.mark.parametrize("log", [["x", "y"], ["y", "x"], ["x"], ["x", "x", "y"]])
def test_effects_come_as_often_and_in_the_order_that_they_depend_on(log):
    """`after` is a dependency."""
    oracle = oracle_of(call("x", "note", "0") + call("y", "note", "0", "after x") + "return y\n")
    found = oracle.difference(Seen("SUCCEEDED", 1, log=noted(*log)))
    assert (found is None) is (log == ["x", "y"])


def test_attempts_are_as_many_as_the_policy_says():
    """What may succeed later is tried again, and what cannot is not."""
    text = '@retry(3)\nx = python.call {{ function: "own:{}", args: {{ tag: "x", value: 0 }} }}\nreturn x\n'
    for function, code, times in (("refuse", "not-now", 3), ("crash", "internal-error", 3), ("boom", "boom", 1)):
        oracle = oracle_of(text.format(function))
        for count in range(5):
            seen = Seen("FAILED", code=code, node="x", log=[key_of(function, "x", 0)] * count)
            assert (oracle.difference(seen) is None) is (count == times)


def test_any_arm_may_win_a_race():
    """What the others do may have happened; a result that no arm gives is none."""
    arms = call("x", "note", "0") + "yield x\n}\nq => {\n" + call("y", "note", "1") + "yield y\n"
    oracle = oracle_of(f"best = parallel, join any {{\np => {{\n{arms}}}\n}}\nreturn best\n")
    first, second = noted("x"), noted("y", value=1)
    for arm, value, log in (("p", 1, first), ("q", 2, second), ("q", 2, [*first, *second])):
        assert oracle.difference(Seen("SUCCEEDED", {"arm": arm, "value": value}, log=log)) is None
    assert oracle.difference(Seen("SUCCEEDED", {"arm": "p", "value": 2}, log=first)) is not None
    assert oracle.difference(Seen("SUCCEEDED", {"arm": "p", "value": 1}, log=second)) is not None


def test_what_was_done_is_taken_back_from_behind():
    """Once for each that succeeded, and only where the run does not."""
    undone = "".join(
        call(name, "note", "0", after).rstrip() + f" compensate {{\n{call(f'un{name}', 'note', '0')}}}\n"
        for name, after in (("x", ""), ("y", "after x"))
    )
    text = undone + call("z", "boom", "0", "after y") + "return z\n"
    seen = {"code": "boom", "node": "z"}
    done = [*noted("x", "y"), key_of("boom", "z", 0)]
    assert oracle_of(text).difference(Seen("FAILED", **seen, log=[*done, *noted("uny", "unx")])) is None
    assert "order" in str(oracle_of(text).difference(Seen("FAILED", **seen, log=[*done, *noted("unx", "uny")])))
    assert "effect" in str(oracle_of(text).difference(Seen("FAILED", **seen, log=[*done, *noted("uny")])))


def test_what_is_cached_is_asked_once():
    """The second one comes after the first, so that it finds what that kept."""
    ask = '{ function: "own:ask", args: { tag: "q", value: 2 }, effect: "idempotent" }'
    text = f"@cache(1h)\nx = python.call {ask}\n@cache(1h)\ny = python.call after x {ask}\nreturn x + y\n"
    for count in range(4):
        seen = Seen("SUCCEEDED", 8, log=[key_of("ask", "q", 2)] * count)
        assert (oracle_of(text).difference(seen) is None) is (count == 1)


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({}, True),
        ({"x": "BLOCKED"}, False),
        ({"y": "SUCCEEDED"}, False),
        ({"z": "SUCCEEDED"}, False),
        ({"z": "CANCELLED"}, False),
        ({"w": "SUCCEEDED"}, True),
        ({"w": "SKIPPED"}, False),
        ({"w": None}, False),
    ],
)
def test_a_run_that_fails_shows_what_came_before_and_nothing_of_what_stood_behind(changed, right):
    """What does not hang together with the failure may have run or not; but it is shown."""
    text = call("x", "note", "0") + call("y", "boom", "0", "after x") + call("z", "note", "y") + call("w", "note", "0")
    nodes = {"x": "SUCCEEDED", "y": "DEAD", "z": "BLOCKED", "w": "BLOCKED", "return": "BLOCKED"} | changed
    log = [*noted("x"), key_of("boom", "y", 0)]
    seen = Seen("FAILED", code="boom", node="y", log=log, nodes={name: at for name, at in nodes.items() if at})
    assert (oracle_of(text + "return z\n").difference(seen) is None) is right


def test_a_sum_leaves_the_whole_numbers_where_any_step_of_it_does():
    """It is what is added up from the left, whatever comes after."""
    text = "return { x: [1, 9223372036854775807, input.a].sum() }\n"
    oracle = oracle_of(text, -1)
    assert oracle.difference(Seen("FAILED", code="overflow", node="return")) is None
    assert "state" in str(oracle.difference(Seen("SUCCEEDED", {"x": 9223372036854775807})))
