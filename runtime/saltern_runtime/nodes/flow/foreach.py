"""`foreach`: run a body for each item of a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_runtime.spec import (
    ANY,
    INT,
    Bound,
    Effect,
    Emit,
    ListType,
    LiteralType,
    NodeType,
    Param,
    Problem,
    union,
)

AT_MOST: Final = 8
"""Items at the same time, where the pipeline does not say how many."""
MAX_AT_MOST: Final = 64
"""As `saltern_runtime.graph.MAX_WINDOW`: no script of the store does more than so much work."""


def _check(bound: Bound) -> Iterator[Problem]:
    at_most = bound.literals.get("at_most", AT_MOST)
    if isinstance(at_most, int) and not 1 <= at_most <= MAX_AT_MOST:
        message = f"{at_most} items cannot run at the same time"
        yield Problem("at_most", message, (f"1 to {MAX_AT_MOST} can; the others wait their turn.",), "out-of-bounds")


NODE: Final = NodeType(
    name="foreach",
    summary="Runs its body for each item of a list, several at a time, and gives the list of what the body yields.",
    params=(
        Param("items", ListType(ANY), doc="The list."),
        Param("at_most", INT, False, AT_MOST, static=True, passed=False, doc="Items that run at the same time."),
        Param(
            "on_error",
            union(LiteralType("stop"), LiteralType("continue"), LiteralType("collect")),
            False,
            "stop",
            static=True,
            template=False,
            passed=False,
            doc="What an item's failure leads to: it fails the run, drops the item, or is the item's result.",
        ),
    ),
    result=ListType(ANY),
    effect=Effect.IDEMPOTENT,
    emit=Emit.GIVEN,
    check=_check,
)
"""Its result is narrowed by what its body yields, which the compiler alone knows."""
