"""`wait`: go on later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import DURATION, NULL, TIMESTAMP, Bound, Effect, Emit, NodeType, Param, Problem

_RULE: Final = "A wait takes `for`, a length of time, or `until`, a point in time."


def _check(bound: Bound) -> Iterator[Problem]:
    given = bound.types.keys() & {"for", "until"}
    if len(given) == 2:
        yield Problem("until", "the wait says both how long and until when", (_RULE,), "ambiguous-wait")
    elif not given:
        yield Problem("for", "the wait does not say how long", (_RULE,), "missing-parameter")


NODE: Final = NodeType(
    name="wait",
    summary="Lets the run wait for some time, or until a point in time; no worker is busy meanwhile.",
    params=(
        Param("for", DURATION, required=False, doc="How long."),
        Param("until", TIMESTAMP, required=False, doc="Until when; a time that has passed is no wait."),
    ),
    result=NULL,
    effect=Effect.IDEMPOTENT,
    emit=Emit.VALUE,
    sleeps=True,
    check=_check,
)
