"""The value of a region is made of what its rounds gave, in the order of their items."""

import json

import pytest

from saltern_runtime.engine.collect import collected
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Opens, Stage, node

GIVEN = [("1", None), (None, None), ("3", None)]
FAILURE = json.dumps({"code": "c", "message": "m", "kind": "k", "status": 500})


def opens(**settings):
    return Opens("item", (), "x/yield", **settings)


def pair(results):
    """What a region of a plugin makes of two rounds."""
    first, second = results
    return {"first": first, "second": second}


@pytest.mark.parametrize(
    ("settings", "results", "value"),
    [
        ({}, GIVEN, [1, 3]),
        ({"on_skip": "null"}, GIVEN, [1, None, 3]),
        ({"on_error": "collect"}, [("1", None), (None, None)], [{"value": 1}, {}]),
        ({"on_error": "collect"}, [(None, FAILURE)], [{"error": {"code": "c", "message": "m", "kind": "k"}}]),
        ({"on_skip": "null", "gather": pair}, GIVEN[:2], {"first": 1, "second": None}),
        ({"gather": sum}, [], 0),
    ],
)
def test_the_value_of_a_region(settings, results, value):
    """A list, with holes, nulls or entries; or whatever the region's own function makes of it."""
    assert json.loads(collected("x", opens(**settings), results, 1000)) == value


@pytest.mark.parametrize(
    ("gather", "code"),
    [(pair, "ungathered-result"), (lambda _: {1}, "ungathered-result"), (lambda _: "x" * 999, "result-too-large")],
)
def test_a_value_that_cannot_be_made_is_a_permanent_failure(gather, code):
    """The function raised, gave no JSON value, or one that is too large: trying again would not help."""
    with pytest.raises(PermanentError) as caught:
        collected("x", opens(gather=gather), GIVEN[:1], 900)
    assert caught.value.code == code
    assert "'x'" in caught.value.message


@node("pair", type="demo.twice@1")
def rounds() -> list[int]:
    return [0, 1]


@node("pair/yield", type="yield@1")
def pair_yield(*, round: int) -> int:  # noqa: A002 - as a pipeline may call it
    return round * 10


@node("return", type="return@1")
def return_(*, rounds: dict[str, int]) -> dict[str, int]:
    return rounds


def test_a_region_that_gathers_runs(local):
    """Its rounds run, its function makes the value, and what stands behind it reads that."""
    body = (Stage("pair/yield", nodes=(pair_yield,)),)
    owner = Stage("pair", nodes=(rounds,), ends=Opens("round", body, result="pair/yield", at_most=1, gather=pair))
    assert local.run(owner, Stage("return", nodes=(return_,))).output == {"first": 0, "second": 10}


def test_a_region_without_rounds_gathers_nothing(local):
    """Where there are no items, its function is given an empty list; what it refuses fails the run at once."""

    @node("pair", type="demo.twice@1")
    def rounds() -> list[int]:
        return []

    body = (Stage("pair/yield", nodes=(pair_yield,)),)
    owner = Stage("pair", nodes=(rounds,), ends=Opens("round", body, result="pair/yield", at_most=1, gather=pair))
    view = local.run(owner, Stage("return", nodes=(return_,)))
    assert (view.state, view.failure.code) == ("FAILED", "ungathered-result")
